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

// flipCase flips bit 5 of every byte from first to last, eight bytes at a time. In each lane the low seven bits are added to what carries
// them into bit 7 exactly when they are at least first, and again more than last; a lane with bit 7 set before is no letter. No
// lane overflows into its neighbour, since 127 + 128 - 'A' < 256.
func flipCase(p []byte, first, last byte) {
	atLeast := uint64(0x80-first) * ones
	beyond := uint64(0x7f-last) * ones
	for len(p) >= 8 {
		x := binary.LittleEndian.Uint64(p)
		low := x &^ highs
		letters := (low + atLeast) &^ (low + beyond) &^ x & highs
		binary.LittleEndian.PutUint64(p, x^letters>>2)
		p = p[8:]
	}
	for i, c := range p {
		if c >= first && c <= last {
			p[i] = c ^ 0x20
		}
	}
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
