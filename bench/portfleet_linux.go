package bench

import (
	"errors"
	"net/netip"
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
		return s.Set(sock.IPv6RecvPktInfo, 0)
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
			f.took(w, k, i, begin, end)
		}
		w.flush()
		if f.kind.measures {
			f.measure(w)
		}
		flows = flows[made:]
	}
}

// took hands over what look k brought, at flow i, and has made of it what is to be sent next. By the user's clock the look was between two moments.
func (f *fleetPort) took(w *worker, k int, i int32, begin, end moment) {
	first, n, ticks, errno := f.fleet.Took(k)
	if errno != 0 {
		f.notices(w, i)
		f.fleet.Again(i)
	}
	if n == 0 {
		return
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

// measure records the latency of the answer that was taken last from the one flow that there is, if it was one.
func (f *fleetPort) measure(w *worker) {
	if due, ok := w.unmeasured.take(); ok {
		at := w.clock.stamp(f.fleet.Stamp(0))
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
