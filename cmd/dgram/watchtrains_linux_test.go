package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"dgram/internal/testnet"
	"dgram/ledger"
)

// Twelve requests of one flow that leave in one call, and the server's replies, which do too: each is a packet of its own, on the sending machine,
// on the server's and on loopback, and reply n belongs to request n.
func TestWatchTakesTrainsApart(t *testing.T) {
	testnet.Need(t, testnet.Namespaces)
	left, right := testnet.Pair(t, "192.168.3.2/24 fd00:3::2/64", "192.168.3.8/24 fd00:3::8/64")
	for _, c := range []struct {
		name   string
		at     *testnet.NS // who watches
		link   string
		from   *testnet.NS // who asks the server on the right
		server string
		wanted string // filter
		most   int    // packets that it shows
	}{
		{"veth sending", left, left.Link, left, "192.168.3.8:12345", "", 24},
		{"veth receiving", right, right.Link, left, "[fd00:3::8]:12345", "", 24},
		{"loopback", right, "lo", right, "127.0.0.1:12345", "", 24},
		{"payload", right, "lo", right, "127.0.0.1:12345", " and (udp[8] = 0x45 or udp[8] = 0x65)", 2},
		{"length", right, "lo", right, "127.0.0.1:12345", " and greater 100 and less 142", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			served := right.Command(t.Context(), self(t), "serve", c.server, "--quiet")
			serving := &lookFor{text: "ready", found: make(chan struct{})}
			served.Stdout = serving
			start(t, served)
			<-serving.found
			watcher := c.at.Command(t.Context(), self(t), "watch", c.link, "--json", "--count", fmt.Sprint(c.most), "--duration", "20s", "udp port 12345"+c.wanted)
			var shown bytes.Buffer
			watching := &lookFor{text: "watching", found: make(chan struct{})}
			watcher.Stdout, watcher.Stderr = &shown, watching
			start(t, watcher)
			<-watching.found
			askTwelve(t, c.from, c.server)
			exitsWith(t, watcher, 0)
			pairsOneToOne(t, &shown, c.most/2)
		})
	}
}

// askTwelve sends a to l, the last of another length, as one train, and waits for as many replies.
func askTwelve(t *testing.T, from *testnet.NS, to string) {
	t.Helper()
	s := from.Trains(t, to)
	s.Send(testnet.Twelve('a', 1000, 80)...)
	_ = s.SetReadDeadline(time.Now().Add(patience))
	buffer := make([]byte, 2000)
	for i := range 12 {
		if _, err := s.Read(buffer); err != nil {
			t.Fatalf("reply %d: %v", i, err)
		}
	}
}

// pairsOneToOne reads the events of n requests and n replies.
func pairsOneToOne(t *testing.T, shown io.Reader, n int) {
	t.Helper()
	asked, answered := map[uint64]string{}, map[uint64]bool{}
	lines := json.NewDecoder(shown)
	for {
		var e struct {
			Type, Role string
			Number, Re uint64
			Payload    ledger.Payload
		}
		if err := lines.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Type == "packet" && e.Role == "request":
			asked[e.Number] = string(e.Payload)
		case e.Type == "packet":
			if e.Role != "reply" || answered[e.Re] || string(e.Payload) != strings.ToUpper(asked[e.Re]) {
				t.Errorf("packet %d, %.5q, is a %s to %d, %.5q", e.Number, e.Payload, e.Role, e.Re, asked[e.Re])
			}
			answered[e.Re] = true
		}
	}
	if len(asked) != n || len(answered) != n {
		t.Errorf("%d requests, %d of them answered, want %d", len(asked), len(answered), n)
	}
}
