//go:build (!amd64 && !arm64) || purego

package ascii

func flip(p []byte, first byte) { flipWords(p, first) }
