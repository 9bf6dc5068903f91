package app

import (
	"fmt"
	"net/netip"

	"dgram/wire"
)

// The header of STUN (RFC 8489, Section 5).
const (
	stunHeaderLength = 20
	stunCookie       = 0x2112a442
)

// isSTUN looks at the two zero bits, the cookie and the length, which is in multiples of four.
func isSTUN(b []byte) bool {
	return len(b) >= stunHeaderLength && b[0] < 0x40 && be32(b[4:]) == stunCookie && b[3]&3 == 0
}

// isChannelData looks at the number of the channel and the length, which may leave padding (RFC 8656, Section 12.4; RFC 5766
// has numbers up to 0x7fff).
func isChannelData(p *wire.Packet) bool {
	b := p.Payload
	if len(b) < 4 || b[0] < 0x40 || b[0] > 0x7f {
		return false
	}
	padding := p.PayloadLength - 4 - int(be16(b[2:]))
	return padding >= 0 && padding <= 3
}

func readSTUN(p *wire.Packet, m *Message) bool {
	b := p.Payload
	if isChannelData(p) {
		m.Kind = Neither
		return true
	}
	if !isSTUN(b) || stunHeaderLength+int(be16(b[2:])) > max(p.PayloadLength, len(b)) {
		return false
	}
	switch stunClass(be16(b)) {
	case 0:
		m.Kind = Request
	case 1:
		m.Kind = Neither
	default:
		m.Kind = Reply
	}
	m.identify(be64(b[8:]), uint64(be32(b[16:])))
	return true
}

// stunClass and stunMethod take apart the message type, in which their bits are mixed.
func stunClass(t uint16) uint16  { return t>>7&2 | t>>4&1 }
func stunMethod(t uint16) uint16 { return t>>2&0xf80 | t>>1&0x70 | t&0xf }

var stunClasses = [...]string{"Request", "Indication", "Success Response", "Error Response"}

var stunMethods = map[uint16]string{1: "Binding", 3: "Allocate", 4: "Refresh", 6: "Send", 7: "Data", 8: "CreatePermission", 9: "Channel-Bind"}

func stunName(b []byte) string {
	t := be16(b)
	method, ok := stunMethods[stunMethod(t)]
	if !ok {
		method = fmt.Sprintf("Method 0x%03x", stunMethod(t))
	}
	return method + " " + stunClasses[stunClass(t)]
}

var stunAttributes = map[uint16]string{0x0001: "MAPPED-ADDRESS", 0x0006: "USERNAME", 0x0008: "MESSAGE-INTEGRITY", 0x0009: "ERROR-CODE",
	0x000a: "UNKNOWN-ATTRIBUTES", 0x000c: "CHANNEL-NUMBER", 0x000d: "LIFETIME", 0x0012: "XOR-PEER-ADDRESS", 0x0013: "DATA", 0x0014: "REALM",
	0x0015: "NONCE", 0x0016: "XOR-RELAYED-ADDRESS", 0x0017: "REQUESTED-ADDRESS-FAMILY", 0x0019: "REQUESTED-TRANSPORT",
	0x001c: "MESSAGE-INTEGRITY-SHA256", 0x0020: "XOR-MAPPED-ADDRESS", 0x0024: "PRIORITY", 0x0025: "USE-CANDIDATE", 0x8022: "SOFTWARE",
	0x8023: "ALTERNATE-SERVER", 0x8028: "FINGERPRINT", 0x8029: "ICE-CONTROLLED", 0x802a: "ICE-CONTROLLING", 0x802b: "RESPONSE-ORIGIN",
	0x802c: "OTHER-ADDRESS"}

// A stunAttribute is a type, a length and a value at at, padded to four bytes.
type stunAttribute struct {
	kind       uint16
	at, length int
}

// eachSTUN calls do with each attribute until it has enough.
func eachSTUN(b []byte, do func(a stunAttribute) bool) {
	end := min(len(b), stunHeaderLength+int(be16(b[2:])))
	for at := stunHeaderLength; at+4 <= end; {
		a := stunAttribute{be16(b[at:]), at + 4, int(be16(b[at+2:]))}
		if a.at+a.length > end || !do(a) {
			return
		}
		at = a.at + (a.length+3)&^3
	}
}

// appendSTUNValue appends what a person reads of an attribute, or nothing.
func appendSTUNValue(line, b []byte, a stunAttribute) []byte {
	value := b[a.at : a.at+a.length]
	switch a.kind {
	case 0x0001, 0x8023, 0x802b, 0x802c:
		return appendSTUNAddress(line, value, nil)
	case 0x0012, 0x0016, 0x0020:
		return appendSTUNAddress(line, value, b[4:stunHeaderLength])
	case 0x0009:
		if len(value) >= 4 {
			line = appendInt(line, int(value[2]&7)*100+int(value[3]))
			line = append(append(line, ' '), value[4:]...)
		}
	case 0x000d, 0x0024:
		if len(value) == 4 {
			line = appendUint(line, be32(value))
		}
	case 0x0006, 0x0014, 0x0015, 0x8022:
		line = append(line, value...)
	}
	return line
}

// appendSTUNAddress appends an address of RFC 8489, Section 14.1, masked with the cookie and the transaction ID where
// mask is given (Section 14.2).
func appendSTUNAddress(line, value, mask []byte) []byte {
	var address [16]byte
	n := len(value) - 4
	if n != 4 && n != 16 || n == 4 && value[1] != 1 || n == 16 && value[1] != 2 {
		return line
	}
	copy(address[:], value[4:])
	port := be16(value[2:])
	if mask != nil {
		port ^= be16(mask)
		for i := range n {
			address[i] ^= mask[i]
		}
	}
	ip, _ := netip.AddrFromSlice(address[:n])
	return netip.AddrPortFrom(ip, port).AppendTo(line)
}

func stunInfo(line []byte, p *wire.Packet) []byte {
	if p.Payload[0] >= 0x40 {
		return append(line, "ChannelData TURN Message"...)
	}
	line = append(line, stunName(p.Payload)...)
	eachSTUN(p.Payload, func(a stunAttribute) bool {
		switch a.kind {
		case 0x0001, 0x0006, 0x0009, 0x0012, 0x0016, 0x0020:
			named := append(append(append(line, ' '), stunAttributes[a.kind]...), ": "...)
			if full := appendSTUNValue(named, p.Payload, a); len(full) > len(named) {
				line = full
			}
		}
		return len(line) < maxInfo
	})
	return line
}

func stunFields(f *fields, b []byte) {
	if b[0] >= 0x40 {
		f.hex(1, "Channel number", 0, 2)
		f.uint(1, "Length", 2, 2)
		f.add(1, "Data", excerpt(b[4:]), 4, len(b)-4)
		return
	}
	if len(b) < stunHeaderLength {
		return
	}
	f.add(1, "Type", fmt.Sprintf("%s (0x%04x)", stunName(b), be16(b)), 0, 2)
	f.uint(1, "Length", 2, 2)
	f.hex(1, "Cookie", 4, 4)
	f.hex(1, "Transaction ID", 8, 12)
	eachSTUN(b, func(a stunAttribute) bool {
		name, ok := stunAttributes[a.kind]
		if !ok {
			name = fmt.Sprintf("Attribute 0x%04x", a.kind)
		}
		value := string(appendSTUNValue(nil, b, a))
		if value == "" {
			value = string(appendHex(nil, b[a.at:a.at+a.length], 32))
		}
		f.add(1, name, value, a.at-4, a.length+4)
		return !f.full()
	})
}
