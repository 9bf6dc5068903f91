package watchscreen

import "dgram/internal/terminal"

// column is one of the table's.
type column int

const (
	colMark column = iota
	colNo
	colTime
	colSource
	colDestination
	colProtocol
	colLength
	colPair
	colOwner
	colInfo
	columns
)

// What a column is called, how wide it may become, and in which order columns give way where there is no room: the highest first, 0 never.
var columnTable = [columns]struct {
	title    string
	min, max int
	right    bool
	gives    int
}{
	colMark:        {"", 1, 1, false, 0},
	colNo:          {"No.", 3, 12, true, 0},
	colTime:        {"Time", 4, 29, true, 4},
	colSource:      {"Source", 6, 46, false, 1},
	colDestination: {"Destination", 11, 46, false, 0},
	colProtocol:    {"Protocol", 5, 9, false, 6},
	colLength:      {"Length", 3, 6, true, 7},
	colPair:        {"Pair", 4, 22, false, 3},
	colOwner:       {"Process", 7, 22, false, 5},
	colInfo:        {"Info", 4, 1 << 20, false, 2},
}

// Info has what is left of a line, at least leastInfo or nothing. Long addresses are cut so that goodInfo is left, but not below shrunk.
const (
	leastInfo = 14
	goodInfo  = 36
	shrunk    = 21 // an IPv4 address with its port
)

// layout says how wide each column is: 0 where it is not shown.
type layout [columns]int

// arrange gives every column what its cells want (wanted) as far as so many cells of a line allow, one blank between columns.
func arrange(wanted layout, cells int, owners bool) layout {
	for c, want := range wanted {
		wanted[c] = min(max(want, columnTable[c].min), columnTable[c].max)
	}
	if !owners {
		wanted[colOwner] = 0
	}
	wanted[colInfo] = goodInfo
	wanted.shrink(cells)
	wanted[colInfo] = leastInfo
	w := wanted
	for gives := columnTable[colLength].gives; gives > 0 && w.width() > cells; gives-- {
		w[giving(gives)] = 0
	}
	for gives := 1; gives <= columnTable[colLength].gives; gives++ { // what has become too much by the loss of another
		c := giving(gives)
		if w[c] == 0 && wanted[c] > 0 && w.width()+1+wanted[c] <= cells {
			w[c] = wanted[c]
		}
	}
	switch rest := cells - w.width(); {
	case rest < 0:
		w[colDestination] = max(w[colDestination]+rest, 1)
	case w[colInfo] > 0:
		w[colInfo] += rest
	default:
		w[colDestination] += rest
	}
	return w
}

// shrink cuts the addresses by what is too much.
func (w *layout) shrink(cells int) {
	for over := w.width() - cells; over > 0; over-- {
		c := colSource
		if w[colDestination] > w[colSource] {
			c = colDestination
		}
		if w[c] <= shrunk {
			return
		}
		w[c]--
	}
}

func giving(gives int) column {
	for c := range columns {
		if columnTable[c].gives == gives {
			return c
		}
	}
	return colInfo
}

// width is that of a line: the columns with a blank between them.
func (w layout) width() int {
	sum, n := 0, 0
	for _, cells := range w {
		if cells > 0 {
			sum, n = sum+cells, n+1
		}
	}
	return sum + max(n-1, 0)
}

// want widens a column to what is in one of its cells.
func (w *layout) want(c column, text string) { w[c] = max(w[c], terminal.Width(text)) }
