package wire

import (
	"fmt"
	"net/netip"
)

// ip lists the packet that begins here, and what is left of the frame after it.
func (l *lister) ip() {
	if l.left() == 0 {
		return
	}
	all, depth := l.data, l.depth
	switch l.u8(0) >> 4 {
	case 4:
		l.ipv4()
	case 6:
		l.ipv6()
	default:
		l.take(l.left(), "Data", "%s", byteCount(l.left()))
	}
	end := len(l.data)
	l.data, l.depth, l.at = all, depth, end
	if l.left() > 0 {
		l.take(l.left(), "Trailer", "%s", byteCount(l.left()))
	}
}

// endAt cuts what follows where a header says that it ends.
func (l *lister) endAt(end int) {
	if end >= l.at && end < len(l.data) {
		l.data = l.data[:end]
	}
}

func (l *lister) ipv4() {
	if !l.opens("Internet Protocol Version 4", ipv4HeaderLength) {
		return
	}
	header, total, start := int(l.u8(0)&15)*4, int(l.u16(2)), l.at
	src, dst := netip.AddrFrom4([4]byte(l.bytes(12, 4))), netip.AddrFrom4([4]byte(l.bytes(16, 4)))
	l.title(min(max(header, ipv4HeaderLength), l.left()), "Src: %s, Dst: %s", src, dst)
	sum := "[header is cut]"
	if header >= ipv4HeaderLength && header <= l.left() {
		sum = "[incorrect]"
		if Checksum(l.bytes(0, header)) == 0 {
			sum = ChecksumGood.String()
		}
	}
	l.part(0, 1, "Version", "4")
	l.take(1, "Header Length", "%d bytes (%d)", header, header/4)
	l.trafficClass("Differentiated Services Field", l.u8(0))
	l.at++
	l.take(2, "Total Length", "%d", total)
	l.take(2, "Identification", "0x%04x (%d)", l.u16(0), l.u16(0))
	flags := l.u16(0)
	later := flags&0x1fff != 0
	l.part(0, 1, "Flags", "0x%x%s", flags>>13, flagWords(flags))
	l.take(2, "Fragment Offset", "%d", int(flags&0x1fff)*8)
	l.take(1, "Time to Live", "%d", l.u8(0))
	protocol := l.u8(0)
	l.take(1, "Protocol", "%s (%d)", ProtocolName(protocol), protocol)
	l.take(2, "Header Checksum", "0x%04x %s", l.u16(0), sum)
	l.take(4, "Source Address", "%s", src)
	l.take(4, "Destination Address", "%s", dst)
	if header < ipv4HeaderLength || total != 0 && total < header {
		return
	}
	if total != 0 {
		l.endAt(start + total)
	}
	l.ipv4Options(start + header - l.at)
	l.depth--
	l.upper(4, protocol, later)
}

func flagWords(flags uint16) string {
	words := ""
	if flags&0x8000 != 0 {
		words += ", Reserved bit"
	}
	if flags&0x4000 != 0 {
		words += ", Don't fragment"
	}
	if flags&0x2000 != 0 {
		words += ", More fragments"
	}
	return words
}

// trafficClass says what the byte means by RFC 2474 and RFC 3168.
func (l *lister) trafficClass(name string, tos uint8) {
	dscp := tos >> 2
	class := fmt.Sprint(dscp)
	switch {
	case dscp == 46:
		class = "EF PHB"
	case dscp%8 == 0:
		class = fmt.Sprint("CS", dscp/8)
	case dscp/8 >= 1 && dscp/8 <= 4 && dscp%8 <= 6 && dscp%2 == 0:
		class = fmt.Sprint("AF", dscp/8, dscp%8/2)
	}
	ecn := [...]string{"Not ECN-Capable Transport", "ECN-Capable Transport codepoint '01'", "ECN-Capable Transport codepoint '10'",
		"Congestion Experienced"}[tos&3]
	n := 1
	if name == "Traffic Class" {
		n = 2
	}
	l.part(0, n, name, "0x%02x (DSCP: %s, ECN: %s)", tos, class, ecn)
}

// ipv4Options lists the options of RFC 791 in the next n bytes.
func (l *lister) ipv4Options(n int) {
	end := min(l.at+n, len(l.data))
	for l.at < end {
		kind, size := l.u8(0), 1
		if kind > 1 {
			if l.at+1 >= end {
				break
			}
			size = int(l.u8(1))
			if size < 2 || l.at+size > end {
				break
			}
		}
		l.take(size, "IP Option", "%s", ipv4OptionName(kind))
		if kind == 0 {
			break
		}
	}
	if l.at < end {
		l.take(end-l.at, "IP Option padding", "%s", byteCount(end-l.at))
	}
}

func ipv4OptionName(kind uint8) string {
	switch kind {
	case 0:
		return "End of Options List (EOL)"
	case 1:
		return "No-Operation (NOP)"
	case 7:
		return "Record Route"
	case 68:
		return "Time Stamp"
	case 130:
		return "Security"
	case 131:
		return "Loose Source Route"
	case 137:
		return "Strict Source Route"
	case 148:
		return "Router Alert"
	}
	return fmt.Sprintf("Unknown (%d)", kind)
}

func (l *lister) ipv6() {
	if !l.opens("Internet Protocol Version 6", ipv6HeaderLength) {
		return
	}
	length, next := int(l.u16(4)), l.u8(6)
	src, dst := netip.AddrFrom16([16]byte(l.bytes(8, 16))), netip.AddrFrom16([16]byte(l.bytes(24, 16)))
	l.title(ipv6HeaderLength, "Src: %s, Dst: %s", src, dst)
	l.part(0, 1, "Version", "6")
	l.trafficClass("Traffic Class", l.u8(0)<<4|l.u8(1)>>4)
	l.part(1, 3, "Flow Label", "0x%05x", l.u32(0)&0xfffff)
	l.at += 4
	l.take(2, "Payload Length", "%d", length)
	l.take(1, "Next Header", "%s (%d)", ProtocolName(next), next)
	l.take(1, "Hop Limit", "%d", l.u8(0))
	l.take(16, "Source Address", "%s", src)
	l.take(16, "Destination Address", "%s", dst)
	if length != 0 || next == ProtocolNone {
		l.endAt(l.at + length)
	}
	next, later, ok := l.extensions(6, next)
	l.depth--
	if ok {
		l.upper(6, next, later)
	}
}

// extensions lists extension headers, and returns what they carry; not ok is where they do not end.
func (l *lister) extensions(version, protocol uint8) (next uint8, later, ok bool) {
	for range maxExtensions {
		walk := Packet{Version: version, Protocol: protocol}
		if later || !walk.isExtension() {
			return protocol, later, true
		}
		size := extensionLength(protocol, l.data[l.at:])
		if !l.opens(ProtocolName(protocol), size) {
			return protocol, later, false
		}
		l.title(size, "%s", byteCount(size))
		end := l.at + size
		next := l.u8(0)
		l.take(1, "Next Header", "%s (%d)", ProtocolName(next), next)
		switch protocol {
		case ProtocolFragment:
			l.take(1, "Reserved octet", "0x%02x", l.u8(0))
			field := l.u16(0)
			later = field&^7 != 0
			l.part(0, 2, "Offset", "%d", field&^7)
			l.take(2, "More Fragments", "%v", field&1 != 0)
			l.take(4, "Identification", "0x%08x", l.u32(0))
		case ProtocolHopByHop, ProtocolOptions:
			l.take(1, "Length", "%d (%d bytes)", l.u8(0), size)
			l.ipv6Options(end)
		case ProtocolRouting:
			l.take(1, "Length", "%d (%d bytes)", l.u8(0), size)
			l.take(1, "Type", "%d", l.u8(0))
			l.take(1, "Segments Left", "%d", l.u8(0))
		default:
			l.take(1, "Length", "%d (%d bytes)", l.u8(0), size)
		}
		if l.at < end {
			l.take(end-l.at, "Data", "%s", byteCount(end-l.at))
		}
		l.depth--
		protocol = next
	}
	return protocol, later, false
}

// ipv6Options lists the options of RFC 8200 section 4.2 up to end.
func (l *lister) ipv6Options(end int) {
	for l.at < end {
		kind, size := l.u8(0), 1
		if kind != 0 {
			if l.at+2 > end || l.at+2+int(l.u8(1)) > end {
				return
			}
			size = 2 + int(l.u8(1))
		}
		switch {
		case kind == 0:
			l.take(1, "IPv6 Option", "Pad1")
		case kind == 1:
			l.take(size, "IPv6 Option", "PadN")
		case kind == 5 && size == 4:
			l.take(size, "IPv6 Option", "Router Alert (%d)", l.u16(2))
		case kind == 0xc2 && size == 6:
			l.take(size, "IPv6 Option", "Jumbo (%d)", l.u32(2))
		default:
			l.take(size, "IPv6 Option", "Unknown (%d)", kind)
		}
	}
}
