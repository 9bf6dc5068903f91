package filter

import (
	"encoding/binary"
	"math/rand/v2"

	"dgram/wire"
)

// links are the link types that a filter is compiled for, with tcpdump's names.
var links = []wire.LinkType{
	wire.LinkEthernet, wire.LinkRaw, wire.LinkNull, wire.LinkLoop, wire.LinkSLL, wire.LinkSLL2, wire.LinkIPv4, wire.LinkIPv6,
}

// A maker makes packets of few hosts and few ports, so that filters find some.
type maker struct{ *rand.Rand }

func newMaker(seed uint64) maker { return maker{rand.New(rand.NewPCG(seed, 1))} }

func pick[T any](m maker, from ...T) T { return from[m.IntN(len(from))] }

func (m maker) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.Uint32())
	}
	return b
}

func (m maker) address4() []byte {
	return pick(m, []byte{10, 0, 0, 1}, []byte{10, 0, 0, 2}, []byte{10, 1, 2, 3}, []byte{192, 168, 3, 8}, []byte{224, 0, 0, 251},
		[]byte{255, 255, 255, 255}, []byte{0, 0, 0, 0}, []byte{0, 0, 0, 10}, []byte{0, 0, 0, 53}, m.bytes(4))
}

func (m maker) address6() []byte {
	b := make([]byte, 16)
	copy(b, pick(m, []byte{0xfe, 0x80}, []byte{0x20, 0x01, 0x0d, 0xb8}, []byte{0xff, 0x02}, []byte{}))
	b[15] = pick[byte](m, 1, 2, 0xfb)
	if b[0] == 0 && m.IntN(2) == 0 {
		copy(b[10:], []byte{255, 255, 10, 0, 0, 1})
	}
	if m.IntN(10) == 0 {
		return m.bytes(16)
	}
	return b
}

func (m maker) port() uint16 {
	return pick[uint16](m, 53, 53, 5353, 80, 443, 12345, 69, 0, 65535, uint16(m.Uint32()))
}

func (m maker) protocol() byte {
	return pick[byte](m, 17, 17, 17, 6, 1, 58, 132, 2, 50, 103, 112, 47, 9, 51, byte(m.Uint32()))
}

// transport is what IP carries.
func (m maker) transport(protocol byte) []byte {
	body := m.bytes(m.IntN(60))
	if m.IntN(20) == 0 {
		return body
	}
	b := binary.BigEndian.AppendUint16(nil, m.port())
	b = binary.BigEndian.AppendUint16(b, m.port())
	switch protocol {
	case 17, 132, 136:
		b = append(b, m.bytes(4)...)
		binary.BigEndian.PutUint16(b[4:], uint16(8+len(body)))
	case 6:
		b = append(b, m.bytes(16)...)
		b[12] = 5 << 4
		b[13] = pick[byte](m, 2, 18, 16, 1, 0)
	case 1, 58:
		b = append([]byte{pick[byte](m, 0, 3, 8, 128, 129, 135), pick[byte](m, 0, 1, 3)}, m.bytes(6)...)
	}
	return append(b, body...)
}

// ip4 is a packet of IPv4, one in so many a fragment (0: none).
func (m maker) ip4(fragments, extended int) []byte {
	protocol := m.protocol()
	if extended == 0 && protocol == anAuth {
		protocol = 17
	}
	options := 4 * pick(m, 0, 0, 0, 1, 2, 10)
	body := m.transport(protocol)
	b := make([]byte, 20+options)
	b[0] = 4<<4 | byte(5+options/4)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)+len(body)))
	if fragments > 0 && m.IntN(fragments) == 0 {
		binary.BigEndian.PutUint16(b[6:], pick[uint16](m, 0x2000, 0x2001, 0x0001, 0x1fff, 0x4000))
	}
	b[8], b[9] = pick[byte](m, 1, 64, 255), protocol
	copy(b[12:], m.address4())
	copy(b[16:], m.address4())
	return append(b, body...)
}

// ip6 is a packet of IPv6, one in extended with something between its header and what it carries (0: none).
func (m maker) ip6(extended int) []byte {
	protocol := m.protocol()
	if extended == 0 && isExtension(protocol) {
		protocol = 17
	}
	body := m.transport(protocol)
	if extended > 0 && m.IntN(extended) == 0 {
		header := []byte{protocol, 0, 0, pick[byte](m, 0, 1, 8), 0, 0, 0, 1}
		protocol = pick[byte](m, 44, 0, 60, 43)
		body = append(header, body...)
	}
	b := make([]byte, 40)
	b[0] = 6 << 4
	binary.BigEndian.PutUint16(b[4:], uint16(len(body)))
	b[6], b[7] = protocol, 64
	copy(b[8:], m.address6())
	copy(b[24:], m.address6())
	return append(b, body...)
}

func isExtension(protocol byte) bool {
	for _, e := range extensions {
		if uint32(protocol) == e {
			return true
		}
	}
	return false
}

func (m maker) arp() []byte {
	b := append([]byte{0, 1, 8, 0, 6, 4, 0, pick[byte](m, 1, 2)}, m.bytes(20)...)
	copy(b[14:], m.address4())
	copy(b[24:], m.address4())
	return b
}

// odd says how often a packet is a fragment, has IPv6 extension headers, or is cut: one in so many, 0: never.
type odd struct{ fragments, extended, cut int }

// frame is a frame of a link type.
func (m maker) frame(link wire.LinkType, o odd) *wire.Frame {
	kind, body := uint16(typeIP), m.ip4(o.fragments, o.extended)
	switch m.IntN(10) {
	case 0, 1, 2, 3:
		kind, body = typeIP6, m.ip6(o.extended)
	case 4:
		kind, body = pick[uint16](m, typeARP, typeRARP), m.arp()
	case 5:
		kind, body = pick[uint16](m, 0x88cc, 0x9000, 46, 0x88a8), m.bytes(m.IntN(60))
	}
	data := append(m.link(link, kind), body...)
	if m.IntN(5) == 0 && len(data) < 60 {
		data = append(data, make([]byte, 60-len(data))...) // Ethernet's padding
	}
	if o.cut > 0 && m.IntN(o.cut) == 0 {
		data = data[:m.IntN(len(data)+1)]
	}
	return &wire.Frame{Data: data, Length: len(data), Link: link, Outgoing: m.IntN(2) == 0}
}

// link is a header of the link layer.
func (m maker) link(link wire.LinkType, kind uint16) []byte {
	var b []byte
	families := map[uint16]uint32{typeIP: 2, typeIP6: 10}
	switch link {
	case wire.LinkEthernet:
		b = append(pick(m, []byte{255, 255, 255, 255, 255, 255}, []byte{1, 0, 0x5e, 0, 0, 1}, []byte{0, 0x11, 0x22, 0x33, 0x44, 0x55}), 0, 0x11, 0x22, 0x33, 0x44)
		b = append(b, pick[byte](m, 0x55, 0x56))
		for m.IntN(3) == 0 && len(b) < 24 {
			b = binary.BigEndian.AppendUint16(b, pick[uint16](m, 0x8100, 0x8100, 0x88a8, 0x9100))
			b = binary.BigEndian.AppendUint16(b, pick[uint16](m, 5, 7, 0x2005, 100))
		}
		b = binary.BigEndian.AppendUint16(b, kind)
	case wire.LinkNull:
		b = binary.LittleEndian.AppendUint32(nil, families[kind])
	case wire.LinkLoop:
		b = binary.BigEndian.AppendUint32(nil, families[kind])
	case wire.LinkSLL:
		b = append([]byte{0, pick[byte](m, 0, 4)}, m.bytes(12)...)
		b = binary.BigEndian.AppendUint16(b, kind)
	case wire.LinkSLL2:
		b = append(binary.BigEndian.AppendUint16(nil, kind), m.bytes(18)...)
		b[10] = pick[byte](m, 0, 4)
	}
	return b
}
