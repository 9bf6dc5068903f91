package main

import (
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"time"

	"dgram"
	"dgram/bench"
	"dgram/internal/terminal"
	"dgram/ledger"
)

// readable is how many lines a second a person can follow.
const readable = 20

// screen shows a server's datagrams to a person: a line for each while there are few; when they come faster than that, what happened in each
// second. On a terminal one line that renews itself takes the place of the flood; elsewhere the first of each second are a sample.
type screen struct {
	mu      sync.Mutex
	w       io.Writer
	live    bool // w is a terminal that can renew a line
	columns func() int
	colours terminal.Palette
	total   func() ledger.Summary // set before the first write

	timer    *time.Timer    // ends the second; nil when none has begun
	shown    int            // lines in this second
	hidden   bool           // there was more
	flood    bool           // the live line is there, and lines are not
	standing bool           // the cursor is in the live line
	before   ledger.Summary // at the end of the last second in which there was something
	since    ledger.Summary // when the flood began
	ended    bool
}

func newScreen(w io.Writer, tty io.Writer) *screen {
	return &screen{w: w, live: terminal.TakesEscapes(tty), colours: terminal.Colours(tty),
		columns: func() int { c, _ := terminal.Size(tty); return c }}
}

// write shows events, as a ledger.Stream hands them over.
func (s *screen) write(events []ledger.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text strings.Builder
	for _, e := range events {
		d, ok := e.(*ledger.DatagramEvent)
		if !ok || d.Fate == dgram.Pending.String() {
			continue
		}
		s.begin()
		if s.shown == readable || s.flood {
			s.hidden = true
			continue
		}
		s.shown++
		text.WriteString(s.line(d) + "\n")
	}
	if text.Len() > 0 {
		s.erase()
		_, _ = io.WriteString(s.w, text.String()) // never fails
	}
	return nil
}

// begin starts a second, unless there is one.
func (s *screen) begin() {
	if s.timer != nil || s.ended {
		return
	}
	s.timer = time.AfterFunc(time.Second, s.end)
}

// end is the end of a second.
func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.timer = nil
	now := s.total()
	last := since(now, s.before)
	switch {
	case s.flood && last.Received <= readable:
		s.tellFlood(now)
	case s.hidden && s.live && !s.flood:
		s.flood, s.since = true, s.before
		fallthrough
	case s.flood:
		s.renew(now, last)
	case s.hidden:
		fmt.Fprintf(s.w, "… in this second: %s; %d shown\n", oneLine(last), s.shown)
	}
	s.shown, s.hidden, s.before = 0, false, now
	if s.flood {
		s.timer = time.AfterFunc(time.Second, s.end)
	}
}

// renew writes the live line over itself.
func (s *screen) renew(now, last ledger.Summary) {
	text := fmt.Sprintf("each second: %s; %s in all", oneLine(last), bench.FormatCount(int64(now.Received)))
	fmt.Fprint(s.w, "\r\x1b[K"+s.colours.Cyan(terminal.Fit(text, s.columns()-1)))
	s.standing = true
}

// tellFlood ends the live line with what it was about.
func (s *screen) tellFlood(now ledger.Summary) {
	s.erase()
	fmt.Fprintf(s.w, "… faster than can be read: %s\n", oneLine(since(now, s.since)))
	s.flood = false
}

// erase takes the live line away.
func (s *screen) erase() {
	if s.standing {
		_, _ = io.WriteString(s.w, "\r\x1b[K") // never fails
		s.standing = false
	}
}

// clear makes room for a line on stderr, which may be the same terminal.
func (s *screen) clear() {
	if !s.live {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
}

// finish ends the screen: what was not shown is counted in a last line.
func (s *screen) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	if s.timer != nil {
		s.timer.Stop()
	}
	switch {
	case s.flood:
		s.tellFlood(s.total())
	case s.hidden:
		fmt.Fprintf(s.w, "… in this second: %s; %d shown\n", oneLine(since(s.total(), s.before)), s.shown)
	}
}

// line is one datagram: who, how long, what became of it where that is not an answer, and the text, last.
func (s *screen) line(d *ledger.DatagramEvent) string {
	parts := []string{s.colours.Cyan(terminal.EscapeString(orNobody(d.Peer))), byteCount(d.Size)}
	if d.Truncated {
		parts = append(parts, s.colours.Yellow("request cut short: longer than --buffer"))
	}
	if d.Copy {
		parts = append(parts, s.colours.Dim("extra copy"))
	}
	if d.Fate != dgram.Answered.String() {
		parts = append(parts, s.fate(d))
	}
	if d.Size > 0 && d.Payload != nil {
		parts = append(parts, terminal.ExcerptOf(d.Payload, d.Size, shownPayload))
	}
	return strings.Join(parts, "  ")
}

func (s *screen) fate(d *ledger.DatagramEvent) string {
	text := d.Fate
	if d.Type == ledger.TypeNotice {
		text = "an earlier reply was " + text
	}
	for _, why := range []string{d.Reason, d.Errno} {
		if why != "" {
			text += " (" + why + ")"
		}
	}
	if d.Fate == dgram.Failed.String() {
		return s.colours.Red(text)
	}
	return s.colours.Yellow(text)
}

func orNobody(peer string) string {
	if peer == "" {
		return "somebody"
	}
	return peer
}

func byteCount(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// oneLine is what happened to datagrams: received 9, answered 8, dropped 1 (loss). It claims no balance: datagrams are on their way meanwhile.
func oneLine(s ledger.Summary) string {
	first, _, _ := strings.Cut(s.String(), "\n")
	return strings.NewReplacer(" = ", ", ", " + ", ", ").Replace(strings.Join(strings.Fields(first), " "))
}

// since returns what a server's account has gained from then to now.
func since(now, then ledger.Summary) ledger.Summary {
	now.Received -= then.Received
	now.Answered -= then.Answered
	now.Ignored -= then.Ignored
	now.Pending = max(now.Pending-then.Pending, 0)
	now.Dropped = gained(now.Dropped, then.Dropped)
	now.Failed = gained(now.Failed, then.Failed)
	return now
}

func gained(now, then map[string]uint64) map[string]uint64 {
	m := maps.Clone(now)
	for name, n := range then {
		m[name] -= n
	}
	return m
}
