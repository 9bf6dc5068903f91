package app

import (
	"encoding/binary"
	"math/bits"
)

// folding makes small letters of capital ones, and makes other bytes equal too that do not matter here.
const folding = 0x2020202020202020

// FoldedHash is a hash of b that does not depend on the case of ASCII letters. It tells messages apart that come from
// the same two ends, not those of somebody who looks for collisions.
func FoldedHash(b []byte) uint64 {
	const k0, k1 = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	h := uint64(len(b)) * k1
	for len(b) >= 8 {
		h = mix(h^(binary.LittleEndian.Uint64(b)|folding), k0)
		b = b[8:]
	}
	var last uint64
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	return mix(h^(last|folding), k1)
}

// mix multiplies to 128 bits and folds them.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

// exactHash is one of all bits of a short b.
func exactHash(b []byte) uint64 {
	const k0, k1 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	h := uint64(len(b)) * k1
	for len(b) >= 8 {
		h = mix(h^binary.LittleEndian.Uint64(b), k0)
		b = b[8:]
	}
	var last uint64
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	return mix(h^last, k1)
}
