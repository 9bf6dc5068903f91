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
	posts   []post
	room    int  // datagrams asked for at once
	last    bool // nothing is sent any more, and all flows have been looked at since
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
	err = unasked(s)
	if err == nil && asks {
		err = s.KeepStamps()
	}
	if err == nil && !c.Stray {
		err = s.Connect(sock.InetAddr{AddrPort: p.target.AddrPort()})
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// unasked has the kernel no longer say at which address a datagram arrived, as it does on a Conn's socket. Nobody asks, and with the stamps it costs a twentieth
// of a request.
func unasked(s *sock.Socket) error {
	if s.Family() == sock.INET6 {
		if err := s.Set(sock.IPv6RecvPktInfo, 0); err != nil {
			return err
		}
	}
	return s.Set(sock.IPPktInfo, 0)
}

// asksForStamps reports whether there is one answer to come, and nothing else. Its time is then asked for when the next request is on its way: the server waits for
// that, so whatever comes before counts.
func asksForStamps(c *Config, p *plan) bool {
	return p.clock == KernelClock && !p.open && !p.oneWay && p.window == 1 && p.flows == 1 && !c.GRO && !c.Stray && c.Tap == nil
}

func newFleetPort(c *Config, p *plan, sockets []*sock.Socket) (*fleetPort, error) {
	f := &fleetPort{target: p.target, gso: c.GSO, first: make([]int, 0, maxBatch), posts: make([]post, 0, maxBatch), quote: make([]byte, quoted)}
	f.kind = traits{transport: "kernel", timestamps: p.clock == KernelClock, gso: c.GSO, gro: c.GRO, measures: asksForStamps(c, p)}
	f.control = f.kind.timestamps && !f.kind.measures || c.GRO
	if c.Stray {
		f.to = p.target.AddrPort()
	}
	var err error
	size := c.options(p).Buffer
	f.room = min(max(mostTaken/size, 1), maxBatch)
	f.fleet, err = sock.NewFleet(sockets, sock.FleetConfig{Messages: maxBatch, Size: size, Control: f.control, Names: c.Stray, Sweep: !p.open && len(sockets) <= mostSwept})
	return f, err
}

// mostSwept bounds the flows of a closed loop that are looked at one after another: nearly each has an answer by then, and the kernel is spared
// a list of those that have, which costs about one part in twenty. With more a slow server would make it a long way round.
const mostSwept = 1024

// quoted is how much of a request a report may quote, bytes.
const quoted = 2048

// Flows are looked at one right behind the other, then what came is handed over, then what may go is sent, likewise: the kernel's way to receive, the worker's
// own and the kernel's way to send are each longer than the processor's first cache, and are fetched once for several flows.
const (
	mostLooks = 16       // flows
	mostTaken = 16 << 10 // bytes: what was taken is still in the cache
)

func (f *fleetPort) receive(w *worker, wait time.Duration) {
	if !w.sending && !f.last {
		f.last = true
		f.fleet.AgainAll() // who answers twice may have left answers that nobody expected, and so nobody asked for
	}
	for flows := f.fleet.Ready(wait); len(flows) > 0; {
		f.ask(w, flows)
		var begin, end moment
		if !f.kind.timestamps {
			begin = f.moment(w)
		}
		made := f.fleet.Look()
		if !f.kind.timestamps || wait > 0 {
			end = f.moment(w)
			w.now = end.at
		}
		for k, i := range flows[:made] {
			first, n, ticks, errno := f.fleet.Took(k)
			if errno != 0 {
				f.notices(w, i)
				f.fleet.Again(i)
			}
			if n == 0 {
				continue
			}
			at := w.now
			if !f.kind.timestamps {
				at = between(begin, end, ticks)
			}
			limit := f.limit(w, i)
			for j := range n {
				f.hand(w, i, first+j, at)
			}
			w.watch.show()
			if n == limit && (w.outstanding(i) > 0 || !w.sending) {
				f.fleet.Again(i)
			}
			w.drained(i)
		}
		w.flush()
		if f.kind.measures {
			f.measure(w, 0)
		}
		flows = flows[made:]
	}
}

func (f *fleetPort) moment(w *worker) moment { return moment{w.clock.now(), sock.Ticks()} }

// ask plans looks at the first of the flows.
func (f *fleetPort) ask(w *worker, flows []int32) {
	f.fleet.Forget()
	room := f.room
	for k, i := range flows[:min(len(flows), mostLooks)] {
		limit := f.limit(w, i)
		if k > 0 && limit > room {
			return
		}
		f.fleet.Ask(i, limit)
		room -= limit
	}
}

// limit is how many datagrams are asked for when flow i is looked at: what is outstanding, and one where nothing is.
func (f *fleetPort) limit(w *worker, i int32) int { return min(max(w.outstanding(i), 1), maxBatch) }

// measure records the latency of the answer that was taken from flow i last, if it was one.
func (f *fleetPort) measure(w *worker, i int32) {
	if due, ok := w.unmeasured.take(); ok {
		at := w.clock.stamp(f.fleet.Stamp(i))
		if at < 0 { // it does not say
			at = w.clock.now()
		}
		w.cur.latency.record(at - due)
	}
}

// hand gives message j, which came by flow i, to the worker, each of its datagrams for itself. read is when it had been received, by the user's clock.
func (f *fleetPort) hand(w *worker, i int32, j int, read int64) {
	b, at := f.fleet.Data(j), read
	segment := len(b)
	if f.kind.gro {
		f.fleet.Control(j, &f.scratch)
		if f.scratch.Segment > 0 {
			segment = f.scratch.Segment
		}
	}
	if f.kind.timestamps && !f.kind.measures {
		if at = w.clock.stamp(f.fleet.Nanos(j)); at < 0 { // there is none
			at = w.clock.now()
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

// post is the requests of one flow, by their places in the batch, and their messages.
type post struct{ from, to, first, messages int }

// send implements port.
func (f *fleetPort) send(w *worker, from, to int) {
	f.fleet.Reset()
	f.first, f.posts = f.first[:0], f.posts[:0]
	for from < to {
		end := w.oneFlow(from, to)
		p := post{from, end, len(f.first), 1}
		if end == from+1 && !f.to.IsValid() {
			f.fleet.PostOne(w.by[from], w.payloads[from])
		} else {
			f.gather(w.payloads[:end], from)
			f.fleet.Post(w.by[from], p.first)
			p.messages = len(f.first) - p.first
		}
		f.posts = append(f.posts, p)
		from = end
	}
	begin := f.moment(w)
	f.fleet.Send()
	end := begin
	if len(f.posts) > 1 {
		end = f.moment(w)
	}
	undone := f.posts[:0]
	for k, p := range f.posts {
		n, ticks, _ := f.fleet.Sent(k)
		w.left(p.from, p.to, between(begin, end, ticks))
		clear(w.failed[p.from:p.to])
		if n < p.messages {
			if n > 0 {
				p.from = f.first[p.first+n]
			}
			undone = append(undone, p)
		}
	}
	w.now = end.at
	for _, p := range undone {
		f.sendAgain(w.by[p.from], w.payloads[p.from:p.to], w.failed[p.from:p.to])
	}
}

// sendAgain sends requests of a flow that the kernel has not taken. What EAGAIN keeps out is tried for a while; an errno that the socket had in store is not
// the request's own.
func (f *fleetPort) sendAgain(flow int32, requests [][]byte, failed []syscall.Errno) {
	for from := 0; from < len(requests); {
		f.fleet.Reset()
		f.first = f.first[:0]
		f.gather(requests, from)
		done, errno := f.push(flow)
		if done == len(f.first) {
			return
		}
		from = f.first[done]
		if f.refused(errno) {
			continue
		}
		failed[from] = errno
		from++
	}
}

// gather makes messages of the requests from one on: one of each, or one of many of one size.
func (f *fleetPort) gather(requests [][]byte, from int) {
	size, count, total := 0, 0, 0
	for k := from; k < len(requests); k++ {
		b := requests[k]
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
		n, errno := f.fleet.SendBy(flow, done)
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
