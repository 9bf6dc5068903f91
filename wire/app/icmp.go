package app

import (
	"net/netip"

	"dgram/wire"
)

// The types of ICMP (RFC 792) and ICMPv6 (RFC 4443) that ask and answer.
const (
	icmpEchoReply     = 0
	icmpEcho          = 8
	icmpTimestamp     = 13
	icmpTimestampBack = 14
	icmp6Echo         = 128
	icmp6EchoReply    = 129
)

func readICMP(p *wire.Packet, m *Message) {
	m.Protocol, m.Kind = ICMP, Neither
	request, reply := p.ICMPType == icmpEcho || p.ICMPType == icmpTimestamp, p.ICMPType == icmpEchoReply || p.ICMPType == icmpTimestampBack
	if p.Protocol == ipICMPv6 {
		m.Protocol = ICMPv6
		request, reply = p.ICMPType == icmp6Echo, p.ICMPType == icmp6EchoReply
	}
	if len(p.Transport) < 8 || !request && !reply {
		return
	}
	m.Kind = Reply
	if request {
		m.Kind = Request
	}
	// A timestamp's types are 13 and 14: the pair has one identity, as an echo's has.
	family := uint64(0)
	if p.Protocol == ipICMP && p.ICMPType >= icmpTimestamp {
		family = 1
	}
	m.identify(uint64(be32(p.Transport[4:])), family)
}

// icmpTypes are worded as Wireshark does, ICMPv6's behind those of ICMP.
var icmpTypes = map[uint16]string{0: "Echo (ping) reply", 3: "Destination unreachable", 4: "Source quench", 5: "Redirect", 8: "Echo (ping) request",
	9: "Router advertisement", 10: "Router solicitation", 11: "Time-to-live exceeded", 12: "Parameter problem", 13: "Timestamp request",
	14: "Timestamp reply"}

var icmp6Types = map[uint16]string{1: "Destination Unreachable", 2: "Packet Too Big", 3: "Time Exceeded", 4: "Parameter Problem",
	128: "Echo (ping) request", 129: "Echo (ping) reply", 130: "Multicast Listener Query", 131: "Multicast Listener Report",
	132: "Multicast Listener Done", 133: "Router Solicitation", 134: "Router Advertisement", 135: "Neighbor Solicitation",
	136: "Neighbor Advertisement", 137: "Redirect", 143: "Multicast Listener Report Message v2"}

// icmpCodes and icmp6Codes are keyed by type and code.
var icmpCodes = map[uint16]string{0x300: "Network unreachable", 0x301: "Host unreachable", 0x302: "Protocol unreachable", 0x303: "Port unreachable",
	0x304: "Fragmentation needed", 0x305: "Source route failed", 0x306: "Destination network unknown", 0x307: "Destination host unknown",
	0x309: "Network administratively prohibited", 0x30a: "Host administratively prohibited", 0x30b: "Network unreachable for TOS",
	0x30c: "Host unreachable for TOS", 0x30d: "Communication administratively filtered", 0xb00: "Time to live exceeded in transit",
	0xb01: "Fragment reassembly time exceeded", 0x500: "Redirect for network", 0x501: "Redirect for host"}

var icmp6Codes = map[uint16]string{0x100: "no route to destination", 0x101: "administratively prohibited", 0x102: "beyond scope of source address",
	0x103: "Address unreachable", 0x104: "Port unreachable", 0x105: "Source address failed policy", 0x106: "Reject route to destination",
	0x300: "hop limit exceeded in transit", 0x301: "fragment reassembly time exceeded"}

func appendICMP(line []byte, p *wire.Packet) []byte {
	types, codes := icmpTypes, icmpCodes
	if p.Protocol == ipICMPv6 {
		types, codes = icmp6Types, icmp6Codes
	}
	if name, ok := types[uint16(p.ICMPType)]; ok {
		line = append(line, name...)
	} else {
		line = appendUint(append(line, "Type "...), p.ICMPType)
		line = appendUint(append(line, ", code "...), p.ICMPCode)
	}
	if name, ok := codes[uint16(p.ICMPType)<<8|uint16(p.ICMPCode)]; ok {
		line = append(append(append(line, " ("...), name...), ')')
	}
	switch {
	case p.HasQuoted:
		line = append(line, " for "...)
		line = appendEnd(line, p.Quoted.Src, p.Quoted.SrcPort)
		line = append(line, " → "...)
		line = appendEnd(line, p.Quoted.Dst, p.Quoted.DstPort)
	case isEcho(p) && len(p.Transport) >= 8:
		line = append0x(append(line, " id="...), uint64(be16(p.Transport[4:])), 4)
		line = appendUint(append(line, ", seq="...), be16(p.Transport[6:]))
		line = appendUint(append(line, ", ttl="...), p.TTL)
	}
	return line
}

func isEcho(p *wire.Packet) bool {
	if p.Protocol == ipICMPv6 {
		return p.ICMPType == icmp6Echo || p.ICMPType == icmp6EchoReply
	}
	return p.ICMPType == icmpEcho || p.ICMPType == icmpEchoReply
}

// appendEnd appends an address, and the port where there is one.
func appendEnd(line []byte, address netip.Addr, port uint16) []byte {
	if port == 0 {
		return address.AppendTo(line)
	}
	return netip.AddrPortFrom(address, port).AppendTo(line)
}
