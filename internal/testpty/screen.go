package testpty

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Screen is what a terminal shows, and what has scrolled out of it: of a fixed size, with an alternate screen, scrolling, colours. It panics at a sequence that it does not know, so that no test passes on a wrong picture.
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

// escape carries out what begins with ESC, and returns its length; 0 where it is not all there.
func (s *Screen) escape(p []byte) int {
	if len(p) < 2 {
		return 0
	}
	switch p[1] {
	case '[':
		for i := 2; i < len(p); i++ {
			if p[i] >= '@' && p[i] <= '~' {
				s.control(string(p[2:i]), p[i])
				return i + 1
			}
		}
		return 0
	case ']', 'P', '_': // OSC, DCS, APC: to the string terminator
		for i := 2; i < len(p); i++ {
			if p[i] == '\a' {
				return i + 1
			}
			if p[i] == '\\' && p[i-1] == 0x1b {
				return i + 1
			}
		}
		return 0
	case 'M': // reverse index
		if s.row == s.top {
			s.scroll(s.top, -1)
		} else {
			s.row = max(s.row-1, 0)
		}
	case 'D':
		s.down()
	case '7', '8', '=', '>':
	default:
		panic("testpty: sequence not known: " + strconv.Quote(string(p[:2])))
	}
	return 2
}

// control carries out a control sequence (ECMA-48, and xterm's).
func (s *Screen) control(parameters string, final byte) {
	if parameters != "" && strings.ContainsRune("<=>?", rune(parameters[0])) || strings.ContainsAny(parameters, " !\"#$%&'()*+,-./") {
		s.private(parameters, final)
		return
	}
	first, second, _ := strings.Cut(parameters, ";")
	n, m := orOne(first), orOne(second)
	if final != 'm' && final != 'b' {
		s.wrap = false
	}
	switch final {
	case 'A':
		s.row = max(s.row-n, 0)
	case 'B', 'e':
		s.row = min(s.row+n, s.rows-1)
	case 'C', 'a':
		s.col = min(s.col+n, s.columns-1)
	case 'D':
		s.col = max(s.col-n, 0)
	case 'G', '`':
		s.col = min(n, s.columns) - 1
	case 'd':
		s.row = min(n, s.rows) - 1
	case 'H', 'f':
		s.row, s.col = min(n, s.rows)-1, min(m, s.columns)-1
	case 'I':
		s.col = min((s.col/8+n)*8, s.columns-1)
	case 'Z':
		s.col = max(((s.col+7)/8-n)*8, 0)
	case 'r':
		s.top, s.bottom = n-1, s.rows
		if second != "" {
			s.bottom = min(m, s.rows)
		}
		s.row, s.col = 0, 0
	case 'm':
		s.style(parameters)
	case 'b':
		for range n {
			s.put(s.last, 1)
		}
	case 'n':
		s.Asked++
	case 'c', 't', 'u', 's':
	default:
		s.edit(first, n, final)
	}
}

// edit is a sequence that removes or moves what is shown.
func (s *Screen) edit(parameter string, n int, final byte) {
	row := s.cells[s.row]
	switch final {
	case 'J':
		from, to := s.row+1, s.rows
		if parameter == "1" {
			from, to = 0, s.row
		}
		if parameter == "2" || parameter == "3" {
			from = 0
		}
		for r := from; r < to; r++ {
			s.cells[r] = s.blank()
		}
		if parameter != "2" && parameter != "3" {
			s.edit(parameter, n, 'K')
		}
	case 'K':
		from, to := s.col, s.columns
		switch parameter {
		case "1":
			from, to = 0, s.col+1
		case "2":
			from = 0
		}
		s.erase(row[from:to])
	case 'X':
		s.erase(row[s.col:min(s.col+n, s.columns)])
	case 'P':
		n = min(n, s.columns-s.col)
		copy(row[s.col:], row[s.col+n:])
		s.erase(row[s.columns-n:])
	case '@':
		n = min(n, s.columns-s.col)
		copy(row[s.col+n:], row[s.col:])
		s.erase(row[s.col : s.col+n])
	case 'L':
		s.scroll(s.row, -n)
	case 'M':
		s.scroll(s.row, n)
	case 'S':
		s.scroll(s.top, n)
	case 'T':
		s.scroll(s.top, -n)
	default:
		panic("testpty: control sequence not known: " + strconv.Quote(parameter+string(rune(final))))
	}
}

// erase empties cells. Terminals keep the background colour that is set, and nothing else; no program here sets one.
func (s *Screen) erase(cells []Cell) {
	for i := range cells {
		cells[i] = Cell{Text: " "}
	}
}

// private carries out what is no standard sequence: modes. Questions are not answered.
func (s *Screen) private(parameters string, final byte) {
	if final != 'h' && final != 'l' {
		return
	}
	for mode := range strings.SplitSeq(strings.TrimPrefix(parameters, "?"), ";") {
		switch mode {
		case "1049", "47", "1047":
			if on := final == 'h'; on != s.Alternate {
				s.cells, s.saved, s.Alternate = s.saved, s.cells, on
				if on {
					s.cells = s.empty()
				}
			}
		case "25":
			s.Hidden = final == 'l'
		}
	}
}

// style takes in the parameters of SGR (ECMA-48, 8.3.117): attributes and the sixteen colours.
func (s *Screen) style(parameters string) {
	set := map[string]string{} // by what it replaces
	for _, p := range strings.Split(s.sgr, ";") {
		set[replaces(p)] = p
	}
	for _, p := range strings.Split(parameters, ";") {
		switch p {
		case "", "0":
			clear(set)
		case "22":
			delete(set, "1")
			delete(set, "2")
		case "23", "24", "25", "27", "28", "29":
			delete(set, p[1:])
		case "39", "49":
			delete(set, p[:1]+"x")
		default:
			set[replaces(p)] = p
		}
	}
	var all []string
	for _, p := range set {
		if p != "" {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	s.sgr = strings.Join(all, ";")
}

// replaces is the same for parameters of which one takes the place of the other.
func replaces(p string) string {
	switch {
	case len(p) == 2 && (p[0] == '3' || p[0] == '9'):
		return "3x"
	case len(p) == 2 && p[0] == '4', len(p) == 3 && p[0] == '1':
		return "4x"
	}
	return p
}

func orOne(parameter string) int {
	if n, err := strconv.Atoi(parameter); err == nil && n > 0 {
		return n
	}
	return 1
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
