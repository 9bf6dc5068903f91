package testnet

import (
	"bytes"
	"net"
	"net/netip"
	"syscall"
	"testing"
)

// Trains sends several datagrams in one call, which the kernel passes on as one (UDP_SEGMENT, udp(7)). It is not connected, so that nobody's
// refusal ends it. Replies come to the UDPConn.
type Trains struct {
	*net.UDPConn
	t  testing.TB
	to netip.AddrPort
}

// Trains opens a socket in the namespace that sends to an address, as in "192.168.3.8:9" or "[fd00::8]:9". It is closed when the test ends.
func (n *NS) Trains(t testing.TB, to string) *Trains {
	t.Helper()
	s := &Trains{t: t, to: netip.MustParseAddrPort(to)}
	network := "udp4"
	if s.to.Addr().Is6() {
		network = "udp6"
	}
	var err error
	n.Do(func() { s.UDPConn, err = net.ListenUDP(network, nil) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Send sends payloads as one train: all but the last must have the same length, and the last may not be longer.
func (s *Trains) Send(payloads ...[]byte) {
	s.t.Helper()
	const solUDP, udpSegment = 17, 103
	raw, err := s.SyscallConn()
	if err == nil {
		var refused error
		err = raw.Control(func(fd uintptr) {
			refused = syscall.SetsockoptInt(int(fd), solUDP, udpSegment, len(payloads[0]))
		})
		if err == nil {
			err = refused
		}
	}
	if err == nil {
		_, err = s.WriteToUDPAddrPort(bytes.Join(payloads, nil), s.to)
	}
	if err != nil {
		s.t.Fatalf("send %d datagrams as one to %s: %v", len(payloads), s.to, err)
	}
}

// Twelve are payloads that a train can carry and a test tells apart: all of one letter, the first of first, the next of its neighbour, of size bytes but for
// the last.
func Twelve(first byte, size, last int) [][]byte {
	all := make([][]byte, 12)
	for i := range all {
		if i == len(all)-1 {
			size = last
		}
		all[i] = bytes.Repeat([]byte{first + byte(i)}, size)
	}
	return all
}
