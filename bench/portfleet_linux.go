package bench

import (
	"errors"
	"net/netip"
	"syscall"
	"time"

	"dgram"
	"dgram/sock"
)

// fleetPort is the port over the kernel's own calls: connected sockets, batches, no goroutine for each flow and nothing of Go's poller.
type fleetPort struct {
	fleet   *sock.Fleet
	to      netip.AddrPort // where the sockets are not connected
	target  dgram.Endpoint
	control bool
	gso     bool
	kind    traits
	first   []int // for each message, the first of its requests
	scratch sock.Control
	quote   []byte
}

// openFleet opens n flows; nil and no error: these sockets cannot be served that way.
func openFleet(c *Config, p *plan, n int) (port, error) {
	if c.Dial != nil || c.Options.Portable || !p.target.Network().IP() || p.target.Network() == dgram.Memory {
		return nil, nil
	}
	sockets := make([]*sock.Socket, 0, n)
	f, err := func() (*fleetPort, error) {
		for range n {
			s, err := openFlow(c, p)
			if err != nil {
				return nil, flowError(len(sockets), p.flows, err)
			}
			sockets = append(sockets, s)
		}
		return newFleetPort(c, p, sockets)
	}()
	if err != nil {
		for _, s := range sockets {
			err = errors.Join(err, ignoreClosed(s.Close()))
		}
		return nil, err
	}
	return f, nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, sock.ErrClosed) {
		return nil
	}
	return err
}

func openFlow(c *Config, p *plan) (*sock.Socket, error) {
	o, asks := c.options(p), asksForStamps(c, p)
	o.Timestamps = o.Timestamps && !asks
	conn, err := dgram.DialEndpoint(p.target, o)
	if err != nil {
		return nil, err
	}
	s := conn.(interface{ Socket() *sock.Socket }).Socket()
	if asks {
		if err := s.KeepStamps(); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	if c.Stray {
		return s, nil
	}
	if err := s.Connect(sock.InetAddr{AddrPort: p.target.AddrPort()}); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// asksForStamps reports whether there is one answer to come, and nothing else. Its time is then asked for when the next request is on its way: the server waits for
// that, so whatever comes before counts.
func asksForStamps(c *Config, p *plan) bool {
	return p.clock == KernelClock && !p.open && !p.oneWay && p.window == 1 && p.flows == 1 && !c.GRO && !c.Stray && c.Tap == nil
}

func newFleetPort(c *Config, p *plan, sockets []*sock.Socket) (*fleetPort, error) {
	f := &fleetPort{target: p.target, gso: c.GSO, first: make([]int, 0, maxBatch), quote: make([]byte, quoted)}
	f.kind = traits{transport: "kernel", timestamps: p.clock == KernelClock, gso: c.GSO, gro: c.GRO, measures: asksForStamps(c, p)}
	f.control = f.kind.timestamps && !f.kind.measures || c.GRO
	if c.Stray {
		f.to = p.target.AddrPort()
	}
	var err error
	f.fleet, err = sock.NewFleet(sockets, sock.FleetConfig{Messages: maxBatch, Size: c.options(p).Buffer, Control: f.control, Names: c.Stray, Sweep: !p.open && len(sockets) <= mostSwept})
	return f, err
}

// mostSwept bounds the flows of a closed loop that are looked at one after another: nearly each has an answer by then, and the kernel is spared
// a list of those that have, which costs about one part in twenty. With more a slow server would make it a long way round.
const mostSwept = 1024

// quoted is how much of a request a report may quote, bytes.
const quoted = 2048

func (f *fleetPort) receive(w *worker, wait time.Duration) {
	for _, i := range f.fleet.Ready(wait) {
		limit := min(max(w.outstanding(i), 1), maxBatch)
		n, errno := f.fleet.Recv(i, limit)
		if errno != 0 {
			f.notices(w, i)
			f.fleet.Again(i)
		}
		if n == 0 {
			continue
		}
		if !f.kind.measures || wait > 0 {
			w.now = w.clock.now()
		}
		for j := range n {
			f.hand(w, i, j)
		}
		w.watch.show()
		if n == limit && w.outstanding(i) > 0 {
			f.fleet.Again(i)
		}
		w.drained(i)
		if f.kind.measures {
			f.measure(w, i)
		}
	}
}

// measure records the latency of the answer that was taken from flow i last, if it was one.
func (f *fleetPort) measure(w *worker, i int32) {
	if due, ok := w.unmeasured.take(); ok {
		at := w.clock.now()
		if t, ok := f.fleet.Stamp(i); ok {
			at = w.clock.stamp(t)
		}
		w.cur.latency.record(at - due)
	}
}

// hand gives message j to the worker, each of its datagrams for itself.
func (f *fleetPort) hand(w *worker, i int32, j int) {
	b, at := f.fleet.Data(j), w.now
	segment := len(b)
	if f.control {
		f.fleet.Control(j, &f.scratch)
		at = w.stamped(f.scratch.Time, at)
		if f.scratch.Segment > 0 {
			segment = f.scratch.Segment
		}
	}
	if f.to.IsValid() && dgram.IPEndpoint(f.target.Network(), f.fleet.AddrPort(j)) != f.target {
		w.stray(b)
		return
	}
	for len(b) > segment {
		w.arrived(i, b[:segment:segment], at)
		b = b[segment:]
	}
	w.arrived(i, b, at)
}

// maxNotices bounds how many reports of one flow are read at once.
const maxNotices = 64

func (f *fleetPort) notices(w *worker, i int32) {
	w.now = w.clock.now()
	for range maxNotices {
		q, err := f.fleet.Socket(i).ReadErrorQueue(f.quote)
		if err != nil {
			return
		}
		if q.Origin != sock.OriginLocal {
			w.notice(i, q.Data)
		}
	}
}

// send implements port. What EAGAIN kept out is tried again for a while; an errno that the socket had in store is not the request's own.
func (f *fleetPort) send(flow int32, requests [][]byte, failed []syscall.Errno) {
	clear(failed)
	for from := 0; from < len(requests); {
		f.gather(requests[from:])
		done, errno := f.push(flow)
		if done < len(f.first) {
			from += f.first[done]
			if f.refused(errno) {
				continue
			}
			failed[from] = errno
			from++
			continue
		}
		return
	}
}

// gather makes messages of requests: one of each, or one of many of one size.
func (f *fleetPort) gather(requests [][]byte) {
	f.fleet.Reset()
	f.first = f.first[:0]
	size, count, total := 0, 0, 0
	for k, b := range requests {
		if f.gso && count > 0 && count < sock.MaxSegments && len(b) == size && total+size <= maxSuper {
			f.fleet.AddSegment(b, size)
			count, total = count+1, total+size
			continue
		}
		f.fleet.Add(f.to, b)
		f.first = append(f.first, k)
		size, count, total = len(b), 1, len(b)
		if size == 0 {
			count = 0
		}
	}
}

// maxSuper bounds the payload of one message of many datagrams (udp(7), UDP_SEGMENT).
const maxSuper = 65000

// storedTries bounds how often a message is sent again because of an errno that may belong to an earlier one.
const storedTries = 4

// push sends what was gathered; it returns how many messages went, and why the next did not.
func (f *fleetPort) push(flow int32) (int, syscall.Errno) {
	done, tries := 0, 0
	var until time.Time
	for done < len(f.first) {
		n, errno := f.fleet.Send(flow, done)
		if errno == 0 {
			done, tries = done+n, 0
			continue
		}
		switch {
		case errno == syscall.EAGAIN && until.IsZero():
			until = time.Now().Add(sendPatience)
		case errno == syscall.EAGAIN && time.Now().Before(until):
			time.Sleep(sendNap)
		case stored(errno) && tries < storedTries:
			tries++
		default:
			return done, errno
		}
	}
	return done, 0
}

const sendNap = 20 * time.Microsecond

// stored reports whether errno may be an ICMP error about an earlier datagram, which the next send is told of, and does not send (ip(7)).
func stored(errno syscall.Errno) bool {
	switch errno {
	case syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENONET, syscall.ENOPROTOOPT,
		syscall.EOPNOTSUPP, syscall.EPROTO, syscall.EACCES:
		return true
	}
	return false
}

// refused reports that it was the segmentation that was not taken, and does without from now on.
func (f *fleetPort) refused(errno syscall.Errno) bool {
	if !f.gso || (errno != syscall.EIO && errno != syscall.EINVAL && errno != syscall.EMSGSIZE) {
		return false
	}
	f.gso, f.kind.gso = false, false
	return true
}

func (f *fleetPort) spins() bool { return true }

func (f *fleetPort) drops() (n int64, known, atLeast bool) {
	for i := range f.fleet.Len() {
		d, err := f.fleet.Socket(int32(i)).MemoryDrops()
		if err != nil {
			return n, false, false
		}
		n += int64(d)
	}
	return n, true, f.kind.gro
}

func (f *fleetPort) traits() traits { return f.kind }

func (f *fleetPort) taps(of func(dgram.Conn) dgram.Tap) (taps []dgram.Tap) {
	for i := range f.fleet.Len() {
		var local dgram.Endpoint
		if a, err := f.fleet.Socket(int32(i)).Local(); err == nil {
			if a, ok := a.(sock.InetAddr); ok {
				local = dgram.IPEndpoint(f.target.Network(), a.AddrPort)
			}
		}
		taps = append(taps, of(bound{local: local}))
	}
	return taps
}

func (f *fleetPort) close() error { return f.fleet.Close() }
