package dgram

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"dgram/sock"
)

// kernelUnixgram opens unix datagram sockets (unix(7)).
var kernelUnixgram = transport{listen: listenUnixgram, dial: dialUnixgram}

func listenUnixgram(e Endpoint, o Options) (Conn, error) {
	c, err := openUnixgram(e.Path(), o)
	if err != nil && errors.Is(err, syscall.EADDRINUSE) && isStale(e.Path()) {
		if removeErr := os.Remove(e.Path()); removeErr != nil {
			return nil, fmt.Errorf("a socket that nobody listens on is in the way: %w", removeErr)
		}
		c, err = openUnixgram(e.Path(), o)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// dialUnixgram binds to an abstract name of the kernel's choice, so that replies have somewhere to go, unless Options.Bind has a path.
func dialUnixgram(e Endpoint, o Options) (Conn, error) {
	c, err := openUnixgram(o.Bind.Path(), o)
	if err != nil {
		return nil, err
	}
	c.remote = e
	return c, nil
}

func openUnixgram(path string, o Options) (*kernelConn, error) {
	s, err := sock.New(sock.UNIX, sock.DGRAM, 0)
	if err != nil {
		return nil, err
	}
	setup := &setup{s: s}
	setup.buffers(o)
	if setup.err == nil {
		setup.err = s.Bind(unixAddr(path))
	}
	if setup.err == nil && o.Timestamps {
		setup.set(sock.SOTimestampNS, 1)
	}
	setup.blocking(o)
	if setup.err != nil {
		return nil, errors.Join(setup.err, ignoreClosed(s.Close()))
	}
	c, err := newKernelConn(s, Unixgram, o)
	if err != nil {
		return nil, errors.Join(err, ignoreClosed(s.Close()))
	}
	c.caps.SeesRefusals, c.caps.Timestamps, c.caps.ReceiveBuffer = true, o.Timestamps, setup.granted
	c.unlink = unlinker(path)
	return c, nil
}

// unixAddr is the kernel's name for what Endpoint.Path writes: "@" stands before an abstract name (unix(7)).
func unixAddr(path string) sock.UnixAddr {
	name, abstract := strings.CutPrefix(path, "@")
	return sock.UnixAddr{Name: name, Abstract: abstract}
}

// unlinker returns a function that removes the path if it is still the socket that was bound just now.
func unlinker(path string) func() {
	if path == "" || strings.HasPrefix(path, "@") {
		return nil
	}
	bound, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	return func() {
		if now, err := os.Lstat(path); err == nil && os.SameFile(bound, now) {
			_ = os.Remove(path) // a path left behind is stale: the next one to listen removes it
		}
	}
}

// isStale reports whether path is a socket that nobody listens on: a connect is refused.
func isStale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	s, err := sock.New(sock.UNIX, sock.DGRAM, 0)
	if err != nil {
		return false
	}
	defer func() { _ = s.Close() }()
	return errors.Is(s.Connect(unixAddr(path)), syscall.ECONNREFUSED)
}
