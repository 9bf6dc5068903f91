package stage

import "math/bits"

// Each kind of fault draws numbers of its own, so that what one does tells nothing about what another does.
const (
	drawLoss uint64 = 1 + iota
	drawDelay
	drawDuplicate
)

// draw returns 64 random-looking bits that depend on the seed, flow, direction and index in c, and on what they are for, and on nothing
// else: a datagram's fate does not change with what happened to those before it.
func draw(c *Context, purpose uint64) uint64 {
	h := mix(c.Seed ^ mix(purpose))
	h = mix(h ^ c.Flow)
	h = mix(h ^ uint64(c.Direction))
	return mix(h ^ c.Index)
}

// mix is one step of the generator SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014): a
// bijection in which each bit of the argument changes about half of the result's.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// chance reports whether something that has probability p happens, given the bits drawn. It never does for 0 and always does for 1.
func chance(drawn uint64, p float64) bool { return float64(drawn>>11)*(1.0/(1<<53)) < p }

// below turns the bits drawn into a number from 0 to n-1, all equally likely but for a part in 2^64/n.
func below(drawn, n uint64) uint64 {
	high, _ := bits.Mul64(drawn, n)
	return high
}
