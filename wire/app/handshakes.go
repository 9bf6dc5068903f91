package app

import (
	"fmt"

	"dgram/wire"
)

// dtlsHeaderLength is that of a record (RFC 6347, Section 4.1).
const dtlsHeaderLength = 13

var dtlsContents = map[byte]string{20: "Change Cipher Spec", 21: "Alert", 22: "Handshake", 23: "Application Data", 24: "Heartbeat", 25: "Connection ID",
	26: "ACK"}

var dtlsHandshakes = map[byte]string{0: "Hello Request", 1: "Client Hello", 2: "Server Hello", 3: "Hello Verify Request", 4: "New Session Ticket",
	11: "Certificate", 12: "Server Key Exchange", 13: "Certificate Request", 14: "Server Hello Done", 15: "Certificate Verify",
	16: "Client Key Exchange", 20: "Finished"}

func readDTLS(p *wire.Packet, m *Message) bool {
	b := p.Payload
	if len(b) < dtlsHeaderLength || dtlsContents[b[0]] == "" || b[1] != 0xfe || b[2] < 0xfc ||
		dtlsHeaderLength+int(be16(b[11:])) > max(p.PayloadLength, len(b)) {
		return false
	}
	m.Session, m.Kind = true, Neither
	if b[0] == 22 && be16(b[3:]) == 0 && len(b) > dtlsHeaderLength {
		switch b[dtlsHeaderLength] {
		case 1:
			m.Kind = Request
		case 2, 3:
			m.Kind = Reply
		}
	}
	return true
}

func dtlsName(b []byte) string {
	if b[0] == 22 && be16(b[3:]) == 0 && len(b) > dtlsHeaderLength {
		if name, ok := dtlsHandshakes[b[dtlsHeaderLength]]; ok {
			return name
		}
	}
	if be16(b[3:]) != 0 { // an epoch that has keys
		switch b[0] {
		case 21:
			return "Encrypted Alert"
		case 22:
			return "Encrypted Handshake Message"
		}
	}
	return dtlsContents[b[0]]
}

// dtlsInfo names the records that share the datagram.
func dtlsInfo(line []byte, p *wire.Packet) []byte {
	b := p.Payload
	for i := 0; i < 8 && len(b) >= dtlsHeaderLength && dtlsContents[b[0]] != ""; i++ {
		if i > 0 {
			line = append(line, ", "...)
		}
		line = append(line, dtlsName(b)...)
		b = b[min(dtlsHeaderLength+int(be16(b[11:])), len(b)):]
	}
	return line
}

func dtlsFields(f *fields, b []byte) {
	for at := 0; at+dtlsHeaderLength <= len(b) && dtlsContents[b[at]] != "" && !f.full(); {
		r := b[at:]
		length := int(be16(r[11:]))
		f.add(1, "Record", dtlsName(r), at, dtlsHeaderLength+length)
		f.add(2, "Content type", fmt.Sprintf("%s (%d)", dtlsContents[r[0]], r[0]), at, 1)
		f.hex(2, "Version", at+1, 2)
		f.uint(2, "Epoch", at+3, 2)
		f.uint(2, "Sequence number", at+5, 6)
		f.uint(2, "Length", at+11, 2)
		at += dtlsHeaderLength + length
	}
}

// The messages of WireGuard (https://www.wireguard.com/protocol): a type, three zeros, and lengths that never vary but
// for the data's.
const (
	wireguardInitiation = 1
	wireguardResponse   = 2
	wireguardCookie     = 3
	wireguardData       = 4
)

var (
	wireguardLengths = [...]int{wireguardInitiation: 148, wireguardResponse: 92, wireguardCookie: 64}
	wireguardTypes   = [...]string{"", "Handshake Initiation", "Handshake Response", "Cookie Reply", "Transport Data"}
)

// isHandshakeOfWireGuard holds on any port.
func isHandshakeOfWireGuard(p *wire.Packet) bool {
	b := p.Payload
	return len(b) >= 12 && b[0] >= wireguardInitiation && b[0] <= wireguardCookie && b[1]|b[2]|b[3] == 0 && p.PayloadLength == wireguardLengths[b[0]]
}

func readWireGuard(p *wire.Packet, m *Message) bool {
	b := p.Payload
	m.Session = true
	if isHandshakeOfWireGuard(p) {
		// What the sender of an initiation calls itself, its answers are addressed to.
		m.Kind = Reply
		self := uint64(be32(b[8:]))
		switch b[0] {
		case wireguardInitiation:
			m.Kind, self = Request, uint64(be32(b[4:]))
		case wireguardCookie:
			self = uint64(be32(b[4:]))
		}
		m.identify(self, 0)
		return true
	}
	m.Kind = Neither
	return len(b) >= 16 && b[0] == wireguardData && b[1]|b[2]|b[3] == 0 && p.PayloadLength >= 32 && p.PayloadLength%16 == 0
}

func wireguardInfo(line []byte, p *wire.Packet) []byte {
	b := p.Payload
	line = append(line, wireguardTypes[b[0]]...)
	switch b[0] {
	case wireguardInitiation:
		line = append0x(append(line, ", sender="...), uint64(le32(b[4:])), 8)
	case wireguardResponse:
		line = append0x(append(line, ", sender="...), uint64(le32(b[4:])), 8)
		line = append0x(append(line, ", receiver="...), uint64(le32(b[8:])), 8)
	default:
		line = append0x(append(line, ", receiver="...), uint64(le32(b[4:])), 8)
	}
	return line
}

func le32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func wireguardFields(f *fields, b []byte) {
	f.add(1, "Type", fmt.Sprintf("%s (%d)", wireguardTypes[b[0]], b[0]), 0, 1)
	switch b[0] {
	case wireguardInitiation, wireguardResponse:
		f.hex(1, "Sender", 4, 4)
		if b[0] == wireguardResponse {
			f.hex(1, "Receiver", 8, 4)
		}
	default:
		f.hex(1, "Receiver", 4, 4)
	}
	if b[0] == wireguardData {
		f.add(1, "Counter", fmt.Sprint(uint64(le32(b[8:]))|uint64(le32(b[12:]))<<32), 8, 8)
		f.add(1, "Encrypted packet", fmt.Sprintf("%d bytes", len(b)-16), 16, len(b)-16)
	}
}
