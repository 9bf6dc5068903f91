package watchscreen

import (
	"strings"
	"time"

	"dgram/wire"
	"dgram/wire/app"
)

// row is a packet as the table shows it.
type row struct {
	cell [columns]string
	mark Mark
}

// rowOf looks at a packet. before is the time of the packet above it.
func (m *model) rowOf(k *Kept, before int64) (r row) {
	var f wire.Frame
	var p wire.Packet
	var message app.Message
	k.decode(&f, &p, &message)
	var buffer [256]byte
	b := buffer[:0]
	r.mark = k.Note.Mark
	r.cell[colMark] = r.mark.Sign()
	r.cell[colNo] = number(k.No)
	r.cell[colTime] = m.time(k.Time, before)
	r.cell[colSource] = string(AppendSource(b, &p))
	r.cell[colDestination] = string(AppendDestination(b, &p))
	r.cell[colProtocol], r.cell[colInfo] = message.Protocol.String(), string(AppendInfo(b, &p, &message))
	r.cell[colLength] = number(uint64(max(k.Length, 0)))
	r.cell[colPair] = string(AppendPair(b, k.Note))
	r.cell[colOwner] = m.owner(k, &p)
	return r
}

// owner asks again for what was not known when the packet came.
func (m *model) owner(k *Kept, p *wire.Packet) string {
	if k.Owner == "" && m.Config.Owner != nil {
		if k.Owner = clean(m.Config.Owner(p)); k.Owner != "" {
			m.Store.own(k.No, k.Owner)
		}
	}
	return k.Owner
}

func (m *model) time(t, before int64) string {
	if t == 0 {
		return ""
	}
	switch m.times {
	case timeAbsolute:
		return time.Unix(0, t).Format("15:04:05.000000")
	case timeDelta:
		if before == 0 {
			before = t
		}
		return string(AppendSeconds(nil, t-before))
	}
	return string(AppendSeconds(nil, t-m.Store.began()))
}

// table draws the heads of the columns and so many rows.
func (m *model) table(rows int) []string {
	shown := make([]row, 0, rows)
	at, before := m.list.index(m.top), int64(0)
	if k, ok := m.Store.get(m.top); ok && m.times == timeDelta && at > 0 && m.list.len() > 0 {
		before = k.Time
		if above, ok := m.Store.get(m.list.at(at - 1)); ok {
			before = above.Time
		}
	}
	chosen := -1
	for i := at; i < m.list.len() && len(shown) < rows; i++ {
		k, ok := m.Store.get(m.list.at(i))
		if !ok {
			continue
		}
		if m.list.at(i) == m.cursor {
			chosen = len(shown)
		}
		r := m.rowOf(&k, before)
		before = k.Time
		for c := range r.cell {
			m.widest.want(column(c), r.cell[c])
		}
		shown = append(shown, r)
	}
	for c := range m.widest {
		if m.widest[c] > 0 {
			m.widest.want(column(c), columnTable[c].title)
		}
	}
	m.widest[colPair] = max(m.widest[colPair], len("<123 0.213 ms"))
	w := arrange(m.widest, m.width, m.Live && m.Config.Owner != nil)
	lines := []string{m.heads(w)}
	for i := range shown {
		lines = append(lines, m.rowLine(&shown[i], w, i == chosen))
	}
	return fill(lines, rows+1)
}

func (m *model) heads(w layout) string {
	var r row
	for c := range r.cell {
		r.cell[c] = columnTable[c].title
	}
	r.cell[colTime] = [timeModes]string{"Time", "Delta", "Clock"}[m.times]
	return heading.of(r.text(w, nil))
}

func (m *model) rowLine(r *row, w layout, chosen bool) string {
	switch {
	case chosen && m.focus == focusTable:
		return barFocus.of(r.text(w, nil))
	case chosen:
		return reverse.of(r.text(w, nil))
	}
	return r.text(w, func(c column) style {
		if r.mark.Trouble() || c == colMark || c == colPair {
			return r.mark.style()
		}
		return plain
	})
}

// text is the row's line, as wide as the columns are.
func (r *row) text(w layout, paint func(column) style) string {
	var b strings.Builder
	for c, cells := range w {
		if cells == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		text := fit(r.cell[c], cells)
		if columnTable[c].right {
			text = fitRight(r.cell[c], cells)
		}
		if paint != nil {
			text = paint(column(c)).of(text)
		}
		b.WriteString(text)
	}
	return b.String()
}
