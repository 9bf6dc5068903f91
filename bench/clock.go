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

// stamp is a kernel time stamp by the run's clock.
func (c *clock) stamp(t time.Time) int64 { return t.UnixNano() - c.offset }
