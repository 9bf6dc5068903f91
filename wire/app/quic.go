package app

import (
	"fmt"

	"dgram/wire"
)

// The versions of QUIC (RFC 9000, RFC 9369).
const (
	quicVersion1 = 0x00000001
	quicVersion2 = 0x6b3343cf
)

// The long packet types, as version 1 numbers them (RFC 9000, Section 17.2), and what is none of them.
const (
	quicInitial = iota
	quicZeroRTT
	quicHandshake
	quicRetry
	quicNegotiation
)

var quicTypes = [...]string{"Initial", "0-RTT", "Handshake", "Retry", "Version Negotiation"}

// A quicHeader is what is not encrypted of a long header (RFC 8999).
type quicHeader struct {
	kind        int
	version     uint32
	dcid, scid  []byte
	afterHeader int // where what follows the connection IDs begins
}

// readQUICHeader reads a long header of a version that is known here, or a version negotiation.
func readQUICHeader(b []byte, h *quicHeader) bool {
	const maxID = 20 // RFC 9000, Section 17.2
	if len(b) < 7 || b[0] < 0x80 {
		return false
	}
	*h = quicHeader{version: be32(b[1:])}
	at := 5
	for _, id := range []*[]byte{&h.dcid, &h.scid} {
		if at >= len(b) || b[at] > maxID || at+1+int(b[at]) > len(b) {
			return false
		}
		*id = b[at+1 : at+1+int(b[at])]
		at += 1 + len(*id)
	}
	h.afterHeader = at
	switch {
	case h.version == 0:
		h.kind = quicNegotiation
		return at+4 <= len(b) && (len(b)-at)%4 == 0
	case h.version == quicVersion2:
		h.kind = int(b[0]>>4+3) & 3 // version 2 counts from Retry on
	case quicKnown(h.version):
		h.kind = int(b[0]>>4) & 3
	default:
		return false
	}
	return true // whatever the fixed bit is: RFC 9287 lets both sides agree to grease it
}

// quicKnown says whether v is QUIC as the RFCs have it: version 1 or 2, or one of the last drafts.
func quicKnown(v uint32) bool {
	return v == quicVersion1 || v == quicVersion2 || v >= 0xff00001b && v <= 0xff000022
}

// isLongHeader says whether b is a long header on a port that nothing is known about. Of a version negotiation, which is
// mostly zeros, one version has to be known.
func isLongHeader(b []byte) bool {
	if len(b) < 7 {
		return false
	}
	if v := be32(b[1:]); v != 0 {
		return quicKnown(v) && b[0]&0x40 != 0
	}
	var h quicHeader
	if !readQUICHeader(b, &h) {
		return false
	}
	for at := h.afterHeader; at+4 <= len(b) && at < h.afterHeader+256; at += 4 {
		if quicKnown(be32(b[at:])) {
			return true
		}
	}
	return false
}

// isShortHeader looks at the first bit, and for room for a sample of what is encrypted (RFC 9001, Section 5.4.2).
func isShortHeader(p *wire.Packet) bool { return p.Payload[0] < 0x80 && p.PayloadLength >= 21 }

// readQUIC takes as identity the client's connection ID: source of its Initial, destination of what the server sends
// first. Which side is the client, only the port can say.
func readQUIC(p *wire.Packet, m *Message) bool {
	b := p.Payload
	m.Session = true
	if b[0] < 0x80 { // a short header: nothing in it says more than that bit
		m.Kind = Neither
		return b[0]&0x40 != 0 && isShortHeader(p) && (portProtocol(p.SrcPort) == QUIC || portProtocol(p.DstPort) == QUIC)
	}
	var h quicHeader
	if !readQUICHeader(b, &h) {
		return false
	}
	toServer, fromServer := QUIC.Serves(p.DstPort), QUIC.Serves(p.SrcPort)
	switch {
	case h.kind == quicZeroRTT || h.kind == quicHandshake:
		m.Kind = Neither
	case h.kind == quicRetry || h.kind == quicNegotiation || fromServer && !toServer:
		m.Kind = Reply
		identifyQUIC(m, h.dcid)
	case toServer && !fromServer:
		m.Kind = Request
		identifyQUIC(m, h.scid)
	}
	return true
}

func identifyQUIC(m *Message, id []byte) {
	if len(id) > 0 {
		m.identify(exactHash(id), uint64(len(id)))
	}
}

func quicInfo(line []byte, p *wire.Packet) []byte {
	b := p.Payload
	if b[0] < 0x80 {
		return append(line, "Protected Payload"...)
	}
	var h, first quicHeader
	for i := 0; i < 8 && readQUICHeader(b, &h); i++ {
		if i == 0 {
			first = h
		} else {
			line = append(line, " + "...)
		}
		line = append(line, quicTypes[h.kind]...)
		n := quicPacketLength(b, &h)
		if n <= 0 || n >= len(b) {
			break
		}
		b = b[n:] // several packets share a datagram (RFC 9000, Section 12.2)
		if b[0] < 0x80 {
			line = append(line, " + Protected Payload"...)
			break
		}
	}
	line = appendHex(append(line, ", DCID="...), first.dcid, 20)
	return appendHex(append(line, ", SCID="...), first.scid, 20)
}

// quicPacketLength is that of a packet with a long header and a Length field; 0: it has none, or takes the rest.
func quicPacketLength(b []byte, h *quicHeader) int {
	at := h.afterHeader
	switch h.kind {
	case quicRetry, quicNegotiation:
		return 0
	case quicInitial:
		token, n := varint(b[at:])
		if n == 0 || token > uint64(len(b)) {
			return 0
		}
		at += n + int(token)
	}
	if at > len(b) {
		return 0
	}
	length, n := varint(b[at:])
	if n == 0 || length > uint64(len(b)) {
		return 0
	}
	return at + n + int(length)
}

// varint reads an integer of RFC 9000, Section 16, and says how many bytes it takes; 0: it is not all there.
func varint(b []byte) (v uint64, n int) {
	if len(b) == 0 || len(b) < 1<<(b[0]>>6) {
		return 0, 0
	}
	n = 1 << (b[0] >> 6)
	v = uint64(b[0] & 0x3f)
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}

func quicFields(f *fields, b []byte) {
	if b[0] < 0x80 {
		f.add(1, "Header form", "short", 0, 1)
		f.add(1, "Spin bit", yesNo(b[0]&0x20 != 0), 0, 1)
		f.add(1, "Protected payload", fmt.Sprintf("%d bytes", len(b)-1), 1, len(b)-1)
		return
	}
	var h quicHeader
	if !readQUICHeader(b, &h) {
		return
	}
	f.add(1, "Header form", "long", 0, 1)
	f.add(1, "Packet type", quicTypes[h.kind], 0, 1)
	f.hex(1, "Version", 1, 4)
	f.uint(1, "Length of the destination's connection ID", 5, 1)
	f.hex(1, "Destination connection ID", 6, len(h.dcid))
	f.uint(1, "Length of the source's connection ID", 6+len(h.dcid), 1)
	f.hex(1, "Source connection ID", 7+len(h.dcid), len(h.scid))
	if h.kind == quicNegotiation {
		for at := h.afterHeader; at+4 <= len(b) && !f.full(); at += 4 {
			f.hex(1, "Supported version", at, 4)
		}
		return
	}
	end := quicPacketLength(b, &h)
	if end <= 0 || end > len(b) {
		end = len(b)
	}
	f.add(1, "Protected payload", fmt.Sprintf("%d bytes", end-h.afterHeader), h.afterHeader, end-h.afterHeader)
	if end < len(b) {
		f.add(1, "Further packets", fmt.Sprintf("%d bytes", len(b)-end), end, len(b)-end)
	}
}
