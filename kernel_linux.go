package dgram

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"dgram/sock"
)

// kernelConn is the Conn over the kernel's own calls: recvmmsg and sendmmsg, offloads, error queue.
type kernelConn struct {
	socket  *sock.Socket
	local   Endpoint
	remote  Endpoint // where a zero Peer goes; zero on a listening socket
	options Options
	caps    Caps
	arrival bool // control messages tell the address of arrival
	gro     groSwitch
	atomic  atomicSends
	given   bool   // the socket was another's, and may be again
	unlink  func() // removes the path of a unix socket

	disowned atomic.Bool // the path belongs to another process

	send sender
}

// newKernelConn reads back what the socket became.
func newKernelConn(s *sock.Socket, network Network, o Options) (*kernelConn, error) {
	addr, err := s.Local()
	if err != nil {
		return nil, err
	}
	c := &kernelConn{socket: s, options: o}
	c.caps = Caps{Transport: "kernel", Batch: true, SeesTruncation: true, SeesStrangers: true}
	switch a := addr.(type) {
	case sock.InetAddr:
		c.local = IPEndpoint(network, a.AddrPort)
		c.caps.Arrival = true
		c.arrival = o.Headers || a.Addr().IsUnspecified() || a.Addr().IsMulticast()
	case sock.UnixAddr:
		c.local = UnixEndpoint(a.String())
	default:
		return nil, fmt.Errorf("socket is bound to %v, which is no datagram endpoint", addr)
	}
	c.send.init(c)
	return c, nil
}

// Socket returns the socket beneath, for whoever serves many of them on one thread ([sock.Fleet]) and then uses the Conn no more.
func (c *kernelConn) Socket() *sock.Socket { return c.socket }

// StampTimes has the kernel say, or not say, when each datagram came, on a Conn that was opened with Options.Timestamps.
func (c *kernelConn) StampTimes(on bool) error {
	return c.socket.Set(sock.SOTimestampNS, truth(on))
}

// Local implements Conn.
func (c *kernelConn) Local() Endpoint { return c.local }

// Caps implements Conn.
func (c *kernelConn) Caps() Caps {
	caps := c.caps
	caps.GRO = c.gro.on.Load()
	return caps
}

// SetReadDeadline implements Conn.
func (c *kernelConn) SetReadDeadline(t time.Time) error { return c.socket.SetReadDeadline(t) }

// Drops implements Conn.
func (c *kernelConn) Drops() Drops {
	n, err := c.socket.MemoryDrops()
	return Drops{Count: uint64(n), Known: err == nil, AtLeast: c.gro.used.Load()}
}

// Queued returns how many bytes the system holds for this socket that have not been received, its bookkeeping included, or some more; false: it
// does not tell.
func (c *kernelConn) Queued() (bytes int, known bool) {
	n, err := c.socket.MemoryQueued()
	return int(n), err == nil
}

// Close implements Conn.
func (c *kernelConn) Close() error {
	if c.given {
		c.atomic.end()
	}
	err := c.socket.Close()
	if c.unlink != nil && err == nil && !c.disowned.Load() {
		c.unlink()
	}
	return err
}

// File implements Giver.
func (c *kernelConn) File() (*os.File, error) { return c.socket.File() }

// Keep implements Giver.
func (c *kernelConn) Keep(steady bool) {
	c.gro.keep(steady)
	c.atomic.keep(steady)
}

// OwnsPath implements Giver.
func (c *kernelConn) OwnsPath() bool { return c.unlink != nil && !c.disowned.Load() }

// Disown implements Giver.
func (c *kernelConn) Disown() { c.disowned.Store(true) }

// control reports whether control messages are wanted of each datagram.
func (c *kernelConn) control() bool {
	return c.arrival || c.options.Headers || c.options.Timestamps || c.gro.on.Load()
}

// receiver is what a kernelConn keeps in a Batch.
type receiver struct {
	conn    *kernelConn
	from    *sock.Receiver
	control sock.Control
}

// NewBatch implements Conn. With receive offload each of the n messages may bring up to sock.MaxSegments datagrams.
func (c *kernelConn) NewBatch(n int) *Batch {
	n = max(n, 1)
	r := &receiver{conn: c, from: c.socket.NewReceiver(sock.ReceiverConfig{
		Messages: n, Size: c.options.Buffer, Spin: c.options.Spin, Errors: c.options.Refusals && c.local.network != Unixgram,
		Control: c.control() || c.gro.possible(c.options),
	})}
	b := NewBatch(n, r)
	if c.gro.possible(c.options) {
		b.SetCap(n * sock.MaxSegments)
	}
	return b
}

// maxStoredErrors bounds how often Recv passes over an error that the socket has in store before it gives up.
const maxStoredErrors = 64

// Recv implements Conn.
func (c *kernelConn) Recv(b *Batch) error {
	r, ok := b.Transport.(*receiver)
	if !ok || r.conn != c {
		return &OpError{Op: "receive", Endpoint: c.local.String(), Err: errors.New("the batch was made by another Conn")}
	}
	b.Reset()
	var err error
	for stored := 0; stored < maxStoredErrors; {
		var n int
		r.from.UseControl(c.control())
		if n, err = r.from.Recv(); n > 0 {
			r.fill(b, n)
			if c.options.AutoGRO != nil {
				c.gro.watch(c, b, n)
			}
			break
		}
		if err != nil {
			if !isErrno(err) {
				return c.recvError(err)
			}
			stored++
		}
		// What the socket had in store has been taken by the attempt; the error queue says which datagram it was about.
		if c.takeNotices(b); len(b.Datagrams) > 0 {
			break
		}
	}
	if len(b.Datagrams) == 0 {
		return c.recvError(err)
	}
	id := NextIDs(b.Count())
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		d.ID = id
		id += uint64(d.Count())
	}
	return nil
}

func isErrno(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno)
}

func (c *kernelConn) recvError(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		return err
	}
	return &OpError{Op: "receive", Endpoint: c.local.String(), Err: err}
}

// fill makes slots of n received messages.
func (r *receiver) fill(b *Batch, n int) {
	c := r.conn
	ip := c.local.network.IP()
	control := c.control()
	for i := range n {
		d := b.slot()
		d.Local, d.Truncated = c.local, r.from.Truncated(i)
		if addr, port, ok := r.from.Inet4(i); ok {
			d.Peer = endpoint4(c.local.network, addr, port)
		} else if ip {
			d.Peer = IPEndpoint(c.local.network, r.from.AddrPort(i))
		} else {
			d.Peer = unixPeer(r.from.UnixName(i))
		}
		d.Data = r.from.Data(i)
		if control {
			r.from.Control(i, &r.control)
			r.describe(d)
			if segment := r.control.Segment; segment > 0 && segment < len(d.Data) {
				r.split(b, d, segment)
			}
		}
	}
}

// describe copies what the control messages said.
func (r *receiver) describe(d *Datagram) {
	d.Time, d.TTL, d.TOS, d.Interface = r.control.Time, r.control.TTL, r.control.TOS, r.control.Interface
	if a := r.control.Local; a.IsValid() {
		d.Local = IPEndpoint(r.conn.local.network, netip.AddrPortFrom(a, r.conn.local.port))
	}
}

// split makes of d, the last slot, which has a coalesced message, one that says so, or one for each datagram: each then has just its own bytes, for its
// neighbour's follow.
func (r *receiver) split(b *Batch, d *Datagram, segment int) {
	data := d.Data
	if c := r.conn; c.options.Segments && c.caps.GSO {
		d.Data, d.Segment = data[:len(data):len(data)], segment
		return
	}
	each := *d
	d.Data = data[:segment:segment]
	for start := segment; start < len(data); start += segment {
		end := min(start+segment, len(data))
		each.Data = data[start:end:end]
		b.put(each)
	}
}

// unixPeer makes an endpoint of the raw bytes of sun_path.
func unixPeer(name []byte) Endpoint {
	if len(name) > 0 && name[0] == 0 {
		return UnixEndpoint("@" + string(name[1:]))
	}
	return UnixEndpoint(string(name))
}

// quotedPayload bounds what is kept of the payload that a report quotes, in bytes.
const quotedPayload = 2048

// takeNotices makes slots of what the error queue holds. What this machine itself reports there, a datagram over the path's MTU, the call that was to
// send it has told of.
func (c *kernelConn) takeNotices(b *Batch) {
	if !c.options.Refusals {
		return
	}
	var room []byte
	for len(b.Datagrams) < b.Cap() {
		if room == nil {
			if room = b.take(quotedPayload); room == nil {
				return
			}
		}
		q, err := c.socket.ReadErrorQueue(room)
		if err != nil {
			return
		}
		if q.Origin == sock.OriginLocal {
			continue
		}
		room = nil
		local := c.local
		if q.Local.IsValid() {
			local = IPEndpoint(local.network, netip.AddrPortFrom(q.Local, local.port))
		}
		b.put(Datagram{batch: b, Data: q.Data, Peer: IPEndpoint(local.network, q.To), Local: local, Err: q.Errno, Fate: fateOf(q)})
	}
}

// fateOf tells what a queued error means for the datagram it is about.
func fateOf(q sock.QueuedError) Fate {
	switch {
	case q.Errno == syscall.ECONNREFUSED:
		return Refused
	case q.Errno == syscall.EMSGSIZE:
		return Failed
	}
	return Unreachable
}
