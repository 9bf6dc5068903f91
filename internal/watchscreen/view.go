package watchscreen

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"dgram/internal/terminal"
)

// View is the whole screen.
func (m *model) View() tea.View {
	v := tea.NewView(strings.Join(m.draw(), "\n"))
	v.AltScreen = true
	return v
}

// narrow is where not even the columns that never give way may fit.
const narrow = 24

// draw returns the lines of the screen: as many as it has rows.
func (m *model) draw() []string {
	if m.width < 1 || m.height < 1 {
		return nil
	}
	if m.mode == modeHelp {
		return m.help()
	}
	var lines []string
	if m.height >= 4 {
		lines = append(lines, m.head())
	}
	table := m.table(m.tableRows())
	if m.height < 3 {
		table = table[1:]
	}
	lines = append(lines, table...)
	if m.detail != nil {
		lines = append(lines, m.pane()...)
	}
	if m.height >= 2 {
		lines = append(lines, m.foot())
	}
	if m.mode == modeFilter && m.problem != "" && len(lines) > 2 {
		lines[len(lines)-2] = bad.of(fit(m.problem, m.width))
	}
	for i := range lines {
		if m.width < narrow {
			lines[i] = terminal.CutStyled(lines[i], m.width)
		}
	}
	return lines[:min(len(lines), m.height)]
}

// tableRows is how many packets the table shows.
func (m *model) tableRows() int {
	rows := m.height - 3 // title, heads, foot
	switch {
	case m.height < 2:
		return 1
	case m.height < 4:
		return m.height - 1 - max(m.height-2, 0)
	case m.detail != nil:
		rows -= m.detailRows() + 1
	}
	return max(rows, 1)
}

// detailRows is how many rows the pane has below its line.
func (m *model) detailRows() int {
	rows := m.height - 3
	switch {
	case rows < 3:
		return 0
	case rows < 12:
		return rows - 2
	}
	return rows / 2
}

// wideEnough is where the tree and the bytes stand beside each other.
const wideEnough = 120

// pane draws the detail: a line that says what it is, then the tree and the bytes; only one of them where there is no room for both.
func (m *model) pane() []string {
	rows := m.detailRows()
	if rows <= 0 {
		return nil
	}
	d := m.detail
	lines := []string{m.paneHead()}
	hex := hexWidth(16)
	switch {
	case m.width >= wideEnough:
		left := m.width - hex - 3
		tree, bytes := d.tree(left, rows, m.focus == focusTree), d.bytes(hex, rows)
		for i := range rows {
			lines = append(lines, join(tree[i], left, dim.of(" │ ")+bytes[i]))
		}
	case rows >= 9:
		below := max(min(rows/3, (len(d.data)+15)/16), 2)
		lines = append(lines, d.tree(m.width, rows-below-1, m.focus == focusTree)...)
		lines = append(lines, dim.of(strings.Repeat("─", m.width)))
		lines = append(lines, d.bytes(m.width, below)...)
	case m.focus == focusBytes:
		lines = append(lines, d.bytes(m.width, rows)...)
	default:
		lines = append(lines, d.tree(m.width, rows, m.focus == focusTree)...)
	}
	return lines
}

// join puts right beside left, which is empty or fills its cells.
func join(left string, cells int, right string) string {
	if left == "" {
		left = blanks(cells)
	}
	return left + right
}

func (m *model) paneHead() string {
	k := &m.detail.kept
	text := " No. " + number(k.No)
	if name := k.Note.Mark.String(); name != "" {
		text += " · " + name
	}
	if pair := string(AppendPair(nil, k.Note)); k.Note.Peer != 0 && pair != k.Note.Mark.String() {
		text += " " + pair
	}
	if k.Owner != "" {
		text += " · " + k.Owner
	}
	part := [focuses]string{"packets", "layers", "bytes"}[m.focus]
	hint := "tab: " + part + " "
	if len(m.detail.data) < k.Length && k.Whole == nil {
		text += fmt.Sprintf(" · cut: %d of %d bytes", len(m.detail.data), k.Length)
	}
	if k.Pieces > 0 {
		text += fmt.Sprintf(" · put together from %d pieces", k.Pieces)
	}
	return bar.of(spread(text, hint, m.width))
}

// spread puts one text on the left and one on the right of a line, which it fills. The left one matters more.
func spread(left, right string, cells int) string {
	room := cells - terminal.Width(left)
	if terminal.Width(right)+1 > room {
		return fit(left, cells)
	}
	return left + fitRight(right, room)
}

// head is the first line: what is watched, what is shown of it, and how it goes.
func (m *model) head() string {
	left := " " + clean(m.Title)
	if m.Config.Filter != "" {
		left += " [" + clean(m.Config.Filter) + "]"
	}
	if m.filter != nil {
		left += " / " + clean(m.filter.text)
	}
	if m.flow != nil {
		left += " · one flow"
	}
	var right []string
	if m.filter != nil || m.flow != nil {
		shown := grouped(uint64(m.list.len())) + " shown"
		if m.busy {
			shown += "…"
		}
		right = append(right, shown)
	}
	right = append(right, count(m.status.Packets, "packet"))
	if m.status.Unanswered > 0 {
		right = append(right, grouped(m.status.Unanswered)+" unanswered")
	}
	if m.Live || m.status.Drops > 0 {
		right = append(right, grouped(m.status.Drops)+" dropped")
	}
	right = append(right, count(m.status.Flows, "flow"))
	text := right[0]
	for _, more := range right[1:] {
		if terminal.Width(text)+terminal.Width(more) < m.width*2/3 {
			text += " · " + more
		}
	}
	return bar.of(spread(terminal.Fit(left, max(m.width-terminal.Width(text)-3, min(m.width, 8))), text+" ", m.width))
}

// foot is the last line: what is typed, what is to be said, or which keys there are.
func (m *model) foot() string {
	switch m.mode {
	case modeFilter:
		return m.line.view("/", m.width)
	case modeSave:
		return m.line.view("save to: ", m.width)
	case modeReplace:
		return attend.of(terminal.Fit(terminal.EscapeString(m.replaced)+" exists: replace it? y/n", m.width))
	}
	if m.message != "" {
		return attend.of(terminal.Fit(m.message, m.width))
	}
	return dim.of(spread(" "+m.state(), "? help  / filter  f flow  n trouble  enter open  s save  q quit ", m.width))
}

// state says what the screen does just now.
func (m *model) state() string {
	kept, forgotten, missed := m.Store.counts()
	switch {
	case m.status.Err != nil:
		return "ended: " + firstLine(m.status.Err)
	case m.paused && missed > 0:
		return "paused, and full: " + count(missed, "packet") + " not kept"
	case m.paused:
		_, next := m.Store.bounds()
		return fmt.Sprintf("paused: %s new", grouped(next-m.list.limit))
	case m.list.len() == 0 && kept > 0:
		return "nothing matches"
	case m.list.len() == 0 && !m.status.Ended:
		return "waiting for packets"
	case forgotten > 0:
		return "the newest " + grouped(uint64(kept)) + " are kept"
	case m.follow && !m.status.Ended:
		return "live"
	case m.Live && !m.status.Ended:
		return "G goes on live"
	}
	ended := ""
	if m.Live {
		ended = "ended: "
	}
	return ended + fmt.Sprintf("row %s of %s", grouped(uint64(min(m.list.index(m.cursor)+1, m.list.len()))), grouped(uint64(m.list.len())))
}
