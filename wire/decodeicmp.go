package wire

import (
	"encoding/binary"
	"net/netip"
)

// readICMP reads the header of RFC 792 or RFC 4443, and the packet that an error message quotes.
func (p *Packet) readICMP(b []byte, missing int) {
	if len(b) < icmpHeaderLength {
		p.short(missing)
		return
	}
	p.ICMPType, p.ICMPCode = b[0], b[1]
	p.Payload, p.PayloadLength = b[icmpHeaderLength:], len(b)+missing-icmpHeaderLength
	if icmpReportsError(p.Version, p.ICMPType) {
		p.Quoted, p.HasQuoted = quotedFlow(p.Version, p.Payload)
	}
}

// icmpReportsError says whether messages of that type quote the packet that they are about: unreachable, source quench,
// redirect, time exceeded, parameter problem; all of ICMPv6 below 128.
func icmpReportsError(version, icmpType uint8) bool {
	if version == 6 {
		return icmpType < 128
	}
	return icmpType == 3 || icmpType == 4 || icmpType == 5 || icmpType == 11 || icmpType == 12
}

// quotedFlow reads the flow of the packet that b begins with. What is quoted is nearly always cut, so no length in it
// counts but those of headers. Ports that are not there are 0.
func quotedFlow(version uint8, b []byte) (Flow, bool) {
	var inner Packet
	switch {
	case version == 4 && len(b) >= ipv4HeaderLength && b[0]>>4 == 4 && b[0]&15 >= 5:
		inner.Version, inner.Protocol = 4, b[9]
		inner.Src, inner.Dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
		inner.FragmentOffset = int(binary.BigEndian.Uint16(b[6:])&0x1fff) * 8
		b = b[min(int(b[0]&15)*4, len(b)):]
	case version == 6 && len(b) >= ipv6HeaderLength && b[0]>>4 == 6:
		inner.Version, inner.Protocol = 6, b[6]
		inner.Src, inner.Dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
		b = b[ipv6HeaderLength:]
	default:
		return Flow{}, false
	}
	b, ok := inner.skipExtensions(b, 1)
	if ok && inner.FragmentOffset == 0 {
		switch inner.Protocol {
		case ProtocolUDP, ProtocolUDPLite, ProtocolTCP, ProtocolSCTP:
			inner.readPorts(b)
		}
	}
	return inner.Flow(), true
}
