package app

import (
	"unicode/utf8"

	"dgram/wire"
)

// maxInfo is how long a line of AppendInfo is at most, in bytes.
const maxInfo = 200

// AppendInfo appends to b what Wireshark's column Info would say of p, for m as Read filled it in: at most 200 bytes. It
// may hold bytes of the payload as they came: whoever prints it escapes.
func AppendInfo(b []byte, p *wire.Packet, m *Message) []byte {
	start := len(b)
	if m.Protocol < numProtocols && dialects[m.Protocol].info != nil && len(p.Payload) > 0 {
		b = dialects[m.Protocol].info(b, p)
	}
	if len(b) == start {
		b = appendPlain(b, p, m)
	}
	if len(b)-start > maxInfo {
		const more = "…"
		b = append(b[:start+len(wholeRunes(b[start:start+maxInfo-len(more)]))], more...)
	}
	return b
}

func appendPlain(line []byte, p *wire.Packet, m *Message) []byte {
	switch {
	case p.Fragment:
		return appendFragment(line, p)
	case m.Protocol == ICMP || m.Protocol == ICMPv6:
		return appendICMP(line, p)
	case p.HasPorts:
		line = appendUint(line, p.SrcPort)
		line = append(line, " → "...)
		line = appendUint(line, p.DstPort)
		line = appendLength(append(line, ' '), p)
	case m.Protocol == Unix:
		line = append(appendUnixName(line, p.UnixSrc), " → "...)
		line = append(appendUnixName(line, p.UnixDst), ' ')
		line = appendLength(line, p)
	case p.Version != 0:
		line = appendUint(append(line, "IP protocol "...), p.Protocol)
	case p.EtherType != 0:
		line = append0x(append(line, "EtherType "...), uint64(p.EtherType), 4)
	}
	if p.Problem > wire.NoProblem && p.Problem != wire.NotUDP && p.Problem != wire.NotIP {
		line = appendProblem(line, p.Problem)
	}
	return line
}

// appendLength appends how long the payload is, and its beginning.
func appendLength(line []byte, p *wire.Packet) []byte {
	line = appendInt(append(line, "Len="...), p.PayloadLength)
	if len(p.Payload) > 0 {
		line = appendExcerpt(append(line, ' '), p.Payload)
	}
	return line
}

func appendUnixName(line []byte, name string) []byte {
	if name == "" {
		return append(line, "unnamed"...)
	}
	// A path has at most 108 bytes (unix(7)).
	return append(line, wholeRunes([]byte(name[:min(len(name), 60)]))...)
}

func appendFragment(line []byte, p *wire.Packet) []byte {
	line = append(line, "Fragment of an IP datagram ("...)
	switch p.Protocol {
	case ipUDP:
		line = append(line, "UDP"...)
	case ipICMP, ipICMPv6:
		line = append(line, "ICMP"...)
	default:
		line = appendUint(append(line, "protocol "...), p.Protocol)
	}
	line = appendInt(append(line, ", bytes "...), p.FragmentOffset)
	line = appendInt(append(line, " to "...), p.FragmentOffset+max(len(p.Transport), 1)-1)
	if !p.MoreFragments {
		line = append(line, ", the last"...)
	}
	return append(append0x(append(line, ", ID "...), uint64(p.FragmentID), 4), ')')
}

var problems = [...]string{wire.UnknownLink: "unknown link type", wire.CutShort: "cut short", wire.Malformed: "malformed",
	wire.TooManyHeaders: "too many headers"}

func appendProblem(line []byte, problem wire.Problem) []byte {
	if int(problem) >= len(problems) {
		return line
	}
	if r, _ := utf8.DecodeLastRune(line); len(line) > 0 && r != ' ' {
		line = append(line, ' ')
	}
	return append(append(append(line, '['), problems[problem]...), ']')
}
