package filter

import (
	"bytes"
	"net/netip"
	"testing"

	"dgram/wire"
)

// Decided may always say no. It is of use only where it says yes of what most packets are; that this is right, agree shows.
func TestDecided(t *testing.T) {
	ether := func(kind, src, dst string) []byte {
		head := append(make([]byte, 12), kind...)
		return wire.AppendUDP(head, netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst), 64, 0, []byte("hello"))
	}
	four := ether("\x08\x00", "192.0.2.1:4000", "192.0.2.2:53")
	six := ether("\x86\xdd", "[2001:db8::1]:4000", "[2001:db8::2]:53")
	changed := func(b []byte, at int, to byte) []byte {
		b = bytes.Clone(b)
		b[at] = to
		return b
	}
	for _, c := range []struct {
		name, filter string
		data         []byte
		length       int
		want         bool
	}{
		{"IPv4", "udp port 53", four, len(four), true},
		{"IPv6", "udp port 53 and not host 2001:db8::9", six, len(six), true},
		{"a filter of lengths", "udp port 53 and less 100", four, len(four), false},
		{"a filter of bytes", "not udp[0] = 1", four, len(four), false},
		{"cut by the capture", "udp port 53", four, len(four) + 1, false},
		{"more fragments", "udp port 53", changed(four, 20, 0x20), len(four), false},
		{"a later fragment", "udp port 53", changed(four, 21, 1), len(four), false},
		{"an authenticated packet", "udp port 53", changed(four, 23, anAuth), len(four), false},
		{"extension headers", "udp port 53", changed(six, 20, 0), len(six), false},
		{"a tag", "udp port 53", changed(changed(four, 12, 0x81), 13, 0), len(four), false},
	} {
		frame := &wire.Frame{Data: c.data, Length: c.length, Link: wire.LinkEthernet}
		if got := parsed(t, c.filter).Decided(frame); got != c.want {
			t.Errorf("%s, %s: %v, want %v", c.name, c.filter, got, c.want)
		}
	}
}
