package filter

import (
	"encoding/binary"

	"dgram/wire"
)

// Decided reports whether a frame that the program of CompileLive let through needs no Match, which would say the same. It looks at a few
// bytes, and knows what most packets are: whole ones of Ethernet without tags, of IPv4 that is no fragment, or of IPv6 whose protocol follows at
// once, under a filter that asks for addresses, ports and protocols only. Of everything else it reports false, and nothing is meant by that.
func (f *Filter) Decided(frame *wire.Frame) bool {
	const (
		link    = 14
		another = 0x3fff // IPv4: more fragments, and where this one begins
	)
	b := frame.Data
	if !f.plain || frame.Link != wire.LinkEthernet || len(b) < link+20 || len(b) != frame.Length {
		return false
	}
	switch binary.BigEndian.Uint16(b[12:]) {
	case typeIP:
		return binary.BigEndian.Uint16(b[link+fragmentAt:])&another == 0 && b[link+protocolAt] != anAuth
	case typeIP6:
		switch b[link+nextAt] {
		case wire.ProtocolUDP, wire.ProtocolTCP, wire.ProtocolICMPv6:
			return len(b) >= link+behindFixed
		}
	}
	return false
}

// plain says that a live kernel's program and Match ask the same of the headers of a packet, whatever the packet is part of.
func plain(n node) bool {
	switch n := n.(type) {
	case allNode, *etherType, *protocol, *host, *host6, *mac, *port, *cast:
		return true
	case *andNode:
		return plain(n.left) && plain(n.right)
	case *orNode:
		return plain(n.left) && plain(n.right)
	case *notNode:
		return plain(n.of)
	}
	return false
}
