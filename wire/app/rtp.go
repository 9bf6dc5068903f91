package app

import (
	"fmt"

	"dgram/wire"
)

// rtpHeaderLength is that of RFC 3550, Section 5.1, without contributing sources.
const rtpHeaderLength = 12

func readRTP(p *wire.Packet, m *Message) bool {
	b := p.Payload
	m.Kind = Neither
	return len(b) >= rtpHeaderLength && b[0]>>6 == 2 && p.PayloadLength >= rtpHeaderLength+4*int(b[0]&15) && !isRTCPType(b[1])
}

func rtpInfo(line []byte, p *wire.Packet) []byte {
	b := p.Payload
	line = fmt.Appendf(line, "PT=%d, SSRC=0x%X, Seq=%d, Time=%d", b[1]&0x7f, be32(b[8:]), be16(b[2:]), be32(b[4:]))
	if b[1]&0x80 != 0 {
		line = append(line, ", Mark"...)
	}
	return line
}

func rtpFields(f *fields, b []byte) {
	f.add(1, "Version", "2", 0, 1)
	f.add(1, "Padding", yesNo(b[0]&0x20 != 0), 0, 1)
	f.add(1, "Extension", yesNo(b[0]&0x10 != 0), 0, 1)
	f.add(1, "Contributing sources", fmt.Sprint(b[0]&15), 0, 1)
	f.add(1, "Marker", yesNo(b[1]&0x80 != 0), 1, 1)
	f.add(1, "Payload type", fmt.Sprint(b[1]&0x7f), 1, 1)
	f.uint(1, "Sequence number", 2, 2)
	f.uint(1, "Timestamp", 4, 4)
	f.hex(1, "Synchronization source", 8, 4)
	if at := rtpHeaderLength + 4*int(b[0]&15); at < len(b) {
		f.add(1, "Payload", fmt.Sprintf("%d bytes", len(b)-at), at, len(b)-at)
	}
}

var rtcpTypes = [...]string{"Sender Report", "Receiver Report", "Source description", "Goodbye", "Application specific", "Generic RTP Feedback",
	"Payload-specific Feedback", "Extended report"}

// isRTCPType holds for 200 to 207 (RFC 3550, Section 12.1; RFC 4585; RFC 3611).
func isRTCPType(t byte) bool { return t >= 200 && t <= 207 }

// readRTCP wants the packets to fill the datagram exactly (RFC 3550, Appendix A.2), the first being a report.
func readRTCP(p *wire.Packet, m *Message) bool {
	b := p.Payload
	m.Kind = Neither
	if len(b) < 8 || cut(p) || b[1] != 200 && b[1] != 201 {
		return false
	}
	for len(b) > 0 {
		if len(b) < 4 || b[0]>>6 != 2 || !isRTCPType(b[1]) || 4+4*int(be16(b[2:])) > len(b) {
			return false
		}
		b = b[4+4*int(be16(b[2:])):]
	}
	return true
}

func rtcpInfo(line []byte, p *wire.Packet) []byte {
	for i, b := 0, p.Payload; i < 8 && len(b) >= 4 && isRTCPType(b[1]); i++ {
		if i > 0 {
			line = append(line, ", "...)
		}
		line = append(line, rtcpTypes[b[1]-200]...)
		b = b[min(4+4*int(be16(b[2:])), len(b)):]
	}
	return line
}

func rtcpFields(f *fields, b []byte) {
	for at := 0; at+4 <= len(b) && isRTCPType(b[at+1]) && !f.full(); {
		length := 4 + 4*int(be16(b[at+2:]))
		f.add(1, "Packet", rtcpTypes[b[at+1]-200], at, length)
		f.add(2, "Count", fmt.Sprint(b[at]&31), at, 1)
		f.uint(2, "Length", at+2, 2)
		f.hex(2, "Synchronization source", at+4, 4)
		at += length
	}
}
