package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
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

// changed is b with other bytes from at on.
func changed(b []byte, at int, with ...byte) []byte {
	b = bytes.Clone(b)
	copy(b[at:], with)
	return b
}

// summary is what the tables compare.
func summary(p *Packet) string {
	s := fmt.Sprintf("v%d proto %d", p.Version, p.Protocol)
	if p.HasPorts {
		s += fmt.Sprintf(" %d>%d", p.SrcPort, p.DstPort)
	}
	if p.VLANs > 0 {
		s += fmt.Sprintf(" %d vlans, %d", p.VLANs, p.VLAN)
	}
	if p.Fragment {
		s += fmt.Sprintf(" piece %d at %d more %v", p.FragmentID, p.FragmentOffset, p.MoreFragments)
	}
	if p.HasQuoted {
		s += fmt.Sprintf(" quotes %d %v:%d>%v:%d", p.Quoted.Protocol, p.Quoted.Src, p.Quoted.SrcPort, p.Quoted.Dst, p.Quoted.DstPort)
	}
	if p.Outgoing {
		s += " outgoing"
	}
	return s + fmt.Sprintf(" %d/%d %v", len(p.Payload), p.PayloadLength, p.Problem)
}

func TestDecode(t *testing.T) {
	four, six := built(4, 5), built(6, 5)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	mac := make([]byte, 12)
	icmp := func(kind, code byte, quote []byte) []byte {
		return transportOf(four, false, ProtocolICMP, join([]byte{kind, code, 0, 0, 0, 0, 0, 0}, quote))
	}
	const udp4, udp6 = "v4 proto 17 57445>12345 5/5 ", "v6 proto 17 57445>12345 5/5 "
	for _, c := range []struct {
		name string
		link LinkType
		data []byte
		more int // bytes that the capture did not keep
		want string
	}{
		{"ethernet, padded", LinkEthernet, join(mac, []byte{8, 0}, four, make([]byte, 13)), 0, udp4},
		{"ethernet, IPv6", LinkEthernet, join(mac, []byte{0x86, 0xdd}, six), 0, udp6},
		{"ethernet, QinQ", LinkEthernet, join(mac, []byte{0x91, 0, 0, 1, 0x81, 0, 0xff, 0xff, 8, 0}, four), 0,
			"v4 proto 17 57445>12345 2 vlans, 4095 5/5 "},
		{"ethernet, tags without end", LinkEthernet, join(mac, bytes.Repeat([]byte{0x81, 0, 0, 9}, 20)), 0,
			"v0 proto 0 8 vlans, 9 0/0 more headers than are followed"},
		{"ethernet, ARP", LinkEthernet, join(mac, []byte{8, 6}, make([]byte, 28)), 0, "v0 proto 0 0/0 no IP packet"},
		{"ethernet, LLC", LinkEthernet, join(mac, []byte{0, 38}, make([]byte, 38)), 0, "v0 proto 0 0/0 no IP packet"},
		{"ethernet, nothing", LinkEthernet, nil, 0, "v0 proto 0 0/0 malformed packet"},
		{"ethernet, cut", LinkEthernet, mac, 60, "v0 proto 0 0/0 cut short by the capture"},
		{"ethernet that says IPv4 and is not", LinkEthernet, join(mac, []byte{8, 0}, six), 0, "v0 proto 0 0/0 malformed packet"},
		{"null, little endian", LinkNull, join([]byte{2, 0, 0, 0}, four), 0, udp4},
		{"null, big endian", LinkNull, join([]byte{0, 0, 0, 30}, six), 0, udp6},
		{"null, another family", LinkNull, []byte{7, 0, 0, 0}, 0, "v0 proto 0 0/0 no IP packet"},
		{"loop", LinkLoop, join([]byte{0, 0, 0, 24}, six), 0, udp6},
		{"sll, sent", LinkSLL, join([]byte{0, 4}, mac, []byte{8, 0}, four), 0, "v4 proto 17 57445>12345 outgoing 5/5 "},
		{"sll2, received", LinkSLL2, join([]byte{0x86, 0xdd, 0, 0}, mac, []byte{0, 0, 0, 0}, six), 0, udp6},
		{"raw", LinkRawBSD, six, 0, udp6},
		{"raw, nothing of IP", LinkRaw, []byte{0x50}, 0, "v0 proto 0 0/0 no IP packet"},
		{"IPv4 only", LinkIPv4, six, 0, "v0 proto 0 0/0 malformed packet"},
		{"unknown", 147, four, 0, "v0 proto 0 0/0 a link type that is not read here"},

		{"payload cut", LinkRaw, four[:30], 3, "v4 proto 17 57445>12345 2/5 cut short by the capture"},
		{"UDP header cut", LinkRaw, four[:25], 8, "v4 proto 17 57445>12345 0/5 cut short by the capture"},
		{"ports cut", LinkRaw, four[:23], 10, "v4 proto 17 0/5 cut short by the capture"},
		{"total length beyond the frame", LinkRaw, changed(four, 2, 0, 99), 0, "v4 proto 17 57445>12345 5/5 malformed packet"},
		{"total length below the header's", LinkRaw, changed(four, 2, 0, 19), 0, "v4 proto 17 0/0 malformed packet"},
		{"total length 0: left to the card", LinkRaw, changed(four, 2, 0, 0), 0, udp4},
		{"header length below 20", LinkRaw, changed(four, 0, 0x44), 0, "v0 proto 0 0/0 malformed packet"},
		{"header length beyond the packet", LinkRaw, changed(four, 0, 0x4f), 0, "v4 proto 17 0/0 malformed packet"},
		{"UDP length below 8", LinkRaw, changed(four, 24, 0, 7), 0, "v4 proto 17 57445>12345 5/5 malformed packet"},
		{"UDP length 0, IPv4", LinkRaw, changed(four, 24, 0, 0), 0, "v4 proto 17 57445>12345 5/5 malformed packet"},
		{"UDP length beyond the packet", LinkRaw, changed(four, 24, 0, 99), 0, "v4 proto 17 57445>12345 5/91 malformed packet"},
		{"UDP length below the packet's", LinkRaw, changed(four, 24, 0, 10), 0, "v4 proto 17 57445>12345 2/2 "},
		{"jumbogram", LinkRaw, changed(changed(six, 4, 0, 0), 44, 0, 0), 0, udp6},
		{"nothing follows", LinkRaw, changed(changed(six, 4, 0, 0), 6, 59), 0, "v6 proto 59 0/0 neither UDP nor ICMP"},
		{"extension headers without end", LinkRaw, join(changed(six[:40], 4, 2, 0, 60), bytes.Repeat([]byte{60, 0, 1, 4, 0, 0, 0, 0}, 64)), 0,
			"v6 proto 60 0/0 more headers than are followed"},
		{"extension header beyond the packet", LinkRaw, join(changed(six[:40], 4, 0, 8, 43), []byte{17, 200, 0, 0, 0, 0, 0, 0}), 0,
			"v6 proto 43 0/0 malformed packet"},
		{"AH in IPv4", LinkRaw, transportOf(four, false, ProtocolAH, join([]byte{17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, four[20:])), 0, udp4},
		{"first piece", LinkRaw, fragment(four[:20], 0, 7, 0, true, four[20:28]), 0, "v4 proto 17 57445>12345 piece 7 at 0 more true 0/5 "},
		{"later piece, IPv6", LinkRaw, fragment(six[:40], 17, 70000, 8, false, []byte("more")), 0, "v6 proto 17 piece 70000 at 8 more false 4/4 "},
		{"a piece that is all", LinkRaw, fragment(six[:40], 17, 9, 0, false, six[40:]), 0, udp6},
		{"a piece of a piece", LinkRaw, fragment(six[:40], 44, 9, 0, true, fragment(six[:40], 17, 8, 0, true, six[40:48])[40:]), 0,
			"v6 proto 44 piece 9 at 0 more true 0/0 malformed packet"},
		{"TCP", LinkRaw, transportOf(four, false, ProtocolTCP, append([]byte{0, 80, 1, 0, 12: 0x60}, make([]byte, 15)...)), 0,
			"v4 proto 6 80>256 4/4 neither UDP nor ICMP"},
		{"SCTP", LinkRaw, changed(four, 9, 132), 0, "v4 proto 132 57445>12345 1/1 neither UDP nor ICMP"},
		{"ICMPv6 in IPv4", LinkRaw, changed(four, 9, 58), 0, "v4 proto 58 13/13 neither UDP nor ICMP"},
		{"UDP-Lite", LinkRaw, changed(changed(four, 9, 136), 24, 0, 8), 0, "v4 proto 136 57445>12345 5/5 "},
		{"UDP-Lite, coverage 7", LinkRaw, changed(changed(four, 9, 136), 24, 0, 7), 0, "v4 proto 136 57445>12345 5/5 malformed packet"},
		{"ICMP echo", LinkRaw, icmp(8, 0, []byte("ping")), 0, "v4 proto 1 4/4 "},
		{"ICMP cut", LinkRaw, icmp(8, 0, nil)[:24], 4, "v4 proto 1 0/0 cut short by the capture"},
		{"unreachable, quoted to the ports", LinkRaw, icmp(3, 3, four[:28]), 0,
			"v4 proto 1 quotes 17 192.168.3.2:57445>192.168.3.8:12345 28/28 "},
		{"unreachable, quoted less", LinkRaw, icmp(3, 3, four[:20]), 0, "v4 proto 1 quotes 17 192.168.3.2:0>192.168.3.8:0 20/20 "},
		{"unreachable, hardly quoted", LinkRaw, icmp(3, 3, four[:19]), 0, "v4 proto 1 19/19 "},
		{"unreachable, a later piece", LinkRaw, icmp(11, 1, fragment(four[:20], 0, 7, 8, true, four[20:28])), 0,
			"v4 proto 1 quotes 17 192.168.3.2:0>192.168.3.8:0 28/28 "},
		{"too big, behind a fragment header", LinkRaw, transportOf(six, true, ProtocolICMPv6,
			join([]byte{2, 0, 0, 0, 0, 0, 5, 0}, fragment(six[:40], 17, 1, 0, true, six[40:48]))), 0,
			"v6 proto 58 quotes 17 fd00:3::2:57445>fd00:3::8:12345 56/56 "},
	} {
		var p Packet
		Decode(&Frame{Data: c.data, Length: len(c.data) + c.more, Link: c.link}, &p)
		if got := summary(&p); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// A datagram of more than 64 KiB exists in IPv6 alone (RFC 2675): the length fields are 0, an option has it.
func TestDecodeJumbogram(t *testing.T) {
	const size = 100_000
	b := changed(built(6, 0)[:40], 4, 0, 0, 0)
	b = append(b, ProtocolUDP, 0, 0xc2, 4)
	b = binary.BigEndian.AppendUint32(b, 8+8+size)
	b = append(b, 0xe0, 0x65, 0x30, 0x39, 0, 0, 0, 0)
	b = append(b, make([]byte, size)...)
	sum := plainChecksum(append(plainPseudo(b, true, ProtocolUDP, 8+size), b[48:]...))
	binary.BigEndian.PutUint16(b[54:], sum)
	p := decodeRaw(b)
	if len(p.Payload) != size || p.PayloadLength != size || p.Problem != NoProblem || VerifyChecksum(&p) != ChecksumGood {
		t.Errorf("%s, %v", summary(&p), VerifyChecksum(&p))
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	g := newGenerator(5)
	var frames []Frame
	for len(frames) < 1000 {
		frames = append(frames, g.frames()...)
	}
	var p Packet
	Decode(&Frame{Link: LinkUpperPDU, Data: AppendUnixDatagram(nil, "/run/a", "@b", nil)}, &p)
	src, dst := p.UnixSrc, p.UnixDst
	for i := range frames {
		if n := testing.AllocsPerRun(1, func() {
			p.UnixSrc, p.UnixDst = src, dst
			Decode(&frames[i], &p)
			VerifyChecksum(&p)
		}); n != 0 {
			t.Fatalf("%v allocations for %v %x", n, frames[i].Link, frames[i].Data)
		}
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

// A capture of 60 bytes ends in the UDP header behind Ethernet and IPv6. How long the payload was is known all the same.
func TestCutInTheUDPHeader(t *testing.T) {
	src, dst := netip.MustParseAddrPort("[2001:db8::1]:57439"), netip.MustParseAddrPort("[2001:db8::2]:53")
	whole := AppendUDP(nil, src, dst, 64, 0, make([]byte, 53))
	for n := 44; n < 48; n++ {
		var p Packet
		Decode(&Frame{Data: whole[:n], Length: len(whole), Link: LinkRaw}, &p)
		if p.PayloadLength != 53 || len(p.Payload) != 0 || !p.HasPorts || p.Problem != CutShort {
			t.Errorf("of %d bytes: %+v", n, p)
		}
	}
}
