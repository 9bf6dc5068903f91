package server

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"dgram"
)

// opening is what open has opened so far.
type opening struct {
	cfg   Config
	given []*socket // those that this process was given
	exact bool      // of what was given, each address has as many sockets as there are to be shards
	all   []*socket
}

// open listens everywhere that cfg says, by what the takeover and cfg bring where that fits. When one place fails, what was opened is closed again.
func open(ctx context.Context, cfg Config, t *takeover) ([]*socket, error) {
	o := &opening{cfg: cfg, exact: t != nil}
	err := o.inherit(t)
	if err == nil {
		err = o.addresses(ctx)
	}
	if err == nil {
		err = t.fits(o.given, o.all)
	}
	if err != nil {
		giveUp(o.given)
		giveUp(o.all) // of those that were given the second Close does nothing
		return nil, err
	}
	for _, s := range o.given {
		if !s.used {
			o.all = append(o.all, s)
		}
	}
	return o.all, nil
}

func (o *opening) inherit(t *takeover) (err error) {
	if o.given, err = t.sockets(o.cfg.Options); err != nil {
		return err
	}
	for _, fd := range o.cfg.Inherited {
		conn, err := dgram.ListenFD(fd, o.cfg.Options)
		if err != nil {
			return err
		}
		o.given = append(o.given, &socket{Conn: conn})
	}
	return nil
}

func (o *opening) addresses(ctx context.Context) error {
	for _, text := range o.cfg.Addresses {
		found, err := resolve(ctx, text)
		if err == nil {
			err = o.name(found)
		}
		if err != nil {
			return err
		}
	}
	for _, e := range o.cfg.Endpoints {
		if err := o.shards(e); err != nil {
			return err
		}
	}
	return nil
}

func resolve(ctx context.Context, text string) ([]dgram.Endpoint, error) {
	a, err := dgram.ParseAddress(text, defaultHost)
	if err != nil {
		return nil, err
	}
	return dgram.Resolve(ctx, a)
}

// name listens on the addresses that one name stands for: localhost may have one that this machine does not. They share the port.
func (o *opening) name(found []dgram.Endpoint) (err error) {
	before := len(o.all)
	for _, e := range found {
		if len(o.all) > before && e.Port() == 0 {
			e = e.WithPort(o.all[before].Local().Port())
		}
		openErr := o.shards(e)
		switch {
		case openErr == nil:
		case isAny(openErr, noSuchAddress):
			err = openErr
		default:
			return openErr
		}
	}
	if len(o.all) > before {
		err = nil
	}
	return err
}

// shards opens the sockets that share one endpoint, or finds them among those that were given.
func (o *opening) shards(e dgram.Endpoint) error {
	n, options := o.cfg.Shards, o.cfg.Options
	if e.Network() == dgram.Unixgram {
		n = 1
	}
	if found, err := o.among(e, n); found || err != nil {
		return err
	}
	if n > 1 {
		free, err := claim(o.cfg, e)
		if err != nil {
			return listenError(e, err)
		}
		e, options.ReusePort = free, true
	}
	for range n {
		conn, err := o.cfg.Listen(e, options)
		if err != nil {
			return listenError(e, err)
		}
		o.all = append(o.all, &socket{Conn: conn})
	}
	return nil
}

// among uses the sockets that were given and have the endpoint; one whose port the system chose has it where the port is to be chosen.
func (o *opening) among(e dgram.Endpoint, n int) (found bool, err error) {
	count := 0
	for _, s := range o.given {
		at := s.Local()
		if count == 0 && e.Port() == 0 && e.Network().IP() {
			e = e.WithPort(0)
			if at.WithPort(0).Same(e) && !s.used {
				e = e.WithPort(at.Port())
			}
		}
		if !s.used && at.Same(e) {
			s.used = true
			o.all = append(o.all, s)
			count++
		}
	}
	if o.exact && count > 0 && count != n {
		return true, fmt.Errorf("the server that runs has %d sockets on %s, and not %d: what was queued on some would be lost: start as many shards", count, e, n)
	}
	return count > 0, nil
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
