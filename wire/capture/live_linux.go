package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/bpf"

	"dgram/sock"
	"dgram/wire"
)

// Live is a capture that is running. Next and Interfaces belong to one goroutine; every other method may be called from any.
type Live struct {
	ring *sock.Ring
	in   sock.RingFrame

	interfaces []wire.Interface
	indexes    []int // the kernel's number of each
	slot       int   // of the frame before: most often the next one's too
	snaplen    int
	train      train
	tagged     *bpf.VM // the filter for frames whose VLAN tag was put back; nil: all are wanted

	named   []*station
	lookAt  int64 // a frame captured after this says that it is time to look at the named interfaces again
	pending error // what that told, for the next call of Next

	mu       sync.Mutex
	deadline time.Time
	lookNext time.Time
	ended    error // not nil: nothing new comes, and this is what Next returns after the rest
}

// lookEvery is how often a capture of several interfaces looks whether all are still there: the kernel tells only whoever listens to one.
const lookEvery = time.Second

// Open begins a capture. Frames that pass after it returns are handed out by Next.
func Open(c Config) (*Live, error) {
	c, err := c.defaults()
	if err != nil {
		return nil, err
	}
	// The protocol 0 hears nothing. Only once ring and filter are in place is the socket bound to a protocol that hears everything:
	// so no frame gets past the filter.
	s, err := sock.New(sock.PACKET, sock.RAW, 0)
	if err != nil {
		return nil, privilege(err)
	}
	l := &Live{snaplen: c.Snaplen, lookAt: 1<<63 - 1}
	blocks, size := c.divide()
	if l.ring, err = s.Ring(sock.RingConfig{Blocks: blocks, BlockSize: size, Timeout: turn, Room: headRoom, Trains: true}); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("capture: a buffer of %d bytes: %w", blocks*size, err)
	}
	if err := l.begin(s, c); err != nil {
		_ = l.ring.Close()
		return nil, err
	}
	return l, nil
}

// begin makes the socket hear what is wanted, from the first frame on.
func (l *Live) begin(s *sock.Socket, c Config) error {
	devices, err := l.devices(s, c.Interfaces)
	if err != nil {
		return err
	}
	if err := l.attach(s, c, devices); err != nil {
		return err
	}
	address := sock.PacketAddr{Proto: uint16(sock.EtherAll)}
	if len(l.named) == 1 {
		address.Interface = devices[0].Name
	}
	for _, d := range devices {
		if c.Promiscuous {
			if err := s.Promiscuous(d.Index); err != nil {
				return fmt.Errorf("capture: promiscuous mode of %s: %w", d.Name, err)
			}
		}
	}
	if len(l.named) > 1 {
		l.pending = l.look()
	}
	return s.Bind(address)
}

// devices finds the interfaces named, or else those that there are.
func (l *Live) devices(s *sock.Socket, names []string) ([]sock.Device, error) {
	list, err := List()
	if err != nil && names == nil {
		return nil, err
	}
	var there []string
	for _, d := range list {
		there = append(there, d.Name)
	}
	wanted := names
	if names == nil {
		wanted = there
	}
	var devices []sock.Device
	for _, name := range wanted {
		d, err := s.DeviceByName(name)
		if err == nil {
			d, err = s.Device(d.Index) // by its first name, where it has several
		}
		switch {
		case errors.Is(err, syscall.ENODEV) && names == nil: // gone since it was listed
			continue
		case errors.Is(err, syscall.ENODEV):
			return nil, unknown(name, there)
		case err != nil:
			return nil, fmt.Errorf("capture: %w", err)
		}
		if before := len(l.indexes); l.find(d.Index, d.HaType) == before { // named once
			devices = append(devices, d)
			if names != nil {
				l.named = append(l.named, &station{name: d.Name, index: d.Index})
			}
		}
	}
	return devices, nil
}

// attach builds the filter for these devices and puts it in place.
func (l *Live) attach(s *sock.Socket, c Config, devices []sock.Device) error {
	g := gate{snaplen: c.Snaplen, direction: c.Direction, filter: c.Filter}
	if len(l.named) == 0 { // devices that come up later may be of any kind
		g.kinds, g.loopback = []wire.LinkType{wire.LinkEthernet, wire.LinkRaw, wire.LinkSLL}, true
	}
	for _, kind := range []wire.LinkType{wire.LinkEthernet, wire.LinkRaw, wire.LinkSLL} {
		for _, d := range devices[:len(l.named)] {
			if linkOf(d.HaType) == kind && (len(g.kinds) == 0 || g.kinds[len(g.kinds)-1] != kind) {
				g.kinds = append(g.kinds, kind)
			}
		}
	}
	for _, d := range devices[:len(l.named)] {
		g.loopback = g.loopback || d.HaType == hardwareLoopback
		if len(l.named) > 1 {
			g.indexes = append(g.indexes, d.Index)
		}
	}
	program, err := g.build()
	if err != nil {
		return err
	}
	if l.tagged, err = userland(c); err != nil {
		return err
	}
	if c.Direction == Incoming || len(l.named) == 1 && g.loopback {
		_ = s.IgnoreOutgoing() // saves the kernel the copies that the filter would reject; older kernels have no such option
	}
	if err := s.AttachFilter(program); err != nil {
		return fmt.Errorf("capture: a filter of %d instructions: %w", len(program), err)
	}
	return nil
}

// userland is the filter for frames as they were on the wire.
func userland(c Config) (*bpf.VM, error) {
	if c.Filter == nil {
		return nil, nil
	}
	raw, err := c.Filter(wire.LinkEthernet, c.Snaplen)
	if err != nil {
		return nil, err
	}
	program, whole := bpf.Disassemble(raw)
	vm, err := bpf.NewVM(program)
	if err == nil && !whole {
		err = errors.New("an instruction is unknown")
	}
	if err != nil {
		return nil, fmt.Errorf("capture: the filter's program: %w", err)
	}
	return vm, nil
}

// Next fills f with the next frame. It waits for one, at most until the deadline (os.ErrDeadlineExceeded; frames that are there
// are handed out all the same), until Stop (io.EOF once all that had come is handed out) or until Close (sock.ErrClosed, also found
// as net.ErrClosed). When a named interface went down or away, an error that wraps ErrDown or ErrGone says so once, and the next
// call goes on, with io.EOF if no interface is left.
// Data lies in the kernel's ring, and is valid until the next call.
//
// UDP datagrams that the kernel has in one piece come one by one, as they are on the wire, with the time of the piece: those sent together
// (UDP_SEGMENT) on the sending machine, those that a device put together on the receiving one. Segments of TCP stay in one piece.
func (l *Live) Next(f *wire.Frame) error {
	if l.pending != nil {
		err := l.pending
		l.pending = nil
		return err
	}
	if l.train.left > 0 && l.fromTrain(f) {
		return nil
	}
	for {
		if err := l.ring.Next(&l.in); err != nil {
			if err = l.pause(err); err != nil {
				return err
			}
			continue
		}
		if l.in.Time > l.lookAt {
			l.pending = l.look()
		}
		if l.present(f) {
			return nil
		}
	}
}

// pause decides what it means that no frame came: nil is to go on.
func (l *Live) pause(err error) error {
	switch {
	case errors.Is(err, syscall.ENETDOWN):
		return l.look()
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	l.mu.Lock()
	ended, deadline := l.ended, l.deadline
	if ended != nil {
		l.ended = io.EOF // why is said once
	}
	l.mu.Unlock()
	switch {
	case ended != nil:
		return ended
	case !deadline.IsZero() && !time.Now().Before(deadline):
		return err
	}
	return l.look()
}

// Interfaces are those that the capture knows. One of all interfaces learns of new ones as their frames come.
func (l *Live) Interfaces() []wire.Interface { return l.interfaces }

// Late reports whether half of the buffer was waiting to be read, and not all of it has been since: whoever can put off some of what it does with
// each frame, and does not want the kernel to drop any, should. Only for the goroutine of Next.
func (l *Live) Late() bool { return l.ring.Late() }

// Drops is how many frames passed the filter and were lost because the buffer was full.
func (l *Live) Drops() uint64 { return l.ring.Drops() }

// SetDeadline is when Next stops waiting, a call that waits already included. The zero time is never.
func (l *Live) SetDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != nil {
		return nil
	}
	l.deadline = t
	return l.arm()
}

// arm gives the socket the deadline, or the time of the next look at the interfaces if that comes first. Only with the lock held.
func (l *Live) arm() error {
	at := l.deadline
	if !l.lookNext.IsZero() && (at.IsZero() || l.lookNext.Before(at)) {
		at = l.lookNext
	}
	return l.ring.Socket().SetReadDeadline(at)
}

// Stop ends the capture without losing what it has: nothing new is let in, and Next hands out the rest and then returns io.EOF.
// Close is still owed.
func (l *Live) Stop() error { return l.end(io.EOF) }

// end lets nothing new in, and makes Next return why once it has handed out the rest.
func (l *Live) end(why error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != nil {
		return nil
	}
	l.ended = why
	if err := l.ring.Socket().AttachFilter([]bpf.RawInstruction{{Op: 0x06}}); err != nil { // return 0
		return fmt.Errorf("capture: ending it: %w", err)
	}
	// What has come lies in a block that the kernel hands over after a turn.
	l.deadline, l.lookNext = time.Now().Add(3*turn), time.Time{}
	return l.arm()
}

// Close ends the capture and wakes Next. The memory of the last frame stays until the next call of Next, or until the Live is garbage.
func (l *Live) Close() error { return l.ring.Close() }
