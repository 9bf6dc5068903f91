//go:build arm64 && !purego

package ascii

func flip(p []byte, first byte) {
	if len(p) < 16 {
		flipWords(p, first)
		return
	}
	flipNEON(p, first)
}

// flipNEON wants at least 16 bytes. Every arm64 that Go runs on has it.
//
//go:noescape
func flipNEON(p []byte, first byte)
