package wire

import (
	"net/netip"
	"testing"
)

var (
	v4Src     = netip.MustParseAddr("192.168.3.2")
	v4Dst     = netip.MustParseAddr("192.168.3.8")
	v4SrcPort = netip.MustParseAddrPort("192.168.3.2:57445")
	v4DstPort = netip.MustParseAddrPort("192.168.3.8:12345")
	v6SrcPort = netip.MustParseAddrPort("[fd00:3::2]:57445")
	v6DstPort = netip.MustParseAddrPort("[fd00:3::8]:12345")
)

func TestDecodeEthernetUDP(t *testing.T) {
	frame := []byte{2, 0, 0, 0, 0, 8, 2, 0, 0, 0, 0, 2, 0x81, 0, 0x20, 7, 8, 0,
		0x45, 0, 0, 33, 0, 1, 0x40, 0, 64, 17, 0, 0, 192, 168, 3, 2, 192, 168, 3, 8,
		0xe0, 0x75, 0x30, 0x39, 0, 13, 0, 0, 'h', 'e', 'l', 'l', 'o', 0, 0, 0}
	p := Packet{No: 7, HasQuoted: true}
	Decode(&Frame{Data: frame, Length: len(frame), Link: LinkEthernet, Time: 5, Interface: 1}, &p)
	if p.No != 7 || p.Time != 5 || p.Interface != 1 || p.HasQuoted || p.Problem != NoProblem || p.VLAN != 7 || p.VLANs != 1 ||
		p.Src != v4Src || p.Dst != v4Dst || p.SrcPort != 57461 || p.DstPort != 12345 || !p.HasPorts || p.TTL != 64 ||
		string(p.Payload) != "hello" || p.PayloadLength != 5 || len(p.Network) != 33 || len(p.Transport) != 13 || p.Protocol != 17 {
		t.Errorf("%+v", p)
	}
}

func TestDecodeUnixDatagram(t *testing.T) {
	for _, names := range [][2]string{{"/tmp/a", "/run/b.sock"}, {"", "@x"}, {"*", "a > b"}, {"-", ""}, {"a\\x00", "\x00\x7f*"}} {
		frame := AppendUnixDatagram(nil, names[0], names[1], []byte("hello"))
		var p Packet
		for range 2 {
			Decode(&Frame{Data: frame, Length: len(frame), Link: LinkUpperPDU}, &p)
			if p.UnixSrc != names[0] || p.UnixDst != names[1] || string(p.Payload) != "hello" || p.Problem != NoProblem {
				t.Errorf("%q: %q %q %q %v", names, p.UnixSrc, p.UnixDst, p.Payload, p.Problem)
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	frame := []byte{2, 0, 0, 0, 0, 8, 2, 0, 0, 0, 0, 2, 8, 0,
		0x45, 0, 0, 33, 0, 1, 0x40, 0, 64, 17, 0, 0, 192, 168, 3, 2, 192, 168, 3, 8,
		0xe0, 0x75, 0x30, 0x39, 0, 13, 0, 0, 'h', 'e', 'l', 'l', 'o'}
	f := Frame{Data: frame, Length: len(frame), Link: LinkEthernet}
	var p Packet
	b.ReportAllocs()
	for b.Loop() {
		Decode(&f, &p)
	}
}
