//go:build linux && (amd64 || arm64)

package sock

// makeCalls makes n calls without telling Go's runtime, with untilMiss up to the first that fails behind one that did not, and returns how many were made, and
// the processor's counter then.
//
//go:noescape
func makeCalls(calls *sysCall, n int, untilMiss bool) (made int, end uint64)

// Ticks reads the processor's counter (amd64: rdtsc; arm64: CNTVCT_EL0), which goes on evenly between two readings of the clock that are not long apart, and
// costs a fraction of one.
func Ticks() uint64
