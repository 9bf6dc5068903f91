package server

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"dgram"
	"dgram/internal/handover"
)

// socket is an open socket on its way to its shard.
type socket struct {
	dgram.Conn
	drops    uint64 // that are in the account of who had it before
	used     bool   // an address was asked for that it has
	borrowed bool   // until it is taken: another server's
}

// giveUp closes sockets from which nothing was received, and leaves to another server what is its.
func giveUp(all []*socket) {
	for _, s := range all {
		if g, ok := s.Conn.(dgram.Giver); ok && s.borrowed {
			g.Disown()
		}
		_ = s.Close()
	}
}

// takeover is what Config.Takeover asks for: the visit to the server that is there, and the door for the one that comes next.
type takeover struct {
	path  string
	door  *handover.Door
	visit *handover.Visit // nil: there was no server
}

func (c Config) takeover() (*takeover, error) {
	if c.Takeover == "" {
		return nil, nil
	}
	if len(c.Inherited) > 0 {
		return nil, errors.New("server: Inherited and Takeover both bring sockets: set one of them")
	}
	t := &takeover{path: c.Takeover}
	if c.Options.Portable {
		return nil, t.failed(fmt.Errorf("sockets of the portable transport cannot be handed on: %w", errors.ErrUnsupported))
	}
	var err error
	if t.door, err = handover.NewDoor(c.Takeover); err != nil {
		return nil, t.failed(err)
	}
	if t.visit, err = handover.Call(c.Takeover); err != nil {
		t.door.Discard()
		return nil, t.failed(err)
	}
	return t, nil
}

func (t *takeover) failed(err error) error { return fmt.Errorf("takeover at %s: %w", t.path, err) }

// sockets makes Conns of what the visit was given.
func (t *takeover) sockets(o dgram.Options) (all []*socket, err error) {
	if t == nil || t.visit == nil {
		return nil, nil
	}
	given := t.visit.Sockets
	t.visit.Sockets = nil
	for i, s := range given {
		o.GRO, o.OwnPath = s.GRO, s.OwnsPath
		conn, err := dgram.ListenFD(s.FD, o)
		if err != nil {
			handover.CloseSockets(given[i+1:])
			giveUp(all)
			return nil, t.failed(err)
		}
		if g, ok := conn.(dgram.Giver); ok {
			g.Keep(true)
		}
		all = append(all, &socket{Conn: conn, drops: s.Drops, borrowed: true})
	}
	return all, nil
}

// fits reports what speaks against taking over: a socket that nobody here would serve, for what is queued on it would be lost.
func (t *takeover) fits(given, all []*socket) error {
	if t == nil {
		return nil
	}
	var left []string
	for _, s := range given {
		if at := s.Local().String(); !s.used && !slices.Contains(left, at) {
			left = append(left, at)
		}
	}
	if len(left) > 0 {
		return t.failed(fmt.Errorf("the server that runs, process %d, serves %s too: serve that as well, or stop it first", t.visit.PID, strings.Join(left, " and ")))
	}
	for _, s := range all {
		if _, ok := s.Conn.(dgram.Giver); !ok {
			return t.failed(fmt.Errorf("a socket of the %s transport cannot be handed on: %w", s.Caps().Transport, errors.ErrUnsupported))
		}
	}
	return nil
}

// take makes the sockets this server's.
func (t *takeover) take() error {
	if t == nil || t.visit == nil {
		return nil
	}
	if err := t.visit.Take(); err != nil {
		return t.failed(err)
	}
	return nil
}

// discard ends a takeover that did not come about.
func (t *takeover) discard() {
	if t == nil {
		return
	}
	t.door.Discard()
	if t.visit != nil {
		t.visit.Close()
	}
}

// open lets the next server in.
func (t *takeover) open(s *Server) {
	if t == nil {
		return
	}
	if err := t.door.Open(s.offer, s.stop); err != nil {
		s.cfg.OnError(t.failed(fmt.Errorf("the next server cannot take over: %w", err)))
	}
	if t.visit != nil {
		go func() {
			t.visit.Left()
			for _, sh := range s.shards {
				sh.keep(false)
			}
		}()
	}
}

// shut reports whether the sockets belong to another server now.
func (t *takeover) shut() bool { return t != nil && t.door.Shut() }

// close is called when nothing is received any more.
func (t *takeover) close() {
	if t == nil {
		return
	}
	t.door.Close()
	if t.visit != nil {
		t.visit.Close()
	}
}

// Predecessor is the number of the process that the sockets were taken over from; 0: there was none (Config.Takeover).
func (s *Server) Predecessor() int {
	if s.takeover == nil || s.takeover.visit == nil {
		return 0
	}
	return s.takeover.visit.PID
}

// Successor is the number of the process that has taken the sockets over; 0: none has. The server then stops by itself.
func (s *Server) Successor() int {
	if s.takeover == nil {
		return 0
	}
	return s.takeover.door.Successor()
}

// HandedOver reports whether the server stops because another process has taken its sockets. Until Stopping is closed it is false.
func (s *Server) HandedOver() bool { return s.stopped() && s.left }

// offer gives copies of all sockets. What they have dropped until now stays in this server's account, if they are taken; what they drop from now
// on is in the next one's.
func (s *Server) offer() ([]handover.Socket, func(bool), error) {
	var all []handover.Socket
	var release []func(taken bool)
	done := func(taken bool) {
		for _, f := range release {
			f(taken)
		}
	}
	for _, sh := range s.shards {
		sh.keep(true)
		file, err := sh.raw.(dgram.Giver).File()
		if err != nil {
			sh.keep(false)
			done(false)
			return nil, nil, err
		}
		drops := sh.raw.Drops().Count
		release = append(release, func(taken bool) {
			_ = file.Close() // a copy
			if taken {
				sh.given.Store(&drops)
				sh.raw.(dgram.Giver).Disown()
			} else {
				sh.keep(false)
			}
		})
		all = append(all, handover.Socket{FD: descriptor(file), Drops: drops, GRO: sh.raw.Caps().GRO, OwnsPath: sh.raw.(dgram.Giver).OwnsPath()})
	}
	return all, done, nil
}

// descriptor is the number of a file, which stays as it is: File.Fd would make a socket blocking.
func descriptor(file *os.File) (number int) {
	raw, err := file.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { number = int(fd) })
	}
	if err != nil {
		return -1
	}
	return number
}
