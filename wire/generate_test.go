package wire

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
)

// A generator makes frames as networks carry them: of every link type, with tags, options and extension headers, whole and
// in fragments, with right and wrong checksums, cut and padded. The same seed gives the same frames.
type generator struct {
	*rand.Rand
	id uint32
}

func newGenerator(seed uint64) *generator { return &generator{rand.New(rand.NewPCG(seed, 5)), 1} }

func (g *generator) one(in int) bool { return g.IntN(in) == 0 }

var linkTypes = []LinkType{LinkNull, LinkEthernet, LinkRawBSD, LinkRaw, LinkLoop, LinkSLL, LinkIPv4, LinkIPv6, LinkUpperPDU, LinkSLL2}

// frames makes those of one packet: several if it is in fragments.
func (g *generator) frames() []Frame {
	link := linkTypes[g.IntN(len(linkTypes))]
	if g.one(2) {
		link = LinkEthernet
	}
	if link == LinkUpperPDU {
		b := AppendUnixDatagram(nil, "/run/a", "@b", g.payload())
		return []Frame{{Link: link, Data: b, Length: len(b)}}
	}
	packet := g.packet(link)
	pieces := [][]byte{packet}
	if g.one(4) {
		pieces = g.fragments(packet)
	}
	var vlans []byte
	if g.one(3) {
		vlans = []byte{byte(1 + g.IntN(200)), byte(1 + g.IntN(200))}[g.IntN(2):]
	}
	var frames []Frame
	for _, piece := range pieces {
		b := g.link(link, vlans, piece)
		length := len(b)
		if len(pieces) == 1 && g.one(5) {
			b = b[:g.IntN(len(b)+1)]
		}
		frames = append(frames, Frame{Link: link, Data: b, Length: length})
	}
	return frames
}

func (g *generator) payload() []byte {
	b := make([]byte, []int{0, 1, 5, 18, 64, 1400}[g.IntN(6)])
	for i := range b {
		b[i] = "The quick brown fox"[g.IntN(19)]
	}
	return b
}

func (g *generator) ends(version6 bool) (src, dst netip.AddrPort) {
	address := func() netip.Addr {
		if version6 {
			return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(1 + g.IntN(200))})
		}
		return netip.AddrFrom4([4]byte{10, byte(g.IntN(256)), 3, byte(1 + g.IntN(200))})
	}
	// No dissector of tshark's listens there.
	return netip.AddrPortFrom(address(), uint16(61001+g.IntN(900))), netip.AddrPortFrom(address(), uint16(62001+g.IntN(900)))
}

// packet makes an IP packet: UDP mostly.
func (g *generator) packet(link LinkType) []byte {
	version6 := g.one(2) && link != LinkIPv4 || link == LinkIPv6
	src, dst := g.ends(version6)
	b := AppendUDP(nil, src, dst, uint8(1+g.IntN(255)), uint8(g.IntN(256)), g.payload())
	switch g.IntN(8) {
	case 0:
		b = g.icmpError(b, version6)
	case 1:
		b = g.echo(b, version6)
	case 2:
		b = g.udpLite(b, version6)
	case 3:
		b = transportOf(b, version6, ProtocolTCP, append([]byte{0xee, 1, 0xee, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 1, 0, 0, 0, 0, 0}, g.payload()...))
	case 4:
		udp := b[len(b)-udpLengthOf(b, version6):]
		udp[6] ^= byte(g.IntN(2)) // a wrong checksum
		if g.one(3) {
			udp[6], udp[7] = 0, 0
		}
	}
	if !version6 && g.one(3) {
		b = withOptions(b, []byte{1, 1, 148, 4, 0, 0, 1, 0})
	}
	for version6 && g.one(2) && len(b) < 2000 {
		b = g.withExtension(b)
	}
	return b
}

func udpLengthOf(b []byte, version6 bool) int {
	if version6 {
		return len(b) - 40
	}
	return len(b) - 20
}

// transportOf gives the packet b, without options, another transport header and payload.
func transportOf(b []byte, version6 bool, protocol byte, transport []byte) []byte {
	if version6 {
		b = append(b[:40:40], transport...)
		b[6] = protocol
		binary.BigEndian.PutUint16(b[4:], uint16(len(transport)))
		return b
	}
	b = append(b[:20:20], transport...)
	b[9] = protocol
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return rightHeader(b)
}

func rightHeader(b []byte) []byte {
	b[10], b[11] = 0, 0
	binary.BigEndian.PutUint16(b[10:], plainChecksum(b[:int(b[0]&15)*4]))
	return b
}

// plainPseudo is the pseudo header of a packet without options.
func plainPseudo(b []byte, version6 bool, protocol byte, length int) []byte {
	tail := binary.BigEndian.AppendUint32(nil, uint32(length))
	tail = append(tail, 0, 0, 0, protocol)
	if version6 {
		return append(append([]byte{}, b[8:40]...), tail...)
	}
	return append(append([]byte{}, b[12:20]...), tail...)
}

func (g *generator) echo(b []byte, version6 bool) []byte {
	message := append([]byte{8, 0, 0, 0, 1, 2, 3, 4}, g.payload()...)
	return g.icmp(b, version6, message)
}

func (g *generator) icmp(b []byte, version6 bool, message []byte) []byte {
	if !version6 {
		binary.BigEndian.PutUint16(message[2:], plainChecksum(message))
		return transportOf(b, false, ProtocolICMP, message)
	}
	if message[0] == 8 {
		message[0] = 128
	}
	sum := plainChecksum(append(plainPseudo(b, true, ProtocolICMPv6, len(message)), message...))
	binary.BigEndian.PutUint16(message[2:], sum)
	return transportOf(b, true, ProtocolICMPv6, message)
}

// icmpError says that b could not be delivered; the quote is long or short.
func (g *generator) icmpError(b []byte, version6 bool) []byte {
	message := []byte{3, 3, 0, 0, 0, 0, 0, 0}
	quote := b
	if version6 {
		message[0], message[1] = 1, 4
	} else if g.one(2) {
		quote = b[:28]
	}
	src, dst := g.ends(version6)
	carrier := AppendUDP(nil, src, dst, 64, 0, nil)
	return g.icmp(carrier, version6, append(message, quote...))
}

func (g *generator) udpLite(b []byte, version6 bool) []byte {
	udp := append([]byte{}, b[len(b)-udpLengthOf(b, version6):]...)
	coverage := []int{0, 8, len(udp)}[g.IntN(3)]
	binary.BigEndian.PutUint16(udp[4:], uint16(coverage))
	udp[6], udp[7] = 0, 0
	covered := coverage
	if covered == 0 {
		covered = len(udp)
	}
	sum := plainChecksum(append(plainPseudo(b, version6, ProtocolUDPLite, len(udp)), udp[:covered]...))
	binary.BigEndian.PutUint16(udp[6:], sum)
	return transportOf(b, version6, ProtocolUDPLite, udp)
}

// withOptions puts IPv4 options behind the header; their length is a multiple of four.
func withOptions(b, options []byte) []byte {
	b = append(append(append([]byte{}, b[:20]...), options...), b[20:]...)
	b[0] += byte(len(options) / 4)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return rightHeader(b)
}

// withExtension puts an extension header behind the IPv6 header; one of hop-by-hop options stays the first.
func (g *generator) withExtension(b []byte) []byte {
	kind := []byte{ProtocolHopByHop, ProtocolOptions, ProtocolRouting, ProtocolAH, ProtocolFragment}[g.IntN(5)]
	if b[6] == ProtocolHopByHop {
		return b
	}
	header := []byte{b[6], 0, 1, 4, 0, 0, 0, 0}
	switch kind {
	case ProtocolRouting:
		header = append([]byte{b[6], 2, 4, 0, 0, 0, 0, 0}, make([]byte, 16)...) // segment routing, no segment left
	case ProtocolAH:
		header = append([]byte{b[6], 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}, make([]byte, 12)...)
	case ProtocolFragment:
		header = []byte{b[6], 0, 0, 0, 1, 2, 3, 4}
	}
	b = append(append(append([]byte{}, b[:40]...), header...), b[40:]...)
	b[6] = kind
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40))
	return b
}

// fragments cuts up a packet that has no extension headers or options, and shuffles the pieces.
func (g *generator) fragments(b []byte) [][]byte {
	walk := Packet{Version: 6, Protocol: b[6]}
	if b[0] != 0x45 && (b[0]>>4 != 6 || walk.isExtension()) || len(b) < 100 {
		return [][]byte{b}
	}
	g.id++
	pieces := cutUp(b, g.id, 8*(3+g.IntN(100)))
	g.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	if g.one(4) {
		pieces = pieces[1:]
	}
	return pieces
}

// link puts the link header before an IP packet.
func (g *generator) link(link LinkType, vlans []byte, packet []byte) []byte {
	var b []byte
	t, family := uint16(etherIPv4), uint32(2)
	if packet[0]>>4 == 6 {
		t, family = etherIPv6, []uint32{24, 28, 30}[g.IntN(3)]
	}
	first := t
	var tags []byte
	for _, id := range vlans {
		tags = append([]byte{0x20, id, byte(first >> 8), byte(first)}, tags...)
		first = etherVLAN
	}
	if len(vlans) > 1 {
		first = etherVLANs
	}
	switch link {
	case LinkEthernet:
		b = append(b, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, byte(first>>8), byte(first))
		b = append(append(b, tags...), packet...)
		for len(b) < 60 {
			b = append(b, 0)
		}
		return b
	case LinkNull:
		if g.one(2) {
			b = binary.LittleEndian.AppendUint32(b, family)
		} else {
			b = binary.BigEndian.AppendUint32(b, family)
		}
	case LinkLoop:
		b = binary.BigEndian.AppendUint32(b, family)
	case LinkSLL:
		b = append(b, 0, byte(g.IntN(5)), 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, byte(first>>8), byte(first))
		b = append(b, tags...)
	case LinkSLL2:
		b = append(b, byte(first>>8), byte(first), 0, 0, 0, 0, 0, 3, 0, 1, byte(g.IntN(5)), 6, 2, 0, 0, 0, 0, 1, 0, 0)
		b = append(b, tags...)
	}
	return append(b, packet...)
}
