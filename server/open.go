package server

import (
	"context"
	"errors"
	"syscall"

	"dgram"
)

// open listens everywhere that cfg says. When one place fails, what was opened is closed again.
func open(ctx context.Context, cfg Config) (conns []dgram.Conn, err error) {
	defer func() {
		if err != nil {
			closeAll(conns)
			conns = nil
		}
	}()
	for _, text := range cfg.Addresses {
		found, err := resolve(ctx, text)
		if err != nil {
			return conns, err
		}
		more, err := openName(cfg, found)
		conns = append(conns, more...)
		if err != nil {
			return conns, err
		}
	}
	for _, e := range cfg.Endpoints {
		more, err := openShards(cfg, e)
		conns = append(conns, more...)
		if err != nil {
			return conns, err
		}
	}
	return conns, nil
}

func resolve(ctx context.Context, text string) ([]dgram.Endpoint, error) {
	a, err := dgram.ParseAddress(text, defaultHost)
	if err != nil {
		return nil, err
	}
	return dgram.Resolve(ctx, a)
}

// openName listens on the addresses that one name stands for: localhost may have one that this machine does not. They share the port.
func openName(cfg Config, found []dgram.Endpoint) (conns []dgram.Conn, err error) {
	for _, e := range found {
		if len(conns) > 0 && e.Port() == 0 {
			e = e.WithPort(conns[0].Local().Port())
		}
		more, openErr := openShards(cfg, e)
		conns = append(conns, more...)
		switch {
		case openErr == nil:
		case isAny(openErr, noSuchAddress):
			err = openErr
		default:
			return conns, openErr
		}
	}
	if len(conns) > 0 {
		err = nil
	}
	return conns, err
}

// openShards opens the sockets that share one endpoint.
func openShards(cfg Config, e dgram.Endpoint) ([]dgram.Conn, error) {
	n, o := cfg.Shards, cfg.Options
	if e.Network() == dgram.Unixgram {
		n = 1
	}
	if n > 1 {
		free, err := claim(cfg, e)
		if err != nil {
			return nil, listenError(e, err)
		}
		e, o.ReusePort = free, true
	}
	var conns []dgram.Conn
	for range n {
		conn, err := cfg.Listen(e, o)
		if err != nil {
			return conns, listenError(e, err)
		}
		conns = append(conns, conn)
	}
	return conns, nil
}

// claim finds out whether the endpoint is free, and chooses its port if it is 0. Sockets that are to share a port cannot: another program of
// the same user that shares it too would not be noticed, and the two would take each other's datagrams.
func claim(cfg Config, e dgram.Endpoint) (dgram.Endpoint, error) {
	o := cfg.Options
	o.ReusePort, o.Join = false, nil
	conn, err := cfg.Listen(e, o)
	if err != nil {
		return e, err
	}
	return e.WithPort(conn.Local().Port()), conn.Close()
}

func closeAll(conns []dgram.Conn) {
	for _, c := range conns {
		_ = c.Close() // nothing was received yet
	}
}

// ListenError is the error of Start about one address.
type ListenError struct {
	Endpoint dgram.Endpoint
	Advice   string // what to do about it, "" where nothing comes to mind
	Err      error  // mostly a *dgram.OpError
}

func (e *ListenError) Error() string {
	if e.Advice == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + ": " + e.Advice
}

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

func listenError(e dgram.Endpoint, err error) error {
	return &ListenError{Endpoint: e, Advice: advice(e, err), Err: err}
}

// isAny reports whether err wraps one of the errnos.
func isAny(err error, errnos []syscall.Errno) bool {
	for _, e := range errnos {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
