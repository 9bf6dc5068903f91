package server

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"dgram"
	"dgram/dgramtest"
	"dgram/internal/testnet"
	"dgram/stage"
)

func TestServesUpperByDefault(t *testing.T) {
	s := start(t, Config{})
	c := dial(t, s.Endpoint())
	for _, p := range []string{"hello", "", "ÀÉß ǆ\xff\x00", strings.Repeat("z", dgram.MaxPayload)} {
		if got := ask(t, c, []byte(p)); !bytes.Equal(got, upper([]byte(p))) {
			t.Errorf("%.20q: %.20q", p, got)
		}
	}
}

func TestReply(t *testing.T) {
	s := start(t, Config{Reply: func(p []byte) []byte {
		switch string(p) {
		case "nothing":
			return nil
		case "huge":
			return make([]byte, dgram.MaxPayload+1)
		case "part":
			return p[1:3]
		}
		return append([]byte("re: "), p...)
	}})
	c := dial(t, s.Endpoint())
	for _, p := range []string{"nothing", "huge"} {
		if _, err := c.Write([]byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	for p, want := range map[string]string{"hello": "re: hello", "part": "ar", "": "re: "} {
		if got := ask(t, c, []byte(p)); string(got) != want {
			t.Errorf("%q: %q, want %q", p, got, want)
		}
	}
	shutdown(t, s)
	if sum := s.Summary(); sum.Ignored != 1 || sum.Dropped["too big"] != 1 || sum.Answered != 3 {
		t.Error(sum)
	}
}

func TestHandler(t *testing.T) {
	s := start(t, Config{Handler: stage.HandlerFunc(func(_ context.Context, _ stage.Context, d dgram.Datagram) ([]byte, error) {
		if len(d.Data) == 0 {
			return nil, stage.ErrIgnore
		}
		return bytes.Repeat(d.Data, 2), nil
	})})
	c := dial(t, s.Endpoint())
	if _, err := c.Write(nil); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, c, []byte("ab")); string(got) != "abab" {
		t.Errorf("%q", got)
	}
	shutdown(t, s)
	if sum := s.Summary(); sum.Ignored != 1 || sum.Answered != 1 {
		t.Error(sum)
	}
}

func TestConfigRefusesTwoMinds(t *testing.T) {
	_, err := Start(t.Context(), Config{Plan: stage.NewPlan(), Reply: bytes.ToUpper})
	if err == nil || !strings.Contains(err.Error(), "one of them") {
		t.Error(err)
	}
}

// Twenty thousand datagrams of all lengths and all bytes: every reply is right, and the account is what the sender counted.
func TestRandomDatagrams(t *testing.T) {
	total := 20000
	if testing.Short() {
		total = 2000
	}
	for _, portable := range []bool{false, true} {
		s := start(t, Config{Options: dgram.Options{Portable: portable}})
		c := dial(t, s.Endpoint())
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 1))
		var sent, bytesSent uint64
		for range total / 2 {
			p := make([]byte, length(r))
			random(r, p)
			sent++
			bytesSent += uint64(len(p))
			if got := ask(t, c, p); !bytes.Equal(got, upper(p)) {
				t.Fatalf("portable %v, seed %d: a datagram of %d bytes had a reply of %d bytes that is not it in upper case", portable, seed, len(p), len(got))
			}
		}
		shutdown(t, s)
		if sum := s.Summary(); sum.Received != sent || sum.ReceivedBytes != bytesSent || sum.Answered != sent || sum.SentBytes != bytesSent {
			t.Errorf("portable %v, seed %d: sent %d with %d bytes; the server says\n%s", portable, seed, sent, bytesSent, sum)
		}
	}
}

// length favours the short ones, and the ends.
func length(r *rand.Rand) int {
	switch r.IntN(20) {
	case 0:
		return r.IntN(dgram.MaxPayload + 1)
	case 1:
		return dgram.MaxPayload - r.IntN(3)
	case 2:
		return r.IntN(3)
	}
	return r.IntN(1500)
}

// The same account on a network that loses, with stages that lose, delay and duplicate: whatever was received has a fate, and what came back is
// what was sent.
func TestAccountWithFaults(t *testing.T) {
	network := dgramtest.NewNetwork(dgramtest.Links(dgramtest.Link{Seed: 3, Loss: 0.2}.Rule()))
	s := start(t, Config{Listen: network.ListenEndpoint, Line: stage.LineOptions{Seed: 7}, Batch: 8,
		Plan: stage.MustParse("upper", "loss:10%", "delay:1ms", "duplicate:20%")})
	c, err := network.Dial(s.Endpoint().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := c.NewBatch(50)
	for range 40 {
		b.Reset()
		for range 50 {
			b.Add(s.Endpoint(), []byte("hello"))
		}
		if err := c.Send(b); err != nil {
			t.Fatal(err)
		}
	}
	shutdown(t, s)
	sum := s.Summary()
	if sum.Received < 1400 || sum.Received > 1800 || sum.Answered+sum.Dropped["loss"] != sum.Received || sum.Copies == 0 ||
		sum.Dropped["loss"] == 0 || sum.Sent != sum.Answered+sum.Copies {
		t.Error(sum)
	}
}

func TestSeveralAddresses(t *testing.T) {
	s := start(t, Config{Addresses: []string{"127.0.0.1:0", "udp4://127.0.0.2:0"}, Endpoints: []dgram.Endpoint{dgram.MustParseEndpoint("127.0.0.3:0")}})
	all := s.Endpoints()
	if len(all) != 3 || len(s.Sockets()) != 3 || len(s.Caps()) != 3 {
		t.Fatal(all)
	}
	for _, e := range all {
		if e.Port() == 0 {
			t.Error(e)
		}
		if got := ask(t, dial(t, e), []byte("x")); string(got) != "X" {
			t.Errorf("%s: %q", e, got)
		}
	}
}

func TestNameIsListenedOnAtAllItsAddresses(t *testing.T) {
	s := start(t, Config{Address: "localhost:0"})
	for _, e := range s.Endpoints() {
		if e.Port() != s.Endpoint().Port() || !e.Addr().IsLoopback() {
			t.Error(s.Endpoints())
		}
		if got := ask(t, dial(t, e), []byte("x")); string(got) != "X" {
			t.Errorf("%s: %q", e, got)
		}
	}
}

func TestOneAddressThatFailsClosesAll(t *testing.T) {
	var opened []dgram.Conn
	listen := func(e dgram.Endpoint, o dgram.Options) (dgram.Conn, error) {
		c, err := dgram.ListenEndpoint(e, o)
		if err == nil {
			opened = append(opened, c)
		}
		return c, err
	}
	taken := start(t, Config{}).Endpoint()
	_, err := Start(t.Context(), Config{Addresses: []string{"127.0.0.1:0", taken.String()}, Listen: listen})
	var failed *ListenError
	if !errors.As(err, &failed) || failed.Endpoint != taken || !strings.Contains(err.Error(), taken.String()) ||
		!strings.Contains(err.Error(), "'sport = :"+strconv.Itoa(int(taken.Port()))+"'") {
		t.Errorf("%v", err)
	}
	if len(opened) != 1 {
		t.Fatalf("%d were opened", len(opened))
	}
	if err := opened[0].Recv(opened[0].NewBatch(1)); !dgram.IsClosed(err) {
		t.Error("what was opened is still open:", err)
	}
}

func TestUnknownHost(t *testing.T) {
	_, err := Start(t.Context(), Config{Address: "no.such.host.invalid:1"})
	if err == nil || !strings.Contains(err.Error(), "no.such.host.invalid") {
		t.Error(err)
	}
	if _, err := Start(t.Context(), Config{Address: "127.0.0.1:65536"}); !errors.Is(err, dgram.ErrAddress) {
		t.Error(err)
	}
}

func TestWildcardAnswersFromTheAddressAsked(t *testing.T) {
	for _, wildcard := range []string{"udp4://*:0", "udp6://*:0", "*:0"} {
		s := start(t, Config{Address: wildcard})
		for _, host := range []string{"127.0.0.1", "127.0.0.9", "::1"} {
			addr := netip.MustParseAddr(host)
			if strings.HasPrefix(wildcard, "udp") && addr.Is4() != strings.HasPrefix(wildcard, "udp4") {
				continue
			}
			// A connected socket hears nothing that comes from another address.
			e := dgram.IPEndpoint(dgram.UDP, netip.AddrPortFrom(addr, s.Endpoint().Port()))
			if got := ask(t, dial(t, e), []byte("x")); string(got) != "X" {
				t.Errorf("%s asked at %s: %q", wildcard, host, got)
			}
		}
	}
}

func TestCountIsExact(t *testing.T) {
	for _, count := range []uint64{1, 100} {
		s := start(t, Config{Count: count})
		c := dial(t, s.Endpoint())
		for range 2 * count {
			_, _ = c.Write([]byte("x")) // refused once the server has gone
		}
		if err := s.Wait(); err != nil {
			t.Error(err)
		}
		if sum := s.Summary(); sum.Received != count || sum.Answered != count {
			t.Error(sum)
		}
	}
}

func TestPythonAsks(t *testing.T) {
	testnet.Need(t, "python3")
	s := start(t, Config{})
	cmd := exec.CommandContext(t.Context(), "python3", "../testdata/seed/client.py", "127.0.0.1", strconv.Itoa(int(s.Endpoint().Port())))
	cmd.Stdin = strings.NewReader("hello\n\nnaïve 你好\n" + strings.Repeat("a", 2000) + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// Python's bytes.upper, like ours, knows ASCII letters only.
	if want := "HELLO\n\nNAïVE 你好\n" + strings.Repeat("A", 2000) + "\n"; string(out) != want {
		t.Errorf("%q, want %q", out, want)
	}
}

// A datagram from port 0, to which no reply can go, ends nothing and has its fate.
func TestSourcePortZero(t *testing.T) {
	network := dgramtest.NewNetwork(dgramtest.Links(func(p dgramtest.Packet) dgramtest.Verdict {
		if string(p.Data) == "from nowhere" {
			return dgramtest.Verdict{From: p.From.WithPort(0)}
		}
		return dgramtest.Verdict{}
	}))
	s := start(t, Config{Listen: network.ListenEndpoint})
	c, err := network.Dial(s.Endpoint().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := c.NewBatch(2)
	b.Add(s.Endpoint(), []byte("from nowhere"))
	b.Add(s.Endpoint(), []byte("hello"))
	if err := c.Send(b); err != nil {
		t.Fatal(err)
	}
	if err := c.Recv(b); err != nil || string(b.Datagrams[0].Data) != "HELLO" {
		t.Error(err, b.Datagrams)
	}
	shutdown(t, s)
	if sum := s.Summary(); sum.Answered != 1 || sum.Dropped["no return address"] != 1 {
		t.Error(sum)
	}
}

func TestEndOfContextDrains(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Start(ctx, Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, s.Endpoint())
	ask(t, c, []byte("x"))
	cancel()
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
	if sum := s.Summary(); sum.Answered != 1 || sum.Balance() != nil {
		t.Error(sum)
	}
	again := start(t, Config{Endpoints: []dgram.Endpoint{s.Endpoint()}}) // the address is free
	if got := ask(t, dial(t, again.Endpoint()), []byte("y")); string(got) != "Y" {
		t.Errorf("%q", got)
	}
}
