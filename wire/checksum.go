package wire

import (
	"encoding/binary"
	"math/bits"
)

// Checksum is the Internet checksum of b (RFC 1071): the complement of the one's complement sum of its 16-bit words, an
// odd last byte padded with a zero. Over a header whose checksum field is right it is 0.
func Checksum(b []byte) uint16 { return ^fold(sum(0, b)) }

// sum adds b to s in one's complement, eight bytes a step. Such a sum does not care for the order of bytes as long as it
// is the same everywhere (RFC 1071 section 2 B), so this one takes the order that costs nothing and fold turns it. Of
// several parts all but the last must have an even length.
func sum(s uint64, b []byte) uint64 {
	var carry uint64
	for len(b) >= 32 {
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b), 0)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[8:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[16:]), carry)
		s, carry = bits.Add64(s, binary.LittleEndian.Uint64(b[24:]), carry)
		s, carry = bits.Add64(s, 0, carry)
		s += carry
		b = b[32:]
	}
	for len(b) >= 8 {
		s = add(s, binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	var last uint64
	if len(b) >= 4 {
		last = uint64(binary.LittleEndian.Uint32(b))
		b = b[4:]
		switch len(b) {
		case 3:
			last |= uint64(b[0])<<32 | uint64(b[1])<<40 | uint64(b[2])<<48
		case 2:
			last |= uint64(b[0])<<32 | uint64(b[1])<<40
		case 1:
			last |= uint64(b[0]) << 32
		}
		return add(s, last)
	}
	switch len(b) {
	case 3:
		last = uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16
	case 2:
		last = uint64(b[0]) | uint64(b[1])<<8
	case 1:
		last = uint64(b[0])
	}
	return add(s, last)
}

func add(s, v uint64) uint64 {
	s, carry := bits.Add64(s, v, 0)
	return s + carry
}

// word is what a 16-bit field with that value adds to a sum.
func word(v uint16) uint64 { return uint64(bits.ReverseBytes16(v)) }

// fold makes 16 bits of a sum.
func fold(s uint64) uint16 {
	s = s>>32 + s&0xffffffff
	s = s>>32 + s&0xffffffff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return bits.ReverseBytes16(uint16(s))
}

// pseudoHeader is the sum of the addresses, the protocol and the length of what the packet carries (RFC 768; RFC 8200
// section 8.1). network begins with an IP header.
func pseudoHeader(version uint8, network []byte, protocol uint8, length int) uint64 {
	s := word(uint16(protocol)) + word(uint16(length>>16)) + word(uint16(length))
	if version == 4 {
		return sum(s, network[12:20])
	}
	return sum(s, network[8:40])
}

// VerifyChecksum says whether the checksum of a UDP, UDP-Lite, ICMP or ICMPv6 packet that Decode or a Reassembler read is
// right. It is unknown where the packet is a fragment or was cut, where UDP over IPv4 carries none (0), and where an IPv6
// routing header hides the address that counts. UDP
// over IPv6 must have one (RFC 8200 section 8.1), and UDP-Lite always (RFC 3828): 0 is bad.
func VerifyChecksum(p *Packet) ChecksumState {
	field, covered := 0, 0 // where it stands in Transport, and over how much of that it goes
	switch {
	case p.Fragment || len(p.Transport) < udpHeaderLength:
		return ChecksumUnknown
	case p.Version == 4 && p.Protocol == ProtocolICMP, p.Version == 6 && p.Protocol == ProtocolICMPv6:
		field, covered = 2, p.PayloadLength+icmpHeaderLength
	case p.Protocol == ProtocolUDP:
		field, covered = 6, p.PayloadLength+udpHeaderLength
	case p.Protocol == ProtocolUDPLite:
		field, covered = 6, int(binary.BigEndian.Uint16(p.Transport[4:]))
		if covered == 0 {
			covered = p.PayloadLength + udpHeaderLength
		}
	default:
		return ChecksumUnknown
	}
	none := field == 6 && binary.BigEndian.Uint16(p.Transport[field:]) == 0
	switch {
	case none && p.Version == 4 && p.Protocol == ProtocolUDP:
		return ChecksumUnknown
	case none:
		return ChecksumBad
	case covered > len(p.Transport):
		return ChecksumUnknown
	}
	var s uint64
	if p.Protocol != ProtocolICMP {
		s = pseudoHeader(p.Version, p.Network, p.Protocol, p.PayloadLength+udpHeaderLength)
	}
	switch {
	case ^fold(sum(s, p.Transport[:covered])) == 0:
		return ChecksumGood
	case p.Version == 6 && isRouted(p):
		return ChecksumUnknown
	}
	return ChecksumBad
}

// isRouted looks for a routing header that has the packet visit others first: the destination is the last of them then
// (RFC 8200 section 8.1).
func isRouted(p *Packet) bool {
	protocol, b := p.Network[6], p.Network[ipv6HeaderLength:]
	for range maxExtensions {
		if protocol == ProtocolRouting && len(b) > 3 && b[3] > 0 {
			return true
		}
		walk := Packet{Version: 6, Protocol: protocol}
		size := extensionLength(protocol, b)
		if !walk.isExtension() || size > len(b) {
			return false
		}
		protocol, b = b[0], b[size:]
	}
	return false
}
