package pair

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dgram/wire"
	"dgram/wire/app"
)

// A scene is packets made by hand, and what is said of them.
type scene struct {
	t       *testing.T
	tracker *Tracker
	no      uint64
	now     time.Duration
	settled []string
}

// base is when scenes begin.
const base = int64(1_800_000_000_000_000_000)

func newScene(t *testing.T, c Config) *scene {
	s := &scene{t: t}
	c.OnSettled = func(e Settled) {
		s.settled = append(s.settled, fmt.Sprintf("%d %v by %d after %v", e.No, e.Fate, e.By, e.RTT))
	}
	s.tracker = New(c)
	return s
}

// udp makes a packet from "address:port" to "address:port".
func udp(from, to, payload string) *wire.Packet {
	src, dst := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	p := &wire.Packet{Version: 4, Protocol: 17, HasPorts: true, Src: src.Addr(), Dst: dst.Addr(), SrcPort: src.Port(), DstPort: dst.Port(),
		Payload: []byte(payload), PayloadLength: len(payload), Length: len(payload) + 42, Transport: make([]byte, 8, 8+len(payload))}
	p.Transport[4], p.Transport[5] = byte((len(payload)+8)>>8), byte(len(payload)+8)
	for i, c := range p.Payload { // a sum is all that a checksum is needed for here
		p.Transport[6+i%2] += c
	}
	p.Transport = append(p.Transport, payload...)
	if src.Addr().Is6() {
		p.Version = 6
	}
	return p
}

// add sends p after a while, and wants to hear of it what want says: role, and of what and after how long.
func (s *scene) add(after time.Duration, p *wire.Packet, want string) Note {
	s.t.Helper()
	s.now += after
	s.no++
	p.No, p.Time = s.no, base+int64(s.now)
	var m app.Message
	app.Read(p, &m)
	n := s.tracker.Add(p, &m)
	if got := words(n); got != want {
		s.t.Errorf("No. %d is %q, not %q", s.no, got, want)
	}
	return n
}

func words(n Note) string {
	w := n.Role.String()
	if n.Re != 0 {
		w += fmt.Sprintf(" of %d", n.Re)
	}
	if n.RTT != 0 {
		w += fmt.Sprintf(" after %v", n.RTT)
	}
	if n.Count > 1 {
		w += fmt.Sprintf(" (%d)", n.Count)
	}
	return w
}

// wants says what has been settled since the last time it was asked.
func (s *scene) wants(settled ...string) {
	s.t.Helper()
	if got, want := strings.Join(s.settled, "; "), strings.Join(settled, "; "); got != want {
		s.t.Errorf("settled: %q, not %q", got, want)
	}
	s.settled = nil
}

const ms = time.Millisecond

func TestTheTeachingTextsScene(t *testing.T) {
	s := newScene(t, Config{})
	client, server := "192.168.3.2:57445", "192.168.3.8:12345"
	s.add(0, udp(client, server, "hello"), "request")
	s.add(213*time.Microsecond, udp(server, client, "HELLO"), "reply of 1 after 213µs")
	s.wants("1 answered by 2 after 213µs")
}
