package ledger

import (
	"strconv"
	"syscall"
)

// errnoNames are those that opening a socket, sending a datagram, or a report on one, is known to end in (socket(2), send(2), ip(7), udp(7)).
var errnoNames = map[syscall.Errno]string{
	syscall.EACCES:          "EACCES",
	syscall.EADDRINUSE:      "EADDRINUSE",
	syscall.EADDRNOTAVAIL:   "EADDRNOTAVAIL",
	syscall.EAFNOSUPPORT:    "EAFNOSUPPORT",
	syscall.EAGAIN:          "EAGAIN",
	syscall.EBADF:           "EBADF",
	syscall.ECONNREFUSED:    "ECONNREFUSED",
	syscall.ECONNRESET:      "ECONNRESET",
	syscall.EDESTADDRREQ:    "EDESTADDRREQ",
	syscall.EHOSTDOWN:       "EHOSTDOWN",
	syscall.EHOSTUNREACH:    "EHOSTUNREACH",
	syscall.EINTR:           "EINTR",
	syscall.EINVAL:          "EINVAL",
	syscall.EIO:             "EIO",
	syscall.EISCONN:         "EISCONN",
	syscall.EMFILE:          "EMFILE",
	syscall.EMSGSIZE:        "EMSGSIZE",
	syscall.ENETDOWN:        "ENETDOWN",
	syscall.ENETUNREACH:     "ENETUNREACH",
	syscall.ENFILE:          "ENFILE",
	syscall.ENOBUFS:         "ENOBUFS",
	syscall.ENODEV:          "ENODEV",
	syscall.ENOENT:          "ENOENT",
	syscall.ENOMEM:          "ENOMEM",
	syscall.ENOPROTOOPT:     "ENOPROTOOPT",
	syscall.ENOTCONN:        "ENOTCONN",
	syscall.EOPNOTSUPP:      "EOPNOTSUPP",
	syscall.EPERM:           "EPERM",
	syscall.EPIPE:           "EPIPE",
	syscall.EPROTO:          "EPROTO",
	syscall.EPROTONOSUPPORT: "EPROTONOSUPPORT",
	syscall.EPROTOTYPE:      "EPROTOTYPE",
	syscall.ESOCKTNOSUPPORT: "ESOCKTNOSUPPORT",
	syscall.ETIMEDOUT:       "ETIMEDOUT",
}

// ErrnoName returns the name of an errno as the event schema writes it: EMSGSIZE; "errno N" for one without a name here; "unknown" for 0.
func ErrnoName(e syscall.Errno) string {
	if name, ok := errnoNames[e]; ok {
		return name
	}
	if e == 0 {
		return "unknown"
	}
	return "errno " + strconv.FormatUint(uint64(e), 10)
}
