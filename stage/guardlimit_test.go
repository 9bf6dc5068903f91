package stage

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dgram"
)

// leaveOutIfShort leaves out what is long and has one goroutine.
func leaveOutIfShort(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing for the race detector")
	}
}

// shard is what asks a limiter: one of those that share it.
type shard struct {
	*limiter
	ahead paidAhead
}

// newShard returns the only one of a new limiter.
func newShard(rate int) *shard { return &shard{limiter: newLimiter(rate)} }

// take asks for n datagrams of one address.
func (s *shard) take(a netip.Addr, now uint64, n int) int {
	high, low := words(a)
	return s.allow(&s.ahead, a.Is4(), high, low, now, n)
}

// exact is the slow truth: a token bucket for every address and every prefix, each remembered for ever.
type exact struct {
	rate    float64
	buckets map[netip.Prefix]*tokens
}

type tokens struct{ left, at float64 }

// levels are what an address is counted as, and how many times the rate each is allowed.
func levels(a netip.Addr) (all []netip.Prefix, times []float64) {
	bits, times := []int{128, 64, 56, 48}, []float64{1, 2, 3, 4}
	if a.Is4() {
		bits, times = []int{32, 24}, []float64{1, 32}
	}
	for _, n := range bits {
		all = append(all, netip.PrefixFrom(a, n).Masked())
	}
	return all, times
}

// take admits one datagram at a time, in seconds, if every bucket of its address has a token.
func (e *exact) take(a netip.Addr, at float64) bool {
	all, times := levels(a)
	for i, p := range all {
		b, most := e.buckets[p], e.rate*times[i]*2.5
		if b == nil {
			b = &tokens{left: most, at: at}
			e.buckets[p] = b
		}
		b.left, b.at = min(most, b.left+(at-b.at)*e.rate*times[i]), at
		if b.left < 1-1e-6 {
			return false
		}
	}
	for _, p := range all {
		e.buckets[p].left--
	}
	return true
}

// Whoever sends as he likes is answered as the truth has it, within 5 %, and never more than by the odd datagram.
func TestLimiterHoldsToTheTruth(t *testing.T) {
	leaveOutIfShort(t)
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]int{1, 7, 50, 1000, 100_000}).Draw(t, "rate")
		l, e := newShard(rate), &exact{rate: float64(rate), buckets: map[netip.Prefix]*tokens{}}
		senders := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) netip.Addr {
			near := rapid.Uint32Range(0, 3).Draw(t, "net")<<8 | rapid.Uint32Range(1, 3).Draw(t, "host")
			if rapid.Bool().Draw(t, "v6") {
				return ipv6(0xfd00<<48|uint64(near), uint64(near))
			}
			return ipv4(0x0a000000 | near)
		}), 1, 6).Draw(t, "senders")
		// Together they offer from a tenth of one's limit to a hundred times it.
		gap := second / float64(rate) / rapid.SampledFrom([]float64{0.1, 1, 3, 20, 100}).Draw(t, "load")
		r := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed")))
		got, want := map[netip.Addr]int{}, map[netip.Addr]int{}
		var now float64
		for range 20_000 {
			now += gap * r.ExpFloat64()
			a := senders[r.IntN(len(senders))]
			got[a] += l.take(a, clockStart+uint64(now), 1)
			if e.take(a, float64(uint64(now))/second) {
				want[a]++
			}
		}
		sumGot, sumWant := 0, 0
		for _, a := range senders {
			sumGot, sumWant = sumGot+got[a], sumWant+want[a]
		}
		if d := float64(sumGot - sumWant); d > 0.05*float64(sumWant)+2 || d < -0.05*float64(sumWant)-2 {
			t.Fatalf("rate %d: %d admitted in all, %d in truth", rate, sumGot, sumWant)
		}
		// Alone in its prefixes, each has to agree by itself.
		for _, a := range senders {
			if d := float64(got[a] - want[a]); len(senders) == 1 && (d > 2 || d < -2) {
				t.Fatalf("rate %d: %v: %d admitted, %d in truth", rate, a, got[a], want[a])
			}
		}
	})
}

func TestLimiterRates(t *testing.T) {
	for _, c := range []struct {
		name  string
		next  func(i int) netip.Addr
		burst int
		rate  int // a second, after that
	}{
		{"address", func(int) netip.Addr { return ipv4(0x0a000001) }, 125, 50},
		{"/24", func(i int) netip.Addr { return ipv4(0x0a000000 | uint32(i%256)) }, 4000, 1600},
		{"IPv6 address", func(int) netip.Addr { return ipv6(1<<60, 1) }, 125, 50},
		{"/64", func(i int) netip.Addr { return ipv6(1<<60, uint64(i)) }, 250, 100},
		{"/56", func(i int) netip.Addr { return ipv6(1<<60|uint64(i%256), uint64(i)) }, 375, 150},
		{"/48", func(i int) netip.Addr { return ipv6(1<<60|uint64(i%65536), uint64(i)) }, 500, 200},
	} {
		l := newShard(DefaultLimit)
		i, burst, later := 0, 0, 0
		for range 6000 {
			i++
			burst += l.take(c.next(i), clockStart, 1)
		}
		for tick := uint64(0); tick < 10*second; tick += second / 4000 {
			i++
			later += l.take(c.next(i), clockStart+tick, 1)
		}
		if burst != c.burst || later < 10*c.rate*95/100 || later > 10*c.rate*105/100 {
			t.Errorf("%s: %d at once, then %d in 10 s; want %d and %d", c.name, burst, later, c.burst, 10*c.rate)
		}
	}
}

// A slot of several datagrams is admitted as far as there is room.
func TestLimiterTakesApart(t *testing.T) {
	l := newShard(10)
	a := ipv4(1)
	if got := []int{l.take(a, clockStart, 20), l.take(a, clockStart, 20), l.take(a, clockStart, 20), l.take(a, clockStart+second/2, 64)}; fmt.Sprint(got) != "[20 5 0 5]" {
		t.Errorf("admitted %v", got)
	}
}

func TestLimiterWhenTheClockGoesRound(t *testing.T) {
	l := newShard(50)
	a := ipv4(1)
	for _, now := range []uint64{1<<timeBits - 10, 1<<timeBits + second} {
		if n := l.take(a, now, 1000); n != 125 && n != 50 {
			t.Errorf("at %d: %d admitted", now, n)
		}
	}
	// After most of a round what is in the table is past, however it looks.
	for _, now := range []uint64{1 << (timeBits - 1), 1<<timeBits - furthest} {
		if n := l.take(a, 1<<timeBits+second+now, 1000); n != 125 {
			t.Errorf("%d later: %d admitted", now, n)
		}
	}
	if n := l.busy(1<<timeBits + second + 1<<timeBits - furthest + 1); n != 2 {
		t.Errorf("%d buckets in use, not 2", n)
	}
}

// A shard whose batch is a little older than another's must not take a full bucket for an empty one.
func TestLimiterWithAnOlderClock(t *testing.T) {
	l := newShard(50)
	a := ipv4(1)
	if n := l.take(a, clockStart+60*second, 1000); n != 125 {
		t.Fatal(n)
	}
	for _, ago := range []uint64{1, second / 1000, second, 30 * second} {
		if n := l.take(a, clockStart+60*second-ago, 1); n != 0 {
			t.Errorf("%d ticks ago: admitted", ago)
		}
	}
}

// Several shards charge one address: together they admit no more than one would.
func TestLimiterShared(t *testing.T) {
	l := newLimiter(1000)
	var clock, admitted atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s := &shard{limiter: l}
			for range 20_000 {
				now := clockStart + uint64(clock.Add(second/100_000))
				admitted.Add(int64(s.take(ipv4(0x0a000001), now, 1)))
			}
		})
	}
	all.Wait()
	if most, n := int64(2500+800), admitted.Load(); n > most || n < most*95/100 {
		t.Errorf("%d admitted in 0.8 s, want %d", n, most)
	}
}

// crowd is a flood beside which innocents ask now and then.
type crowd struct {
	flood func(i uint64) netip.Addr
	rate  uint64 // a second
}

// The innocents' prefixes are not the flood's: they keep their answers. The busy ones of the flood get what is theirs, and no more.
func TestLimiterInAFlood(t *testing.T) {
	leaveOutIfShort(t)
	const seconds = 1
	for name, c := range map[string]crowd{
		"new IPv4 addresses":     {flood: func(i uint64) netip.Addr { return ipv4(uint32(mix(i))>>1 | 1<<31) }, rate: 1_000_000},
		"new IPv6 addresses":     {flood: func(i uint64) netip.Addr { return ipv6(mix(i)|1<<63, mix(i+1)) }, rate: 1_000_000},
		"20,000 busy addresses":  {flood: func(i uint64) netip.Addr { return ipv4(1<<31 | uint32(i%20_000)<<9) }, rate: 2_000_000},
		"20,000 busy IPv6 ones":  {flood: func(i uint64) netip.Addr { return ipv6(1<<63|i%20_000<<17, 1) }, rate: 2_000_000},
		"one /24":                {flood: func(i uint64) netip.Addr { return ipv4(1<<31 | uint32(i%256)) }, rate: 1_000_000},
		"one IPv6 /48, from all": {flood: func(i uint64) netip.Addr { return ipv6(1<<63|mix(i)%65536, mix(i)) }, rate: 1_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			l := newShard(DefaultLimit)
			asked, answered := 0, 0
			admitted := map[netip.Addr]int{}
			for i := range seconds * c.rate {
				now := clockStart + i*second/c.rate
				a := c.flood(i)
				if n := l.take(a, now, 1); i%16 == 0 || len(admitted) < 1000 {
					admitted[a] += n
				}
				if i%100 == 0 { // 1,000 innocents, 10 datagrams a second each or so
					asked++
					answered += l.take(innocent(i/100), now, 1)
				}
			}
			if answered*1000 < asked*999 {
				t.Errorf("%d of %d innocent datagrams were admitted", answered, asked)
			}
			for a, n := range admitted {
				if most := 125 + 50*int(seconds); n > most*105/100 {
					t.Errorf("%v: %d admitted, more than %d", a, n, most)
				}
			}
		})
	}
}

func innocent(i uint64) netip.Addr {
	if i%2 == 0 {
		return ipv4(uint32(i%1000) << 9)
	}
	return ipv6(i%1000<<17, 1)
}

// Keys that have to share four cells owe each other's debts: more is refused then, never less.
func TestLimiterNeverFailsOpenWhereTheTableIsFull(t *testing.T) {
	leaveOutIfShort(t)
	l := newShard(DefaultLimit)
	for i := range uint64(6 * limiterCells) { // far more than it holds, each with its whole burst
		l.take(ipv6(i<<17|1<<63, i), clockStart, 125)
	}
	admitted := 0
	for i := range uint64(1000) {
		admitted += l.take(ipv6(i<<17|1<<63, i), clockStart, 125)
	}
	if admitted != 0 {
		t.Errorf("%d datagrams of addresses whose burst was spent were admitted", admitted)
	}
}

// Millions of sources are no more memory than one.
func TestGuardsMemoryIsFixed(t *testing.T) {
	leaveOutIfShort(t)
	const sources = uint64(3_000_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := newGuarded(NewGuards(GuardConfig{}), 32)
	for i := range sources {
		if i%64 == 0 {
			r.now = r.now.Add(64 * time.Microsecond)
		}
		addr := ipv4(uint32(mix(i))>>1 | 1<<30)
		if i%2 == 1 {
			addr = ipv6(mix(i)|1<<63, i)
		}
		r.slot.Peer = dgram.IPEndpoint(dgram.UDP, netip.AddrPortFrom(addr, 40000))
		r.pass()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.Sys) - int64(before.Sys); grown > 16<<20 {
		t.Errorf("memory grew by %d KiB", grown>>10)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
	if n := after.Mallocs - before.Mallocs; n > sources/1000 {
		t.Errorf("%d allocations for %d sources", n, sources)
	}
	runtime.KeepAlive(r)
}
