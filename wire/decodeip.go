package wire

import (
	"encoding/binary"
	"net/netip"
)

// The IP protocols that are read here (https://www.iana.org/assignments/protocol-numbers).
const (
	ProtocolHopByHop  = 0
	ProtocolICMP      = 1
	ProtocolTCP       = 6
	ProtocolUDP       = 17
	ProtocolRouting   = 43
	ProtocolFragment  = 44
	ProtocolESP       = 50
	ProtocolAH        = 51
	ProtocolICMPv6    = 58
	ProtocolNone      = 59 // nothing follows
	ProtocolOptions   = 60 // IPv6's destination options
	ProtocolMobility  = 135
	ProtocolSCTP      = 132
	ProtocolUDPLite   = 136
	ProtocolHIP       = 139
	ProtocolShim6     = 140
	ipv4HeaderLength  = 20
	ipv6HeaderLength  = 40
	udpHeaderLength   = 8
	icmpHeaderLength  = 8
	fragmentHeaderLen = 8
)

// maxExtensions is more extension headers than anybody chains: RFC 8200 section 4.1 knows seven.
const maxExtensions = 16

// readIPv4 reads the header of RFC 791. A total length of 0 stands in what Linux captures of a packet that the network
// card will cut up (TSO): it ends where the capture says then.
func (p *Packet) readIPv4(b []byte, missing int) {
	if len(b) < ipv4HeaderLength {
		p.short(missing)
		return
	}
	header := int(b[0]&15) * 4
	if b[0]>>4 != 4 || header < ipv4HeaderLength {
		p.note(Malformed)
		return
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 {
		total = len(b) + missing
	}
	p.Version, p.TOS, p.TTL, p.Protocol = 4, b[1], b[8], b[9]
	p.Src, p.Dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	if total < header {
		p.Network = b[:ipv4HeaderLength:ipv4HeaderLength]
		p.note(Malformed)
		return
	}
	b, missing = p.limit(b, total, missing)
	p.Network = b
	p.FragmentID = uint32(binary.BigEndian.Uint16(b[4:]))
	offset := binary.BigEndian.Uint16(b[6:])
	p.FragmentOffset, p.MoreFragments = int(offset&0x1fff)*8, offset&0x2000 != 0
	p.Fragment = p.FragmentOffset > 0 || p.MoreFragments
	if len(b) < header {
		p.short(missing)
		return
	}
	p.readUpper(b[header:], missing)
}

// readIPv6 reads the header of RFC 8200. A payload length of 0 stands in a jumbogram (RFC 2675), and in what Linux
// captures of a packet that the network card will cut up: it ends where the capture says then.
func (p *Packet) readIPv6(b []byte, missing int) {
	if len(b) < ipv6HeaderLength {
		p.short(missing)
		return
	}
	if b[0]>>4 != 6 {
		p.note(Malformed)
		return
	}
	p.Version, p.TOS, p.Protocol, p.TTL = 6, b[0]<<4|b[1]>>4, b[6], b[7]
	p.Src, p.Dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	total := ipv6HeaderLength + int(binary.BigEndian.Uint16(b[4:]))
	if total == ipv6HeaderLength && p.Protocol != ProtocolNone {
		total = len(b) + missing
	}
	b, missing = p.limit(b, total, missing)
	p.Network = b
	p.readUpper(b[ipv6HeaderLength:], missing)
}

func (p *Packet) readUpper(b []byte, missing int) {
	b, ok := p.skipExtensions(b, missing)
	p.Transport = b
	switch {
	case !ok:
	case p.FragmentOffset > 0:
		p.Payload, p.PayloadLength = b, len(b)+missing
	default:
		p.readTransport(b, missing)
	}
}

// skipExtensions goes through extension headers to what they carry, and says whether it got there. IPv4 may have AH alone
// of them. What a later fragment carries begins in the middle of something.
func (p *Packet) skipExtensions(b []byte, missing int) ([]byte, bool) {
	for range maxExtensions {
		if p.FragmentOffset > 0 || !p.isExtension() {
			return b, true
		}
		size := extensionLength(p.Protocol, b)
		if size > len(b) {
			p.short(missing)
			return b, false
		}
		if p.Protocol == ProtocolFragment {
			if p.Fragment { // a fragment of a fragment
				p.note(Malformed)
				return b, false
			}
			p.readFragment(b)
		}
		p.Protocol, b = b[0], b[size:]
	}
	p.note(TooManyHeaders)
	return b, false
}

func (p *Packet) isExtension() bool {
	switch p.Protocol {
	case ProtocolUDP:
		return false
	case ProtocolAH:
		return true
	case ProtocolHopByHop, ProtocolRouting, ProtocolFragment, ProtocolOptions, ProtocolMobility, ProtocolHIP, ProtocolShim6:
		return p.Version == 6
	}
	return false
}

// extensionLength is the length of the extension header that b begins with, and at least 8.
func extensionLength(protocol uint8, b []byte) int {
	switch {
	case len(b) < 8 || protocol == ProtocolFragment:
		return fragmentHeaderLen
	case protocol == ProtocolAH: // RFC 4302 section 2.2 counts in 4 bytes
		return max(int(b[1])*4+8, 8)
	}
	return int(b[1])*8 + 8
}

// readFragment reads the fragment header of RFC 8200 section 4.5. One that is the first piece and the last makes no
// fragment (RFC 6946).
func (p *Packet) readFragment(b []byte) {
	offset := binary.BigEndian.Uint16(b[2:])
	p.FragmentOffset, p.MoreFragments = int(offset&^7), offset&1 != 0
	p.FragmentID = binary.BigEndian.Uint32(b[4:])
	p.Fragment = p.FragmentOffset > 0 || p.MoreFragments
}

func (p *Packet) readTransport(b []byte, missing int) {
	switch p.Protocol {
	case ProtocolUDP:
		p.readUDP(b, missing)
	case ProtocolICMP:
		if p.Version == 4 {
			p.readICMP(b, missing)
			return
		}
		p.readOther(b, missing)
	case ProtocolICMPv6:
		if p.Version == 6 {
			p.readICMP(b, missing)
			return
		}
		p.readOther(b, missing)
	case ProtocolUDPLite:
		p.readUDPLite(b, missing)
	default:
		p.readOther(b, missing)
	}
}

func (p *Packet) readPorts(b []byte) {
	if len(b) < 4 {
		return
	}
	p.SrcPort, p.DstPort, p.HasPorts = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), true
}

// readUDP reads the header of RFC 768. Its length may be 0 in IPv6 alone: a jumbogram ends where the packet does.
func (p *Packet) readUDP(b []byte, missing int) {
	p.readPorts(b)
	if len(b) < udpHeaderLength {
		p.short(missing)
		if !p.Fragment { // the checksum may be all that the capture cut of the header
			p.PayloadLength = max(len(b)+missing-udpHeaderLength, 0)
		}
		return
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length == 0 && p.Version == 6 && !p.Fragment {
		length = len(b) + missing
	}
	if length < udpHeaderLength {
		p.Payload, p.PayloadLength = b[udpHeaderLength:], len(b)+missing-udpHeaderLength
		p.note(Malformed)
		return
	}
	if !p.Fragment || length <= len(b) { // the rest of a first piece is in the others
		b, _ = p.limit(b, length, missing)
	}
	p.Payload, p.PayloadLength = b[udpHeaderLength:], length-udpHeaderLength
}

// readUDPLite reads the header of RFC 3828, where UDP's length is how much the checksum covers.
func (p *Packet) readUDPLite(b []byte, missing int) {
	p.readPorts(b)
	if len(b) < udpHeaderLength {
		p.short(missing)
		return
	}
	coverage := int(binary.BigEndian.Uint16(b[4:]))
	if !p.Fragment && (coverage > 0 && coverage < udpHeaderLength || coverage > len(b)+missing) {
		p.note(Malformed)
	}
	p.Payload, p.PayloadLength = b[udpHeaderLength:], len(b)+missing-udpHeaderLength
}

// readOther reads the ports of TCP and SCTP, and where their payload begins; of others nothing.
func (p *Packet) readOther(b []byte, missing int) {
	p.note(NotUDP)
	header := 0
	switch p.Protocol {
	case ProtocolTCP:
		p.readPorts(b)
		header = 20
		if len(b) > 12 {
			header = max(int(b[12]>>4)*4, header)
		}
	case ProtocolSCTP:
		p.readPorts(b)
		header = 12
	}
	p.PayloadLength = max(len(b)+missing-header, 0)
	p.Payload = b[min(header, len(b)):]
}
