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
		{"hello\r\nthere", []string{"hello", "there", ""}},
		{"\x1b[2;3Hx\x1b[H\x1b[1;31my", []string{"y", "  x", ""}},
		{"1\r\n2\r\n3\r\n4", []string{"2", "3", "4"}},
		{"1\r\n2\r\n3\x1b[1;2r\x1b[2;1H\n5", []string{"2", "5", "3"}},
		{"12345678", []string{"12345678", "", ""}},
		{"123456789", []string{"12345678", "9", ""}},
		{"abcdef\x1b[1;3H\x1b[2P\x1b[@", []string{"ab ef", "", ""}},
		{"abcdef\x1b[1;3H\x1b[2X", []string{"ab  ef", "", ""}},
		{"abc\x1b[3b\x1b[2D\x1b[K", []string{"abcc", "", ""}},
		{"1\r\n2\r\n3\x1b[1;1H\x1b[L", []string{"", "1", "2"}},
		{"1\r\n2\r\n3\x1b[1;1H\x1b[M", []string{"2", "3", ""}},
		{"1\x1b[?1049h2\x1b[2J\x1b[?1049l", []string{"1", "", ""}},
		{"1\r\n2\x1b[1;1H\x1bM", []string{"", "1", "2"}},
		{"你好\x1b]0;title\a!\x1bP+q\x1b\\", []string{"你好!", "", ""}},
	} {
		whole, pieces := NewScreen(8, 3), NewScreen(8, 3)
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

func TestScreenStyles(t *testing.T) {
	s := NewScreen(8, 1)
	_, _ = s.Write([]byte("\x1b[1;7;36ma\x1b[22;2;27mb\x1b[39;31mc\x1b[md\x1b[44;95me\x1b[49mf"))
	want := []Cell{{"a", "1;36;7"}, {"b", "2;36"}, {"c", "2;31"}, {"d", ""}, {"e", "44;95"}, {"f", "95"}}
	if got := s.Cells()[0][:6]; !slices.Equal(got, want) {
		t.Errorf("the cells are %q, want %q", got, want)
	}
}

// With two rows, what comes first scrolls out, and is not lost.
func TestLines(t *testing.T) {
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
		whole, pieces := NewScreen(8, 2), NewScreen(8, 2)
		_, _ = whole.Write([]byte(c.in))
		for _, b := range []byte(c.in) {
			_, _ = pieces.Write([]byte{b})
		}
		for _, s := range []*Screen{whole, pieces} {
			if got := s.All(); !slices.Equal(got, c.want) {
				t.Errorf("%q shows %q, want %q", c.in, got, c.want)
			}
		}
	}
}
