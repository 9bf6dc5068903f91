package watchscreen

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"dgram/wire"
)

// Config is what the screen needs to know, and what it asks others to do.
type Config struct {
	Store *Store
	// Title says what is watched: a file, interfaces. Filter is what the capture itself was filtered with.
	Title, Filter string
	// Live says that packets come from this machine as they pass: the newest is shown first, and sockets have owners.
	Live bool
	// Status tells how the capture goes. Any goroutine may call it.
	Status func() Status
	// Interface is the name of the interface with that number. nil: they have none.
	Interface func(int) string
	// Owner names the process on this machine that has the packet's socket, or returns "". It must not wait. nil: nobody knows.
	Owner func(p *wire.Packet) string
	// Save writes frames to a file that must not exist yet, unless replace is set; each calls yield for all that are to be saved.
	Save func(path string, replace bool, each func(yield func(*wire.Frame) error) error) (int, error)
}

// Status is how a capture goes.
type Status struct {
	Packets, Flows, Unanswered uint64
	Drops                      uint64 // lost by the kernel
	Ended                      bool   // nothing more comes
	Err                        error  // why it ended, where that was not its end
}

// mode is what has the keyboard.
type mode int

const (
	modeTable mode = iota
	modeFilter
	modeSave
	modeReplace // the file is there: replace it?
	modeHelp
)

// timeMode is how the column Time counts.
type timeMode int

const (
	timeRelative timeMode = iota // seconds since the first packet
	timeDelta                    // since the packet in the row above
	timeAbsolute                 // of day, in local time
	timeModes
)

// model is the screen's state. It belongs to Bubble Tea's goroutine.
type model struct {
	Config
	width, height int
	list          listing
	cursor        uint64 // sequence number of the selected packet
	top           uint64 // of the first row
	follow        bool   // the newest packet is selected as it comes
	paused        bool
	mode          mode
	times         timeMode
	widest        layout // what the columns have wanted so far

	filter   *matcher // nil: none
	flow     *wire.Flow
	line     lineEdit
	problem  string   // what is wrong with the line
	former   *matcher // the filter before the line was typed
	replaced string   // the file that modeReplace asks about
	message  string   // said in the last line until the next key
	busy     bool     // the listing has not seen everything yet
	status   Status

	detail  *detail // nil: closed
	unfold  map[string]bool
	focus   focus
	helpTop int
}

// redraw is the time between two looks at the store.
const redraw = 50 * time.Millisecond

// searchTime is how long one look may search for packets that match. What is left waits for the next.
const searchTime = 15 * time.Millisecond

type tick struct{}

type saved struct {
	path string
	n    int
	err  error
}

func newModel(c Config) *model {
	m := &model{Config: c, unfold: map[string]bool{}, width: 80, height: 24, follow: c.Live}
	m.list.store = c.Store
	m.look()
	return m
}

func ticking() tea.Cmd { return tea.Tick(redraw, func(time.Time) tea.Msg { return tick{} }) }

// Init begins the looking.
func (m *model) Init() tea.Cmd { return ticking() }

// Update takes in a key, a new size, or that it is time to look.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tick:
		m.look()
		return m, ticking()
	case tea.WindowSizeMsg:
		m.width, m.height, m.widest = msg.Width, msg.Height, layout{}
		m.settle()
	case tea.KeyPressMsg:
		cmd = m.key(msg)
	case tea.PasteMsg:
		if m.mode == modeFilter || m.mode == modeSave {
			m.line.insert(msg.Content)
			m.typed()
		}
	case saved:
		m.hasSaved(msg)
	}
	return m, cmd
}

// look takes in what has come.
func (m *model) look() {
	if m.Config.Status != nil {
		m.status = m.Config.Status()
	}
	m.busy = m.list.refresh(searchTime)
	m.settle()
	if m.detail != nil {
		m.detail.refresh(m.Store)
	}
}

// settle brings cursor and rows to where they can be: after new packets, forgotten ones, another size, another filter.
func (m *model) settle() {
	n := m.list.len()
	if n == 0 {
		return
	}
	at := min(m.list.index(m.cursor), n-1)
	if m.follow {
		at = n - 1
	}
	rows := m.tableRows()
	top := min(m.list.index(m.top), n-1)
	top = max(min(top, at), at-rows+1, 0)
	top = max(min(top, n-rows), 0)
	m.cursor, m.top = m.list.at(at), m.list.at(top)
}

// move selects the packet so many rows further down.
func (m *model) move(rows int) {
	n := m.list.len()
	if n == 0 {
		return
	}
	at := min(max(m.list.index(m.cursor)+rows, 0), n-1)
	m.cursor = m.list.at(at)
	m.follow = m.Live && rows > 0 && at == n-1 && !m.paused
	m.settle()
	m.reopen()
}

// end selects the last packet, and follows what comes.
func (m *model) end() {
	if n := m.list.len(); n > 0 {
		m.cursor = m.list.at(n - 1)
	}
	m.follow = !m.paused
	m.settle()
	m.reopen()
}

// seek selects the next packet in a direction (1 or -1) of which something is the case.
func (m *model) seek(direction int, is func(*Kept) bool, otherwise string) {
	for i := m.list.index(m.cursor) + direction; i >= 0 && i < m.list.len(); i += direction {
		if k, ok := m.Store.get(m.list.at(i)); ok && is(&k) {
			m.select1(m.list.at(i))
			return
		}
	}
	m.message = otherwise
}

// select1 selects a packet by its sequence number.
func (m *model) select1(q uint64) {
	m.cursor, m.follow = q, false
	m.settle()
	m.reopen()
}

// partner selects the request of a reply, the reply of a request.
func (m *model) partner() {
	k, ok := m.selected()
	if !ok || k.Note.Peer == 0 {
		m.message = "this packet has no other half that is known"
		return
	}
	q, ok := m.Store.sequence(k.Note.Peer)
	switch {
	case !ok:
		m.message = "No. " + number(k.Note.Peer) + " is no longer kept"
	case m.list.index(q) >= m.list.len() || m.list.at(m.list.index(q)) != q:
		m.message = "No. " + number(k.Note.Peer) + " is hidden by the filter"
	default:
		m.select1(q)
	}
}

func (m *model) selected() (Kept, bool) {
	if m.list.len() == 0 {
		return Kept{}, false
	}
	return m.Store.get(m.cursor)
}

func (m *model) pause() {
	m.paused = !m.paused
	m.Store.pause(m.paused)
	m.list.limit = 0
	if m.paused {
		_, m.list.limit = m.Store.bounds()
		m.follow = false
	} else if m.Live {
		m.look()
		m.end()
	}
}
