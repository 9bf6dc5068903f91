package watchscreen

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	tea "charm.land/bubbletea/v2"

	"dgram/internal/terminal"
	"dgram/wire"
	"dgram/wire/app"
	"dgram/wire/filter"
)

func (m *model) key(k tea.KeyPressMsg) tea.Cmd {
	if k.String() == "ctrl+c" {
		return tea.Quit
	}
	m.message = ""
	switch m.mode {
	case modeHelp:
		m.helpKey(k.String())
		return nil
	case modeFilter:
		m.filterKey(k)
		return nil
	case modeSave:
		return m.saveKey(k)
	case modeReplace:
		return m.replaceKey(k.String())
	}
	return m.tableKey(k.String())
}

// tableKey is a key while nothing is being typed. Those that move go to what has the focus.
func (m *model) tableKey(key string) tea.Cmd {
	if m.detail != nil && m.focus != focusTable && m.detail.key(m.focus, key, m.detailRows()) {
		return nil
	}
	page := max(m.tableRows()-1, 1)
	switch key {
	case "up", "k":
		m.move(-1)
	case "down", "j":
		m.move(1)
	case "pgup", "ctrl+b", "b":
		m.move(-page)
	case "pgdown", "ctrl+f":
		m.move(page)
	case "ctrl+u":
		m.move(-page / 2)
	case "ctrl+d":
		m.move(page / 2)
	case "g", "home":
		m.move(-m.list.len())
		m.follow = false
	case "G", "end":
		m.end()
	default:
		return m.command(key)
	}
	return nil
}

// command is a key that does more than move.
func (m *model) command(key string) tea.Cmd {
	switch key {
	case "q":
		return tea.Quit
	case "?", "h", "f1":
		m.mode, m.helpTop = modeHelp, 0
	case "enter", "right", "l":
		m.open()
	case "esc", "left":
		m.back(key)
	case "tab":
		m.turn(1)
	case "shift+tab":
		m.turn(-1)
	case "/":
		m.line, m.former, m.problem, m.mode = newLineEdit(m.filterText()), m.filter, "", modeFilter
	case "f":
		m.followFlow()
	case "p", "space":
		m.pause()
	case "c":
		m.times = (m.times + 1) % timeModes
		m.widest[colTime] = 0
	case "n":
		m.seek(1, troubled, "no trouble after this packet")
	case "N":
		m.seek(-1, troubled, "no trouble before this packet")
	case "o":
		m.partner()
	case "s":
		m.askName()
	}
	return nil
}

func troubled(k *Kept) bool { return k.Note.Mark.Trouble() }

// back closes the newest thing: the detail pane, the flow, the filter.
func (m *model) back(key string) {
	switch {
	case m.detail != nil:
		m.detail, m.focus = nil, focusTable
		m.settle()
	case key != "esc":
	case m.flow != nil:
		m.flow = nil
		m.relist()
	case m.filter != nil:
		m.filter = nil
		m.relist()
	}
}

func (m *model) filterText() string {
	if m.filter == nil {
		return ""
	}
	return m.filter.text
}

// relist shows what filter and flow let through; the selected packet stays if it is among that.
func (m *model) relist() {
	m.list.use(criterion(m.filter, m.flow))
	m.widest = layout{}
	m.look()
}

func (m *model) followFlow() {
	if m.flow != nil {
		m.flow = nil
		m.relist()
		return
	}
	k, ok := m.selected()
	if !ok {
		return
	}
	var f wire.Frame
	var p wire.Packet
	var message app.Message
	k.decode(&f, &p, &message)
	flow := p.Flow()
	switch {
	case p.HasQuoted:
		flow = p.Quoted
	case p.Version == 0:
		m.message = "this packet has no addresses to follow"
		return
	}
	m.flow = &flow
	m.relist()
}

func (m *model) filterKey(k tea.KeyPressMsg) {
	switch k.String() {
	case "enter":
		if m.problem == "" {
			m.mode = modeTable
		}
	case "esc":
		m.mode, m.problem = modeTable, ""
		if m.filter != m.former {
			m.filter = m.former
			m.relist()
		}
	default:
		if m.line.key(k) {
			m.typed()
		}
	}
}

// typed tries the filter as it stands; while it is none, the last good one stays.
func (m *model) typed() {
	if m.mode != modeFilter {
		return
	}
	f, err := newMatcher(m.line.String())
	if err != nil {
		m.problem = mistake(err)
		return
	}
	m.problem, m.filter = "", f
	m.relist()
}

// mistake is what is wrong with a filter, without the filter: that stands below it.
func mistake(err error) string {
	var wrong *filter.SyntaxError
	if !errors.As(err, &wrong) {
		return firstLine(err)
	}
	text := wrong.Problem
	if wrong.Hint != "" {
		text += "; " + wrong.Hint
	}
	return clean(text)
}

func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return terminal.EscapeString(text)
}

func (m *model) askName() {
	switch {
	case m.Save == nil:
		m.message = "there is nowhere to save to"
	case m.list.len() == 0:
		m.message = "there is nothing to save"
	default:
		m.line, m.mode = newLineEdit("dgram.pcapng"), modeSave
	}
}

func (m *model) saveKey(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "esc":
		m.mode = modeTable
	case "enter":
		m.mode = modeTable
		if name := strings.TrimSpace(m.line.String()); name != "" {
			return m.save(name, false)
		}
	default:
		m.line.key(k)
	}
	return nil
}

func (m *model) replaceKey(key string) tea.Cmd {
	m.mode = modeTable
	if key == "y" || key == "Y" {
		return m.save(m.replaced, true)
	}
	m.message = "not saved"
	return nil
}

// save writes what is listed, as it is now, while the screen goes on.
func (m *model) save(name string, replace bool) tea.Cmd {
	shown := make([]uint64, m.list.len())
	for i := range shown {
		shown[i] = m.list.at(i)
	}
	store, write := m.Store, m.Config.Save
	m.message = "saving…"
	return func() tea.Msg {
		n, err := write(name, replace, func(yield func(*wire.Frame) error) error {
			var f wire.Frame
			for _, q := range shown {
				k, ok := store.get(q)
				if !ok {
					continue
				}
				k.frame(&f)
				if err := yield(&f); err != nil {
					return err
				}
			}
			return nil
		})
		return saved{name, n, err}
	}
}

func (m *model) hasSaved(s saved) {
	name := terminal.EscapeString(s.path)
	switch {
	case errors.Is(s.err, fs.ErrExist):
		m.replaced, m.mode = s.path, modeReplace
		m.message = ""
	case s.err != nil:
		m.message = "not saved: " + firstLine(s.err)
	default:
		m.message = fmt.Sprintf("saved %s to %s", count(uint64(s.n), "packet"), name)
	}
}

func count(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(n) + " " + what + "s"
}

// grouped is a number with a comma after every three digits.
func grouped(n uint64) string {
	text := number(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
