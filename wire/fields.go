package wire

import (
	"encoding/binary"
	"fmt"
	"net"
)

// A Field is one line of what a frame says: a header at depth 0, its fields below it.
type Field struct {
	Depth int
	// Name is Wireshark's where that helps who knows it. Value may hold bytes of the network as they came: escape it before it
	// goes to a terminal.
	Name, Value string
	// Off and Len say which bytes of the frame it was read from. What was found out otherwise has Len 0.
	Off, Len int
}

// maxFields bounds what a hostile frame can make of itself: options of one byte, tags of four.
const maxFields = 1000

// Fields reads every header of a frame, for people to look at. It stops where the frame does, or makes no sense; a last
// field "Problem" says so then. What a Reassembler put together can be looked at as a frame of LinkRaw whose bytes are the
// packet's Network.
func Fields(f *Frame) []Field {
	var p Packet
	Decode(f, &p)
	l := lister{data: f.Data, checksum: VerifyChecksum(&p)}
	switch f.Link {
	case LinkEthernet:
		l.ethernet()
	case LinkSLL:
		l.cooked()
	case LinkSLL2:
		l.cooked2()
	case LinkNull, LinkLoop:
		l.loopback()
	case LinkRaw, LinkRawBSD, LinkIPv4, LinkIPv6:
		l.note("Raw packet data", "")
		l.ip()
	case LinkUpperPDU:
		l.upperPDU()
	}
	l.depth = 0
	if p.Problem != NoProblem && p.Problem != NotIP && p.Problem != NotUDP {
		l.note("Problem", p.Problem.String())
	}
	return l.list
}

// A lister reads a frame from its beginning to its end.
type lister struct {
	data     []byte // up to where the innermost header with a length ends
	at       int
	depth    int
	list     []Field
	checksum ChecksumState // of the transport header that is not within an ICMP message
}

func (l *lister) left() int        { return len(l.data) - l.at }
func (l *lister) u8(i int) uint8   { return l.data[l.at+i] }
func (l *lister) u16(i int) uint16 { return binary.BigEndian.Uint16(l.data[l.at+i:]) }
func (l *lister) u32(i int) uint32 { return binary.BigEndian.Uint32(l.data[l.at+i:]) }

func (l *lister) bytes(i, n int) []byte { return l.data[l.at+i : l.at+i+n] }

func (l *lister) put(f Field) {
	if len(l.list) < maxFields {
		l.list = append(l.list, f)
	}
}

// note adds what stands in no bytes.
func (l *lister) note(name, value string) {
	l.put(Field{Depth: l.depth, Name: name, Value: value, Off: l.at})
}

// open begins a header of n bytes, whose fields go below it.
func (l *lister) open(name, value string, n int) {
	l.put(Field{l.depth, name, value, l.at, min(n, l.left())})
	l.depth++
}

// opens begins a header that is at least n bytes long, if it is; else it says what is missing.
func (l *lister) opens(name string, n int) bool {
	if l.left() < n {
		l.put(Field{l.depth, name, fmt.Sprintf("%d of at least %d bytes", l.left(), n), l.at, l.left()})
		l.at = len(l.data)
		return false
	}
	l.open(name, "", n)
	return true
}

// title fills in what the header that opens began has to say, and how long it is.
func (l *lister) title(length int, format string, args ...any) {
	for i := len(l.list) - 1; i >= 0; i-- {
		if f := &l.list[i]; f.Depth == l.depth-1 {
			f.Value, f.Len = fmt.Sprintf(format, args...), length
			return
		}
	}
}

// take adds a field of the next n bytes, and goes on after them.
func (l *lister) take(n int, name, format string, args ...any) {
	n = min(n, l.left())
	l.put(Field{l.depth, name, fmt.Sprintf(format, args...), l.at, n})
	l.at += n
}

// part adds a field that shares its bytes (n at i) with others.
func (l *lister) part(i, n int, name, format string, args ...any) {
	l.put(Field{l.depth, name, fmt.Sprintf(format, args...), l.at + i, n})
}

func (l *lister) ethernet() {
	if !l.opens("Ethernet II", 14) {
		return
	}
	dst, src, t := net.HardwareAddr(l.bytes(0, 6)), net.HardwareAddr(l.bytes(6, 6)), l.u16(12)
	l.title(14, "Src: %s, Dst: %s", src, dst)
	l.take(6, "Destination", "%s", dst)
	l.take(6, "Source", "%s", src)
	if t < 0x600 {
		l.take(2, "Length", "%d", t)
	} else {
		l.etherType("Type")
	}
	l.depth--
	l.payloadOf(t)
}

func (l *lister) etherType(name string) {
	l.take(2, name, "%s (0x%04x)", EtherTypeName(l.u16(0)), l.u16(0))
}

// payloadOf goes through VLAN tags to IP.
func (l *lister) payloadOf(t uint16) {
	for n := 0; (t == etherVLAN || t == etherVLANs || t == etherQinQ) && n < maxVLANs; n++ {
		if !l.opens("802.1Q Virtual LAN", 4) {
			return
		}
		tag := l.u16(0)
		t = l.u16(2)
		l.title(4, "PRI: %d, DEI: %d, ID: %d", tag>>13, tag>>12&1, tag&0xfff)
		l.part(0, 2, "Priority", "%d", tag>>13)
		l.part(0, 2, "DEI", "%d", tag>>12&1)
		l.take(2, "ID", "%d", tag&0xfff)
		l.etherType("Type")
		l.depth--
	}
	if t == etherIPv4 || t == etherIPv6 {
		l.ip()
	} else if l.left() > 0 {
		l.take(l.left(), EtherTypeName(t), "%s", byteCount(l.left()))
	}
}

var packetTypes = [...]string{"Unicast to us", "Broadcast", "Multicast", "Unicast to another host", "Sent by us"}

func packetType(t uint16) string {
	if int(t) < len(packetTypes) {
		return fmt.Sprintf("%s (%d)", packetTypes[t], t)
	}
	return fmt.Sprint(t)
}

func (l *lister) cooked() {
	if !l.opens("Linux cooked capture v1", 16) {
		return
	}
	t, size := l.u16(14), int(l.u16(4))
	l.title(16, "%s", packetType(l.u16(0)))
	l.take(2, "Packet type", "%s", packetType(l.u16(0)))
	l.take(2, "Link-layer address type", "%d", l.u16(0))
	l.take(2, "Link-layer address length", "%d", size)
	l.take(8, "Source", "%s", net.HardwareAddr(l.bytes(0, min(size, 8))))
	l.etherType("Protocol")
	l.depth--
	l.payloadOf(t)
}

func (l *lister) cooked2() {
	if !l.opens("Linux cooked capture v2", 20) {
		return
	}
	t, size := l.u16(0), int(l.u8(11))
	l.title(20, "%s", packetType(uint16(l.u8(10))))
	l.etherType("Protocol")
	l.take(2, "Reserved", "%d", l.u16(0))
	l.take(4, "Interface index", "%d", l.u32(0))
	l.take(2, "Link-layer address type", "%d", l.u16(0))
	l.take(1, "Packet type", "%s", packetType(uint16(l.u8(0))))
	l.take(1, "Link-layer address length", "%d", size)
	l.take(8, "Source", "%s", net.HardwareAddr(l.bytes(0, min(size, 8))))
	l.depth--
	l.payloadOf(t)
}

func (l *lister) loopback() {
	if !l.opens("Null/Loopback", 4) {
		return
	}
	family := l.u32(0)
	if family > 0xffff {
		family = binary.LittleEndian.Uint32(l.bytes(0, 4))
	}
	name := "unknown"
	switch family {
	case 2:
		name = "IP"
	case 10, 24, 28, 30:
		name = "IPv6"
	}
	l.title(4, "%s", name)
	l.take(4, "Family", "%s (%d)", name, family)
	l.depth--
	if name != "unknown" {
		l.ip()
	}
}

func (l *lister) upperPDU() {
	l.open("EXPORTED_PDU", "", l.left())
	start := l.at
	for l.left() >= 4 {
		tag, size := l.u16(0), int(l.u16(2))
		if size > l.left()-4 {
			return
		}
		value := trimZeros(l.bytes(4, size))
		l.take(4+size, tagName(tag), "%s", value)
		if tag == tagEnd {
			break
		}
	}
	l.title(l.at-start, "%s", "")
	l.depth--
	l.open("Data", byteCount(l.left()), l.left())
}

func tagName(tag uint16) string {
	switch tag {
	case tagEnd:
		return "End-of-options"
	case tagDissector:
		return "Protocol Name"
	case tagProtocol:
		return "Column protocol string"
	case tagInfo:
		return "Column info string"
	}
	return fmt.Sprintf("Tag %d", tag)
}

// byteCount is n with its word.
func byteCount(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}
