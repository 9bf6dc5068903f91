//go:build amd64 && !purego

package ascii

import "golang.org/x/sys/cpu"

var avx2 = cpu.X86.HasAVX2

func flip(p []byte, first byte) {
	switch {
	case len(p) < 16:
		flipWords(p, first)
	case len(p) < 32 || !avx2:
		flipSSE2(p, first)
	default:
		flipAVX2(p, first)
	}
}

// flipSSE2 wants at least 16 bytes. Every amd64 has it.
//
//go:noescape
func flipSSE2(p []byte, first byte)

// flipAVX2 wants at least 32 bytes.
//
//go:noescape
func flipAVX2(p []byte, first byte)
