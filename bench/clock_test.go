package bench

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever the processor's counter says, a time lies between the two readings of the clock; and where the counter goes on evenly, it is the right one.
func TestBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := moment{rapid.Int64Range(0, 1<<60).Draw(t, "at"), rapid.Uint64().Draw(t, "ticks")}
		length, rate := rapid.Int64Range(0, 1e9).Draw(t, "ns"), rapid.Float64Range(0.02, 6).Draw(t, "ticks per ns")
		to := moment{from.at + length, from.ticks + uint64(float64(length)*rate)}
		any := rapid.Uint64().Draw(t, "any")
		if at := between(from, to, any); at < from.at || at > to.at {
			t.Fatalf("%d is not between %d and %d", at, from.at, to.at)
		}
		part := rapid.Int64Range(0, length).Draw(t, "part")
		at := between(from, to, from.ticks+uint64(float64(part)*rate))
		if resolution := int64(2/rate) + 2; part < length && (at < from.at+part-resolution || at > from.at+part+resolution) {
			t.Fatalf("%d ns of %d at %g ticks each were taken for %d", part, length, rate, at-from.at)
		}
	})
}
