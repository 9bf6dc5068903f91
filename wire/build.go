package wire

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// What a UDP datagram can carry at most: 16 bits count the bytes of an IPv4 packet with its header, and those of a UDP
// datagram with its own.
const (
	MaxPayload4 = 65535 - ipv4HeaderLength - udpHeaderLength
	MaxPayload6 = 65535 - udpHeaderLength
)

// AppendUDP appends the packet that carries payload from src to dst, and returns the longer slice: an IPv4 or IPv6
// header, a UDP header, the payload, with right checksums. It is a frame of LinkRaw. IPv4 says "do not fragment", as
// Linux does.
//
// It is IPv4 where an address is and the other one is too, or is a wildcard; IPv4 addresses in IPv6 form count as IPv4. A
// wildcard or missing address stands as zeros. A payload longer than MaxPayload4 or MaxPayload6 fits in no datagram: b is
// returned as it was.
func AppendUDP(b []byte, src, dst netip.AddrPort, ttl, tos uint8, payload []byte) []byte {
	from, to := src.Addr(), dst.Addr()
	if !from.Is4() || !to.Is4() {
		var is6 bool
		if from, to, is6 = sameFamily(from, to); is6 {
			return appendUDP6(b, from.As16(), to.As16(), src.Port(), dst.Port(), ttl, tos, payload)
		}
	}
	if len(payload) > MaxPayload4 {
		return b
	}
	const headers = ipv4HeaderLength + udpHeaderLength
	at, total := len(b), headers+len(payload)
	b = slices.Grow(b, total)[:at+total]
	h := b[at:]
	copy(h[headers:], payload)
	source, destination := from.As4(), to.As4()
	binary.BigEndian.PutUint64(h, 0x45<<56|uint64(tos)<<48|uint64(total)<<32|0x4000)
	binary.BigEndian.PutUint32(h[8:], uint32(ttl)<<24|ProtocolUDP<<16)
	copy(h[12:], source[:])
	copy(h[16:], destination[:])
	binary.BigEndian.PutUint16(h[10:], Checksum(h[:ipv4HeaderLength]))
	putUDP(h[ipv4HeaderLength:], src.Port(), dst.Port(), pseudoHeader(4, h, ProtocolUDP, udpHeaderLength+len(payload)))
	return b
}

func appendUDP6(b []byte, source, destination [16]byte, srcPort, dstPort uint16, ttl, tos uint8, payload []byte) []byte {
	if len(payload) > MaxPayload6 {
		return b
	}
	const headers = ipv6HeaderLength + udpHeaderLength
	at, total := len(b), headers+len(payload)
	b = slices.Grow(b, total)[:at+total]
	h := b[at:]
	copy(h[headers:], payload)
	length := udpHeaderLength + len(payload)
	binary.BigEndian.PutUint64(h, 6<<60|uint64(tos)<<52|uint64(length)<<16|ProtocolUDP<<8|uint64(ttl))
	copy(h[8:], source[:])
	copy(h[24:], destination[:])
	putUDP(h[ipv6HeaderLength:], srcPort, dstPort, pseudoHeader(6, h, ProtocolUDP, length))
	return b
}

// putUDP writes the header of the datagram u, whose payload is there, over a pseudo header with that sum.
func putUDP(u []byte, srcPort, dstPort uint16, pseudo uint64) {
	binary.BigEndian.PutUint64(u, uint64(srcPort)<<48|uint64(dstPort)<<32|uint64(len(u))<<16)
	checksum := ^fold(sum(pseudo, u))
	if checksum == 0 { // 0 says that there is none (RFC 768)
		checksum = 0xffff
	}
	binary.BigEndian.PutUint16(u[6:], checksum)
}

// FinishUDP makes the headers of a UDP packet right for its payload: b begins with an IP header, the UDP header stands at transport, and the whole
// packet has length bytes, of which b may have fewer. It writes the lengths and the checksum of the IPv4 header, and UDP's where all of the
// packet is there and it has one (RFC 768: 0 in IPv4 says that it has none).
func FinishUDP(b []byte, transport, length int) {
	udp := b[transport:min(len(b), length)]
	version, none := b[0]>>4, false
	if version == 4 {
		none = binary.BigEndian.Uint16(udp[6:]) == 0
		binary.BigEndian.PutUint16(b[2:], uint16(length))
		binary.BigEndian.PutUint16(b[10:], 0)
		binary.BigEndian.PutUint16(b[10:], Checksum(b[:int(b[0]&15)*4]))
	} else {
		binary.BigEndian.PutUint16(b[4:], uint16(length-ipv6HeaderLength))
	}
	binary.BigEndian.PutUint16(udp[4:], uint16(length-transport))
	if len(b) >= length && !none {
		putUDP(udp, binary.BigEndian.Uint16(udp), binary.BigEndian.Uint16(udp[2:]), pseudoHeader(version, b, ProtocolUDP, len(udp)))
	}
}

// sameFamily gives both addresses one family, and says whether it is IPv6.
func sameFamily(from, to netip.Addr) (netip.Addr, netip.Addr, bool) {
	from, to = from.Unmap(), to.Unmap()
	wild := func(a netip.Addr) bool { return !a.IsValid() || a == netip.IPv6Unspecified() }
	switch none := netip.IPv4Unspecified(); {
	case from.Is4() && wild(to):
		return from, none, false
	case wild(from) && to.Is4():
		return none, to, false
	case !from.IsValid() && !to.IsValid():
		return none, none, false
	case from.Is4() && to.Is4():
		return from, to, false
	}
	return from, to, true
}
