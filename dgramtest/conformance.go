package dgramtest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"dgram"
)

// Factory makes the Conns that TestConn tests.
type Factory struct {
	// Network is the network of the endpoints to listen on.
	Network dgram.Network
	// Options are what every socket is opened with, besides what a test asks for.
	Options dgram.Options
	// Listen and Dial open sockets; where nil they are dgram.ListenEndpoint and dgram.DialEndpoint.
	Listen, Dial func(dgram.Endpoint, dgram.Options) (dgram.Conn, error)
}

// conformanceTests is what a Conn promises, a promise a test.
var conformanceTests = []struct {
	name string
	run  func(*testing.T, suite)
}{
	{"empty datagram", testEmpty},
	{"largest datagram", testLargest},
	{"too large", testTooLarge},
	{"truncation", testTruncation},
	{"reply from the address asked", testArrival},
	{"dual stack", testDualStack},
	{"one family only", testOneFamily},
	{"zones", testZones},
	{"refusal", testRefusal},
	{"refusal found by a send", testRefusalWakes},
	{"stranger", testStranger},
	{"broadcast needs leave", testBroadcast},
	{"multicast", testMulticast},
	{"shared port", testReusePort},
	{"address in use", testInUse},
	{"close during a read", testClose},
	{"closed", testClosed},
	{"deadlines", testDeadlines},
	{"deadline set during a read", testDeadlineWakes},
	{"one failure in a batch", testBatchFailure},
	{"no peer", testNoPeer},
	{"numbers", testNumbers},
	{"decided slots stay", testDecided},
	{"resize", testResize},
	{"slots do not overlap", testOverlap},
	{"many through a small batch", testManySmall},
	{"many senders", testManySenders},
	{"reply in place", testReplyInPlace},
	{"drops", testDrops},
	{"what the header said", testHeaders},
	{"times", testTimes},
}

// TestConn holds a transport to what dgram.Conn promises. What a transport cannot see or do it says in Caps; a test then asserts
// that it is so, or skips.
func TestConn(t *testing.T, f Factory) {
	if f.Listen == nil {
		f.Listen = dgram.ListenEndpoint
	}
	if f.Dial == nil {
		f.Dial = dgram.DialEndpoint
	}
	for _, c := range conformanceTests {
		t.Run(c.name, func(t *testing.T) { c.run(t, suite{f}) })
	}
}

// suite makes sockets for one conformance test.
type suite struct{ Factory }

// patience bounds every wait of the suite; it passes only when a test fails.
const patience = 10 * time.Second

var paths atomic.Uint64

// loopback returns an endpoint to listen on.
func (s suite) loopback(t *testing.T) dgram.Endpoint {
	switch {
	case s.Network == dgram.Unixgram:
		return dgram.UnixEndpoint(filepath.Join(shortTempDir(t), fmt.Sprint(paths.Add(1))))
	case s.Network == dgram.UDP6:
		return s.at(t, "::1", 0)
	}
	return s.at(t, "127.0.0.1", 0)
}

// shortTempDir is t.TempDir for socket paths, which hold about a hundred bytes.
func shortTempDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "dgram")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// at returns an IP endpoint, or skips where the host has no such address.
func (s suite) at(t *testing.T, addr string, port uint16) dgram.Endpoint {
	t.Helper()
	a := netip.MustParseAddr(addr)
	if s.Network != dgram.Memory && !s.has(a) {
		t.Skipf("this host has no address %s", addr)
	}
	return dgram.IPEndpoint(s.Network, netip.AddrPortFrom(a, port))
}

func (s suite) has(a netip.Addr) bool {
	if s.Network == dgram.Memory {
		return true
	}
	p, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
	if err != nil {
		return false
	}
	p.Close()
	return true
}

func (s suite) needIP(t *testing.T) {
	t.Helper()
	if !s.Network.IP() {
		t.Skipf("%v has no IP addresses", s.Network)
	}
}

// needV4 skips where the network carries no IPv4.
func (s suite) needV4(t *testing.T) {
	t.Helper()
	if s.needIP(t); s.Network == dgram.UDP6 {
		t.Skip("udp6 carries no IPv4")
	}
}

type optionFunc func(*dgram.Options)

func (s suite) with(asks []optionFunc) dgram.Options {
	o := s.Options
	for _, ask := range asks {
		ask(&o)
	}
	return o
}

// socket is a Conn with what a test does to it. It ends the test on what should not happen.
type socket struct {
	dgram.Conn
	t *testing.T
}

func (s suite) listen(t *testing.T, e dgram.Endpoint, asks ...optionFunc) socket {
	t.Helper()
	conn, err := s.Listen(e, s.with(asks))
	return newSocket(t, conn, err)
}

func (s suite) dial(t *testing.T, e dgram.Endpoint, asks ...optionFunc) socket {
	t.Helper()
	conn, err := s.Dial(e, s.with(asks))
	return newSocket(t, conn, err)
}

func newSocket(t *testing.T, conn dgram.Conn, err error) socket {
	t.Helper()
	if errors.Is(err, dgram.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return socket{conn, t}
}

// pair returns a listener and a socket that dials it.
func (s suite) pair(t *testing.T, asks ...optionFunc) (server, client socket) {
	t.Helper()
	server = s.listen(t, s.loopback(t), asks...)
	return server, s.dial(t, server.Local())
}

// send sends payloads to peer (the zero Endpoint: where the socket was dialed to) in one batch, which it returns.
func (c socket) send(peer dgram.Endpoint, payloads ...[]byte) *dgram.Batch {
	c.t.Helper()
	b := c.NewBatch(max(len(payloads), 1))
	for _, p := range payloads {
		if b.Add(peer, p) == nil {
			c.t.Fatalf("no room for %d datagrams", len(payloads))
		}
	}
	if err := c.Send(b); err != nil {
		c.t.Fatal(err)
	}
	return b
}

// mustSend is send for what must go out.
func (c socket) mustSend(peer dgram.Endpoint, payloads ...[]byte) {
	c.t.Helper()
	b := c.send(peer, payloads...)
	for i, d := range b.Datagrams {
		if d.Fate != dgram.Pending {
			c.t.Fatalf("datagram %d of %d bytes to %v: %v, errno %d (%v)", i, len(d.Data), d.Peer, d.Fate, int(d.Err), d.Err)
		}
	}
}

// recv receives into b, or into a batch of its own, until it has want slots or more, and returns copies of them.
func (c socket) recv(b *dgram.Batch, want int) []dgram.Datagram {
	c.t.Helper()
	if b == nil {
		b = c.NewBatch(1)
	}
	var got []dgram.Datagram
	for len(got) < want {
		if err := c.Recv(b); err != nil {
			c.t.Fatalf("after %d of %d datagrams: %v", len(got), want, err)
		}
		if len(b.Datagrams) == 0 {
			c.t.Fatal("Recv returned nil and no slot")
		}
		for _, d := range b.Datagrams {
			d.Data = append([]byte(nil), d.Data...)
			got = append(got, d)
		}
	}
	return got
}

// recvOne receives one slot, and fails if more than one came.
func (c socket) recvOne() dgram.Datagram {
	c.t.Helper()
	got := c.recv(nil, 1)
	if len(got) != 1 {
		c.t.Fatalf("%d slots instead of one", len(got))
	}
	return got[0]
}

// expect receives len(payloads) datagrams and compares them.
func (c socket) expect(payloads ...[]byte) {
	c.t.Helper()
	for i, d := range c.recv(nil, len(payloads)) {
		if d.Notice() {
			c.t.Fatalf("datagram %d is a notice: %v %v about %v", i, d.Fate, d.Err, d.Peer)
		}
		if i >= len(payloads) || string(d.Data) != string(payloads[i]) {
			c.t.Fatalf("datagram %d is %s", i, brief(d.Data))
		}
		if d.Truncated {
			c.t.Fatalf("datagram %d says that it was truncated", i)
		}
	}
}

// echo receives one datagram and sends it back in its own batch, as servers do.
func (c socket) echo() dgram.Datagram {
	c.t.Helper()
	b := c.NewBatch(4)
	if err := c.Recv(b); err != nil {
		c.t.Fatal(err)
	}
	before := b.Datagrams[0]
	if err := c.Send(b); err != nil {
		c.t.Fatal(err)
	}
	if d := b.Datagrams[0]; d.Fate != dgram.Answered {
		c.t.Fatalf("the reply to %v from %v: %v %v", d.Peer, d.Local, d.Fate, d.Err)
	}
	return before
}

func brief(p []byte) string {
	if len(p) > 40 {
		return fmt.Sprintf("%d bytes, %q…", len(p), p[:40])
	}
	return fmt.Sprintf("%d bytes, %q", len(p), p)
}

// pattern returns n bytes that differ from those of another seed.
func pattern(n int, seed uint64) []byte {
	p := make([]byte, n)
	d := dice(seed)
	for i := range p {
		p[i] = byte(d.next() * 256)
	}
	return p
}
