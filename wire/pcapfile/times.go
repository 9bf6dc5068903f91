package pcapfile

import (
	"math"
	"math/bits"
)

// resolution is how an interface counts time: units in a second, and seconds between its beginning and 1970.
type resolution struct {
	perSecond uint64 // 0: its times cannot be told
	nanos     uint64 // of one unit, where that is a whole number; else 0
	offset    int64
}

const second = 1_000_000_000

// newResolution reads if_tsresol: a negative power of 10, or of 2 where the highest bit is set.
func newResolution(v byte, offset int64) resolution {
	r := resolution{offset: offset}
	switch n := v &^ 0x80; {
	case v&0x80 != 0 && n < 64:
		r.perSecond = 1 << n
	case v&0x80 == 0 && n < 20: // 10^19 is the last that 64 bits hold
		r.perSecond = 1
		for range n {
			r.perSecond *= 10
		}
	}
	if r.perSecond != 0 && second%r.perSecond == 0 {
		r.nanos = second / r.perSecond
	}
	return r
}

// time returns a time of the interface in nanoseconds since 1970, and 0 for one that does not fit.
func (r *resolution) time(units uint64) int64 {
	if r.offset == 0 && r.nanos != 0 {
		if high, ns := bits.Mul64(units, r.nanos); high == 0 && ns <= math.MaxInt64 {
			return int64(ns)
		}
		return 0
	}
	if r.perSecond == 0 {
		return 0
	}
	whole, part := units/r.perSecond, units%r.perSecond
	high, low := bits.Mul64(part, second)
	ns, _ := bits.Div64(high, low, r.perSecond)
	const most = math.MaxInt64/second - 1 // seconds, about the year 2262
	if whole > 1<<62 || r.offset > 1<<62 || r.offset < -1<<62 {
		return 0
	}
	seconds := int64(whole) + r.offset
	if seconds > most || seconds < -most {
		return 0
	}
	return seconds*second + int64(ns)
}
