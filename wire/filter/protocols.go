package filter

import "dgram/wire"

// A proto is a word for a protocol.
type proto uint8

const (
	anyProto proto = iota
	linkProto
	ipProto
	ip6Proto
	arpProto
	rarpProto
	tcpProto
	udpProto
	sctpProto
	icmpProto
	icmp6Proto
	igmpProto
	igrpProto
	pimProto
	vrrpProto
	carpProto
	ahProto
	espProto
)

const (
	typeIP   = 0x0800
	typeARP  = 0x0806
	typeRARP = 0x8035
	typeIP6  = 0x86dd
)

// tagTypes are the types that announce a VLAN tag, in the order in which tcpdump asks for them.
var tagTypes = [...]uint32{0x8100, 0x88a8, 0x9100}

// extensions are the IPv6 headers behind which another follows: hop-by-hop, routing, fragment, authentication, destination,
// mobility, HIP, shim6 (IANA, "IPv6 Extension Header Types").
var extensions = [...]uint32{0, 43, 44, 51, 60, 135, 139, 140}

// protocols says of each word what it is: a type of the link layer, or a number in IPv4, IPv6 or both. indexed says that tcpdump
// reads bytes of it (udp[0]).
var protocols = [...]struct {
	name    string
	ether   uint16
	number  uint8
	v4, v6  bool
	indexed bool
}{
	linkProto:  {name: "ether", indexed: true},
	ipProto:    {name: "ip", ether: typeIP, indexed: true},
	ip6Proto:   {name: "ip6", ether: typeIP6, indexed: true},
	arpProto:   {name: "arp", ether: typeARP, indexed: true},
	rarpProto:  {name: "rarp", ether: typeRARP, indexed: true},
	tcpProto:   {name: "tcp", number: 6, v4: true, v6: true, indexed: true},
	udpProto:   {name: "udp", number: 17, v4: true, v6: true, indexed: true},
	sctpProto:  {name: "sctp", number: 132, v4: true, v6: true, indexed: true},
	icmpProto:  {name: "icmp", number: 1, v4: true, indexed: true},
	icmp6Proto: {name: "icmp6", number: 58, v6: true, indexed: true},
	igmpProto:  {name: "igmp", number: 2, v4: true, indexed: true},
	igrpProto:  {name: "igrp", number: 9, v4: true, indexed: true},
	pimProto:   {name: "pim", number: 103, v4: true, v6: true, indexed: true},
	vrrpProto:  {name: "vrrp", number: 112, v4: true, indexed: true},
	carpProto:  {name: "carp", number: 112, v4: true, indexed: true},
	ahProto:    {name: "ah", number: 51, v4: true, v6: true},
	espProto:   {name: "esp", number: 50, v4: true, v6: true},
}

// hasPorts says whether tcpdump knows ports of the protocol.
func (p proto) hasPorts() bool { return p == udpProto || p == tcpProto || p == sctpProto }

// A header is how frames of a link type begin.
type header struct {
	size   int // up to the payload
	typeAt int // where two bytes say the type of the payload; -1: nowhere
}

// headerOf knows every link type that a filter can be compiled for.
func headerOf(link wire.LinkType) (h header, known bool) {
	switch link {
	case wire.LinkEthernet:
		return header{14, 12}, true
	case wire.LinkSLL:
		return header{16, 14}, true
	case wire.LinkSLL2:
		return header{20, 0}, true
	case wire.LinkNull, wire.LinkLoop:
		return header{4, -1}, true
	case wire.LinkRaw, wire.LinkRawBSD, wire.LinkIPv4, wire.LinkIPv6:
		return header{0, -1}, true
	}
	return header{0, -1}, false
}
