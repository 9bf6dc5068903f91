package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dgram"
	"dgram/internal/terminal"
	"dgram/internal/testpty"
	"dgram/ledger"
)

// watcher drives a screen as a server under load would.
type watcher struct {
	screen *screen
	mu     sync.Mutex
	sum    ledger.Summary
}

func newWatcher(w *strings.Builder) *watcher {
	x := new(watcher)
	x.sum.Side = ledger.Serving.String()
	x.screen = newScreen(w, nil)
	x.screen.total = func() ledger.Summary {
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.sum
	}
	return x
}

// replies lets n replies go out, of which the stream hands over the first few.
func (x *watcher) replies(n int) {
	x.mu.Lock()
	x.sum.Received += uint64(n)
	x.sum.Answered += uint64(n)
	x.mu.Unlock()
	for range min(n, 4*readable) {
		_ = x.screen.write([]ledger.Event{reply("HELLO", dgram.Answered)})
	}
}

func reply(text string, f dgram.Fate) *ledger.DatagramEvent {
	return &ledger.DatagramEvent{Header: ledger.Header{Type: ledger.TypeReply}, Peer: "127.0.0.1:57445", Size: len(text), Payload: ledger.Payload(text), Fate: f.String()}
}

func TestLine(t *testing.T) {
	s := newScreen(nil, nil)
	long := strings.Repeat("x", shownPayload)
	for _, c := range []struct {
		change func(*ledger.DatagramEvent)
		want   string
	}{
		{func(*ledger.DatagramEvent) {}, "127.0.0.1:57445  5 bytes  HELLO"},
		{func(d *ledger.DatagramEvent) { d.Size, d.Payload = 0, ledger.Payload{} }, "127.0.0.1:57445  0 bytes"},
		{func(d *ledger.DatagramEvent) { d.Size, d.Payload = 1, ledger.Payload("\x1b") }, `127.0.0.1:57445  1 byte  \x1b`},
		{func(d *ledger.DatagramEvent) { d.Size, d.Payload = 9000, ledger.Payload(long) }, "127.0.0.1:57445  9000 bytes  " + long + "… (9000 bytes)"},
		{func(d *ledger.DatagramEvent) { d.Truncated = true }, "127.0.0.1:57445  5 bytes  request cut short: longer than --buffer  HELLO"},
		{func(d *ledger.DatagramEvent) { d.Copy = true }, "127.0.0.1:57445  5 bytes  extra copy  HELLO"},
		{func(d *ledger.DatagramEvent) { d.Fate, d.Errno = "failed", "EMSGSIZE" }, "127.0.0.1:57445  5 bytes  failed (EMSGSIZE)  HELLO"},
		{func(d *ledger.DatagramEvent) { d.Fate, d.Reason, d.Payload = "dropped", "loss", nil }, "127.0.0.1:57445  5 bytes  dropped (loss)"},
		{func(d *ledger.DatagramEvent) { d.Fate, d.Payload = "ignored", nil }, "127.0.0.1:57445  5 bytes  ignored"},
		{func(d *ledger.DatagramEvent) { d.Peer = "unixgram:/run/\x1b.sock" }, `unixgram:/run/\x1b.sock  5 bytes  HELLO`},
		{func(d *ledger.DatagramEvent) { d.Peer = "" }, "somebody  5 bytes  HELLO"},
	} {
		d := reply("HELLO", dgram.Answered)
		c.change(d)
		if got := s.line(d); got != c.want {
			t.Errorf("line is %q, want %q", got, c.want)
		}
	}
}

func TestFewRepliesAreAllShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		x := newWatcher(&out)
		for range 10 {
			x.replies(readable)
			time.Sleep(1100 * time.Millisecond)
		}
		x.screen.finish()
		if n := strings.Count(out.String(), "HELLO\n"); n != 10*readable || strings.Contains(out.String(), "…") {
			t.Errorf("%d lines:\n%s", n, out.String())
		}
	})
}

func TestFloodInAPipeIsASampleAndALineASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		x := newWatcher(&out)
		for range 30 {
			x.replies(5000)
			time.Sleep(99 * time.Millisecond)
		}
		x.screen.finish()
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		want := fmt.Sprintf("… in this second: received 55,000, answered 55,000; %d shown", readable)
		if len(lines) != 3*(readable+1) || lines[readable] != want {
			t.Errorf("%d lines, and after the sample %q, want %q", len(lines), lines[min(readable, len(lines)-1)], want)
		}
	})
}

func TestLiveLineSaysHowManyInAll(t *testing.T) {
	var out strings.Builder
	s := newScreen(&out, nil)
	s.columns = func() int { return 200 }
	s.renew(ledger.Summary{Side: ledger.Serving.String(), Received: 1234567}, ledger.Summary{Side: ledger.Serving.String(), Received: 6005})
	if !strings.HasSuffix(out.String(), "each second: received 6,005; 1,234,567 in all") {
		t.Errorf("%q", out.String())
	}
}

func TestFloodOnATerminalIsOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		x := newWatcher(&out)
		x.screen.live, x.screen.columns = true, func() int { return 60 }
		look := func() []string {
			x.screen.mu.Lock()
			defer x.screen.mu.Unlock()
			emulated := testpty.NewScreen(60, 24)
			_, _ = emulated.Write([]byte(strings.ReplaceAll(out.String(), "\n", "\r\n")))
			return emulated.All()
		}
		for range 50 {
			x.replies(500)
			time.Sleep(99 * time.Millisecond)
		}
		lines := look()
		if n := len(lines); n != readable+1 || !strings.HasPrefix(lines[n-1], "each second: received 5,") || terminal.Width(lines[n-1]) > 59 {
			t.Errorf("during the flood there are %d lines, the last %q", n, lines[n-1])
		}
		time.Sleep(3 * time.Second)
		x.replies(1)
		x.screen.finish()
		lines = look()
		if want := "… faster than can be read: received 25,000, answered 25,000"; len(lines) < 2 || lines[readable] != want {
			t.Errorf("after the flood comes %q, want %q", lines[readable], want)
		}
		if last := lines[len(lines)-1]; last != "127.0.0.1:57445  5 bytes  HELLO" {
			t.Errorf("after the flood lines do not come back: %q", last)
		}
	})
}
