package wording

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// Every word is there, in order; no line is longer than it may be but for a single word; and none has room for the word after it.
func TestFill(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[aé你]{1,9}`)).Draw(t, "words")
		columns := rapid.IntRange(1, 20).Draw(t, "columns")
		text := Fill(" "+strings.Join(words, " \n\t")+" ", columns, utf8.RuneCountInString)
		if !slices.Equal(strings.Fields(text), words) {
			t.Fatalf("%q of %q", text, words)
		}
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			n := utf8.RuneCountInString(line)
			if n > columns && strings.Contains(line, " ") || line != strings.TrimSpace(line) {
				t.Fatalf("%q has %d of %d", line, n, columns)
			}
			if i+1 < len(lines) {
				if next, _, _ := strings.Cut(lines[i+1], " "); n+1+utf8.RuneCountInString(next) <= columns {
					t.Fatalf("%q has room for %q", line, next)
				}
			}
		}
	})
}
