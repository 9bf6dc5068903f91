package testpty

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Screen is what a terminal shows, and what has scrolled out of it: of a fixed size, with an alternate screen, scrolling, colours.
// It panics at a sequence that it does not know, so that no test passes on a wrong picture.
type Screen struct {
	// Asked counts the questions that were put to the terminal (device status report); they are not answered.
	Asked     int
	Alternate bool // the alternate screen is shown
	Hidden    bool // the cursor is

	columns, rows int
	cells         [][]Cell
	saved         [][]Cell // of the other screen
	row, col      int
	wrap          bool // the cursor waits behind the last column
	top, bottom   int  // rows that scroll: [top, bottom)
	sgr           string
	pending       []byte
	last          string   // the last character that was put, for REP
	gone          [][]Cell // rows that have scrolled out at the top
}

// Cell is one cell of a Screen: its text ("" for the right half of a wide character), and how it is shown, as the parameters of SGR.
type Cell struct{ Text, Style string }

// NewScreen returns an empty screen.
func NewScreen(columns, rows int) *Screen {
	s := &Screen{}
	s.Resize(columns, rows)
	return s
}

// Resize gives the screen another size; what was there stays at the upper left.
func (s *Screen) Resize(columns, rows int) {
	old := s.cells
	s.columns, s.rows, s.top, s.bottom = columns, rows, 0, rows
	s.cells = s.empty()
	for r := range min(len(old), rows) {
		copy(s.cells[r], old[r])
	}
	s.row, s.col, s.wrap = min(s.row, rows-1), min(s.col, columns-1), false
	s.saved = s.empty()
}

func (s *Screen) empty() [][]Cell {
	cells := make([][]Cell, s.rows)
	for r := range cells {
		cells[r] = s.blank()
	}
	return cells
}

func (s *Screen) blank() []Cell {
	row := make([]Cell, s.columns)
	for c := range row {
		row[c] = Cell{Text: " "}
	}
	return row
}

// Lines are the rows as text, without the blanks at their ends.
func (s *Screen) Lines() []string { return texts(s.cells) }

// All is what has scrolled out of the screen, and its rows up to the last one that is not empty, as text.
func (s *Screen) All() []string {
	lines := append(texts(s.gone), s.Lines()...)
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func texts(rows [][]Cell) []string {
	lines := make([]string, len(rows))
	for r, row := range rows {
		var b strings.Builder
		for _, c := range row {
			b.WriteString(c.Text)
		}
		lines[r] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

// Cursor is where the next character goes, counted from 0 in cells: behind the last column where it waits there.
func (s *Screen) Cursor() (row, col int) {
	if s.wrap {
		return s.row, s.columns
	}
	return s.row, s.col
}

// Cells are the rows, cell by cell.
func (s *Screen) Cells() [][]Cell { return s.cells }

// Write shows output.
func (s *Screen) Write(p []byte) (int, error) {
	s.pending = append(s.pending, p...)
	for len(s.pending) > 0 {
		n := s.step(s.pending)
		if n == 0 {
			break
		}
		s.pending = s.pending[n:]
	}
	return len(p), nil
}

// step shows the first thing in p and returns its length, 0 if it is not all there yet.
func (s *Screen) step(p []byte) int {
	if p[0] == 0x1b {
		return s.escape(p)
	}
	if !utf8.FullRune(p) {
		return 0
	}
	r, n := utf8.DecodeRune(p)
	switch r {
	case '\r':
		s.col, s.wrap = 0, false
	case '\n', '\v', '\f':
		s.down()
	case '\b':
		s.col, s.wrap = max(0, s.col-1), false
	case '\t':
		s.col = min(s.col/8*8+8, s.columns-1)
	case '\a', 0:
	default:
		s.put(string(r), cells(r))
	}
	return n
}

func (s *Screen) put(text string, width int) {
	if width == 0 {
		if _, col := s.Cursor(); col > 0 {
			s.cells[s.row][col-1].Text += text
		}
		return
	}
	if s.wrap || s.col+width > s.columns {
		s.col = 0
		s.down()
	}
	s.wrap = false
	row := s.cells[s.row]
	row[s.col] = Cell{text, s.sgr}
	if width == 2 && s.col+1 < s.columns {
		row[s.col+1] = Cell{"", s.sgr}
	}
	if s.col += width; s.col >= s.columns {
		s.col, s.wrap = s.columns-1, true
	}
	s.last = text
}

func (s *Screen) down() {
	s.wrap = false
	if s.row == s.bottom-1 {
		s.scroll(s.top, 1)
	} else {
		s.row = min(s.row+1, s.rows-1)
	}
}

// scroll moves the rows from one on up to the end of the region up by n, down where n is negative.
func (s *Screen) scroll(from, n int) {
	if s.row >= s.bottom && from != s.top {
		return
	}
	for ; n > 0; n-- {
		if from == 0 && !s.Alternate {
			s.gone = append(s.gone, slices.Clone(s.cells[0]))
		}
		copy(s.cells[from:s.bottom-1], s.cells[from+1:s.bottom])
		s.cells[s.bottom-1] = s.blank()
	}
	for ; n < 0; n++ {
		copy(s.cells[from+1:s.bottom], s.cells[from:s.bottom-1])
		s.cells[from] = s.blank()
	}
}

// cells is how wide a character is, found otherwise than the program does it.
func cells(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cc, unicode.Cf):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), '\u3000' <= r && r <= '\u303e', '\uff01' <= r && r <= '\uff60', '\U0001f300' <= r && r <= '\U0001f64f':
		return 2
	}
	return 1
}
