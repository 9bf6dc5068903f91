//go:build amd64 && !purego

package ascii

import "golang.org/x/sys/cpu"

var avx2 = cpu.X86.HasAVX2

// avx512 is for processors that keep their pace with it: those of before VBMI2 (Ice Lake, Zen 4) slow down for a while.
var avx512 = cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI2

// train is how many bytes are worth the widest vectors: no single datagram of a usual size, but what offload hands over.
const train = 2048

func flip(p []byte, first byte) {
	switch {
	case len(p) < 16:
		flipWords(p, first)
	case len(p) < 32 || !avx2:
		flipSSE2(p, first)
	case len(p) < train || !avx512:
		flipAVX2(p, first)
	default:
		flipAVX512(p, first)
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

// flipAVX512 wants at least 64 bytes.
//
//go:noescape
func flipAVX512(p []byte, first byte)
