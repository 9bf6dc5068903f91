package dgram_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dgram"
	"dgram/internal/testnet"
	"dgram/sock"
)

// discovers returns what IP_MTU_DISCOVER of a Conn is, by its name.
func discovers(t *testing.T, c dgram.Conn) string {
	t.Helper()
	file, err := c.(dgram.Giver).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	value, err := syscall.GetsockoptInt(int(file.Fd()), syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER)
	if err != nil {
		t.Fatal(err)
	}
	switch value {
	case syscall.IP_PMTUDISC_WANT:
		return "want"
	case syscall.IP_PMTUDISC_DO:
		return "do"
	case syscall.IP_PMTUDISC_PROBE:
		return "probe"
	}
	return fmt.Sprint(value)
}

// narrow is a Conn, a link that takes 1,472 bytes of payload in one packet, a peer behind it, and a raw socket beside the peer that sees IPv4 packets.
func narrow(t *testing.T, o dgram.Options) (c, peer dgram.Conn, wire *sock.Socket) {
	t.Helper()
	left, right := testnet.Pair(t, "192.168.3.2/24", "192.168.3.8/24")
	right.Do(func() {
		raw, err := sock.New(sock.INET, sock.RAW, sock.ProtoUDP)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = raw.Close() })
		if err := raw.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		wire, peer = raw, listening(t, "192.168.3.8:0", dgram.Options{})
		if err := peer.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
	})
	left.Do(func() { c = listening(t, "192.168.3.2:0", o) })
	arriveAll(t, c, peer, 0) // more than one would not be kept until the neighbour's address is known
	number(t, wire)
	return c, peer, wire
}

// number returns the identification of the next packet.
func number(t rapid.TB, wire *sock.Socket) int {
	t.Helper()
	b := make([]byte, 1<<16)
	if _, _, _, err := wire.RecvFrom(b, 0); err != nil {
		t.Fatal(err)
	}
	return int(b[4])<<8 | int(b[5])
}

func send(t rapid.TB, c dgram.Conn, to dgram.Endpoint, sizes ...int) []dgram.Datagram {
	t.Helper()
	b := c.NewBatch(len(sizes))
	for _, n := range sizes {
		b.Add(to, bytes.Repeat([]byte("x"), n))
	}
	if err := c.Send(b); err != nil {
		t.Fatal(err)
	}
	return b.Datagrams
}

// arriveAll sends datagrams, and holds that all of them arrive, whole.
func arriveAll(t rapid.TB, c, peer dgram.Conn, sizes ...int) {
	t.Helper()
	for _, d := range send(t, c, peer.Local(), sizes...) {
		if d.Fate != dgram.Pending {
			t.Fatalf("%d bytes of %v: %v %v", len(d.Data), sizes, d.Fate, d.Err)
		}
	}
	b := peer.NewBatch(8)
	var arrived []int
	for len(arrived) < len(sizes) {
		if err := peer.Recv(b); err != nil {
			t.Fatalf("%v; of %v arrived %v", err, sizes, arrived)
		}
		for i := range b.Datagrams {
			arrived = append(arrived, len(b.Datagrams[i].Data))
		}
	}
	slices.Sort(arrived)
	if slices.Sort(sizes); !slices.Equal(arrived, sizes) {
		t.Fatalf("%v arrived, %v were sent", arrived, sizes)
	}
}

// Packets have no number until the first datagram that does not fit, and that arrives like any other.
func TestAtomicUntilOneDoesNotFit(t *testing.T) {
	c, peer, wire := narrow(t, dgram.Options{Atomic: true, Refusals: true})
	if got := discovers(t, c); got != "do" {
		t.Errorf("IP_MTU_DISCOVER is %s, want do", got)
	}
	for _, size := range []int{0, 5, 1472, 1471, 700} {
		arriveAll(t, c, peer, size)
		if got := number(t, wire); got != 0 {
			t.Errorf("the packet of %d bytes has number %d", size, got)
		}
	}
	arriveAll(t, c, peer, 5, 1473, 5, 65507)
	if got := discovers(t, c); got != "want" {
		t.Errorf("afterwards IP_MTU_DISCOVER is %s, want want", got)
	}
	if d := send(t, c, peer.Local(), 65508)[0]; d.Fate != dgram.Failed || d.Err != syscall.EMSGSIZE {
		t.Errorf("65,508 bytes: %v %v", d.Fate, d.Err)
	}
	nothingReported(t, c)
}

// nothingReported holds that c has no notice of what its own calls were told.
func nothingReported(t *testing.T, c dgram.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	b := c.NewBatch(8)
	if err := c.Recv(b); !errors.Is(err, os.ErrDeadlineExceeded) || len(b.Datagrams) > 0 {
		t.Errorf("%v, %d slots: %+v", err, len(b.Datagrams), b.Datagrams)
	}
}

// With DontFragment a datagram that does not fit fails, and that is all that is said of it.
func TestWhatDoesNotFitIsToldOnce(t *testing.T) {
	c, peer, _ := narrow(t, dgram.Options{DontFragment: true, Atomic: true, Refusals: true})
	for _, d := range send(t, c, peer.Local(), 1473, 3000, 1472) {
		if fits := len(d.Data) <= 1472; fits != (d.Fate == dgram.Pending) || !fits && d.Err != syscall.EMSGSIZE {
			t.Errorf("%d bytes: %v %v", len(d.Data), d.Fate, d.Err)
		}
	}
	nothingReported(t, c)
	if got := discovers(t, c); got != "do" {
		t.Errorf("IP_MTU_DISCOVER became %s", got)
	}
}

// Whatever is sent, in whatever order and however it is gathered: it arrives as from a socket that is left as the system makes it.
func TestAtomicChangesNothing(t *testing.T) {
	c, peer, _ := narrow(t, dgram.Options{Atomic: true})
	fresh := func() {
		c.(dgram.Giver).Keep(true)
		c.(dgram.Giver).Keep(false)
	}
	turns := 0
	rapid.Check(t, func(rt *rapid.T) {
		fresh()
		if discovers(t, c) == "do" {
			turns++
		}
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 64), rapid.IntRange(1460, 1480), rapid.IntRange(0, 9000)), 1, 8).Draw(rt, "sizes")
		arriveAll(rt, c, peer, sizes...)
	})
	if turns == 0 {
		t.Error("it never sent atomic datagrams")
	}
}

// A socket is as the system makes it while others have it, and after; and what its owner chose stays.
func TestAtomicIsSetBack(t *testing.T) {
	c := listening(t, "127.0.0.1:0", dgram.Options{Atomic: true})
	g := c.(dgram.Giver)
	want := func(when, value string) {
		t.Helper()
		if got := discovers(t, c); got != value {
			t.Errorf("%s: %s, want %s", when, got, value)
		}
	}
	want("at first", "probe")
	g.Keep(true)
	g.Keep(true)
	want("kept", "want")
	g.Keep(false)
	want("still kept", "want")
	second, err := dgram.ListenFD(give(t, c), dgram.Options{Atomic: true})
	if err != nil {
		t.Fatal(err)
	}
	want("another has it", "probe")
	second.(dgram.Giver).Keep(true)
	want("both keep it", "want")
	second.(dgram.Giver).Keep(false)
	want("the other does not", "probe")
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	want("the other is gone", "want")
	g.Keep(false)
	want("alone again", "probe")

	third, err := dgram.ListenFD(give(t, c), dgram.Options{Atomic: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Close(); err != nil {
		t.Error(err)
	}
	want("to whom it was given as it is", "probe")
}

// With both options only what other machines can reach may send no fragments, be the socket opened or given.
func TestDontFragmentIsNotForLoopback(t *testing.T) {
	both := dgram.Options{DontFragment: true, Atomic: true}
	for address, want := range map[string]string{"0.0.0.0:0": "do", "[::]:0": "do", "127.0.0.1:0": "probe", "[::1]:0": "want"} {
		opened := listening(t, address, both)
		given, err := dgram.ListenFD(give(t, listening(t, address, dgram.Options{})), both)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []dgram.Conn{opened, given} {
			if got := discovers(t, c); got != want {
				t.Errorf("%s: %s, want %s", address, got, want)
			}
		}
		if err := given.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := discovers(t, listening(t, "127.0.0.1:0", dgram.Options{DontFragment: true})); got != "do" {
		t.Errorf("without Atomic: %s", got)
	}
	// The longest datagram of IPv6 does not fit lo in one packet.
	for _, o := range []dgram.Options{both, {DontFragment: true, Atomic: true, Portable: true}} {
		c := listening(t, "[::1]:0", o)
		if d := send(t, c, c.Local(), dgram.MaxPayload)[0]; d.Fate != dgram.Pending {
			t.Errorf("portable %v: %v %v", o.Portable, d.Fate, d.Err)
		}
	}
}

// Only what sends IPv4 has something to spare.
func TestAtomicIsForIPv4(t *testing.T) {
	for address, want := range map[string]string{
		"0.0.0.0:0": "do", "[::]:0": "do", "127.0.0.1:0": "probe", "[::1]:0": "want", "udp6://[::]:0": "want",
	} {
		if got := discovers(t, listening(t, address, dgram.Options{Atomic: true})); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
