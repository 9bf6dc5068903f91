package dgramtest

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"dgram"
)

// conn is a socket of a Network.
type conn struct {
	network *Network
	at      netip.AddrPort // what it is bound to
	options dgram.Options
	groups  []netip.Addr
	remote  dgram.Endpoint // where a datagram without a Peer goes; zero for a listener

	mu       sync.Mutex
	ready    sync.Cond
	queue    []arrival // at most Network.queue datagrams, and as many notices
	notices  int       // of those in queue
	dropped  uint64
	deadline time.Time
	alarm    *time.Timer
	closed   bool
}

// arrival is what waits in a queue: a datagram, or a notice.
type arrival struct {
	flight
	time time.Time
	fate dgram.Fate
	err  syscall.Errno
}

func newConn(n *Network, at netip.AddrPort, o dgram.Options) *conn {
	if o.Buffer <= 0 {
		o.Buffer = 65535
	}
	c := &conn{network: n, at: at, options: o}
	c.ready.L = &c.mu
	return c
}

func (c *conn) NewBatch(n int) *dgram.Batch { return dgram.NewBatch(n, nil) }

func (c *conn) Local() dgram.Endpoint { return memory(c.at) }

func (c *conn) Caps() dgram.Caps {
	return dgram.Caps{
		Transport: "memory", Batch: true, Timestamps: c.options.Timestamps, SeesRefusals: c.options.Refusals,
		SeesStrangers: true, SeesTruncation: true, Arrival: true,
	}
}

func (c *conn) Drops() dgram.Drops {
	c.mu.Lock()
	defer c.mu.Unlock()
	return dgram.Drops{Count: c.dropped, Known: true}
}

func (c *conn) Close() error {
	c.network.remove(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	c.stopAlarm()
	c.queue = nil
	c.ready.Broadcast()
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.stopAlarm()
	c.deadline = t
	if !t.IsZero() {
		c.alarm = time.AfterFunc(max(0, time.Until(t)), func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.ready.Broadcast()
		})
	}
	c.ready.Broadcast()
	return nil
}

func (c *conn) stopAlarm() {
	if c.alarm != nil {
		c.alarm.Stop()
		c.alarm = nil
	}
}

// Recv fails with the deadline, as package net does, even where something waits.
func (c *conn) Recv(b *dgram.Batch) error {
	b.Reset()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closed:
			return &dgram.OpError{Op: "receive", Endpoint: c.Local().String(), Err: net.ErrClosed}
		case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
			return &dgram.OpError{Op: "receive", Endpoint: c.Local().String(), Err: os.ErrDeadlineExceeded}
		case len(c.queue) > 0:
			c.fill(b)
			return nil
		}
		c.ready.Wait()
	}
}

// fill moves what waits into the batch, as far as there is room.
func (c *conn) fill(b *dgram.Batch) {
	n := 0
	for ; n < len(c.queue); n++ {
		a := &c.queue[n]
		d := b.Append()
		if d == nil {
			break
		}
		data := a.data[:min(len(a.data), c.options.Buffer)]
		if !d.SetData(data) {
			b.Datagrams = b.Datagrams[:len(b.Datagrams)-1]
			break
		}
		d.Truncated = len(data) < len(a.data)
		c.describe(d, a)
	}
	c.queue = slices.Delete(c.queue, 0, n)
	id := dgram.NextIDs(n)
	for i := range b.Datagrams {
		b.Datagrams[i].ID = id + uint64(i)
	}
}

// describe fills in what is known of an arrival besides its payload.
func (c *conn) describe(d *dgram.Datagram, a *arrival) {
	if a.fate != dgram.Undecided {
		c.notices--
		d.Fate, d.Err, d.Peer = a.fate, a.err, memory(a.to)
		return
	}
	d.Peer, d.Local = memory(a.from), memory(a.to)
	if c.options.Timestamps {
		d.Time = a.time
	}
	if c.options.Headers {
		d.TTL, d.TOS = a.ttl, a.tos
	}
}

// enqueue takes a datagram that reached the socket, or counts it as dropped.
func (c *conn) enqueue(f flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
	case len(c.queue)-c.notices >= c.network.queue:
		c.dropped++
	default:
		c.queue = append(c.queue, arrival{flight: f, time: time.Now()})
		c.ready.Signal()
	}
}

// refused tells the sender of a datagram that nobody listens where it went.
func (c *conn) refused(f flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || !c.options.Refusals || c.notices >= c.network.queue {
		return
	}
	c.notices++
	c.queue = append(c.queue, arrival{flight: f, fate: dgram.Refused, err: syscall.ECONNREFUSED})
	c.ready.Signal()
}

// hears says whether what is sent to a group, or to all, reaches the socket.
func (c *conn) hears(to netip.Addr) bool {
	if to == broadcast {
		return covers(c.at.Addr(), to)
	}
	return slices.Contains(c.groups, to)
}

func (c *conn) Send(b *dgram.Batch) error {
	b.Number()
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		if d.Fate != dgram.Undecided {
			continue
		}
		err := syscall.EBADF
		if !closed {
			err = c.sendOne(d)
		}
		if err != 0 {
			d.Fate, d.Err = dgram.Failed, err
		} else {
			d.Sent()
		}
	}
	if closed {
		return &dgram.OpError{Op: "send", Endpoint: c.Local().String(), Err: net.ErrClosed}
	}
	return nil
}

func (c *conn) sendOne(d *dgram.Datagram) syscall.Errno {
	peer := d.Peer
	if !peer.IsValid() {
		peer = c.remote
	}
	to := peer.AddrPort()
	switch addr := to.Addr(); {
	case !peer.IsValid():
		return syscall.EDESTADDRREQ
	case !addr.IsValid(), addr.Is6() && c.at.Addr().Is4():
		return syscall.EAFNOSUPPORT
	case to.Port() == 0, addr.IsLinkLocalUnicast() && addr.Is6() && addr.Zone() == "":
		return syscall.EINVAL
	case addr.Is4() && c.at.Addr().Is6() && !c.at.Addr().IsUnspecified():
		return syscall.ENETUNREACH
	case addr == broadcast && !c.options.Broadcast:
		return syscall.EACCES
	case addr.IsUnspecified():
		to = netip.AddrPortFrom(loopback(addr), to.Port())
	}
	ttl := uint8(64)
	if c.options.TTL > 0 {
		ttl = uint8(c.options.TTL)
	}
	return c.network.send(flight{
		sender: c, from: c.source(d, to), to: to, data: d.Data, ttl: ttl, tos: uint8(c.options.TOS),
	})
}

// source is the address that a datagram leaves from: the one it asks for, else the one bound, else, like the system's choice on a
// loopback, 127.0.0.1 or ::1.
func (c *conn) source(d *dgram.Datagram, to netip.AddrPort) netip.AddrPort {
	addr := c.at.Addr()
	if local := d.Local.Addr(); addr.IsUnspecified() && local.IsValid() && !local.IsUnspecified() && !local.IsMulticast() && local != broadcast {
		addr = local
	}
	if addr.IsUnspecified() {
		addr = loopback(to.Addr())
	}
	return netip.AddrPortFrom(addr, c.at.Port())
}
