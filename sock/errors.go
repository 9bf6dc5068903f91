package sock

import (
	"errors"
	"net"
	"os"
	"strings"
)

// Error says which socket call failed, with which address, why, and what a
// person can do about it. It wraps the cause, so that errors.Is works with a
// syscall.Errno, os.ErrDeadlineExceeded, net.ErrClosed and os.ErrClosed.
type Error struct {
	Op   string // the call: "socket", "bind", "sendto"
	What string // what it was done to: an address, "AF_INET SOCK_RAW 0", "fd 3"; may be empty
	Err  error  // the cause, a syscall.Errno where the kernel refused
	Hint string // what is missing or what to do next; may be empty
}

// Error is one line: "bind 127.0.0.1:80: permission denied: …what to do".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.What != "" {
		b.WriteString(" " + e.What)
	}
	b.WriteString(": " + e.Err.Error())
	if e.Hint != "" {
		b.WriteString(": " + e.Hint)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether a deadline passed.
func (e *Error) Timeout() bool { return errors.Is(e.Err, os.ErrDeadlineExceeded) }

// ErrClosed is the cause of every call on a socket that was closed, also of
// one that was waiting when it was closed. errors.Is finds it as ErrClosed,
// net.ErrClosed and os.ErrClosed.
var ErrClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string { return "use of closed socket" }

func (closedError) Is(target error) bool { return target == net.ErrClosed || target == os.ErrClosed }

// errAddress is the cause when an address cannot be given to a socket of its
// family at all: no system call was made.
type errAddress string

func (e errAddress) Error() string { return string(e) }
