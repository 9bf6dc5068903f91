package app

import (
	"fmt"

	"dgram/wire"
)

// A ber reads the few things of BER (X.690) that SNMP's header is made of.
type ber struct {
	b  []byte
	at int
}

// next reads a tag and a length, which does not have to be at hand: a capture may be cut. It stands before the value then.
func (r *ber) next() (tag byte, length int, ok bool) {
	if r.at+2 > len(r.b) {
		return 0, 0, false
	}
	tag, length = r.b[r.at], int(r.b[r.at+1])
	r.at += 2
	if length < 0x80 {
		return tag, length, true
	}
	n := length & 0x7f
	if n == 0 || n > 3 || r.at+n > len(r.b) {
		return 0, 0, false
	}
	length = 0
	for _, c := range r.b[r.at : r.at+n] {
		length = length<<8 | int(c)
	}
	r.at += n
	return tag, length, true
}

// value reads what has that tag and is at hand.
func (r *ber) value(tag byte) ([]byte, bool) {
	t, n, ok := r.next()
	if !ok || t != tag || r.at+n > len(r.b) {
		return nil, false
	}
	r.at += n
	return r.b[r.at-n : r.at], true
}

// The tags in SNMP's header.
const (
	berInteger  = 0x02
	berString   = 0x04
	berObject   = 0x06
	berSequence = 0x30
)

// snmpTrap1 is the PDU of a trap of version 1 (RFC 1157, Section 4.1.6).
const snmpTrap1 = 0xa4

// An snmpHeader is what stands before the variables (RFC 3416; RFC 3412, Section 6), and where.
type snmpHeader struct {
	version   byte
	pdu       byte // its tag; 0 in version 3, where it may be encrypted
	community []byte
	id        []byte
	communityAt, pduAt,
	idAt int
}

func readSNMPHeader(b []byte, h *snmpHeader) bool {
	r := ber{b: b}
	if tag, _, ok := r.next(); !ok || tag != berSequence {
		return false
	}
	version, ok := r.value(berInteger)
	if !ok || len(version) != 1 || version[0] > 3 {
		return false
	}
	*h = snmpHeader{version: version[0]}
	if h.version == 3 {
		if tag, _, ok := r.next(); !ok || tag != berSequence {
			return false
		}
	} else {
		if h.community, ok = r.value(berString); !ok {
			return false
		}
		h.communityAt, h.pduAt = r.at-len(h.community), r.at
		if h.pdu, _, ok = r.next(); !ok || h.pdu < 0xa0 || h.pdu > 0xa8 {
			return false
		}
		if h.pdu == snmpTrap1 { // it has no ID
			return true
		}
	}
	h.id, ok = r.value(berInteger)
	h.idAt = r.at - len(h.id)
	return ok && len(h.id) > 0 && len(h.id) <= 8
}

func readSNMP(p *wire.Packet, m *Message) bool {
	var h snmpHeader
	if !readSNMPHeader(p.Payload, &h) {
		return false
	}
	switch h.pdu {
	case 0xa2:
		m.Kind = Reply
	case snmpTrap1, 0xa7, 0xa8:
		m.Kind = Neither
	case 0: // version 3: which of them it is may be encrypted
		m.Kind = Unknown
	default:
		m.Kind = Request
	}
	if h.pdu == 0 && portProtocol(p.DstPort) == SNMP {
		m.Kind = Request
	} else if h.pdu == 0 && portProtocol(p.SrcPort) == SNMP {
		m.Kind = Reply
	}
	if len(h.id) > 0 && m.Kind != Neither {
		m.identify(exactHash(h.id), uint64(h.version))
	}
	return true
}

var snmpPDUs = [...]string{"get-request", "get-next-request", "get-response", "set-request", "trap", "getBulkRequest", "informRequest",
	"snmpV2-trap", "report"}

var snmpVersions = [...]string{"version-1", "v2c", "v2u", "snmpv3"}

func snmpInfo(line []byte, p *wire.Packet) []byte {
	var h snmpHeader
	if !readSNMPHeader(p.Payload, &h) {
		return line
	}
	if h.version == 3 && !readScoped(p.Payload, &h) {
		return append(line, "encryptedPDU"...)
	}
	line = append(line, snmpPDUs[h.pdu-0xa0]...)
	if h.pdu == snmpTrap1 {
		r := ber{b: p.Payload, at: h.pduAt}
		if _, _, ok := r.next(); ok {
			if enterprise, ok := r.value(berObject); ok {
				line = appendOID(append(line, ' '), enterprise)
			}
		}
		return line
	}
	eachVariable(p.Payload, &h, func(name []byte, _, _ int) bool {
		line = appendOID(append(line, ' '), name)
		return len(line) < maxInfo
	})
	return line
}

// readScoped goes on in a header of version 3: the rest of what tells how to read the message, the security's parameters, and then
// the PDU with its ID, unless all that is encrypted (RFC 3412, Section 6).
func readScoped(b []byte, h *snmpHeader) bool {
	r := ber{b: b, at: h.idAt + len(h.id)}
	_, sizeOK := r.value(berInteger)
	flags, flagsOK := r.value(berString)
	_, modelOK := r.value(berInteger)
	_, securityOK := r.value(berString)
	if !sizeOK || !flagsOK || !modelOK || !securityOK || len(flags) != 1 || flags[0]&2 != 0 {
		return false
	}
	if tag, _, ok := r.next(); !ok || tag != berSequence {
		return false
	}
	_, engineOK := r.value(berString)
	_, nameOK := r.value(berString)
	h.pduAt = r.at
	pdu, _, ok := r.next()
	if !engineOK || !nameOK || !ok || pdu < 0xa0 || pdu > 0xa8 || pdu == snmpTrap1 {
		return false
	}
	if h.id, ok = r.value(berInteger); !ok {
		return false
	}
	h.pdu, h.idAt = pdu, r.at-len(h.id)
	return true
}

// eachVariable calls do with the name of each variable of a PDU, and where that and its value stand, until it has enough.
func eachVariable(b []byte, h *snmpHeader, do func(name []byte, at, length int) bool) {
	r := ber{b: b, at: h.idAt + len(h.id)}
	if len(h.id) == 0 {
		return
	}
	_, statusOK := r.value(berInteger) // the errors, or how much is wanted at once
	_, indexOK := r.value(berInteger)
	if tag, _, ok := r.next(); !ok || tag != berSequence || !statusOK || !indexOK {
		return
	}
	for {
		at := r.at
		tag, length, ok := r.next()
		if !ok || tag != berSequence {
			return
		}
		end := r.at + length
		name, ok := r.value(berObject)
		if !ok || end < r.at || end > len(b) || !do(name, at, end-at) {
			return
		}
		r.at = end
	}
}

// appendOID appends the name of an object (X.690, Section 8.19).
func appendOID(line, oid []byte) []byte {
	v, first := uint64(0), true
	for _, c := range oid {
		v = v<<7 | uint64(c&0x7f)
		switch {
		case c&0x80 != 0:
			continue
		case first:
			root := min(v/40, 2)
			line = appendUint(append(appendUint(line, root), '.'), v-40*root)
			first = false
		default:
			line = appendUint(append(line, '.'), v)
		}
		v = 0
	}
	return line
}

func snmpFields(f *fields, b []byte) {
	var h snmpHeader
	if !readSNMPHeader(b, &h) {
		return
	}
	f.add(1, "Version", fmt.Sprintf("%s (%d)", snmpVersions[h.version], h.version), 0, 0)
	if h.version == 3 {
		f.hex(1, "Message ID", h.idAt, len(h.id))
		if !readScoped(b, &h) {
			f.add(1, "Scoped PDU", "encrypted", len(b), 0)
			return
		}
	} else {
		f.add(1, "Community", string(h.community), h.communityAt, len(h.community))
	}
	f.add(1, "Operation", snmpPDUs[h.pdu-0xa0], h.pduAt, 1)
	if len(h.id) > 0 {
		f.hex(1, "ID", h.idAt, len(h.id))
		eachVariable(b, &h, func(name []byte, at, length int) bool {
			f.add(1, "Variable", string(appendOID(nil, name)), at, length)
			return !f.full()
		})
	}
}
