//go:build unix

package web

import (
	"errors"
	"net"
	"syscall"
)

// private opens a socket with a path that only this user can connect to. The mask is the process's: it is called while the program begins.
func private(listen func() (net.Listener, error)) (net.Listener, error) {
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	return listen()
}

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
