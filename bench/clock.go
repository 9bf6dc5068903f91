package bench

import "time"

// clock is the time of one run: nanoseconds since its begin, monotonic.
type clock struct {
	base   time.Time
	offset int64 // of the wall clock, in nanoseconds since 1970, at the base
}

func newClock() clock {
	c := clock{base: time.Now()}
	c.adjust()
	return c
}

func (c *clock) now() int64 { return int64(time.Since(c.base)) }

// adjust learns anew how the wall clock, which the kernel's time stamps are in, lies to the monotonic one. A reading of both can only be
// too small, when something came between its two halves: the largest of a few is right.
func (c *clock) adjust() {
	best := int64(-1 << 63)
	for range 5 {
		t := time.Now()
		best = max(best, t.UnixNano()-int64(t.Sub(c.base)))
	}
	c.offset = best
}

// moment is a reading of the clock, with the processor's counter beside it.
type moment struct {
	at    int64
	ticks uint64
}

// between is the time at which the processor's counter read ticks, between two moments that are not long apart. It is never outside them, whatever
// became of the counter: a virtual machine may have been moved.
func between(from, to moment, ticks uint64) int64 {
	whole, part := to.ticks-from.ticks, ticks-from.ticks
	if whole == 0 || part > whole {
		return from.at
	}
	return from.at + int64(float64(to.at-from.at)*(float64(part)/float64(whole)))
}

// stamp is a kernel time stamp, nanoseconds since 1970, by the run's clock.
func (c *clock) stamp(ns int64) int64 { return ns - c.offset }
