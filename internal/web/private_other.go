//go:build !unix

package web

import "net"

// private opens the socket as the system does: the rights of its folder decide who connects.
func private(listen func() (net.Listener, error)) (net.Listener, error) { return listen() }

func isRefused(err error) bool { return err != nil }
