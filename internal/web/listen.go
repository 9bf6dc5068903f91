package web

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/net/netutil"
)

// ErrOpen is wrapped by the error of Listen about an address that other machines could reach.
var ErrOpen = errors.New("other machines could reach it")

// mostConnections is how many may be open at once; the next ones wait.
const mostConnections = 64

// Listen opens a place for HTTP: unix:PATH (only this user may connect), PORT, :PORT or HOST:PORT; without a host it is 127.0.0.1. What is
// not on loopback is refused unless open says that it is meant. The listener bounds how many connections there are at once.
func Listen(place string, open bool) (net.Listener, error) {
	if path, isUnix := strings.CutPrefix(place, "unix:"); isUnix {
		return listenUnix(strings.TrimPrefix(path, "//"))
	}
	address, err := parsePlace(place)
	if err != nil {
		return nil, err
	}
	if !open && !address.Addr().IsLoopback() {
		return nil, fmt.Errorf("%s is not on loopback, and %w", place, ErrOpen)
	}
	listener, err := net.Listen("tcp", address.String())
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, errors.Unwrap(err))
	}
	return netutil.LimitListener(listener, mostConnections), nil
}

func parsePlace(place string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(place)
	if err != nil {
		host, port = "", place
	}
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	address, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	if err != nil {
		return address, fmt.Errorf("%q is no place to listen on: give PORT, IP:PORT or unix:PATH", place)
	}
	return address, nil
}

// listenUnix replaces a socket that nobody listens on any more. Who may connect is decided before the socket can be seen.
func listenUnix(path string) (net.Listener, error) {
	if path == "" {
		return nil, errors.New("unix: needs a path, as in unix:/run/dgram/metrics.sock")
	}
	listener, err := private(func() (net.Listener, error) { return net.Listen("unix", path) })
	if err != nil && abandoned(path) {
		_ = os.Remove(path) // listening again tells whether it worked
		listener, err = private(func() (net.Listener, error) { return net.Listen("unix", path) })
	}
	if err != nil {
		return nil, fmt.Errorf("listen on unix:%s: %w", path, errors.Unwrap(err))
	}
	return netutil.LimitListener(listener, mostConnections), nil
}

// abandoned reports whether path is a socket that nobody listens on.
func abandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
	}
	return isRefused(err)
}
