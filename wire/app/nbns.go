package app

import (
	"net/netip"

	"dgram/wire"
)

// The types of NetBIOS's records (RFC 1002, Section 4.2.1.3), whose numbers are others' in DNS.
const (
	nbnsName   = 0x20
	nbnsStatus = 0x21
)

// nbnsOpcodes are named as Wireshark does (RFC 1002, Section 4.2.1.1; Microsoft's multi-homed registration).
var nbnsOpcodes = [16]string{0: "Name query", 5: "Registration", 6: "Release", 7: "Wait and acknowledgment", 8: "Refresh", 9: "Refresh",
	15: "Multi-homed registration"}

// nbnsHalves is how long the first label of a name is: 16 bytes, each as two letters from A to P (RFC 1001, Section 14.1).
const nbnsHalves = 32

// appendNetBIOSName appends the name in message at at: 15 characters without the blanks that fill them, and what kind of name it is, as
// <20>; what follows the first label is a scope. false: it is no such name.
func appendNetBIOSName(line, message []byte, at int) ([]byte, bool) {
	n := walkName(message, at)
	label, more, _ := n.next()
	if !more || len(label) != nbnsHalves {
		return line, false
	}
	var name [nbnsHalves / 2]byte
	for i, c := range label {
		if c < 'A' || c > 'P' {
			return line, false
		}
		name[i/2] = name[i/2]<<4 | (c - 'A')
	}
	line = appendNetBIOS(line, name)
	for {
		scope, more, _ := n.next()
		if !more {
			return line, true
		}
		line = appendLabel(append(line, '.'), scope)
	}
}

// appendNetBIOS appends a name that is not in letters.
func appendNetBIOS(line []byte, name [nbnsHalves / 2]byte) []byte {
	last := len(name) - 1
	end := last
	for end > 0 && name[end-1] == ' ' {
		end--
	}
	for _, c := range name[:end] {
		if ' ' <= c && c <= '~' {
			line = append(line, c)
		} else {
			line = appendNetBIOSKind(line, c)
		}
	}
	return appendNetBIOSKind(line, name[last])
}

func appendNetBIOSKind(line []byte, c byte) []byte {
	return append(line, '<', hexDigits[c>>4], hexDigits[c&15], '>')
}

func nbnsInfo(line []byte, p *wire.Packet) []byte {
	b := p.Payload
	flags := be16(b[2:])
	line = append(line, nbnsOpcodes[dnsOpcode(flags)]...)
	if flags&dnsResponse != 0 {
		line = appendDNSError(append(line, " response"...), flags)
	}
	walk := dnsWalk{message: b, at: dnsHeaderLength}
	var r dnsRecord
	if !walk.next(&r) {
		return line
	}
	line = append(appendDNSType(append(line, ' '), r.kind, NBNS), ' ')
	if r.section == dnsQuestion {
		return appendNBNSName(line, b, r.name)
	}
	return appendNBNSData(line, b, &r)
}

func appendNBNSName(line, message []byte, at int) []byte {
	if full, ok := appendNetBIOSName(line, message, at); ok {
		return full
	}
	line, _, _ = appendName(line, message, at)
	return line
}

// appendNBNSData appends the addresses of a name, or the names of a host.
func appendNBNSData(line, message []byte, r *dnsRecord) []byte {
	data := message[r.data : r.data+r.length]
	switch {
	case r.kind == nbnsName && len(data) > 0 && len(data)%6 == 0: // flags and address
		for i := 0; i < len(data); i += 6 {
			if i > 0 {
				line = append(line, ", "...)
			}
			line = netip.AddrFrom4([4]byte(data[i+2:])).AppendTo(line)
		}
		return line
	case r.kind == nbnsStatus && len(data) > 0 && len(data) >= 1+18*int(data[0]): // names with flags
		for i := range int(data[0]) {
			if i > 0 {
				line = append(line, ", "...)
			}
			line = appendNetBIOS(line, [nbnsHalves / 2]byte(data[1+18*i:]))
		}
		return line
	}
	return appendHex(line, data, 16)
}
