package stage

import (
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
)

// limiter bounds how often each address, and each prefix, is answered. It is a table of fixed size for all of them, with no lock and no
// allocation, that never forgets what anybody owes:
//
// A token bucket is one number, the time at which it will be full again (as in the virtual scheduling form of the generic cell rate
// algorithm, ITU-T I.371): each datagram moves that time on by its cost, and none passes that would move it further than the burst into the
// future. A bucket whose time is past is as good as none, so its cell is free for anybody; nothing ever has to be swept.
//
// A key has four cells to be in. If all are taken by others it takes over the one that is free soonest, with what that owes (as Space-Saving
// does: Metwally, Agrawal and El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams", 2005). What is owed is thus
// never less than the truth, for those in the table and those that were put out, and no flood of addresses opens the limit to any.
type limiter struct {
	cells     *[limiterCells]atomic.Uint64 // each: 16 bits of the key's hash, 48 bits of time
	secret    [6]uint64                    // what the hash is keyed with, so that nobody can choose addresses that meet
	cost      [families][4]uint64          // ticks that a datagram costs: the address, /24; or the address, /64, /56, /48
	aheadMost [families]uint64             // how many datagrams a shard may pay for ahead
}

const (
	limiterCells = 1 << 19 // 4 MiB (Knot DNS)
	limiterWays  = 4

	// What there is of one kind for IPv4 addresses and of one for the others.
	family4, family6 = 0, 1
	families         = 2

	tickLength = 16 // nanoseconds
	second     = 1_000_000_000 / tickLength
	burstTicks = second * 5 / 2
	timeBits   = 48 // 52 days of ticks, round and round
	timeMask   = 1<<timeBits - 1
	// A time further ahead than this (68 s) is one that the clock has gone round since. What is ahead by more than the burst, but not
	// by this, is what a shard sees whose batch is older than another's.
	furthest   = 1 << 32
	clockStart = furthest
)

func newLimiter(rate int) *limiter {
	l := &limiter{cells: new([limiterCells]atomic.Uint64)}
	for i := range l.secret {
		l.secret[i] = rand.Uint64() | 1
	}
	cost := func(times uint64) uint64 {
		ticks := uint64(second) / (uint64(rate) * times) // rounded down, so that the whole burst fits
		if ticks < 1000 {
			return max((2*second/(uint64(rate)*times)+1)/2, 1) // that would be too far down
		}
		return ticks
	}
	l.cost = [families][4]uint64{{cost(1), cost(32)}, {cost(1), cost(2), cost(3), cost(4)}}
	for i := range l.aheadMost {
		l.aheadMost[i] = min(aheadTicks/l.cost[i][1], mostAhead)
	}
	return l
}

// fold multiplies two numbers and folds the 128 bits of the product into 64.
func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

// hash is that of a prefix; level keeps prefixes of different lengths apart.
func (l *limiter) hash(level int, high, low uint64) uint64 {
	return fold(fold(high^l.secret[level], low^l.secret[5])^l.secret[level+1], l.secret[0])
}

// bucket is one key's place in the table, as it was read.
type bucket struct {
	hash uint64
	cost uint64 // of one datagram
	word uint64 // of the cell
	owed uint64 // ticks until it is full
	cell uint64
}

// room returns how many of n datagrams the bucket has room for.
func (b *bucket) room(n int) int {
	switch {
	case b.owed+uint64(n)*b.cost <= burstTicks:
		return n
	case n == 1 || b.owed >= burstTicks:
		return 0
	}
	return int((burstTicks - b.owed) / b.cost)
}

// find fills in b's cell: its own, or else the one of its four that is free, or will be, first.
func (l *limiter) find(b *bucket, now uint64) {
	first := b.hash % (limiterCells / limiterWays) * limiterWays
	least := uint64(furthest)
	for cell := first; cell < first+limiterWays; cell++ {
		word := l.cells[cell%limiterCells].Load()
		owed := (word - now) & timeMask
		if owed >= furthest || word == 0 {
			owed = 0
		}
		own := (word^b.hash)>>timeBits == 0
		if own || owed < least {
			b.word, b.owed, b.cell = word, owed, cell
			least = owed
		}
		if own {
			return
		}
	}
}

// pay charges n datagrams. It reports false if another shard has changed the cell meanwhile.
func (l *limiter) pay(b *bucket, now uint64, n int) bool {
	time := (now + b.owed + uint64(n)*b.cost) & timeMask
	return l.cells[b.cell%limiterCells].CompareAndSwap(b.word, b.hash&^timeMask|time)
}

// payTries bounds how often a cell is tried that other shards change at the same time. After that the datagram is refused.
const payTries = 32

// insist looks again and pays until it succeeds. It reports false if others have used up the room.
func (l *limiter) insist(b *bucket, now uint64, n int) bool {
	for range payTries {
		if l.find(b, now); b.room(n) < n {
			return false
		}
		if l.pay(b, now, n) {
			return true
		}
	}
	return false
}

// busy counts the cells that somebody owes in.
func (l *limiter) busy(now uint64) (n int) {
	for i := range l.cells {
		if word := l.cells[i].Load(); word != 0 && (word-now-1)&timeMask < furthest {
			n++
		}
	}
	return n
}
