package terminal

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"HELLO", "HELLO"},
		{"你好　世界", "你好　世界"},
		{"straße, naïve, ελληνικά, 👍", "straße, naïve, ελληνικά, 👍"},
		{"a\nb\r\n\tc", `a\nb\r\n\tc`},
		{"\x1b[2J\x00\x07\x7f", `\x1b[2J\x00\x07\x7f`},
		{"\u0085\u009b31m", `\u0085\u009b31m`},
		{"\x85\xff\xfe", `\x85\xff\xfe`},
		{"abc\u202edef\u2066\u200e", `abc\u202edef\u2066\u200e`},
		{"\u200b\u200d\ufeff\u00ad", `\u200b\u200d\ufeff\u00ad`},
		{"\u2028\u2029\u00a0", `\u2028\u2029\u00a0`},
		{"\ue000\U000f0000\uffff\u0378", `\ue000\U000f0000\uffff\u0378`},
		{"\U000e0041\ufe0f\U000e0100\u3164\u115f", `\U000e0041\ufe0f\U000e0100\u3164\u115f`},
		{`\n`, `\\n`},
		{"\xef\xbf\xbd", "\ufffd"},
		{"\xed\xa0\x80", `\xed\xa0\x80`},
		{"e\u0301", "e\u0301"},
		{"\u0301e", `\u0301e`},
		{"\n\u0301", `\n\u0301`},
		{"e" + strings.Repeat("\u0301", 6), "e" + strings.Repeat("\u0301", 4) + `\u0301\u0301`},
	} {
		if got := Escape([]byte(c.in)); got != c.want {
			t.Errorf("Escape(%q) = %s, want %s", c.in, got, c.want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"HELLO", 5, "HELLO"},
		{"HELLO", 4, "HELL… (5 bytes)"},
		{"你好", 6, "你好"},
		{"你好", 5, "你… (6 bytes)"},
		{"你好", 4, "你… (6 bytes)"},
		{"你好", 3, "你… (6 bytes)"},
		{"你好", 2, "… (6 bytes)"},
		{"\xff\xff\xff\xff", 2, `\xff\xff… (4 bytes)`},
		{"\x80\x80\x80\x80\x80\x80", 5, `\x80\x80\x80\x80\x80… (6 bytes)`},
		{"abc", 0, "… (3 bytes)"},
	} {
		if got := Excerpt([]byte(c.in), c.limit); got != c.want {
			t.Errorf("Excerpt(%q, %d) = %s, want %s", c.in, c.limit, got, c.want)
		}
	}
	if got := ExcerptOf([]byte("AB"), 9, 5); got != "AB… (9 bytes)" {
		t.Errorf("ExcerptOf = %s", got)
	}
}

// check holds what Escape promises: safe to print, and every byte can be had back.
func check(t testing.TB, p []byte) {
	t.Helper()
	text := Escape(p)
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") || !unicode.IsPrint(r) && r != ideographicSpace || unicode.Is(unicode.Bidi_Control, r) {
			t.Fatalf("Escape(%q) lets %U out: %q", p, r, text)
		}
	}
	back, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	if err != nil || back != string(p) {
		t.Fatalf("Escape(%q) = %s, which reads back as %q: %v", p, text, back, err)
	}
	for limit := range min(len(p), 9) {
		n := cut(p, limit)
		if n > limit || limit-n >= utf8.UTFMax || utf8.Valid(p) && !utf8.Valid(p[:n]) {
			t.Fatalf("cut(%q, %d) = %d", p, limit, n)
		}
	}
	if utf8.RuneCountInString(text) < Width(text)/2 {
		t.Fatalf("%q is %d cells wide", text, Width(text))
	}
}

func TestEscapeProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		check(t, rapid.SliceOf(rapid.Byte()).Draw(r, "bytes"))
		check(t, []byte(rapid.String().Draw(r, "text")))
	})
}

func TestEveryCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		check(t, []byte("a"+string(r)))
	}
}

func FuzzEscape(f *testing.F) {
	f.Add([]byte("HELLO\\\u202e\x1b\xff你"))
	f.Fuzz(func(t *testing.T, p []byte) { check(t, p) })
}

func TestWidth(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int
	}{
		{"", 0}, {"HELLO", 5}, {"你好", 4}, {"ｱA", 2}, {"Ａ", 2}, {"e\u0301", 1}, {"한", 2}, {"👍", 2}, {"ß…", 2}, {"　", 2}, {"\x1b", 0},
	} {
		if got := Width(c.in); got != c.want {
			t.Errorf("Width(%q) = %d, want %d", c.in, got, c.want)
		}
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		in    string
		cells int
		want  string
	}{
		{"HELLO", 5, "HELLO"}, {"HELLO", 4, "HEL…"}, {"你好", 3, "你…"}, {"你好", 2, "…"}, {"HELLO", 0, ""},
	} {
		if got := Fit(c.in, c.cells); got != c.want {
			t.Errorf("Fit(%q, %d) = %q, want %q", c.in, c.cells, got, c.want)
		}
	}
}

func TestNothingIsATerminalHere(t *testing.T) {
	w := NewWriter(new(bytes.Buffer), nil)
	if IsTerminal(w) || IsTerminal(nil) || Colours(w).Red("x") != "x" {
		t.Error("a buffer was taken for a terminal")
	}
	if c, r := Size(w); c != 80 || r != 24 {
		t.Errorf("Size = %d×%d", c, r)
	}
}

type brokenWriter struct{ calls int }

func (b *brokenWriter) Write(p []byte) (int, error) {
	if b.calls++; b.calls > 1 {
		return 0, errors.New("gone")
	}
	return len(p), nil
}

func TestWriterOutlivesItsReader(t *testing.T) {
	broken, told := new(brokenWriter), 0
	w := NewWriter(broken, func(error) { told++ })
	for range 5 {
		if n, err := w.Write([]byte("line\n")); n != 5 || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if broken.calls != 2 || told != 1 || w.Err() == nil {
		t.Errorf("%d writes, told %d times, Err %v", broken.calls, told, w.Err())
	}
}
