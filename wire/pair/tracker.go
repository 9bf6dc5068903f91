package pair

import (
	"hash/maphash"
	"net/netip"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"dgram"
	"dgram/wire"
	"dgram/wire/app"
)

// The defaults of Config.
const (
	DefaultTimeout  = 5 * time.Second
	DefaultIdle     = 300 * time.Second
	DefaultMaxFlows = 1 << 16
)

// A Config says how a Tracker decides. The zero value is a good one.
type Config struct {
	// Timeout is how long a request waits for its reply, in time of the capture, before it is given up; 0: DefaultTimeout, which
	// is what resolvers wait.
	Timeout time.Duration
	// Idle is how long a flow without a packet is kept; 0: DefaultIdle (RFC 4787, Section 4.3, asks that of NATs). At least Timeout.
	Idle time.Duration
	// MaxFlows bounds the flows that are known at a time, 256 bytes each; 0: DefaultMaxFlows. Beyond that the one that has
	// been idle longest among a few makes room. Requests that wait, or were given up and may still be answered, are at most twice as many.
	MaxFlows int
	// OnSettled is told what becomes of each Request and Retry, from within Add and Tick. It must not call the Tracker. nil: nobody.
	OnSettled func(Settled)
}

func (c *Config) fill() {
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Idle <= 0 {
		c.Idle = DefaultIdle
	}
	c.Idle = max(c.Idle, c.Timeout)
	if c.MaxFlows <= 0 {
		c.MaxFlows = DefaultMaxFlows
	}
	if c.OnSettled == nil {
		c.OnSettled = func(Settled) {}
	}
}

// A Tracker finds which packet answers which. It belongs to one goroutine.
type Tracker struct {
	config Config
	secret [4]uint64
	seed   maphash.Seed

	now, first int64 // of the capture; 0: no time was seen yet

	flows     slab[flow]
	flowTable table
	clients   table // the youngest flow of each client
	hand      uint32

	requests slab[request]
	index    table    // requests by flow and identity
	waiting  timeline // those that may be answered
	givenUp  timeline // those that may be answered late

	counts  counts
	rtt     *hdr.Histogram
	history tops
}

// New returns a Tracker that has seen nothing.
func New(config Config) *Tracker {
	config.fill()
	t := &Tracker{config: config, seed: maphash.MakeSeed(), rtt: newHistogram()}
	for i := range t.secret {
		t.secret[i] = maphash.Comparable(t.seed, i) | 1
	}
	t.flowTable.grow()
	t.clients.grow()
	t.index.grow()
	return t
}

// A sight is a packet as it is looked at.
type sight struct {
	p      *wire.Packet
	m      *app.Message
	number uint32 // of the flow
	f      *flow
	d      direction
	// identity is what the packet says of itself; without that, a hash of its bytes, and one that is the same for a reply that
	// differs in the case of letters only.
	identity app.Identity
	payload  uint32 // hash of the payload; of a message with an identity, only where it is a reply
}

// Add takes the next packet, as Decode and Read left it: whole, or put together from its fragments. Packets are numbered
// from 1 (Packet.No); it keeps nothing of p. Where the flow shows what the packet alone did not, Add corrects m.
func (t *Tracker) Add(p *wire.Packet, m *app.Message) Note {
	t.clock(p.Time)
	t.counts.packets++
	t.counts.bytes += uint64(max(p.Length, 0))
	note := t.add(p, m)
	t.counts.protocols[m.Protocol%maxProtocols]++ // what it was corrected to
	return note
}

func (t *Tracker) add(p *wire.Packet, m *app.Message) Note {
	if p.HasQuoted {
		return t.report(p)
	}
	k, d, ok := t.keyOf(p, m)
	if !ok {
		t.counts.others++
		return Note{}
	}
	s := sight{p: p, m: m, d: d}
	s.number, s.f = t.flow(&k, p, m, d)
	s.correct()
	mine, theirs := &s.f.sides[d], &s.f.sides[1-d]
	mine.packets++
	mine.bytes += uint64(max(p.Length, 0))
	if s.f.marks&oneWay != 0 {
		if theirs.packets == 0 && m.Kind == app.Unknown {
			mine.lastNo = p.No
			return t.role(Note{Role: OneWay, Fate: dgram.Ignored})
		}
		if theirs.packets > 0 {
			s.f.marks &^= oneWay
		}
	}
	note := t.take(&s)
	mine.lastNo = p.No
	return t.role(note)
}

// correct reads the packet as one of its flow.
func (s *sight) correct() {
	if s.m.Protocol != s.f.protocol {
		app.Correct(s.p, s.m, s.f.protocol)
	}
	switch s.f.protocol {
	case app.UDP:
		s.f.protocol = s.m.Protocol
	case app.TFTP:
		// What a server sends first answers the request that began the transfer, whatever it is.
		if s.d == s.f.server && s.f.sides[s.d].packets == 0 && s.m.Protocol == app.TFTP {
			*s.m = app.Message{Protocol: app.TFTP, Kind: app.Reply}
		}
	}
}

// role counts a note.
func (t *Tracker) role(n Note) Note {
	t.counts.roles[n.Role]++
	return n
}

func (t *Tracker) take(s *sight) Note {
	switch {
	case s.m.Kind == app.Neither && s.f.unheard(s.d):
		s.f.marks |= oneWay
		return Note{Role: OneWay, Fate: dgram.Ignored}
	case s.m.Kind == app.Neither:
		return Note{Role: Data}
	}
	t.identify(s)
	if s.m.Kind == app.Request || s.m.Kind == app.Unknown && s.d != s.f.server {
		return t.ask(s)
	}
	return t.answer(s)
}

// identify fills in what the packet is recognised by.
func (t *Tracker) identify(s *sight) {
	if !s.m.HasIdentity {
		exact := maphash.Bytes(t.seed, s.p.Payload) + uint64(s.p.PayloadLength)
		s.identity = app.Identity{exact, foldedHash(s.p.Payload)}
		s.payload = uint32(exact)
		return
	}
	s.identity = s.m.Identity
	if s.m.Kind != app.Request {
		s.payload = uint32(maphash.Bytes(t.seed, s.p.Payload))
	}
}

// foldedHash is the same for b in small letters and in capital ones. Of a long b it looks at both ends only. Somebody who
// looks for collisions finds them, and has made requests that look the same.
func foldedHash(b []byte) uint64 {
	const head, tail = 128, 64
	if len(b) <= head+tail {
		return app.FoldedHash(b)
	}
	return fold(app.FoldedHash(b[:head])^uint64(len(b)), app.FoldedHash(b[len(b)-tail:])|1)
}

// clock follows the time of the capture, which files do not always have in order. A step back by more than Idle is another
// clock.
func (t *Tracker) clock(now int64) {
	if now == 0 {
		return
	}
	if t.first == 0 {
		t.first = now
	}
	if now > t.now || now < t.now-int64(t.config.Idle) {
		t.now = now
	}
	t.expire()
}

// Tick tells a Tracker the time where no packet does: in a live capture without traffic, requests are given up all the same.
// now is in nanoseconds since 1970, as in Frame.Time.
func (t *Tracker) Tick(now int64) { t.clock(max(now, t.now)) }

// flow finds the packet's flow, or makes it.
func (t *Tracker) flow(k *key, p *wire.Packet, m *app.Message, d direction) (uint32, *flow) {
	hash := t.hash(k)
	number := t.lookUp(k, hash)
	if number != 0 {
		f := t.flows.at(number)
		if t.now-f.last <= int64(t.config.Idle) {
			f.last = t.now
			return number, f
		}
		t.remove(number)
	}
	return t.begin(k, hash, p, m, d)
}

func (t *Tracker) lookUp(k *key, hash uint32) uint32 {
	number, place := t.flowTable.find(hash, t.flowTable.start(hash))
	for number != 0 && !t.flows.at(number).key.is(k) {
		number, place = t.flowTable.find(hash, place)
	}
	return number
}

// begin makes a flow.
func (t *Tracker) begin(k *key, hash uint32, p *wire.Packet, m *app.Message, d direction) (uint32, *flow) {
	t.sweep()
	t.counts.flows++
	number := t.flows.take()
	f := t.flows.at(number)
	*f = flow{key: *k, hash: hash, marks: used, last: t.now, first: t.now, protocol: m.Protocol, server: 1 - d, client: d}
	fromService, toService := m.Protocol.Serves(p.SrcPort), m.Protocol.Serves(p.DstPort)
	if fromService && !toService && p.HasPorts || m.Kind == app.Reply {
		f.server = d // the capture began in the middle, or a server speaks first
	}
	if k.protocol == groupKey {
		f.marks |= toGroup
		f.server = 1
	} else if isGroup(p.Dst) {
		f.marks |= toGroup
	}
	t.flowTable.add(hash, number)
	if k.protocol == groupKey {
		return number, f
	}
	if m.Kind != app.Request {
		t.findKin(f, p, m, d)
	}
	switch f.kinship {
	case noKin:
		t.joinClient(number, f)
	case moved:
		f.protocol = app.TFTP
	}
	return number, f
}

// isGroup says whether more than one host may listen to a. Of 255 in the last place it only seems so: how long the
// network's prefix is, a packet does not say.
func isGroup(a netip.Addr) bool {
	return a.IsMulticast() || a.Is4() && a.As4()[3] == 255
}

// sweep looks at a few flows, and removes those that have been idle; one more where there is no room for another.
func (t *Tracker) sweep() {
	full := t.flows.taken() >= t.config.MaxFlows
	looks := uint32(2)
	if full {
		looks = 8
	}
	victim, idlest := uint32(0), int64(0)
	for looked := uint32(0); looked < looks && looked < t.flows.next; looked++ {
		t.hand++
		if t.hand > t.flows.next {
			t.hand = 1
		}
		f := t.flows.at(t.hand)
		if f.marks&used == 0 {
			continue
		}
		if idle := t.now - f.last; idle > int64(t.config.Idle) {
			t.remove(t.hand)
			full = false
		} else if victim == 0 || idle > idlest {
			victim, idlest = t.hand, idle
		}
	}
	if full && victim != 0 {
		t.counts.evicted++
		t.remove(victim)
	}
}

// remove ends a flow.
func (t *Tracker) remove(number uint32) {
	f := t.flows.at(number)
	for d := range f.sides {
		for s := &f.sides[d]; s.waiting != 0; {
			t.settle(s.waiting, dgram.Undecided, 0, 0)
		}
		for s := &f.sides[d]; s.givenUp != 0; {
			t.forget(s.givenUp)
		}
	}
	t.leaveClient(number, f)
	t.flowTable.remove(f.hash, number)
	t.history.add(f)
	if f.marks&oneWay != 0 {
		t.counts.oneWayFlows++
	}
	f.marks = 0
	t.flows.give(number)
}
