package stage

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestSplitWords(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"  \t ", nil},
		{"rev", []string{"rev"}},
		{" tr a-z  A-Z ", []string{"tr", "a-z", "A-Z"}},
		{`tr 'a z' "A Z"`, []string{"tr", "a z", "A Z"}},
		{`a"b c"'d e'f`, []string{"ab cd ef"}},
		{`'' "" x`, []string{"", "", "x"}},
		{`a\ b \" \\`, []string{"a b", `"`, `\`}},
		{`"\" \\ \n $HOME"`, []string{`" \ \n $HOME`}},
		{`'\' "'" '"'`, []string{`\`, "'", `"`}},
		{`$HOME *; echo | x & ~`, []string{"$HOME", "*;", "echo", "|", "x", "&", "~"}},
	} {
		got, offsets, err := splitWords(c.in)
		if err != nil || !slices.Equal(got, c.want) || len(offsets) != len(got) {
			t.Errorf("%q: %q %v, want %q", c.in, got, err, c.want)
		}
	}
}

// quoteWord writes a word so that a shell reads it back.
func quoteWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func FuzzSplitWords(f *testing.F) {
	f.Add(`a "b c" 'd' \e`)
	f.Fuzz(func(t *testing.T, s string) {
		words, offsets, err := splitWords(s)
		if err != nil {
			return
		}
		if len(offsets) != len(words) || !slices.IsSorted(offsets) {
			t.Fatalf("%q: offsets %v", s, offsets)
		}
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = quoteWord(w)
		}
		again, _, err := splitWords(strings.Join(quoted, " "))
		if err != nil || !slices.Equal(again, words) {
			t.Fatalf("%q: %q, then %q %v", s, words, again, err)
		}
	})
}

// A shell that expands nothing splits as splitWords does.
func TestSplitWordsIsTheShells(t *testing.T) {
	sh := needTool(t, "sh")
	for _, s := range []string{`a b`, `'a  b' c`, `"a\"b\\c\d" e`, `a\ b\\ 'c\d'`, `x"y"'z' "" ''`, "a\tb"} {
		out, err := exec.Command(sh, "-fc", `printf '%s\n' `+s).Output()
		if err != nil {
			t.Fatal(err)
		}
		words, _, err := splitWords(s)
		if got := strings.Join(words, "\n") + "\n"; err != nil || got != string(out) {
			t.Errorf("%s: %q %v, sh says %q", s, got, err, out)
		}
	}
}
