package explain

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"dgram/internal/terminal"
	"dgram/ledger"
	"dgram/sock"
)

func tell(t *Teller) {
	if put := t.Place(); put != nil {
		put(sent(1, "127.0.0.1:1", "x"))
	}
}

// Calls are shown in the order of their places, though the first returns last.
func TestPlacesAreAnOrder(t *testing.T) {
	var got []string
	teller := Start(func(c *sock.Call, _ int) {
		if c != nil {
			got = append(got, c.Name)
		}
	})
	first, second := teller.Place(), teller.Place()
	second(received("127.0.0.1:1", "x", 0))
	first(sent(1, "127.0.0.1:1", "x"))
	teller.Stop(10 * time.Second)
	if strings.Join(got, " ") != "sendmmsg recvmmsg" {
		t.Errorf("shown: %q", got)
	}
}

// A Teller whose reader stands still takes what it can hold, and counts the rest; nobody waits.
func TestTellerNeverWaits(t *testing.T) {
	reading, shown, missed := make(chan struct{}), 0, 0
	teller := Start(func(c *sock.Call, left int) {
		<-reading
		missed += left
		if c != nil {
			shown++
		}
	})
	const all = 3 * held
	for range all {
		tell(teller)
	}
	close(reading)
	teller.Stop(10 * time.Second)
	teller.Stop(10 * time.Second)
	if shown+missed != all || shown < held || shown > held+1 {
		t.Errorf("%d shown and %d missed of %d", shown, missed, all)
	}
}

func TestTellerGivesUpOnADeadReader(t *testing.T) {
	dead := make(chan struct{})
	defer close(dead)
	teller := Start(func(*sock.Call, int) { <-dead })
	tell(teller)
	teller.Flush(time.Millisecond)
	teller.Stop(time.Millisecond)
}

func TestFlushShowsWhatWasCalled(t *testing.T) {
	shown := 0
	teller := Start(func(c *sock.Call, _ int) { shown++ })
	defer teller.Stop(time.Second)
	for i := range 100 {
		tell(teller)
		if teller.Flush(10 * time.Second); shown != i+1 {
			t.Fatalf("%d shown of %d", shown, i+1)
		}
	}
}

func TestPrinterCollapsesQuietWaits(t *testing.T) {
	var out strings.Builder
	p := NewPrinter(&out, terminal.Palette{}, English)
	for range 20 {
		p.Show(failed("recvmmsg", syscall.EAGAIN, sock.WAITFORONE), 0)
	}
	p.Show(received("127.0.0.1:1", "a", 0), 0)
	p.Show(failed("recvmmsg", syscall.EINTR, sock.WAITFORONE), 1234)
	p.Show(failed("recvmmsg", syscall.EAGAIN, sock.WAITFORONE), 0)
	p.Show(nil, 5)
	const quiet = "recvmmsg(3, [], 32, MSG_WAITFORONE, NULL) = -1 EAGAIN (Resource temporarily unavailable)"
	want := []string{quiet, "    EAGAIN", quiet + " ×19: still waiting", "recvmmsg(3, [{", "    receives \"a\"",
		"… 1,234 calls not shown", "recvmmsg(3, [], 32, MSG_WAITFORONE, NULL) = -1 EINTR", "    EINTR", quiet + " ×1", "… 5 calls not shown"}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), out.String())
	}
	for i, w := range want {
		if !strings.HasPrefix(lines[i], w) {
			t.Errorf("line %d is %q, want %q", i+1, lines[i], w)
		}
	}
}

func TestEventsCarryAll(t *testing.T) {
	var got []string
	show := Events(Chinese, func(e ledger.Event) {
		c := e.(*ledger.CallEvent)
		got = append(got, fmt.Sprint(c.Name, " ", c.Errno, " ", c.Omitted))
	})
	for range 2 {
		show(failed("recvmmsg", syscall.EAGAIN, sock.DONTWAIT), 0)
	}
	show(sent(1, "127.0.0.1:1", "x"), 7)
	show(nil, 3)
	show(nil, 0)
	if want := "recvmmsg EAGAIN 0|recvmmsg EAGAIN 0|sendmmsg  7|  3"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "|"), want)
	}
}
