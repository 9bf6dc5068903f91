package ascii

import "encoding/binary"

const (
	ones  = 0x0101010101010101 // times a byte: that byte in every lane
	highs = 0x80 * ones
)

// Upper changes a to z into A to Z in place and leaves every other byte, part of a UTF-8 sequence or not, as it is.
func Upper(p []byte) { flip(p, 'a') }

// Lower is Upper the other way.
func Lower(p []byte) { flip(p, 'A') }

// Only reports whether no byte has its top bit set.
func Only(p []byte) bool {
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

// flipWords flips bit 5 of the 26 letters from first on, eight bytes at a time and 32 a round. The last 8 to 16 bytes are two words that may
// overlap: both are read before either is written, so a byte of both gets the same value twice.
func flipWords(p []byte, first byte) {
	if len(p) < 8 {
		flipBytes(p, first)
		return
	}
	word := flipper(first)
	for len(p) > 40 { // so that 8 bytes or more are left
		q := p[:32]
		binary.LittleEndian.PutUint64(q, word.flip(binary.LittleEndian.Uint64(q)))
		binary.LittleEndian.PutUint64(q[8:], word.flip(binary.LittleEndian.Uint64(q[8:])))
		binary.LittleEndian.PutUint64(q[16:], word.flip(binary.LittleEndian.Uint64(q[16:])))
		binary.LittleEndian.PutUint64(q[24:], word.flip(binary.LittleEndian.Uint64(q[24:])))
		p = p[32:]
	}
	for len(p) > 16 {
		binary.LittleEndian.PutUint64(p, word.flip(binary.LittleEndian.Uint64(p)))
		p = p[8:]
	}
	last := p[len(p)-8:]
	head, tail := binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(last)
	binary.LittleEndian.PutUint64(p, word.flip(head))
	binary.LittleEndian.PutUint64(last, word.flip(tail))
}

// flipBytes is the plain loop that every other form is held to.
func flipBytes(p []byte, first byte) {
	for i, c := range p {
		if c-first < 26 {
			p[i] = c ^ 0x20
		}
	}
}

// wordFlipper is what has to be added to seven bits in each lane to carry into bit 7 exactly when they are at least the first letter, and when
// they are beyond the last.
type wordFlipper struct{ atLeast, beyond uint64 }

func flipper(first byte) wordFlipper {
	return wordFlipper{uint64(0x80-first) * ones, uint64(0x80-26-first) * ones}
}

// flip does it to the eight bytes of x. A lane with bit 7 set before is no letter. No lane overflows into its neighbour: 127 + 128 - 'A' < 256.
func (f wordFlipper) flip(x uint64) uint64 {
	low := x &^ highs
	letters := (low + f.atLeast) &^ (low + f.beyond) &^ x & highs
	return x ^ letters>>2
}
