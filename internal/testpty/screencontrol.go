package testpty

import (
	"slices"
	"strconv"
	"strings"
)

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
