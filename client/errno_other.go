//go:build !windows

package client

import "syscall"

// isTooBig reports whether the datagram is longer than the socket, or the path, takes (send(2)).
func isTooBig(e syscall.Errno) bool { return e == syscall.EMSGSIZE }

// isRefusal reports whether nothing listens there (udp(7); of a unix socket, connect(2)).
func isRefusal(e syscall.Errno) bool { return e == syscall.ECONNREFUSED || e == syscall.ENOENT }

// isNoWay reports whether there is no way to the address (ip(7)).
func isNoWay(e syscall.Errno) bool {
	return e == syscall.ENETUNREACH || e == syscall.EHOSTUNREACH || e == syscall.ENETDOWN || e == syscall.EHOSTDOWN
}

// isPassing reports whether the system was only short of room at that moment.
func isPassing(e syscall.Errno) bool {
	return e == syscall.ENOBUFS || e == syscall.EAGAIN || e == syscall.ENOMEM || e == syscall.EINTR
}
