package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"pgregory.net/rapid"

	"dgram/internal/terminal"
	"dgram/internal/watchscreen"
	"dgram/ledger"
	"dgram/wire"
	"dgram/wire/app"
	"dgram/wire/pcapfile"
)

// hostilePayload is what no terminal may be sent as it is.
const hostilePayload = "\x1b[2J\x1b]0;title\x07\u202eevil"

// captureFile writes a capture of the teaching text's exchange, a request with a hostile payload that nobody answers, and DNS to nowhere.
func captureFile(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "scene.pcapng")
	if err := writeScene(name); err != nil {
		t.Fatal(err)
	}
	return name
}

func writeScene(name string) error {
	w, err := pcapfile.Create(name, pcapfile.WriterConfig{Interfaces: []wire.Interface{{Name: "veth0", Link: wire.LinkRaw}}})
	if err != nil {
		return err
	}
	caller, server := netip.MustParseAddrPort("192.168.3.2:57445"), netip.MustParseAddrPort("192.168.3.8:12345")
	at := time.Date(2026, 3, 1, 12, 30, 45, 0, time.UTC)
	add := func(after time.Duration, src, dst netip.AddrPort, payload string) {
		at = at.Add(after)
		data := wire.AppendUDP(nil, src, dst, 64, 0, []byte(payload))
		err = errors.Join(err, w.Add(&wire.Frame{Time: at.UnixNano(), Data: data, Length: len(data), Link: wire.LinkRaw}))
	}
	add(0, caller, server, "hello")
	add(213*time.Microsecond, server, caller, "HELLO")
	add(time.Second, caller, server, hostilePayload)
	add(10*time.Second, caller, server, "world")
	add(100*time.Microsecond, server, caller, "WORLD")
	return errors.Join(err, w.Close())
}

// scriptCapture writes the scene: capture FILE.
func scriptCapture(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "capture FILE")
	ts.Check(writeScene(ts.MkAbs(args[0])))
}

// Whatever a packet holds, its line is one line of printable text, and its event is one object of JSON with the payload as it was.
func TestWatchLinesAreSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOf(rapid.Byte()).Draw(t, "payload")
		if rapid.Bool().Draw(t, "text") {
			payload = []byte(rapid.String().Draw(t, "string"))
		}
		payload = payload[:min(len(payload), 1000)]
		port := rapid.SampledFrom([]uint16{53, 123, 5353, 3478, 443, 5060, 69, 1900, 9}).Draw(t, "port")
		src, dst := netip.MustParseAddrPort("[fd00::1]:40000"), netip.AddrPortFrom(netip.MustParseAddr("fd00::2"), port)
		s := &sighting{owner: "evil[1]"}
		s.frame.Data = wire.AppendUDP(nil, src, dst, 64, 0, payload)
		s.frame.Length, s.frame.Link, s.frame.Time = len(s.frame.Data), wire.LinkRaw, 1
		wire.Decode(&s.frame, &s.packet)
		app.Read(&s.packet, &s.message)

		line := string((&textLines{owners: true}).append(nil, s))
		if text := strings.TrimSuffix(line, "\n"); strings.ContainsFunc(text, hidden) || len(text) == len(line) {
			t.Fatalf("%q is printed as %q", payload, line)
		}
		event := (&jsonLines{interfaces: func() []wire.Interface { return []wire.Interface{{Name: hostilePayload}} }}).append(nil, s)
		var got struct {
			Schema, Interface, Info string
			Payload                 ledger.Payload
		}
		if err := json.Unmarshal(event, &got); err != nil || got.Schema != ledger.Schema || got.Interface != hostilePayload {
			t.Fatalf("%q is the event %q: %v", payload, event, err)
		}
		if !bytes.Equal(got.Payload, payload) || strings.ContainsFunc(strings.TrimSuffix(string(event), "\n"), hidden) {
			t.Fatalf("%q is the event %q", payload, event)
		}
	})
}

// hidden reports whether a terminal does something else for r than to show it.
func hidden(r rune) bool { return terminal.EscapeString("a"+string(r)) != "a"+string(r) && r != '\\' }

// Columns stand under each other as long as what is in them fits.
func TestWatchColumns(t *testing.T) {
	for _, c := range []struct {
		in, left, right string
		cells           int
	}{{"ab", "ab  ", "  ab", 4}, {"", "    ", "    ", 4}, {"abcde", "abcde", "abcde", 4}} {
		if got := string(left([]byte("x"+c.in), 1, c.cells)); got != "x"+c.left {
			t.Errorf("left: %q", got)
		}
		if got := string(right([]byte("x"+c.in), 1, c.cells)); got != "x"+c.right {
			t.Errorf("right: %q", got)
		}
	}
}

// A packet costs no memory: files of any length are read in the same few megabytes.
func TestWatchLinesAllocateNothing(t *testing.T) {
	s := &sighting{}
	s.frame.Data = wire.AppendUDP(nil, netip.MustParseAddrPort("192.168.3.2:57445"), netip.MustParseAddrPort("192.168.3.8:12345"), 64, 0, []byte("hello hello hello hello hello hello hello hello"))
	s.frame.Length, s.frame.Link, s.frame.Time = len(s.frame.Data), wire.LinkRaw, time.Now().UnixNano()
	buffer := make([]byte, 0, 4096)
	text := &textLines{times: "absolute"}
	events := &jsonLines{interfaces: func() []wire.Interface { return nil }}
	buffer = events.append(text.append(buffer, s), s)
	n := testing.AllocsPerRun(100, func() {
		wire.Decode(&s.frame, &s.packet)
		app.Read(&s.packet, &s.message)
		buffer = events.append(text.append(buffer[:0], s), s)
	})
	if n > 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func TestWatchNotesAreMarked(t *testing.T) {
	for role, mark := range roleMarks {
		if role.String() == "" || mark == watchscreen.MarkNone {
			t.Errorf("role %d is marked %v", role, mark)
		}
	}
}
