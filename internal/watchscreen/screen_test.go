package watchscreen

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"pgregory.net/rapid"

	"dgram/internal/terminal"
	"dgram/wire"
)

var update = flag.Bool("update", false, "write the golden screens anew")

var (
	caller = netip.MustParseAddrPort("192.168.3.2:57445")
	server = netip.MustParseAddrPort("192.168.3.8:12345")
	six    = netip.MustParseAddrPort("[fd00:1234:5678:9abc:def0:1234:5678:9abc]:5353")
)

// hostile is what no terminal may be sent as it is.
const hostile = "\x1b[2J\x1b]0;title\x07\u202eevil\n\t\x00\xff你好"

// start is the time of the first packet of every scene.
var start = time.Date(2026, 3, 1, 12, 30, 45, 0, time.UTC).UnixNano()

// scene is a store with one packet of each kind, and then so many pairs.
func scene(pairs int) *Store {
	s := NewStore(10000, 1<<20)
	no := uint64(0)
	add := func(src, dst netip.AddrPort, payload string, n Note) {
		no++
		data := wire.AppendUDP(nil, src, dst, 64, 0, []byte(payload))
		f := wire.Frame{Time: start + int64(no)*1_234_567, Data: data, Length: len(data), Link: wire.LinkRaw}
		s.Add(no, &f, nil, 0, "", n)
	}
	add(caller, server, "hello", Note{Mark: MarkAnswered, Peer: 2, RTT: 213 * time.Microsecond})
	add(server, caller, "HELLO", Note{Mark: MarkReply, Peer: 1, RTT: 213 * time.Microsecond})
	add(caller, server, hostile, Note{Mark: MarkUnanswered})
	add(caller, server, hostile, Note{Mark: MarkRetry, Peer: 3})
	add(server, caller, "late", Note{Mark: MarkLate, Peer: 3, RTT: 7 * time.Second})
	add(server, caller, "twice", Note{Mark: MarkDuplicate, Peer: 1})
	add(server, caller, "who asked?", Note{Mark: MarkStray})
	add(six, six, "你好, 世界", Note{Mark: MarkWaiting})
	for i := range pairs {
		add(caller, server, fmt.Sprintf("request %d", i), Note{Mark: MarkAnswered, Peer: no + 2, RTT: time.Millisecond})
		add(server, caller, fmt.Sprintf("REQUEST %d", i), Note{Mark: MarkReply, Peer: no, RTT: time.Millisecond})
	}
	return s
}

func (m *model) size(width, height int) { m.Update(tea.WindowSizeMsg{Width: width, Height: height}) }

// press presses keys: names of Bubble Tea's between < and >, and characters.
func (m *model) press(keys string) (cmds []tea.Cmd) {
	for _, k := range regexp.MustCompile(`<[a-z0-9+]+>|.`).FindAllString(keys, -1) {
		_, cmd := m.Update(keyOf(k))
		cmds = append(cmds, cmd)
	}
	return cmds
}

var namedKeys = map[string]tea.Key{
	"<enter>": {Code: tea.KeyEnter}, "<esc>": {Code: tea.KeyEscape}, "<up>": {Code: tea.KeyUp}, "<down>": {Code: tea.KeyDown},
	"<left>": {Code: tea.KeyLeft}, "<right>": {Code: tea.KeyRight}, "<pgup>": {Code: tea.KeyPgUp}, "<pgdown>": {Code: tea.KeyPgDown},
	"<home>": {Code: tea.KeyHome}, "<end>": {Code: tea.KeyEnd}, "<tab>": {Code: tea.KeyTab}, "<backspace>": {Code: tea.KeyBackspace},
	"<delete>": {Code: tea.KeyDelete}, "<ctrl+u>": {Code: 'u', Mod: tea.ModCtrl}, "<ctrl+w>": {Code: 'w', Mod: tea.ModCtrl},
	"<space>": {Code: tea.KeySpace, Text: " "},
}

func keyOf(k string) tea.KeyPressMsg {
	if named, ok := namedKeys[k]; ok {
		return tea.KeyPressMsg(named)
	}
	return tea.KeyPressMsg{Code: []rune(k)[0], Text: k}
}

var styles = regexp.MustCompile("\x1b\\[[0-9;]*m")

// check holds what every screen must be: no larger than the terminal, and nothing but text and styles.
func check(t rapid.TB, m *model) {
	lines := m.draw()
	if len(lines) > max(m.height, 0) {
		t.Fatalf("%d lines on a terminal of %d", len(lines), m.height)
	}
	for _, line := range lines {
		text := styles.ReplaceAllString(line, "")
		if w := terminal.Width(text); w > m.width {
			t.Fatalf("a line of %d cells on a terminal of %d: %q", w, m.width, text)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 || r == '\u202e' }) {
			t.Fatalf("a line holds what a terminal would obey: %q", text)
		}
	}
}

func TestScreens(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int
		live          bool
		keys          string
	}{
		{"table_80x24", 80, 24, true, ""},
		{"table_140x12", 140, 12, true, "g"},
		{"table_40x10", 40, 10, true, "g"},
		{"table_20x5", 20, 5, false, ""},
		{"detail_80x24", 80, 24, false, "<down><enter><tab><down><down>"},
		{"detail_140x20", 140, 20, false, "<down><enter><tab><down><down><down>"},
		{"detail_40x10", 40, 10, false, "<enter><tab><tab>"},
		{"filter_80x10", 80, 10, false, "/udp and port 57445"},
		{"filter_wrong_80x10", 80, 10, false, "/prot 53"},
		{"flow_80x10", 80, 10, false, "jjjjjjjf"},
		{"absolute_delta_80x10", 80, 10, false, "c"},
		{"trouble_80x10", 80, 10, false, "nnn"},
		{"partner_80x10", 80, 10, false, "o"},
		{"help_80x24", 80, 24, false, "?"},
		{"help_150x30", 150, 30, false, "?"},
		{"help_end_40x10", 40, 10, false, "?G"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scene(20)
			m := newModel(Config{Store: s, Title: "eth0", Live: c.live, Status: func() Status {
				return Status{Packets: 48, Flows: 2, Unanswered: 1}
			}})
			m.size(c.width, c.height)
			m.press(c.keys)
			m.look()
			check(t, m)
			var b strings.Builder
			for _, line := range m.draw() {
				b.WriteString(strings.TrimRight(terminal.Unstyled(line), " ") + "\n")
			}
			golden(t, c.name, b.String())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "screens", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: go test ./internal/watchscreen -update makes it", err)
	}
	if got != string(want) {
		t.Errorf("%s: the screen is\n%s\nand should be\n%s", name, got, want)
	}
}

// Whatever is pressed, at whatever size, while packets come and go: no panic, and nothing outside of the screen.
func TestAnyKeys(t *testing.T) {
	keys := []string{"<enter>", "<esc>", "<up>", "<down>", "<left>", "<right>", "<pgup>", "<pgdown>", "<home>", "<end>", "<tab>", "<backspace>",
		"<delete>", "<ctrl+u>", "<ctrl+w>", "<space>", "g", "G", "n", "N", "o", "f", "p", "c", "s", "/", "?", "j", "k", "u", "d", "y", "你", "1"}
	rapid.Check(t, func(t *rapid.T) {
		s := NewStore(rapid.IntRange(1, 40).Draw(t, "packets"), rapid.IntRange(1, 4000).Draw(t, "bytes"))
		m := newModel(Config{Store: s, Title: "eth0\x1b[2J", Live: rapid.Bool().Draw(t, "live"), Owner: func(*wire.Packet) string { return "evil\x1b[" },
			Save: func(string, bool, func(func(*wire.Frame) error) error) (int, error) { return 0, os.ErrExist }})
		no := uint64(0)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				m.size(rapid.IntRange(0, 200).Draw(t, "width"), rapid.IntRange(0, 60).Draw(t, "height"))
			case 1:
				for range rapid.IntRange(1, 30).Draw(t, "come") {
					no += uint64(rapid.IntRange(1, 3).Draw(t, "step"))
					data := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes")
					if rapid.Bool().Draw(t, "udp") {
						data = wire.AppendUDP(nil, caller, server, 64, 0, data)
					}
					f := wire.Frame{Time: int64(no), Data: data, Length: len(data), Link: wire.LinkRaw}
					s.Add(no, &f, nil, 0, "", Note{Mark: Mark(rapid.IntRange(0, int(marks)-1).Draw(t, "mark")), Peer: no - 1})
				}
			case 2:
				m.Update(tick{})
			default:
				for _, cmd := range m.press(rapid.SampledFrom(keys).Draw(t, "key")) {
					if cmd != nil {
						if done, ok := cmd().(saved); ok {
							m.Update(done)
						}
					}
				}
			}
			check(t, m)
		}
	})
}

func TestStoreIsBounded(t *testing.T) {
	s := NewStore(100, 5000)
	for no := uint64(1); no <= 1000; no++ {
		f := wire.Frame{Data: make([]byte, no%97), Length: 97}
		s.Add(no*2, &f, nil, 0, "", Note{})
		first, next := s.bounds()
		held := 0
		for q := first; q < next; q++ {
			k, ok := s.get(q)
			if !ok || k.No != (q+1)*2 {
				t.Fatalf("sequence number %d holds No. %d, %v", q, k.No, ok)
			}
			held += len(k.Data)
			if at, ok := s.sequence(k.No); !ok || at != q {
				t.Fatalf("No. %d is said to be at %d, %v", k.No, at, ok)
			}
			s.Settle(k.No, func(n *Note) { n.Peer = k.No })
			if k, _ := s.get(q); k.Note.Peer != k.No {
				t.Fatalf("No. %d was not settled", k.No)
			}
		}
		if held > 5000 || next-first > 100 || held != s.held {
			t.Fatalf("%d bytes of %d packets are kept", held, next-first)
		}
		if _, ok := s.sequence(no*2 + 1); ok {
			t.Fatal("a number was found that never came")
		}
	}
}

func TestPauseKeepsWhatIsShown(t *testing.T) {
	s := NewStore(10, 1<<20)
	m := newModel(Config{Store: s, Live: true})
	add := func(from, to uint64) {
		for no := from; no <= to; no++ {
			s.Add(no, &wire.Frame{Data: []byte{1}, Length: 1}, nil, 0, "", Note{})
		}
		m.look()
	}
	add(1, 8)
	m.press("p")
	add(9, 30)
	if m.list.len() != 8 || m.list.at(0) != 0 || !strings.Contains(m.state(), "20 packets not kept") {
		t.Errorf("paused: %d packets are listed, %q", m.list.len(), m.state())
	}
	m.press("p")
	add(31, 31)
	if k, ok := m.selected(); !ok || k.No != 31 {
		t.Errorf("after the pause No. %d is selected", k.No)
	}
}
