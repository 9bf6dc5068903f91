package app

import (
	"fmt"

	"dgram/wire"
)

// ikeHeaderLength is that of RFC 7296, Section 3.1. On port 4500 four zeros stand before it, which tell it from ESP (RFC 3948).
const ikeHeaderLength = 28

// ikeHeader returns the header and what follows it, and where it begins.
func ikeHeader(b []byte) ([]byte, int) {
	if len(b) >= 4+ikeHeaderLength && be32(b) == 0 {
		return b[4:], 4
	}
	return b, 0
}

func readIKE(p *wire.Packet, m *Message) bool {
	b, at := ikeHeader(p.Payload)
	if len(b) < ikeHeaderLength || b[17]>>4 != 1 && b[17]>>4 != 2 || int(be32(b[24:])) != p.PayloadLength-at {
		// ESP has a key's index first, which is not 0; a NAT is kept open with one byte.
		if (p.SrcPort == 4500 || p.DstPort == 4500) && (len(b) >= 16 && be32(b) > 255 || len(b) == 1 && b[0] == 0xff) {
			m.Protocol, m.Kind = ESP, Neither
			return true
		}
		return false
	}
	if b[17]>>4 == 1 { // version 1 does not say who answers
		m.Session = true
		return true
	}
	m.Kind = Request
	if b[19]&0x20 != 0 {
		m.Kind = Reply
	}
	m.identify(be64(b), uint64(be32(b[20:])))
	return true
}

var ikeExchanges = map[byte]string{2: "Identity Protection (Main Mode)", 4: "Aggressive", 5: "Informational", 32: "Quick Mode", 34: "IKE_SA_INIT",
	35: "IKE_AUTH", 36: "CREATE_CHILD_SA", 37: "INFORMATIONAL"}

func ikeExchange(kind byte) string {
	if name, ok := ikeExchanges[kind]; ok {
		return name
	}
	return fmt.Sprintf("exchange %d", kind)
}

func ikeInfo(line []byte, p *wire.Packet) []byte {
	b, _ := ikeHeader(p.Payload)
	line = fmt.Appendf(line, "%s MID=%02d", ikeExchange(b[18]), be32(b[20:]))
	switch {
	case b[17]>>4 == 1:
	case b[19]&0x20 != 0:
		line = append(append(line, ikeSide(b[19])...), " Response"...)
	default:
		line = append(append(line, ikeSide(b[19])...), " Request"...)
	}
	return line
}

func ikeSide(flags byte) string {
	if flags&0x08 != 0 {
		return " Initiator"
	}
	return " Responder"
}

func ikeFields(f *fields, payload []byte) {
	b, at := ikeHeader(payload)
	f.hex(1, "Initiator SPI", at, 8)
	f.hex(1, "Responder SPI", at+8, 8)
	f.uint(1, "Next payload", at+16, 1)
	f.add(1, "Version", fmt.Sprintf("%d.%d", b[17]>>4, b[17]&15), at+17, 1)
	f.add(1, "Exchange", ikeExchange(b[18]), at+18, 1)
	f.hex(1, "Flags", at+19, 1)
	f.uint(1, "Message ID", at+20, 4)
	f.uint(1, "Length", at+24, 4)
}

var radiusCodes = map[byte]string{1: "Access-Request", 2: "Access-Accept", 3: "Access-Reject", 4: "Accounting-Request", 5: "Accounting-Response",
	11: "Access-Challenge", 12: "Status-Server", 13: "Status-Client", 40: "Disconnect-Request", 41: "Disconnect-ACK", 42: "Disconnect-NAK",
	43: "CoA-Request", 44: "CoA-ACK", 45: "CoA-NAK"}

// readRADIUS takes the identifier, which is only a byte, but of this flow (RFC 2865, Section 3).
func readRADIUS(p *wire.Packet, m *Message) bool {
	b := p.Payload
	if len(b) < 20 || radiusCodes[b[0]] == "" || int(be16(b[2:])) < 20 || int(be16(b[2:])) > p.PayloadLength {
		return false
	}
	m.Kind = Reply
	switch b[0] {
	case 1, 4, 12, 13, 40, 43:
		m.Kind = Request
	}
	m.identify(uint64(b[1]), 0)
	return true
}

func radiusInfo(line []byte, p *wire.Packet) []byte {
	return fmt.Appendf(line, "%s id=%d", radiusCodes[p.Payload[0]], p.Payload[1])
}

func radiusFields(f *fields, b []byte) {
	f.add(1, "Code", fmt.Sprintf("%s (%d)", radiusCodes[b[0]], b[0]), 0, 1)
	f.uint(1, "Identifier", 1, 1)
	f.uint(1, "Length", 2, 2)
	f.hex(1, "Authenticator", 4, 16)
	for at := 20; at+2 <= len(b) && !f.full(); {
		length := int(b[at+1])
		if length < 2 || at+length > len(b) {
			return
		}
		f.add(1, fmt.Sprintf("Attribute %d", b[at]), excerpt(b[at+2:at+length]), at, length)
		at += length
	}
}
