package app

import (
	"fmt"

	"dgram/wire"
)

// The types of a CoAP message (RFC 7252, Section 3).
const (
	coapConfirmable = iota
	coapNonConfirmable
	coapAcknowledgement
	coapReset
)

var (
	coapTypes   = [4]string{"CON", "NON", "ACK", "RST"}
	coapMethods = [...]string{"Empty Message", "GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "iPATCH"}
)

// readCoAP takes the token as identity, which a reply has in common with its request whichever message carries it; where
// there is none, the message ID.
func readCoAP(p *wire.Packet, m *Message) bool {
	b := p.Payload
	if len(b) < 4 || b[0]>>6 != 1 {
		return false
	}
	kind, tokens, class := b[0]>>4&3, int(b[0]&15), b[1]>>5
	if tokens > 8 || 4+tokens > len(b) || class == 1 || class == 3 || class > 5 || b[1] == 0 && p.PayloadLength != 4 {
		return false
	}
	m.identify(uint64(be16(b[2:])), 1<<63)
	switch {
	case class >= 2:
		m.Kind = Reply
	case b[1] != 0:
		m.Kind = Request
	case kind == coapConfirmable: // a ping
		m.Kind = Request
		return true
	case kind == coapReset:
		m.Kind = Reply
		return true
	default: // an empty acknowledgement: the reply will come in a message of its own
		m.Kind = Neither
		return true
	}
	if tokens > 0 {
		m.identify(exactHash(b[4:4+tokens]), uint64(tokens))
	}
	return true
}

var coapReplies = map[byte]string{0x41: "Created", 0x42: "Deleted", 0x43: "Valid", 0x44: "Changed", 0x45: "Content", 0x5f: "Continue",
	0x80: "Bad Request", 0x81: "Unauthorized", 0x82: "Bad Option", 0x83: "Forbidden", 0x84: "Not Found", 0x85: "Method Not Allowed",
	0x86: "Not Acceptable", 0x8c: "Precondition Failed", 0x8d: "Request Entity Too Large", 0x8f: "Unsupported Content-Format",
	0xa0: "Internal Server Error", 0xa1: "Not Implemented", 0xa2: "Bad Gateway", 0xa3: "Service Unavailable", 0xa4: "Gateway Timeout",
	0xa5: "Proxying Not Supported"}

func coapCode(code byte) string {
	if int(code) < len(coapMethods) {
		return coapMethods[code]
	}
	text := fmt.Sprintf("%d.%02d", code>>5, code&31)
	if name, ok := coapReplies[code]; ok {
		text += " " + name
	}
	return text
}

func coapInfo(line []byte, p *wire.Packet) []byte {
	b := p.Payload
	line = fmt.Appendf(line, "%s, MID:%d, %s", coapTypes[b[0]>>4&3], be16(b[2:]), coapCode(b[1]))
	if n := int(b[0] & 15); n > 0 {
		line = appendHex(append(line, ", TKN:"...), b[4:4+n], 8)
	}
	path, query := false, false
	eachCoAP(b, func(option, at, length int) bool {
		switch {
		case option == 11 && !path:
			line, path = append(line, ", /"...), true
		case option == 11:
			line = append(line, '/')
		case option == 15 && !query:
			line, query = append(line, '?'), true
		case option == 15:
			line = append(line, '&')
		default:
			return len(line) < maxInfo
		}
		line = append(line, b[at:at+length]...)
		return len(line) < maxInfo
	})
	return line
}

// eachCoAP calls do with each option (RFC 7252, Section 3.1) until it has enough, and returns where the options end.
func eachCoAP(b []byte, do func(option, at, length int) bool) int {
	option := 0
	for at := 4 + int(b[0]&15); at < len(b); {
		if b[at] == 0xff {
			return at
		}
		begin, delta, length := at, int(b[at]>>4), int(b[at]&15)
		at++
		for _, v := range []*int{&delta, &length} {
			switch {
			case *v == 13 && at < len(b):
				*v, at = int(b[at])+13, at+1
			case *v == 14 && at+1 < len(b):
				*v, at = int(be16(b[at:]))+269, at+2
			case *v >= 13:
				return begin
			}
		}
		option += delta
		if at+length > len(b) || !do(option, at, length) {
			return begin
		}
		at += length
	}
	return len(b)
}

var coapOptions = map[int]string{1: "If-Match", 3: "Uri-Host", 4: "ETag", 5: "If-None-Match", 6: "Observe", 7: "Uri-Port", 8: "Location-Path",
	11: "Uri-Path", 12: "Content-Format", 14: "Max-Age", 15: "Uri-Query", 17: "Accept", 20: "Location-Query", 23: "Block2", 27: "Block1",
	28: "Size2", 35: "Proxy-Uri", 39: "Proxy-Scheme", 60: "Size1"}

func coapFields(f *fields, b []byte) {
	f.add(1, "Version", "1", 0, 1)
	f.add(1, "Type", coapTypes[b[0]>>4&3], 0, 1)
	f.add(1, "Code", coapCode(b[1]), 1, 1)
	f.uint(1, "Message ID", 2, 2)
	if n := int(b[0] & 15); n > 0 {
		f.hex(1, "Token", 4, n)
	}
	end := eachCoAP(b, func(option, at, length int) bool {
		name, ok := coapOptions[option]
		if !ok {
			name = fmt.Sprintf("Option %d", option)
		}
		f.add(1, name, coapValue(option, b[at:at+length]), at, length)
		return !f.full()
	})
	if end+1 < len(b) && b[end] == 0xff {
		f.add(1, "Payload", excerpt(b[end+1:]), end+1, len(b)-end-1)
	}
}

func excerpt(b []byte) string { return string(appendExcerpt(nil, b)) }

// coapValue writes what an option holds: a number in as few bytes as it takes, a block (RFC 7959, Section 2.2), bytes or text.
func coapValue(option int, v []byte) string {
	if len(v) > 4 {
		return excerpt(v)
	}
	number := uint32(0)
	for _, c := range v {
		number = number<<8 | uint32(c)
	}
	switch option {
	case 6, 7, 12, 14, 16, 17, 28, 60:
		return fmt.Sprint(number)
	case 23, 27:
		return fmt.Sprintf("%d, of %d bytes, more to come: %s", number>>4, 16<<(number&7), yesNo(number&8 != 0))
	case 4:
		return string(appendHex([]byte("0x"), v, 8))
	}
	return excerpt(v)
}
