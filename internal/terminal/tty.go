package terminal

import (
	"os"
	"runtime"

	"golang.org/x/term"
)

// filer is what has a file descriptor: an *os.File, or a Writer over one.
type filer interface{ Fd() uintptr }

// noFile is the descriptor of what has none.
const noFile = ^uintptr(0)

// IsTerminal reports whether v (a reader or a writer) is a terminal.
func IsTerminal(v any) bool {
	f, ok := v.(filer)
	return ok && f.Fd() != noFile && term.IsTerminal(int(f.Fd()))
}

// Size returns the columns and rows of the terminal v, and 80 by 24 where v is none or does not say.
func Size(v any) (columns, rows int) {
	if f, ok := v.(filer); ok && f.Fd() != noFile {
		if c, r, err := term.GetSize(int(f.Fd())); err == nil && c > 0 && r > 0 {
			return c, r
		}
	}
	return 80, 24
}

// TakesEscapes reports whether v is a terminal that understands cursor movements and colours.
func TakesEscapes(v any) bool {
	if !IsTerminal(v) || os.Getenv("TERM") == "dumb" {
		return false
	}
	// A Windows console needs to be told first; Windows Terminal and the shells of MSYS do not.
	return runtime.GOOS != "windows" || os.Getenv("WT_SESSION") != "" || os.Getenv("TERM") != ""
}

// Palette colours words. The zero Palette leaves them as they are.
type Palette struct{ on bool }

// Colours returns the palette for v: colours on a terminal that takes them, unless NO_COLOR is set (no-color.org), else none.
func Colours(v any) Palette { return Palette{on: TakesEscapes(v) && os.Getenv("NO_COLOR") == ""} }

// Bold makes s stand out.
func (p Palette) Bold(s string) string { return p.paint("1", s) }

// Dim makes s step back.
func (p Palette) Dim(s string) string { return p.paint("2", s) }

// Red is for what failed.
func (p Palette) Red(s string) string { return p.paint("31", s) }

// Green is for what went well.
func (p Palette) Green(s string) string { return p.paint("32", s) }

// Yellow is for what asks for attention.
func (p Palette) Yellow(s string) string { return p.paint("33", s) }

// Cyan is for names and addresses.
func (p Palette) Cyan(s string) string { return p.paint("36", s) }

func (p Palette) paint(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
