// Package sock is the kernel's sockets, as the BSD calls have them: any family
// and type that the kernel opens, bind, connect, listen, accept, sendto and
// recvfrom with their flags, options by level and name.
//
// What it adds to the calls: every descriptor is close-on-exec; deadlines, and
// Close from another goroutine, work for every kind of socket; no send raises
// SIGPIPE; and an error says what is missing and what to do about it.
//
// Sockets are nonblocking inside and wait in Go's poller, so that a waiting
// call costs a goroutine and no thread. To the caller they block, unless the
// flag DONTWAIT says otherwise.
//
// The package works on Linux. Elsewhere it compiles, with the same names, and
// every call returns an error that wraps errors.ErrUnsupported.
package sock
