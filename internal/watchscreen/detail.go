package watchscreen

import (
	"fmt"
	"strings"

	"dgram/internal/terminal"
	"dgram/wire"
)

// focus is the part of the screen that the keys that move go to.
type focus int

const (
	focusTable focus = iota
	focusTree
	focusBytes
	focuses
)

// detail is the pane below the table: the layers of one packet, and its bytes.
type detail struct {
	kept   Kept
	on     string // the interface's name
	data   []byte
	fields []wire.Field
	unfold map[string]bool // layers that the person has unfolded (true) or folded; of all packets
	shown  []int           // the fields that are not folded away
	field  int             // the selected one of shown, whose bytes are lit
	top    int             // first row of the tree
	row    int             // first row of the bytes
	chased bool
}

func (m *model) newDetail(k Kept) *detail {
	d := &detail{kept: k, unfold: m.unfold}
	if m.Config.Interface != nil {
		d.on = m.Config.Interface(k.Interface)
	}
	d.data, d.fields = fieldsOf(&k, d.on)
	d.fold()
	for i, f := range d.shown {
		if d.fields[f].Depth == 0 {
			d.field = i // the payload, mostly
		}
	}
	return d
}

// fold finds which fields are shown: the layers, and what is in those that are unfolded. Without a word of the person that is the last one.
func (d *detail) fold() {
	last := 0
	for i := range d.fields {
		if d.fields[i].Depth == 0 {
			last = i
		}
	}
	d.shown = d.shown[:0]
	open := false
	for i := range d.fields {
		if d.fields[i].Depth == 0 {
			open = i == last
			if said, ok := d.unfold[d.fields[i].Name]; ok {
				open = said
			}
		} else if !open {
			continue
		}
		d.shown = append(d.shown, i)
	}
	d.field = min(d.field, max(len(d.shown)-1, 0))
}

// turnLayer unfolds the layer of the selected field, or folds it.
func (d *detail) turnLayer(unfold bool) (changed bool) {
	if len(d.shown) == 0 {
		return false
	}
	at := d.shown[d.field]
	for at > 0 && d.fields[at].Depth > 0 {
		at--
	}
	before := len(d.shown)
	d.unfold[d.fields[at].Name] = unfold
	d.fold()
	for i, f := range d.shown {
		if f == at && (!unfold || i < d.field) {
			d.field = i
		}
	}
	return len(d.shown) != before
}

// refresh takes over what has become known of the packet since.
func (d *detail) refresh(s *Store) {
	q, _ := s.sequence(d.kept.No)
	if k, ok := s.get(q); ok && k.No == d.kept.No && (k.Note != d.kept.Note || k.Owner != d.kept.Owner) {
		d.kept = k
		d.data, d.fields = fieldsOf(&k, d.on)
		d.fold()
	}
}

func (m *model) open() {
	if k, ok := m.selected(); ok && m.detail == nil {
		m.detail = m.newDetail(k)
		m.settle()
	}
}

// reopen shows the packet that is selected now in the pane, if that is open.
func (m *model) reopen() {
	if m.detail == nil {
		return
	}
	if k, ok := m.selected(); ok && k.No != m.detail.kept.No {
		m.detail = m.newDetail(k)
	}
}

// turn gives the focus to the next part, opening the pane if need be.
func (m *model) turn(by int) {
	if m.open(); m.detail != nil {
		m.focus = (m.focus + focus(by) + focuses) % focuses
	}
}

// key moves in the tree or the bytes; false: it is another's.
func (d *detail) key(at focus, key string, rows int) bool {
	steps := map[string]int{"up": -1, "k": -1, "down": 1, "j": 1, "pgup": -rows, "pgdown": rows, "b": -rows,
		"home": -1 << 30, "g": -1 << 30, "end": 1 << 30, "G": 1 << 30}
	step, ok := steps[key]
	switch {
	case at == focusTree && (key == "enter" || key == "right" || key == "l" || key == "space"):
		if !d.turnLayer(true) && key != "right" && key != "l" {
			d.turnLayer(false)
		}
		return true
	case at == focusTree && key == "left":
		return d.turnLayer(false)
	case !ok:
		return false
	case at == focusTree:
		d.field = min(max(d.field+step, 0), max(len(d.shown)-1, 0))
		d.chased = false
	default:
		d.row = max(d.row+step, 0) // the view keeps it within the bytes
		d.chased = true
	}
	return true
}

// tree draws the layers in so many rows.
func (d *detail) tree(width, rows int, focused bool) []string {
	d.top = max(min(d.top, d.field), d.field-rows+1, 0)
	lines := make([]string, 0, rows)
	for i := d.top; i < len(d.shown) && len(lines) < rows; i++ {
		f := &d.fields[d.shown[i]]
		text := strings.Repeat("  ", min(f.Depth, 12)) + terminal.EscapeString(f.Name)
		if f.Depth == 0 {
			text = d.sign(i) + text
		} else {
			text = " " + text
		}
		if f.Value != "" {
			text += ": " + clean(f.Value)
		}
		text = fit(text, width)
		switch {
		case i == d.field && focused:
			text = barFocus.of(text)
		case i == d.field:
			text = reverse.of(text)
		case f.Depth == 0:
			text = heading.of(text)
		}
		lines = append(lines, text)
	}
	return fill(lines, rows)
}

// sign says whether the layer in row i of the tree is folded: + it is, - it is not.
func (d *detail) sign(i int) string {
	at := d.shown[i]
	switch {
	case at+1 >= len(d.fields) || d.fields[at+1].Depth == 0:
		return " "
	case i+1 < len(d.shown) && d.shown[i+1] == at+1:
		return "-"
	}
	return "+"
}

// clean is text in which nothing can harm a terminal. Escapes that are there already stay as they are.
func clean(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' }) < 0 {
		return text
	}
	return strings.ReplaceAll(terminal.EscapeString(text), `\\`, `\`)
}

// bytes draws the packet's bytes in so many rows, those of the selected field lit.
func (d *detail) bytes(width, rows int) []string {
	each := bytesPerRow(width)
	from, to := d.selection()
	all := (len(d.data) + each - 1) / each
	if !d.chased && to > from {
		first, last := from/each, (to-1)/each
		d.row = max(min(d.row, first), min(last-rows+1, first))
	}
	d.row = max(min(d.row, all-rows), 0)
	lines := make([]string, 0, rows)
	for r := d.row; r < all && len(lines) < rows; r++ {
		lines = append(lines, hexRow(d.data, r*each, each, from, to))
	}
	return fill(lines, rows)
}

func (d *detail) selection() (from, to int) {
	if d.field >= len(d.shown) {
		return 0, 0
	}
	f := &d.fields[d.shown[d.field]]
	from = min(max(f.Off, 0), len(d.data))
	return from, from + min(max(f.Len, 0), len(d.data)-from)
}

// bytesPerRow is how many fit: an offset, two digits and a blank for each, and its character.
func bytesPerRow(width int) int {
	for _, n := range []int{16, 8, 4, 2} {
		if hexWidth(n) <= width {
			return n
		}
	}
	return 1
}

func hexWidth(n int) int { return 6 + 3*n + 1 + n }

// hexRow is one row of bytes, as hexdump -C shows them; those in [from, to) are lit.
func hexRow(data []byte, at, each, from, to int) string {
	digits, text := &paint{}, &paint{}
	for i := at; i < at+each; i++ {
		if i >= len(data) {
			digits.add("   ", plain)
			continue
		}
		s, gap := plain, plain
		if from <= i && i < to {
			s = lit
			if i+1 < to && i+1 < at+each {
				gap = lit
			}
		}
		digits.add(fmt.Sprintf("%02x", data[i]), s)
		digits.add(" ", gap)
		c := "."
		if ' ' <= data[i] && data[i] <= '~' {
			c = string(rune(data[i]))
		}
		text.add(c, s)
	}
	return dim.of(fmt.Sprintf("%04x", at)) + "  " + digits.end() + " " + text.end()
}

// paint joins pieces of text, with a change of style only where the style changes.
type paint struct {
	b   strings.Builder
	now style
}

func (p *paint) add(text string, s style) {
	if s != p.now {
		if p.now != plain {
			p.b.WriteString("\x1b[m")
		}
		if s != plain {
			p.b.WriteString("\x1b[" + string(s) + "m")
		}
		p.now = s
	}
	p.b.WriteString(text)
}

func (p *paint) end() string {
	p.add("", plain)
	return p.b.String()
}

func fill(lines []string, rows int) []string {
	for len(lines) < rows {
		lines = append(lines, "")
	}
	return lines
}
