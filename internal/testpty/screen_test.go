package testpty

import (
	"slices"
	"testing"
)

func TestScreen(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"hello\r\nthere", []string{"hello", "there"}},
		{"hello\rj", []string{"jello"}},
		{"ab\b\bcd", []string{"cd"}},
		{"0123456789", []string{"01234567", "89"}},
		{"01234567\r\n8", []string{"01234567", "8"}},
		{"1234567你", []string{"1234567", "你"}},
		{"你好\b\b!", []string{"你!"}},
		{"one\r\ntwo\x1b[1A\x1b[2Gxx\x1b[J", []string{"oxx"}},
		{"abc\x1b[1G\x1b[0K\x1b[31mx\x1b[0m", []string{"x"}},
		{"e\u0301!", []string{"e\u0301!"}},
	} {
		// Whole, and byte by byte: output comes in pieces.
		whole, pieces := NewScreen(8), NewScreen(8)
		_, _ = whole.Write([]byte(c.in))
		for _, b := range []byte(c.in) {
			_, _ = pieces.Write([]byte{b})
		}
		for _, s := range []*Screen{whole, pieces} {
			if got := s.Lines(); !slices.Equal(got, c.want) {
				t.Errorf("%q shows %q, want %q", c.in, got, c.want)
			}
		}
	}
}
