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
	message app.Message // of the packet that was added last
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
	app.Read(p, &s.message)
	n := s.tracker.Add(p, &s.message)
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

const (
	client  = "192.0.2.1:40000"
	server  = "198.51.100.8:12345"
	another = "198.51.100.9:12345"
)

func TestPairsByOrderAndBytes(t *testing.T) {
	s := newScene(t, Config{})
	s.add(0, udp(client, server, "one?"), "request")
	s.add(ms, udp(client, server, "two?"), "request")
	s.add(ms, udp(server, client, "first"), "reply of 1 after 2ms")
	s.add(ms, udp(server, client, "second"), "reply of 2 after 2ms")

	// An echo is known by its bytes, in whatever order it comes.
	s.add(ms, udp(client, server, "abc"), "request")
	s.add(ms, udp(client, server, "def"), "request")
	s.add(ms, udp(server, client, "DEF"), "reply of 6 after 1ms")
	s.add(ms, udp(server, client, "ABC"), "reply of 5 after 3ms")
	s.add(ms, udp(server, client, "ABC"), "duplicate of 5")
}

func TestRetriesAreAnsweredOnce(t *testing.T) {
	s := newScene(t, Config{})
	s.add(0, udp(client, server, "x"), "request")
	s.add(time.Second, udp(client, server, "x"), "retry of 1 (2)")
	s.add(2*time.Second, udp(client, server, "x"), "retry of 1 (3)")
	n := s.add(ms, udp(server, client, "X"), "reply of 3 after 1ms")
	if !n.Ambiguous {
		t.Error("nobody knows which attempt was answered")
	}
	s.wants("1 superseded by 4 after 3.001s", "2 superseded by 4 after 2.001s", "3 answered by 4 after 1ms")
	s.add(ms, udp(server, client, "X"), "duplicate of 3")
	if sum := s.tracker.Summary(); sum.RTT.Count != 0 || sum.Requests != 1 || sum.Retries != 2 || sum.Superseded != 2 || sum.Answered != 1 {
		t.Errorf("%+v", sum)
	}
}

func TestTheSameAgainAtOnceIsNoRetry(t *testing.T) {
	s := newScene(t, Config{})
	s.add(0, udp(client, server, "x"), "request")
	s.add(10*time.Microsecond, udp(client, server, "x"), "request")
	s.add(100*time.Microsecond, udp(server, client, "X"), "reply of 1 after 110µs")
	s.add(10*time.Microsecond, udp(server, client, "X"), "reply of 2 after 110µs")
}

func TestSilentAndLate(t *testing.T) {
	s := newScene(t, Config{Timeout: time.Second})
	s.add(0, udp(client, server, "x"), "request")
	s.add(ms, udp(server, client, "X"), "reply of 1 after 1ms")
	s.wants("1 answered by 2 after 1ms")
	s.add(ms, udp(client, server, "lost"), "request")
	s.tracker.Tick(base + int64(10*time.Second))
	s.wants("3 silent by 0 after 0s")
	s.add(11*time.Second, udp(server, client, "LOST"), "late of 3 after 11s")
	if sum := s.tracker.Summary(); sum.Silent != 1 || sum.Late != 1 || sum.Pending != 0 {
		t.Errorf("%+v", sum)
	}
}

const (
	query   = "\x1a\x2b\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"
	reply   = "\x1a\x2b\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"
	query2  = "\x1a\x2c\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x1c\x00\x01"
	reply2  = "\x1a\x2c\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x1c\x00\x01"
	failure = "\x1a\x2c\x81\x82\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x1c\x00\x01"
	noQuery = "\x1a\x2b\x81\x81\x00\x00\x00\x00\x00\x00\x00\x00"
)

func TestPairsByIdentity(t *testing.T) {
	s := newScene(t, Config{})
	dns := "198.51.100.1:53"
	s.add(0, udp(dns, client, reply), "unasked")
	s.add(ms, udp(client, dns, query), "request")
	s.add(ms, udp(client, dns, query2), "request")
	s.add(ms, udp(dns, client, reply2), "reply of 3 after 1ms")
	s.add(ms, udp(client, dns, query), "retry of 2 (2)")
	s.add(ms, udp(dns, client, reply), "reply of 5 after 1ms")
	s.add(ms, udp(dns, client, reply2), "duplicate of 3")
	s.add(ms, udp(dns, client, failure), "further of 3")
	s.add(ms, udp(client, dns, query), "retry of 5 (2)")
	s.add(ms, udp(dns, client, noQuery), "reply of 9 after 1ms")
}

func TestAReplyFromElsewhereIsStray(t *testing.T) {
	s := newScene(t, Config{})
	s.add(0, udp(client, server, "x"), "request")
	s.add(ms, udp(another, client, "X"), "stray of 1 after 1ms")
	s.add(ms, udp(another, client, "X"), "stray of 1 after 2ms")
	s.add(ms, udp("203.0.113.1:9999", client, "what?"), "request")
	s.add(ms, udp(server, client, "X"), "reply of 1 after 4ms")
	s.wants("1 answered by 5 after 4ms")
}

func TestTFTPMovesToAnotherPort(t *testing.T) {
	s := newScene(t, Config{})
	s.add(0, udp(client, "198.51.100.1:69", "\x00\x01f\x00octet\x00"), "request")
	s.add(ms, udp("198.51.100.1:3000", client, "\x00\x03\x00\x01data"), "reply of 1 after 1ms")
	s.add(ms, udp(client, "198.51.100.1:3000", "\x00\x04\x00\x01"), "data")
	s.add(ms, udp("198.51.100.1:3000", client, "\x00\x03\x00\x02"), "request")
	s.add(ms, udp("198.51.100.1:3000", client, "\x00\x03\x00\x02"), "retry of 4 (2)")
	s.add(ms, udp(client, "198.51.100.1:3000", "\x00\x04\x00\x02"), "reply of 5 after 1ms")
}

// A server may also stay on its port (dnsmasq --tftp-single-port), and options and a file that is written take turns the other way.
func TestTFTPOnOnePort(t *testing.T) {
	s := newScene(t, Config{})
	const tftp = "198.51.100.1:69"
	s.add(0, udp(client, tftp, "\x00\x02f\x00octet\x00tsize\x009\x00"), "request")
	s.add(ms, udp(tftp, client, "\x00\x06tsize\x009\x00"), "reply of 1 after 1ms")
	s.add(ms, udp(client, tftp, "\x00\x03\x00\x01data"), "request")
	s.add(ms, udp(tftp, client, "\x00\x04\x00\x01"), "reply of 3 after 1ms")
}

// What looks like QUIC on its port is none in a flow that began as something else, and what a flow of QUIC has greased still is.
func TestAFlowSaysWhatItSpeaks(t *testing.T) {
	s := newScene(t, Config{})
	const https, other = "198.51.100.1:443", "198.51.100.2:443"
	long := func(first byte) []byte { // RFC 9000, Section 17.2
		return append([]byte{first}, "\x00\x00\x00\x01\x04CCCC\x04SSSSabcdefghijklmnop"...)
	}
	short := string(append([]byte{0x0b}, "CCCC-abcdefghijklmnopqrstuvw"...))
	data := string(append([]byte{0x48}, "\x00\x00\x00-OpenVPN's-data-abcdefgh"...))
	for _, c := range []struct {
		p     *wire.Packet
		want  app.Protocol
		speak string
	}{
		{udp(client, https, string(long(0xc1))), app.QUIC, "request"},
		{udp(https, client, short), app.QUIC, "data"},
		{udp(client, https, string(long(0xa1))), app.QUIC, "data"},
		{udp(client, other, "\x38abcdefgh\x00\x00\x00\x00\x00"), app.OpenVPN, "request"},
		{udp(other, client, "\x40ABCDEFGH\x01\x00\x00\x00\x00abcdefgh\x00\x00\x00\x00"), app.OpenVPN, "reply of 4 after 1ms"},
		{udp(client, other, data), app.OpenVPN, "data"},
		{udp(client, "198.51.100.3:443", "\x38 tls-auth comes first"), app.UDP, "request"},
		{udp("198.51.100.3:443", client, data), app.UDP, "reply of 7 after 1ms"},
	} {
		s.add(ms, c.p, c.speak)
		if s.message.Protocol != c.want {
			t.Errorf("No. %d is %v, not %v", s.no, s.message.Protocol, c.want)
		}
	}
}

// The token of CoAP names what is watched for as long as it is watched (RFC 7641): to ask for something else under it is no retry.
func TestCoAPUsesATokenAgain(t *testing.T) {
	s := newScene(t, Config{})
	const coap = "198.51.100.1:5683"
	s.add(0, udp(client, coap, "\x41\x01\x50\x39\x01\x60\x54time"), "request")
	s.add(ms, udp(coap, client, "\x61\x45\x50\x39\x01\xffnow"), "reply of 1 after 1ms")
	s.add(ms, udp(coap, client, "\x41\x45\xc9\x3a\x01\xffthen"), "further of 1")
	s.add(ms, udp(client, coap, "\x51\x01\x50\x3a\x01\x61\x01\x54time"), "request")
	s.add(ms, udp(coap, client, "\x51\x45\x50\x3a\x01\xffthen"), "reply of 4 after 1ms")
}

func TestManyAnswerAGroup(t *testing.T) {
	s := newScene(t, Config{})
	search := "M-SEARCH * HTTP/1.1\r\n\r\n"
	s.add(0, udp(client, "239.255.255.250:1900", search), "request")
	s.add(ms, udp("192.0.2.7:1900", client, "HTTP/1.1 200 OK\r\nA: 7\r\n\r\n"), "reply of 1 after 1ms")
	s.add(ms, udp("192.0.2.8:1900", client, "HTTP/1.1 200 OK\r\nA: 8\r\n\r\n"), "further of 1 after 2ms (2)")
	s.add(ms, udp("192.0.2.8:1900", client, "HTTP/1.1 200 OK\r\nA: 8\r\n\r\n"), "duplicate of 1")
	s.add(ms, udp("192.0.2.1:40001", "239.255.255.250:1900", search), "request")
	s.tracker.Tick(base + int64(time.Minute))
	s.wants("1 answered by 2 after 1ms", "5 ignored by 0 after 0s")

	question := "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04Kino\x05local\x00\x00\x01\x00\x01"
	answer := "\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00\x04Kino\x05local\x00\x00\x01\x00\x01\x00\x00\x11\x94\x00\x04\x7f\x00\x00\x01"
	s.add(2*time.Minute, udp("192.0.2.1:5353", "224.0.0.251:5353", question), "request")
	s.add(ms, udp("192.0.2.9:5353", "224.0.0.251:5353", answer), "reply of 6 after 1ms")
}

func TestDHCPPairsWithoutAddresses(t *testing.T) {
	message := func(op, kind string) string {
		return op + "\x01\x06\x00\x3d\x1d\xc0\xde" + strings.Repeat("\x00", 228) + "\x63\x82\x53\x63\x35\x01" + kind + "\xff"
	}
	s := newScene(t, Config{})
	s.add(0, udp("0.0.0.0:68", "255.255.255.255:67", message("\x01", "\x01")), "request")
	s.add(ms, udp("192.0.2.1:67", "192.0.2.33:68", message("\x02", "\x02")), "reply of 1 after 1ms")
	s.add(ms, udp("0.0.0.0:68", "255.255.255.255:67", message("\x01", "\x03")), "request")
	s.add(ms, udp("192.0.2.1:67", "255.255.255.255:68", message("\x02", "\x05")), "reply of 3 after 1ms")
}

// refusal makes the ICMP error that quotes p.
func refusal(from string, p *wire.Packet, kind, code uint8) *wire.Packet {
	quoted := append([]byte{0x45, 19: 0}, p.Transport[:8]...)
	return &wire.Packet{Version: 4, Protocol: 1, Src: netip.MustParseAddr(from), Dst: p.Src, ICMPType: kind, ICMPCode: code, HasQuoted: true,
		Quoted: p.Flow(), Payload: quoted, PayloadLength: len(quoted), Length: len(quoted) + 42, Transport: append(make([]byte, 8), quoted...)}
}

func TestRefusals(t *testing.T) {
	s := newScene(t, Config{})
	one, two := udp(client, server, "one"), udp(client, server, "two")
	s.add(0, one, "request")
	s.add(ms, two, "request")
	s.add(ms, refusal("198.51.100.8", two, 3, 3), "refusal of 2 after 1ms")
	s.add(ms, refusal("203.0.113.1", one, 3, 1), "refusal of 1 after 3ms")
	s.wants("2 refused by 3 after 1ms", "1 unreachable by 4 after 3ms")
	s.add(ms, udp(client, server, "three"), "request")
	s.add(ms, udp(server, client, "THREE"), "reply of 5 after 1ms")
	s.add(ms, refusal("192.0.2.1", udp(server, client, "THREE"), 3, 3), "refusal of 6")
	s.add(ms, refusal("192.0.2.1", udp(another, client, "x"), 3, 3), "refusal")
	s.add(ms, refusal("192.0.2.1", one, 5, 0), "")
}

func TestOneWayFlowsLoseNothing(t *testing.T) {
	s := newScene(t, Config{Timeout: time.Second})
	for i := range 7 {
		s.add(700*ms, udp(client, server, fmt.Sprint("metric ", i)), "request")
	}
	if sum := s.tracker.Summary(); sum.Silent != 5 {
		t.Errorf("%d are lost as long as it is not known that nobody answers", sum.Silent)
	}
	s.add(0, udp(client, server, "metric 7"), "one-way")
	s.add(0, udp(client, server, "metric 7"), "one-way")
	sum := s.tracker.Summary()
	if sum.Silent != 0 || sum.NoReply != 7 || sum.OneWayData != 2 || sum.OneWay != 1 || sum.Pending != 0 {
		t.Errorf("%+v", sum)
	}
	s.settled = nil
	for i := range 20 {
		s.add(ms, udp("192.0.2.1:4001", server, fmt.Sprint("fast ", i)), "request")
	}
	s.add(time.Second, udp("192.0.2.1:4001", server, "fast 20"), "one-way")
	if len(s.settled) != 20 || s.settled[19] != "29 ignored by 0 after 0s" {
		t.Errorf("settled: %q", s.settled)
	}
	s.settled = nil
	// Somebody answers after all.
	s.add(0, udp(server, client, "enough"), "unasked")
	s.add(0, udp(client, server, "metric 8"), "request")
	s.add(ms, udp(server, client, "thanks"), "reply of 32 after 1ms")

	s.add(0, udp("192.0.2.1:5000", "192.0.2.2:514", "<34>Oct 11 22:14:15 host su: failed"), "one-way")
	if n := s.tracker.Summary().OneWay; n != 2 {
		t.Errorf("%d flows are one-way", n) // that of the fast ones, and this one
	}
	// Who asks in vain and repeats the question is not one-way, however often.
	s.add(0, udp("192.0.2.1:5001", "192.0.2.2:7", "x"), "request")
	for i := range 20 {
		s.add(100*ms, udp("192.0.2.1:5001", "192.0.2.2:7", "x"), fmt.Sprintf("retry of 35 (%d)", i+2))
	}
}

func TestSessions(t *testing.T) {
	s := newScene(t, Config{})
	clientHello := "\xc3\x00\x00\x00\x01\x08DDDDDDDD\x04CCCC\x00\x05abcde"
	serverHello := "\xc1\x00\x00\x00\x01\x04CCCC\x08SSSSSSSS\x00\x05abcde"
	data := "\x41" + strings.Repeat("q", 40)
	quic := "198.51.100.1:443"
	s.add(0, udp(client, quic, clientHello), "request")
	s.add(ms, udp(client, quic, clientHello+"more"), "data")
	s.add(ms, udp(quic, client, serverHello), "reply of 1 after 2ms")
	s.add(ms, udp(quic, client, serverHello), "data")
	s.add(ms, udp(client, quic, clientHello), "data")
	s.add(ms, udp(client, quic, data), "data")
	s.add(ms, udp(quic, client, data), "data")
}

func TestEcho(t *testing.T) {
	s := newScene(t, Config{})
	ping := func(from, to string, kind uint8, seq byte) *wire.Packet {
		return &wire.Packet{Version: 4, Protocol: 1, Src: netip.MustParseAddr(from), Dst: netip.MustParseAddr(to), ICMPType: kind,
			Transport: []byte{kind, 0, 0, 0, 0, 1, 0, seq}}
	}
	s.add(0, ping("192.0.2.1", "192.0.2.2", 8, 1), "request")
	s.add(ms, ping("192.0.2.1", "192.0.2.2", 8, 2), "request")
	s.add(ms, ping("192.0.2.2", "192.0.2.1", 0, 2), "reply of 2 after 1ms")
	s.add(ms, ping("192.0.2.2", "192.0.2.1", 0, 1), "reply of 1 after 3ms")
	s.add(0, ping("127.0.0.1", "127.0.0.1", 8, 1), "request")
	s.add(ms, ping("127.0.0.1", "127.0.0.1", 0, 1), "reply of 5 after 1ms")
}

func TestUnixDatagrams(t *testing.T) {
	s := newScene(t, Config{})
	unix := func(from, to, payload string) *wire.Packet {
		return &wire.Packet{Link: wire.LinkUpperPDU, UnixSrc: from, UnixDst: to, Payload: []byte(payload), PayloadLength: len(payload)}
	}
	s.add(0, unix("@client", "/run/s", "x"), "request")
	s.add(ms, unix("/run/s", "@client", "X"), "reply of 1 after 1ms")
}

func TestMemoryIsBounded(t *testing.T) {
	s := newScene(t, Config{MaxFlows: 10})
	for i := range 1000 {
		s.add(ms, udp(fmt.Sprintf("192.0.2.%d:%d", i%250, 1024+i), server, "x"), "request")
	}
	sum := s.tracker.Summary()
	if sum.Flows != 1000 || sum.Evicted != 990 || sum.Forgotten != 990 || sum.Pending != 10 || s.tracker.flows.next != 10 {
		t.Errorf("%+v, %d records", sum, s.tracker.flows.next)
	}
	for i := range 1000 {
		s.add(ms, udp(client, server, fmt.Sprint(i)), "request")
	}
	for i := range 1000 {
		s.add(ms, udp(client, "198.51.100.1:53", string([]byte{byte(i), byte(i >> 8)})+query[2:]), "request")
	}
	if n := s.tracker.requests.next; n > 20 {
		t.Errorf("%d requests are kept", n)
	}
}

func TestIdleFlowsBeginAnew(t *testing.T) {
	s := newScene(t, Config{})
	s.add(0, udp(client, server, "x"), "request")
	s.add(ms, udp(server, client, "X"), "reply of 1 after 1ms")
	s.add(301*time.Second, udp(server, client, "who?"), "request")
	if sum := s.tracker.Summary(); sum.Flows != 2 {
		t.Errorf("%d flows", sum.Flows)
	}
	// A clock that is set back does not keep requests for ever.
	s.now = 0
	s.tracker.Tick(base)
	s.add(0, udp("192.0.2.1:5001", server, "x"), "request")
	s.wants("1 answered by 2 after 1ms", "3 silent by 0 after 0s")
}

func TestAddAllocatesNothing(t *testing.T) {
	tracker := New(Config{})
	var m app.Message
	no := uint64(0)
	packets := []*wire.Packet{udp(client, server, "x"), udp(server, client, "X"), udp(client, "198.51.100.1:53", query), udp("198.51.100.1:53", client, reply)}
	packets = append(packets, refusal("192.0.2.1", packets[0], 3, 3), udp("192.0.2.1:9999", "239.1.1.1:9999", "stream"))
	round := func() {
		for _, p := range packets {
			no++
			p.No, p.Time = no, base+int64(no)*int64(ms)
			app.Read(p, &m)
			tracker.Add(p, &m)
		}
	}
	round()
	if n := testing.AllocsPerRun(1000, round); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
