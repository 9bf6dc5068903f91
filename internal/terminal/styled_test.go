package terminal

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestStyled(t *testing.T) {
	const line = "\x1b[1;31mab\x1b[m你\x1b[2mm\x1b[0m"
	if got := WidthStyled(line); got != 5 {
		t.Errorf("%d cells", got)
	}
	if got := Unstyled(line); got != "ab你m" {
		t.Errorf("%q", got)
	}
	for cells, want := range []string{"\x1b[1;31m\x1b[m", "\x1b[1;31ma\x1b[m", "\x1b[1;31mab\x1b[m\x1b[m", "\x1b[1;31mab\x1b[m\x1b[m", "\x1b[1;31mab\x1b[m你\x1b[2m\x1b[m", line} {
		if got := CutStyled(line, cells); got != want {
			t.Errorf("%d cells: %q, want %q", cells, got, want)
		}
	}
}

// Styles change nothing about what is seen, however much of it.
func TestStylesTakeNoRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var plain, styled strings.Builder
		for _, part := range rapid.SliceOf(rapid.StringOf(rapid.RuneFrom([]rune("amé你[;1\u0301")))).Draw(t, "parts") {
			plain.WriteString(part)
			styled.WriteString("\x1b[" + rapid.StringMatching(`[0-9;]{0,4}`).Draw(t, "style") + "m" + part)
		}
		cells := rapid.IntRange(0, 20).Draw(t, "cells")
		cut := CutStyled(styled.String(), cells)
		if Unstyled(styled.String()) != plain.String() || WidthStyled(styled.String()) != Width(plain.String()) || WidthStyled(cut) > cells ||
			!strings.HasPrefix(plain.String(), Unstyled(cut)) || Width(plain.String()) <= cells && cut != styled.String() {
			t.Errorf("%q in %d cells: %q", styled.String(), cells, cut)
		}
	})
}
