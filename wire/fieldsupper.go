package wire

import "fmt"

// upper lists the transport header; later says that only a later fragment's data is here.
func (l *lister) upper(version, protocol uint8, later bool) {
	if version == 4 && protocol == ProtocolAH && !later {
		l.depth++ // below its IP header, as IPv6's are
		next, _, ok := l.extensions(4, protocol)
		l.depth--
		if !ok {
			return
		}
		protocol = next
	}
	switch {
	case later:
		l.take(l.left(), "Data", "%s of a %s packet, cut up", byteCount(l.left()), ProtocolName(protocol))
	case protocol == ProtocolUDP:
		l.udp("User Datagram Protocol", "Length")
	case protocol == ProtocolUDPLite:
		l.udp("Lightweight User Datagram Protocol", "Checksum coverage")
	case protocol == ProtocolTCP:
		l.tcp()
	case version == 4 && protocol == ProtocolICMP:
		l.icmp(4, "Internet Control Message Protocol")
	case version == 6 && protocol == ProtocolICMPv6:
		l.icmp(6, "Internet Control Message Protocol v6")
	case l.left() > 0:
		l.take(l.left(), ProtocolName(protocol), "%s", byteCount(l.left()))
	}
}

func (l *lister) udp(name, lengthName string) {
	if l.quotesLess(name, udpHeaderLength) || !l.opens(name, udpHeaderLength) {
		return
	}
	l.title(udpHeaderLength, "Src Port: %d, Dst Port: %d", l.u16(0), l.u16(2))
	start, length := l.at, int(l.u16(4))
	l.take(2, "Source Port", "%d", l.u16(0))
	l.take(2, "Destination Port", "%d", l.u16(0))
	l.take(2, lengthName, "%d", length)
	state := l.checksum.String()
	if l.u16(0) == 0 {
		state = "[none]"
	}
	l.take(2, "Checksum", "0x%04x %s", l.u16(0), state)
	end := len(l.data)
	if lengthName == "Length" && length >= udpHeaderLength {
		end = min(end, start+length)
	}
	if end > l.at {
		l.take(end-l.at, "Payload", "%s", byteCount(end-l.at))
	}
	l.depth--
	if l.left() > 0 {
		l.take(l.left(), "Padding", "%s", byteCount(l.left()))
	}
}

// quotesLess lists the ports where no more than those is there, as in what an ICMP message quotes.
func (l *lister) quotesLess(name string, n int) bool {
	if l.left() < 4 || l.left() >= n {
		return false
	}
	l.open(name, fmt.Sprintf("Src Port: %d, Dst Port: %d (cut)", l.u16(0), l.u16(2)), l.left())
	l.take(2, "Source Port", "%d", l.u16(0))
	l.take(2, "Destination Port", "%d", l.u16(0))
	l.depth--
	return true
}

func (l *lister) tcp() {
	if l.quotesLess("Transmission Control Protocol", 20) || !l.opens("Transmission Control Protocol", 20) {
		return
	}
	header := max(int(l.u8(12)>>4)*4, 20)
	l.title(min(header, l.left()), "Src Port: %d, Dst Port: %d", l.u16(0), l.u16(2))
	end := min(l.at+header, len(l.data))
	l.take(2, "Source Port", "%d", l.u16(0))
	l.take(2, "Destination Port", "%d", l.u16(0))
	l.take(4, "Sequence Number", "%d", l.u32(0))
	l.take(4, "Acknowledgment Number", "%d", l.u32(0))
	flags := l.u16(0) & 0x1ff
	l.part(0, 1, "Header Length", "%d bytes", header)
	l.take(2, "Flags", "0x%03x%s", flags, tcpFlags(flags))
	l.take(2, "Window", "%d", l.u16(0))
	l.take(2, "Checksum", "0x%04x %s", l.u16(0), ChecksumUnknown)
	l.take(2, "Urgent Pointer", "%d", l.u16(0))
	if end > l.at {
		l.take(end-l.at, "Options", "%s", byteCount(end-l.at))
	}
	if l.left() > 0 {
		l.take(l.left(), "Payload", "%s", byteCount(l.left()))
	}
	l.depth--
}

func tcpFlags(flags uint16) string {
	words := ""
	for i, name := range [...]string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"} {
		if flags>>i&1 != 0 {
			words += ", " + name
		}
	}
	return words
}

func (l *lister) icmp(version uint8, name string) {
	if !l.opens(name, icmpHeaderLength) {
		return
	}
	kind, code := l.u8(0), l.u8(1)
	l.title(icmpHeaderLength, "%s", ICMPTypeName(version, kind))
	l.take(1, "Type", "%d (%s)", kind, ICMPTypeName(version, kind))
	if what := ICMPCodeName(version, kind, code); what != "" {
		l.take(1, "Code", "%d (%s)", code, what)
	} else {
		l.take(1, "Code", "%d", code)
	}
	l.take(2, "Checksum", "0x%04x %s", l.u16(0), l.checksum)
	switch {
	case version == 4 && (kind == 0 || kind == 8), version == 6 && (kind == 128 || kind == 129):
		l.take(2, "Identifier", "%d (0x%04x)", l.u16(0), l.u16(0))
		l.take(2, "Sequence Number", "%d (0x%04x)", l.u16(0), l.u16(0))
	case version == 4 && kind == 3 && code == 4:
		l.take(2, "Unused", "%d", l.u16(0))
		l.take(2, "MTU of next hop", "%d", l.u16(0))
	case version == 6 && kind == 2:
		l.take(4, "MTU", "%d", l.u32(0))
	case version == 4 && kind == 5:
		l.take(4, "Gateway Address", "%d.%d.%d.%d", l.u8(0), l.u8(1), l.u8(2), l.u8(3))
	default:
		l.take(4, "Rest of header", "0x%08x", l.u32(0))
	}
	l.checksum = ChecksumUnknown
	switch {
	case l.left() > 0 && l.depth == 1 && icmpReportsError(version, kind): // no quote within a quote
		l.ip()
	case l.left() > 0:
		l.take(l.left(), "Data", "%s", byteCount(l.left()))
	}
	l.depth--
}
