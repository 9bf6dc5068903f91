package testpty

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Screen is what a terminal shows. It never scrolls: it only grows.
type Screen struct {
	// Asked counts the questions that were put to the terminal (device status report); they are not answered.
	Asked int

	columns  int
	rows     [][]string // cells; the right half of a wide character is ""
	row, col int
	pending  []byte // an unfinished sequence or character
}

// NewScreen returns an empty screen of so many columns.
func NewScreen(columns int) *Screen { return &Screen{columns: columns, rows: make([][]string, 1)} }

// Lines are the rows as text, without the blanks at their ends, up to the last one that is not empty.
func (s *Screen) Lines() []string {
	var lines []string
	for _, row := range s.rows {
		lines = append(lines, strings.TrimRight(strings.Join(row, ""), " "))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// Cursor is where the next character goes, counted from 0 in cells.
func (s *Screen) Cursor() (row, col int) { return s.row, s.col }

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
		return s.sequence(p)
	}
	if !utf8.FullRune(p) {
		return 0
	}
	r, n := utf8.DecodeRune(p)
	switch r {
	case '\r':
		s.col = 0
	case '\n':
		s.row++
	case '\b':
		s.col = max(0, min(s.col, s.columns-1)-1)
	case '\a':
	default:
		s.put(r)
	}
	s.grow()
	return n
}

func (s *Screen) sequence(p []byte) int {
	if len(p) < 2 {
		return 0
	}
	if p[1] != '[' {
		panic("testpty: sequence not known: " + strconv.Quote(string(p)))
	}
	for i := 2; i < len(p); i++ {
		if p[i] >= '@' {
			s.control(string(p[2:i]), p[i])
			s.grow()
			return i + 1
		}
	}
	return 0
}

// control carries out a control sequence (ECMA-48).
func (s *Screen) control(parameters string, final byte) {
	n, err := strconv.Atoi(parameters)
	count := n
	if err != nil || n == 0 {
		count = 1
	}
	switch final {
	case 'A':
		s.row = max(0, s.row-count)
	case 'B':
		s.row += count
	case 'C':
		s.col = min(s.columns-1, s.col+count)
	case 'D':
		s.col = max(0, s.col-count)
	case 'G':
		s.col = min(s.columns, count) - 1
	case 'J':
		s.rows = s.rows[:s.row+1]
		s.clearRow()
	case 'K':
		s.clearRow()
	case 'n':
		s.Asked++
	case 'm':
	default:
		panic("testpty: control sequence not known: " + strconv.Quote(parameters+string(rune(final))))
	}
}

// clearRow clears from the cursor to the end of its row.
func (s *Screen) clearRow() {
	row := s.rows[s.row]
	s.rows[s.row] = row[:min(len(row), s.col)]
}

func (s *Screen) put(r rune) {
	width := cells(r)
	if width == 0 {
		if row := s.rows[s.row]; s.col > 0 && s.col <= len(row) {
			row[s.col-1] += string(r)
		}
		return
	}
	if s.col+width > s.columns { // the cursor waits behind the last column until the next character comes
		s.row, s.col = s.row+1, 0
		s.grow()
	}
	for len(s.rows[s.row]) < s.col+width {
		s.rows[s.row] = append(s.rows[s.row], " ")
	}
	s.rows[s.row][s.col] = string(r)
	if width == 2 {
		s.rows[s.row][s.col+1] = ""
	}
	s.col += width
}

func (s *Screen) grow() {
	for len(s.rows) <= s.row {
		s.rows = append(s.rows, nil)
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
