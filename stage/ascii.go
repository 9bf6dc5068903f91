package stage

import "encoding/binary"

const (
	ones  = 0x0101010101010101 // times a byte: that byte in every lane
	highs = 0x80 * ones
)

// upperASCII changes a to z into A to Z in place and leaves every other byte, as bytes.upper does in Python.
func upperASCII(p []byte) { flipCase(p, 'a', 'z') }

// lowerASCII is upperASCII the other way, as bytes.lower.
func lowerASCII(p []byte) { flipCase(p, 'A', 'Z') }

// flipCase flips bit 5 of every byte from first to last, eight bytes at a time, 32 a round.
func flipCase(p []byte, first, last byte) {
	atLeast, beyond := uint64(0x80-first)*ones, uint64(0x7f-last)*ones
	for len(p) >= 32 {
		q := p[:32]
		binary.LittleEndian.PutUint64(q, flipWord(binary.LittleEndian.Uint64(q), atLeast, beyond))
		binary.LittleEndian.PutUint64(q[8:], flipWord(binary.LittleEndian.Uint64(q[8:]), atLeast, beyond))
		binary.LittleEndian.PutUint64(q[16:], flipWord(binary.LittleEndian.Uint64(q[16:]), atLeast, beyond))
		binary.LittleEndian.PutUint64(q[24:], flipWord(binary.LittleEndian.Uint64(q[24:]), atLeast, beyond))
		p = p[32:]
	}
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, flipWord(binary.LittleEndian.Uint64(p), atLeast, beyond))
		p = p[8:]
	}
	for i, c := range p {
		if c >= first && c <= last {
			p[i] = c ^ 0x20
		}
	}
}

// flipWord does it to the eight bytes of x. In each lane the low seven bits are added to what carries them into bit 7 exactly when they are
// at least first, and to what does when they are more than last; a lane with bit 7 set before is no letter. No lane overflows into its
// neighbour, since 127 + 128 - 'A' < 256.
func flipWord(x, atLeast, beyond uint64) uint64 {
	low := x &^ highs
	letters := (low + atLeast) &^ (low + beyond) &^ x & highs
	return x ^ letters>>2
}

// allASCII reports whether no byte has its top bit set.
func allASCII(p []byte) bool {
	for ; len(p) >= 8; p = p[8:] {
		if binary.LittleEndian.Uint64(p)&highs != 0 {
			return false
		}
	}
	for _, c := range p {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
