package dgram

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// portableTransports are the transports over package net, which every system has.
var portableTransports = map[Network]transport{
	UDP:  {listenPortable, dialPortable},
	UDP4: {listenPortable, dialPortable},
	UDP6: {listenPortable, dialPortable},
}

// portableConn is the Conn over package net: one datagram a call.
type portableConn struct {
	socket    *net.UDPConn
	family    family
	local     Endpoint
	remote    Endpoint // where a zero Peer goes; zero on a listening socket
	connected bool
	options   Options
	caps      Caps
	sources   sources

	done    chan struct{} // closed by Close
	closing sync.Once
	reports reports
}

// family says which addresses a socket can send to.
type family struct{ v4, v6 bool }

func familyOf(a netip.Addr) family { return family{v4: a.Is4(), v6: a.Is6()} }

func (c *portableConn) Local() Endpoint { return c.local }
func (c *portableConn) Caps() Caps      { return c.caps }
func (c *portableConn) Drops() Drops    { return Drops{} }

// NewBatch implements Conn. The memory that datagrams are received into is made by the first Recv, for many batches only send.
func (c *portableConn) NewBatch(n int) *Batch { return NewBatch(n, nil) }

// Close implements Conn.
func (c *portableConn) Close() error {
	err := net.ErrClosed
	c.closing.Do(func() {
		close(c.done)
		err = c.socket.Close()
	})
	return err
}

// SetReadDeadline implements Conn.
func (c *portableConn) SetReadDeadline(t time.Time) error {
	return c.reports.setDeadline(c.socket, t)
}

// Recv implements Conn: notices that wait, else one datagram.
func (c *portableConn) Recv(b *Batch) error {
	in, ok := b.Transport.(*portableMemory)
	if !ok {
		in = newPortableMemory()
		b.Transport = in
	}
	b.Reset()
	for failures := 0; ; {
		if c.takeReports(b) {
			break
		}
		err := in.receive(c.socket)
		if err == nil {
			in.fill(b.Append(), c)
			break
		}
		if err := c.recvError(err, &failures); err != nil {
			return err
		}
	}
	id := NextIDs(len(b.Datagrams))
	for i := range b.Datagrams {
		b.Datagrams[i].ID = id + uint64(i)
	}
	return nil
}

const (
	maxRecvFailures = 12                     // in a row, after which Recv gives up: 2 s in all
	recvPause       = time.Millisecond       // after the first failure, doubling
	maxRecvPause    = 500 * time.Millisecond // each
)

// recvError decides about an error of the socket: one that ends Recv is returned; nil means that Recv goes on. Errors that pass (the system is
// short of buffers, Windows tells of an ICMP error without saying whose) cost a pause that grows, so that Recv neither ends nor spins.
func (c *portableConn) recvError(err error, failures *int) error {
	switch {
	case errors.Is(err, net.ErrClosed):
		return c.opError("receive", net.ErrClosed)
	case errors.Is(err, os.ErrDeadlineExceeded):
		if c.reports.waiting() { // the deadline was brought forward to wake us
			return nil
		}
		return c.opError("receive", os.ErrDeadlineExceeded)
	}
	if errno, ok := errnoOf(err); ok && c.connected && reportFate(errno) != Undecided {
		c.reports.add(c.socket, errno)
		return nil
	}
	if *failures++; *failures > maxRecvFailures {
		return c.opError("receive", cause(err))
	}
	pause := time.NewTimer(min(recvPause<<(*failures-1), maxRecvPause))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-c.done:
	}
	return nil
}

func (c *portableConn) opError(op string, err error) error {
	return &OpError{Op: op, Endpoint: c.local.String(), Err: err}
}

// takeReports makes notices of the reports that wait.
func (c *portableConn) takeReports(b *Batch) bool {
	for _, errno := range c.reports.take(c.socket, b.Cap()) {
		d := b.Append()
		d.Peer, d.Local, d.Fate, d.Err = c.remote, c.local, reportFate(errno), errno
	}
	return len(b.Datagrams) > 0
}

// portableMemory is what a portableConn keeps in a Batch that receives.
type portableMemory struct {
	data  []byte
	oob   []byte
	n     int
	oobn  int
	flags int
	from  netip.AddrPort
	v4    ipv4.ControlMessage
	v6    ipv6.ControlMessage
}

// receiveRoom holds any UDP datagram. No system then cuts one, and what Options.Buffer cuts is known on every system: Windows reports a
// datagram that the system cut as an error, without its sender.
const receiveRoom = 65535

func newPortableMemory() *portableMemory {
	return &portableMemory{
		data: make([]byte, receiveRoom), oob: make([]byte, 256),
		v4: ipv4.ControlMessage{Dst: make(net.IP, net.IPv4len)}, v6: ipv6.ControlMessage{Dst: make(net.IP, net.IPv6len)},
	}
}

func (in *portableMemory) receive(s *net.UDPConn) (err error) {
	in.n, in.oobn, in.flags, in.from, err = s.ReadMsgUDPAddrPort(in.data, in.oob)
	return err
}

// fill describes the datagram that receive took.
func (in *portableMemory) fill(d *Datagram, c *portableConn) {
	n := min(in.n, c.options.Buffer)
	d.Data = in.data[:n:max(n, MaxPayload)]
	d.Truncated = n < in.n || in.flags&messageTruncated != 0
	d.Local, d.Peer = c.local, c.remote
	if !c.connected {
		d.Peer = IPEndpoint(c.local.network, in.from)
	}
	if in.oobn > 0 {
		in.readControl(d, c)
	}
}

// readControl reads the control messages: where the datagram arrived, and what its header said.
func (in *portableMemory) readControl(d *Datagram, c *portableConn) {
	clear(in.v4.Dst)
	clear(in.v6.Dst)
	in.v4.IfIndex, in.v4.TTL = 0, 0
	in.v6.IfIndex, in.v6.HopLimit, in.v6.TrafficClass = 0, 0, 0
	if in.v4.Parse(in.oob[:in.oobn]) != nil || in.v6.Parse(in.oob[:in.oobn]) != nil {
		return
	}
	index := max(in.v4.IfIndex, in.v6.IfIndex)
	if a := in.arrival(); a.IsValid() {
		if a.IsLinkLocalUnicast() && a.Is6() {
			a = a.WithZone(zoneName(index))
		}
		d.Local = IPEndpoint(c.local.network, netip.AddrPortFrom(a, c.local.port))
	}
	if c.options.Headers {
		d.Interface = int32(index)
		d.TTL, d.TOS = uint8(max(in.v4.TTL, in.v6.HopLimit)), uint8(in.v6.TrafficClass)
	}
}

func (in *portableMemory) arrival() netip.Addr {
	for _, ip := range [...]net.IP{in.v4.Dst, in.v6.Dst} {
		if a, ok := netip.AddrFromSlice(ip); ok && !a.IsUnspecified() {
			return a.Unmap()
		}
	}
	return netip.Addr{}
}

// Send implements Conn.
func (c *portableConn) Send(b *Batch) error {
	b.Number()
	closed := false
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		if d.Fate != Undecided {
			continue
		}
		var err error = syscall.EBADF
		if !closed {
			err = c.send(d)
			closed = errors.Is(err, net.ErrClosed)
		}
		if err == nil {
			d.Sent()
			continue
		}
		d.Fate = Failed
		if errno, ok := errnoOf(err); ok {
			d.Err = errno
		} else {
			d.Err = syscall.EBADF
		}
	}
	if closed {
		return c.opError("send", net.ErrClosed)
	}
	return nil
}

// maxPending bounds how often a datagram is sent again because its sending found a report on an earlier one, and so did not happen.
const maxPending = 16

func (c *portableConn) send(d *Datagram) error {
	to, err := c.destination(d)
	if err != nil {
		return err
	}
	for range maxPending {
		if !c.connected {
			var oob []byte
			if oob, err = c.sources.control(d.Local.Addr(), to.Addr()); err == nil {
				_, _, err = c.socket.WriteMsgUDPAddrPort(d.Data, oob, to)
			}
			return err
		}
		if _, err = c.socket.Write(d.Data); err == nil {
			return nil
		}
		if errno, ok := errnoOf(err); !ok || errno != syscall.ECONNREFUSED {
			return err
		}
		c.reports.add(c.socket, syscall.ECONNREFUSED)
	}
	return err
}

// destination says where a datagram goes, or with which errno it cannot go there.
func (c *portableConn) destination(d *Datagram) (netip.AddrPort, error) {
	peer := d.Peer
	if !peer.IsValid() {
		peer = c.remote
	}
	switch {
	case !peer.IsValid():
		return netip.AddrPort{}, syscall.EDESTADDRREQ
	case !peer.Addr().IsValid(), peer.Addr().Is4() && !c.family.v4, peer.Addr().Is6() && !c.family.v6:
		return netip.AddrPort{}, syscall.EAFNOSUPPORT
	case peer.port == 0:
		return netip.AddrPort{}, syscall.EINVAL
	case c.connected && !peer.Same(c.remote):
		return netip.AddrPort{}, syscall.EISCONN
	}
	return peer.AddrPort(), nil
}

// errnoOf returns the errno behind an error of package net, as POSIX names it on every system.
func errnoOf(err error) (syscall.Errno, bool) {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return 0, false
	}
	return posixErrno(errno), true
}

// cause takes away what package net says around an error, for OpError says it again.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
