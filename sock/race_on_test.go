//go:build race

package sock

// raceDetector makes sync.Pool drop what it is given at random, so that
// allocations cannot be counted.
const raceDetector = true
