package stage

import (
	"net/netip"
	"sync/atomic"
	"time"

	"dgram"
)

// GuardConfig says what [Guards] are to stop. Its zero value is the one to face strangers with; each field takes back a part of it.
type GuardConfig struct {
	// AnySource answers whatever source a datagram claims, also one that no client has. See [Guards] for those that are refused.
	AnySource bool
	// Limit is how many datagrams a second of one address are answered, 2.5 s of it at once (50 and 125: Knot DNS). An IPv4 /24 has 32 times
	// that, an IPv6 /64, /56 and /48 twice, three and four times. 0 is DefaultLimit, less than 0 is no limit; MostLimit at most.
	Limit int
	// Trusted are networks that are not limited, and whose ports are not looked at. A source can be forged: what a network is trusted
	// with here, whoever can send in its name is trusted with.
	Trusted []netip.Prefix
	// MaxReply lets replies to other machines, with their copies, have so many bytes, however short the request was: whoever forges a
	// source can have them sent there. 0: no more than the request had (RFC 9000, Section 8). Less than 0: no bound.
	MaxReply int
	// AnyLoop answers datagrams that may be an echo of our own replies for ever.
	AnyLoop bool
	// Own are the endpoints of our own sockets. Package server fills them in.
	Own []dgram.Endpoint
	// OnFirst is told the first datagram that is dropped for each reason, on the goroutine that processes it: it must not wait.
	OnFirst func(reason dgram.Reason, peer dgram.Endpoint)
}

// DefaultLimit is GuardConfig.Limit where it says nothing.
const DefaultLimit = 50

// MostLimit is the largest GuardConfig.Limit: beyond it the clock is too coarse to hold it.
const MostLimit = 1_000_000

// Guards stand between the sockets and the stages, and between the stages and the sockets, so that the server can face strangers. One
// Guards serves all Lines of a server. They look, in this order:
//
//  1. At the source. Everywhere: no answer to port 0, to our own sockets, to broadcast, multicast and unspecified addresses and others
//     that nobody can have (RFC 1122, Section 3.2.1.3; RFC 4291, Section 2.7). Off this machine: nor to ports below 1024 and
//     port 2049, where servers are, which might answer in turn.
//  2. At the rate, of each address and its prefixes; not on this machine.
//  3. For loops: of the datagrams in a row that equal our last reply to their sender, each 64th is dropped, so that two servers that
//     answer each other fall silent (CVE-2024-2169).
//  4. Once the reply is made, at its size: off this machine it is, with its copies, no larger than the request. Over that it is
//     dropped, and not cut; copies that do not fit are left out.
//
// On this machine means: the source is a loopback address, or one of this host's own, so that a reply does not leave it. The host's
// addresses are read when Guards are made, and again while datagrams of others come: they are as of a second ago, or, after a
// pause, of ten.
type Guards struct {
	config GuardConfig
	hosts  hosts
	limit  *limiter   // nil: off
	loops  *loopTable // nil: off
	epoch  time.Time  // when limit's clock was 0
	told   [dgram.MaxReasons]atomic.Bool
}

// NewGuards returns the guards that c asks for. Their memory is fixed: 4 MiB for rates, and 64 KiB more for each Line, and 1 MiB for loops, of which
// what is never used is never touched.
func NewGuards(c GuardConfig) *Guards {
	now := time.Now()
	g := &Guards{config: c, epoch: now}
	g.hosts.list = interfaceAddrs
	g.hosts.read(now)
	if c.Limit == 0 {
		c.Limit = DefaultLimit
	}
	if c.Limit > 0 {
		g.limit = newLimiter(min(c.Limit, MostLimit))
	}
	if !c.AnyLoop {
		g.loops = newLoopTable()
	}
	return g
}

// Own returns the endpoints whose sockets are taken for our own.
func (g *Guards) Own() []dgram.Endpoint { return append([]dgram.Endpoint(nil), g.config.Own...) }

// Limited returns how many entries the table of the rate limiter has, and how many of them stand for an address or a prefix that has sent more than
// nothing of late. Both are 0 where there is no limit. It reads the whole table: about a millisecond.
func (g *Guards) Limited() (busy, size int) {
	if g.limit == nil {
		return 0, 0
	}
	return g.limit.busy(g.tick(time.Now())), len(g.limit.cells)
}

// tick is the limiter's clock. It begins late enough for an empty cell to be long past.
func (g *Guards) tick(now time.Time) uint64 { return uint64(now.Sub(g.epoch))/tickLength + clockStart }

func (g *Guards) first(reason dgram.Reason, peer dgram.Endpoint) {
	if t := &g.told[reason]; g.config.OnFirst != nil && !t.Load() && t.CompareAndSwap(false, true) {
		g.config.OnFirst(reason, peer)
	}
}

// request is what has to be known of a datagram when its reply goes out.
type request struct {
	size    int    // bytes of its payload
	flow    uint64 // of the loop guard
	near    bool   // it came from this machine
	suspect bool   // it may equal our last reply
}

// gate is what one Line has of the guards: they, and what is true of the batch that it processes.
type gate struct {
	guards *Guards
	now    time.Time
	here   *hostSet // nil until a datagram of the batch asks for it
	tick   uint64   // with here

	flows []uint64 // the loop guard's, of each slot of the batch

	// The slots before runEnd follow each other from one peer, and were charged together: so many of their datagrams are left to be let in.
	runEnd, granted int
	ahead           *paidAhead // nil until the limiter is first asked
}

// begin begins the batch b.
func (g *gate) begin(now time.Time, b *dgram.Batch) {
	g.now, g.here, g.runEnd = now, nil, 0
	if g.guards != nil && g.guards.loops != nil {
		g.flows = g.guards.loops.flowsOf(g.flows[:0], b)
	}
}

// enter looks at the datagram in slot i and returns what is to be known of it later. What is not to be answered has its fate then; of a slot with
// several datagrams that may be the last ones only, which have got a slot of their own.
func (g *gate) enter(b *dgram.Batch, i int) request {
	d := &b.Datagrams[i]
	r := request{size: len(d.Data), near: true}
	if g.guards == nil {
		return r
	}
	var high, low uint64
	if d.Peer.Network().IP() {
		var reason dgram.Reason
		high, low = d.Peer.Bits()
		if r.near, reason = g.source(d, high, low); reason != dgram.NoReason {
			g.drop(b, i, 0, reason)
			return r
		}
		if !r.near && !g.withinLimit(b, i, high, low) {
			return r
		}
	}
	if l := g.guards.loops; l != nil {
		d = &b.Datagrams[i]
		r.flow = g.flows[i]
		var n int
		if n, r.suspect = l.arrived(r.flow, d); n > 0 {
			g.drop(b, i, d.Count()-n, dgram.ReasonLoop)
		}
	}
	r.size = len(b.Datagrams[i].Data)
	return r
}

// withinLimit drops what is over the limit, and reports whether anything is left.
func (g *gate) withinLimit(b *dgram.Batch, i int, high, low uint64) bool {
	d := &b.Datagrams[i]
	l := g.guards.limit
	if l == nil || g.guards.trusts(d.Peer.Addr()) {
		return true
	}
	n := d.Count()
	if i >= g.runEnd {
		g.charge(b, i, n, high, low)
	}
	kept := min(n, g.granted)
	g.granted -= kept
	if kept < n {
		g.drop(b, i, kept, dgram.ReasonLimit)
	}
	return kept > 0
}

// longestRun bounds how many slots are charged together, and so what one is charged too much whose bucket another shard empties meanwhile.
const longestRun = 16

// charge asks the limiter for the n datagrams of slot i, and with them for those of the slots from the same peer that follow at once. All of
// them have come at one time, so the outcome is that of asking for each; the work is done once.
func (g *gate) charge(b *dgram.Batch, i, n int, high, low uint64) {
	if g.ahead == nil {
		g.ahead = new(paidAhead)
	}
	first := &b.Datagrams[i]
	all, end := n, i+1
	for ; end < min(len(b.Datagrams), i+longestRun); end++ {
		next := &b.Datagrams[end]
		if next.Fate != dgram.Undecided || next.Peer != first.Peer {
			break
		}
		all += next.Count()
	}
	l, is4 := g.guards.limit, first.Peer.Addr().Is4()
	g.granted, g.runEnd = l.allow(g.ahead, is4, high, low, g.tick, all), end
	if g.granted == 0 && all > n {
		g.granted = l.allow(g.ahead, is4, high, low, g.tick, n) // another shard was quicker, perhaps
	}
	if end == i+1 {
		g.runEnd = 0
	}
}

// drop gives the datagrams of slot i their fate, but for the first ones, kept in number.
func (g *gate) drop(b *dgram.Batch, i, kept int, reason dgram.Reason) {
	d := &b.Datagrams[i]
	g.guards.first(reason, d.Peer)
	if kept == 0 {
		d.DropFor(reason)
		return
	}
	rest := *d
	end := kept * d.Segment
	d.Data = d.Data[:end:end]
	rest.Data = rest.Data[end:]
	rest.ID += uint64(kept)
	rest.DropFor(reason)
	b.Datagrams = append(b.Datagrams, rest)
}

func (g *Guards) trusts(a netip.Addr) bool {
	if len(g.config.Trusted) == 0 {
		return false
	}
	a = a.WithZone("")
	for _, p := range g.config.Trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
