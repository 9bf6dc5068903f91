package app

import "dgram/wire"

// dnsHeaderLength is that of RFC 1035, Section 4.1.1.
const dnsHeaderLength = 12

// The bits of a DNS header's flags (RFC 1035, Section 4.1.1; RFC 4035, Section 3.1.6).
const (
	dnsResponse      = 0x8000
	dnsAuthoritative = 0x0400
	dnsTruncated     = 0x0200
	dnsRecursion     = 0x0100
	dnsRecursive     = 0x0080
	dnsReserved      = 0x0040
	dnsAuthentic     = 0x0020
	dnsUnchecked     = 0x0010
)

func dnsOpcode(flags uint16) uint16 { return flags >> 11 & 15 }

// readDNS reads DNS and its relatives: multicast DNS (RFC 6762), LLMNR (RFC 4795) and the NetBIOS name service (RFC 1002).
func readDNS(p *wire.Packet, m *Message) bool {
	b := p.Payload
	if len(b) < dnsHeaderLength {
		return false
	}
	flags := be16(b[2:])
	questions, others := int(be16(b[4:])), int(be16(b[6:]))+int(be16(b[8:]))+int(be16(b[10:]))
	// A question has at least 5 bytes, any other record 11.
	if !m.Protocol.knowsOpcode(dnsOpcode(flags)) || flags&dnsReserved != 0 ||
		dnsHeaderLength+5*questions+11*others > max(p.PayloadLength, len(b)) {
		return false
	}
	m.Kind = Request
	if flags&dnsResponse != 0 {
		m.Kind = Reply
	} else if questions == 0 && dnsOpcode(flags) == 0 {
		return false
	}
	if questions+others == 0 {
		return true
	}
	end, ok := skipQuestion(b)
	if !ok {
		return cut(p)
	}
	identifyDNS(m, b, questions, end)
	return true
}

// isPlainDNS recognises what programs ask of each other on whatever port (resolvers behind one another, servers of containers): one
// question of class IN, and records that end where the datagram does.
func isPlainDNS(p *wire.Packet) bool {
	b := p.Payload
	if len(b) < dnsHeaderLength+5 || cut(p) || be16(b[4:]) != 1 {
		return false
	}
	flags, answers := be16(b[2:]), int(be16(b[6:]))+int(be16(b[8:]))
	if dnsOpcode(flags) != 0 || flags&dnsReserved != 0 || flags&15 > 5 ||
		flags&dnsResponse == 0 && (answers != 0 || flags&(dnsAuthoritative|dnsRecursive|15) != 0) {
		return false
	}
	walk := dnsWalk{message: b, at: dnsHeaderLength}
	var r dnsRecord
	for walk.next(&r) {
		if r.section == dnsQuestion && (r.class != 1 || r.kind == 0 || r.end-r.name < 6) {
			return false
		}
	}
	return walk.section == dnsSections && walk.at == len(b)
}

// knowsOpcode says whether an opcode is assigned (https://www.iana.org/assignments/dns-parameters).
func (p Protocol) knowsOpcode(opcode uint16) bool {
	if p == NBNS {
		return nbnsOpcodes[opcode] != ""
	}
	return opcode <= 6
}

// identifyDNS takes the ID and the question. In NetBIOS's replies the question's name stands before the first answer; in
// multicast DNS the ID is 0, and a reply has the name but perhaps not the type in common with the question.
func identifyDNS(m *Message, b []byte, questions, end int) {
	id := uint64(be16(b))
	switch {
	case m.Protocol == MDNS:
		m.identify(id, FoldedHash(b[dnsHeaderLength:end]))
	case end+4 <= len(b) && (questions > 0 || m.Protocol == NBNS):
		m.identify(id, FoldedHash(b[dnsHeaderLength:end+4]))
	}
}

// skipQuestion returns where the name behind the header ends, which nothing stands before that it could point to.
func skipQuestion(b []byte) (int, bool) {
	for at := dnsHeaderLength; at < len(b) && at < dnsHeaderLength+255; {
		label := int(b[at])
		at++
		if label == 0 {
			return at, true
		}
		if label > 63 {
			return 0, false
		}
		at += label
	}
	return 0, false
}

// The longest name, in bytes of a message (RFC 1035, Section 2.3.4), and the most pointers that one is followed through.
const (
	maxName     = 255
	maxPointers = 64
)

// A nameWalk goes through the labels of a name. A pointer has to point before the place where the name's last piece
// began, so there is no way round in a circle.
type nameWalk struct {
	message   []byte
	at, start int
	end       int // where the name ends in the message: behind its first pointer, if it has one; -1: not known yet
	length    int // of the labels so far
	pointers  int
}

func walkName(message []byte, at int) nameWalk {
	return nameWalk{message: message, at: at, start: at, end: -1}
}

// next returns the next label; more is false behind the last one, and good is false where the name cannot be read.
func (n *nameWalk) next() (label []byte, more, good bool) {
	for n.at >= 0 && n.at < len(n.message) {
		size := int(n.message[n.at])
		switch {
		case size == 0:
			if n.end < 0 {
				n.end = n.at + 1
			}
			return nil, false, true
		case size >= 0xc0:
			if n.pointers++; n.at+2 > len(n.message) || n.pointers > maxPointers {
				return nil, false, false
			}
			if n.end < 0 {
				n.end = n.at + 2
			}
			to := int(be16(n.message[n.at:]) & 0x3fff)
			if to >= n.start {
				return nil, false, false
			}
			n.at, n.start = to, to
			continue
		case size > 63 || n.at+1+size > len(n.message) || n.length+1+size > maxName:
			return nil, false, false
		}
		label = n.message[n.at+1 : n.at+1+size]
		n.at += 1 + size
		n.length += 1 + size
		return label, true, true
	}
	return nil, false, false
}

// nameEnd returns where the name that stands in message at at ends.
func nameEnd(message []byte, at int) (int, bool) {
	n := walkName(message, at)
	for {
		if _, more, good := n.next(); !more {
			return n.end, good
		}
	}
}

// appendName appends the name that stands in message at at, as RFC 4343 writes it: bytes that would confuse as \DDD or
// behind a backslash, the root as "<Root>". It returns where the name ends in the message.
func appendName(line, message []byte, at int) ([]byte, int, bool) {
	n := walkName(message, at)
	for first := true; ; first = false {
		label, more, good := n.next()
		switch {
		case !more:
			if good && n.length == 0 {
				line = append(line, "<Root>"...)
			}
			return line, n.end, good
		case !first:
			line = append(line, '.')
		}
		line = appendLabel(line, label)
	}
}
