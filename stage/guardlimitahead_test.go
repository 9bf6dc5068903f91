package stage

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// bound is the slow truth of what may be let in: for every address no more than its burst, and its rate in the time since; for a
// prefix 5 % more.
type bound struct {
	rate    float64
	buckets map[netip.Prefix]*tokens
}

// add counts n datagrams that were let in, and returns the prefix that has had too many with them.
func (e *bound) add(a netip.Addr, at float64, n int) (over netip.Prefix) {
	all, times := levels(a)
	for i, p := range all {
		rate := e.rate * times[i]
		if i > 0 {
			rate *= 1.05
		}
		b := e.buckets[p]
		if b == nil {
			b = &tokens{left: 2.5*rate + 1, at: at}
			e.buckets[p] = b
		}
		b.left, b.at = min(2.5*rate+1, b.left+(at-b.at)*rate)-float64(n), max(at, b.at)
		if b.left < -1e-6 {
			over = p
		}
	}
	return over
}

// offer is somebody's traffic: from a few addresses in a few networks, to shards at random, evenly or in bursts with pauses.
type offer struct {
	senders []netip.Addr
	shards  []*shard
	gap     float64 // ticks, on average
	pauses  int     // one in so many times there is a pause, of seconds
	most    int     // datagrams at a time
	r       *rand.Rand
}

func drawOffer(t *rapid.T, rate int) *offer {
	o := &offer{
		senders: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) netip.Addr {
			near := rapid.Uint32Range(0, 3).Draw(t, "net")<<8 | rapid.Uint32Range(1, 3).Draw(t, "host")
			if rapid.Bool().Draw(t, "v6") {
				return ipv6(0xfd00<<48|uint64(near), uint64(near))
			}
			return ipv4(0x0a000000 | near)
		}), 1, 12).Draw(t, "senders"),
		pauses: rapid.SampledFrom([]int{20, 300, 5000, 1e9}).Draw(t, "pauses"),
		most:   rapid.SampledFrom([]int{1, 1, 3, 70}).Draw(t, "most"),
		r:      rand.New(rand.NewPCG(2, rapid.Uint64().Draw(t, "seed"))),
	}
	l := newLimiter(rate)
	for range rapid.IntRange(1, 5).Draw(t, "shards") {
		o.shards = append(o.shards, &shard{limiter: l})
	}
	o.gap = second / float64(rate) / rapid.SampledFrom([]float64{0.1, 1, 3, 20, 100}).Draw(t, "load")
	return o
}

// next returns who sends next, to which shard, how many, and how long after what was before.
func (o *offer) next() (s *shard, a netip.Addr, n int, after float64) {
	after = o.gap * o.r.ExpFloat64()
	if o.r.IntN(o.pauses) == 0 {
		after += 4 * second * o.r.Float64()
	}
	return o.shards[o.r.IntN(len(o.shards))], o.senders[o.r.IntN(len(o.senders))], 1 + o.r.IntN(o.most), after
}

// Whatever several shards have paid ahead, and when they use it: no network gets more than 5 % over its limit, no address anything over its own, and
// all together hardly less than if each datagram had been paid for by itself.
func TestPayingAheadHoldsToTheTruth(t *testing.T) {
	leaveOutIfShort(t)
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]int{1, 7, 50, 1000, 100_000, MostLimit}).Draw(t, "rate")
		o := drawOffer(t, rate)
		limits := &bound{rate: float64(rate), buckets: map[netip.Prefix]*tokens{}}
		e := &exact{rate: float64(rate), buckets: map[netip.Prefix]*tokens{}}
		var now float64
		got, want := 0, 0
		for range 20_000 {
			s, a, n, after := o.next()
			now += after
			at := float64(uint64(now)) / second
			in := s.take(a, clockStart+uint64(now), n)
			if over := limits.add(a, at, in); over.IsValid() {
				t.Fatalf("rate %d, %d shards, at %.3f s: more than the limit of %v was let in", rate, len(o.shards), at, over)
			}
			got += in
			for range n {
				if e.take(a, at) {
					want++
				}
			}
		}
		if float64(got) < 0.95*float64(want)-2 || float64(got) > 1.05*float64(want)+2 {
			t.Fatalf("rate %d, %d shards: %d let in, %d in truth", rate, len(o.shards), got, want)
		}
	})
}

// Who sends once owes for one, and what is paid ahead is little beside what was used.
func TestNobodyNewPaysAhead(t *testing.T) {
	s := newShard(DefaultLimit)
	for i := range uint64(3000) {
		s.take(ipv6(1<<60+i<<16, 1), clockStart+i, 1)
		s.take(ipv4(uint32(1<<30+i<<8)), clockStart+i, 1)
	}
	for family := range s.ahead {
		for _, c := range s.ahead[family] {
			if c.left != 0 {
				t.Fatalf("%+v: paid ahead", c)
			}
		}
	}
	s = newShard(1000)
	owed := bucket{hash: s.hash(1, 1, 0), cost: s.cost[family6][1]}
	for i := range uint64(2000) {
		s.take(ipv6(1, 1+i%4), clockStart, 1)
		s.find(&owed, clockStart)
		if paid := owed.owed / owed.cost; paid-(i+1) > (i+1)/20 {
			t.Fatalf("%d were let in, %d paid", i+1, paid)
		}
	}
}

// A credit is worth nothing to an address that is over its own limit, and to nobody after its time.
func TestCreditsAreNotForAll(t *testing.T) {
	s := newShard(1000)
	c := s.ahead.of(s.limiter, family6, 1)
	for range 1000 {
		s.take(ipv6(1, 1), clockStart, 1)
	}
	for c.left == 0 {
		s.take(ipv6(1, 1), clockStart, 1)
	}
	address := bucket{hash: s.hash(0, 1, 1), cost: s.cost[family6][0]}
	s.find(&address, clockStart)
	s.pay(&address, clockStart, address.room(10_000))
	before := *c
	if n := s.take(ipv6(1, 1), clockStart, 1); n != 0 || *c != before {
		t.Errorf("%d let in; the credit was %+v, now %+v", n, before, *c)
	}
	s.take(ipv6(1, 2), clockStart+aheadTicks, 1)
	if c.left != 0 || c.used != 1 {
		t.Errorf("a credit is left after its time: %+v", *c)
	}
}

// A credit is its own network's: not that of another one that wants the same place.
func TestCreditsAreTheirOwn(t *testing.T) {
	s := newShard(1000)
	own := uint64(1 << 60)
	for range 200 {
		s.take(ipv6(own, 1), clockStart, 1)
	}
	c := s.ahead.of(s.limiter, family6, own)
	if c.left == 0 {
		t.Fatal("nothing was paid ahead")
	}
	other := own + 1
	for s.ahead.of(s.limiter, family6, other) != c {
		other++
	}
	for range 3 { // it still comes, so it keeps the place
		before := *c
		s.take(ipv6(other, 1), clockStart, 1)
		if before.seen = c.seen; *c != before {
			t.Fatalf("%+v became %+v", before, *c)
		}
		s.take(ipv6(own, 2), clockStart, 1)
	}
	s.take(ipv6(other, 1), clockStart, 1)
	s.take(ipv6(other, 1), clockStart, 1)
	if *c != (credit{prefix: other, at: clockStart, used: 1}) {
		t.Errorf("%+v", *c)
	}
}

// Shards that run at once, and pay ahead for networks that they share, let in no more than one would.
func TestPayingAheadShared(t *testing.T) {
	l := newLimiter(1000)
	var clock, admitted, admitted4 atomic.Int64
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			s := &shard{limiter: l}
			for k := range uint64(20_000) {
				now := clockStart + uint64(clock.Add(second/100_000))
				admitted.Add(int64(s.take(ipv6(1<<60+k%8, uint64(i)), now, 1)))
				admitted4.Add(int64(s.take(ipv4(1<<30+uint32(k%64)), now, 1)))
			}
		})
	}
	all.Wait()
	if most, n := int64(3*(2500+800)), admitted.Load(); n > most*105/100 || n < most*95/100 {
		t.Errorf("IPv6 /56: %d admitted in 0.8 s, want %d", n, most)
	}
	if most, n := int64(32*(2500+800)), admitted4.Load(); n > most*105/100 || n < min(most, 80_000)*95/100 {
		t.Errorf("IPv4: %d admitted in 0.8 s, want %d", n, min(most, 80_000))
	}
}
