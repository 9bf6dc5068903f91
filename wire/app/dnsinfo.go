package app

import (
	"net/netip"
	"strconv"

	"dgram/wire"
)

var dnsOpcodes = [...]string{"Standard query", "Inverse query", "Server status request", "Unknown operation (3)", "Zone change notification",
	"Dynamic update", "Stateful operation"}

// dnsErrors are the response codes as Wireshark words them (RFC 1035, RFC 2136).
var dnsErrors = [...]string{"", "Format error", "Server failure", "No such name", "Not implemented", "Refused", "Name exists",
	"RRset exists", "RRset does not exist", "Not authoritative", "Name out of zone"}

var dnsTypes = [...]string{1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 24: "SIG",
	28: "AAAA", 29: "LOC", 32: "NB", 33: "SRV", 35: "NAPTR", 39: "DNAME", 41: "OPT", 43: "DS", 44: "SSHFP", 46: "RRSIG",
	47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 64: "SVCB", 65: "HTTPS", 99: "SPF", 249: "TKEY", 250: "TSIG",
	251: "IXFR", 252: "AXFR", 255: "ANY", 257: "CAA"}

func appendDNSType(line []byte, t uint16, protocol Protocol) []byte {
	if int(t) < len(dnsTypes) && dnsTypes[t] != "" && (protocol != NBNS || t == 32) {
		return append(line, dnsTypes[t]...)
	}
	if protocol == NBNS && t == 33 {
		return append(line, "NBSTAT"...)
	}
	return strconv.AppendUint(append(line, "TYPE"...), uint64(t), 10)
}

func dnsInfo(line []byte, p *wire.Packet) []byte  { return appendDNS(line, p.Payload, DNS) }
func mdnsInfo(line []byte, p *wire.Packet) []byte { return appendDNS(line, p.Payload, MDNS) }

func appendDNS(line, b []byte, protocol Protocol) []byte {
	if len(b) < dnsHeaderLength {
		return line
	}
	flags := be16(b[2:])
	line = append(line, dnsOpcodes[min(int(dnsOpcode(flags)), len(dnsOpcodes)-1)]...)
	if flags&dnsResponse != 0 {
		line = append(line, " response"...)
	}
	line = append0x(append(line, ' '), uint64(be16(b)), 4)
	if flags&dnsResponse != 0 {
		line = appendDNSError(line, flags)
	}
	return appendRecords(line, b, protocol)
}

// appendDNSError appends what went wrong, if a reply says so.
func appendDNSError(line []byte, flags uint16) []byte {
	switch code := int(flags & 15); {
	case code == 0:
		return line
	case code < len(dnsErrors):
		return append(append(line, ' '), dnsErrors[code]...)
	default:
		return appendInt(append(line, " Error "...), code)
	}
}

// appendRecords appends what is asked and what is answered, until the line is full.
func appendRecords(line, b []byte, protocol Protocol) []byte {
	walk := dnsWalk{message: b, at: dnsHeaderLength}
	var r dnsRecord
	full := len(line) + maxInfo
	for walk.next(&r) && len(line) < full {
		line = appendDNSType(append(line, ' '), r.kind, protocol)
		if protocol == MDNS && r.section != dnsQuestion && r.kind != dnsOPT && r.class&0x8000 != 0 {
			line = append(line, ", cache flush"...)
		}
		switch {
		case r.section == dnsQuestion:
			line, _, _ = appendName(append(line, ' '), b, r.name)
			if protocol == MDNS {
				line = append(line, mdnsHow(r.class)...)
			}
		case r.kind != dnsOPT:
			line = appendRData(append(line, ' '), b, &r)
		}
	}
	return line
}

// mdnsHow says how a reply is wanted (RFC 6762, Section 5.4).
func mdnsHow(class uint16) string {
	if class&0x8000 != 0 {
		return `, "QU" question`
	}
	return `, "QM" question`
}

// The record types whose data is read.
const (
	dnsA     = 1
	dnsNS    = 2
	dnsCNAME = 5
	dnsSOA   = 6
	dnsPTR   = 12
	dnsMX    = 15
	dnsTXT   = 16
	dnsAAAA  = 28
	dnsSRV   = 33
	dnsDNAME = 39
	dnsOPT   = 41
	dnsSVCB  = 64
	dnsHTTPS = 65
)

// appendRData appends the data of a record: addresses and names as such, text in quotation marks, else hexadecimal.
func appendRData(line, message []byte, r *dnsRecord) []byte {
	data := message[r.data : r.data+r.length]
	switch {
	case r.kind == dnsA && len(data) == 4 || r.kind == dnsAAAA && len(data) == 16:
		address, _ := netip.AddrFromSlice(data)
		return address.AppendTo(line)
	case r.kind == dnsTXT:
		return appendStrings(line, data)
	}
	before := 0 // of the name
	switch r.kind {
	case dnsNS, dnsCNAME, dnsPTR, dnsSOA, dnsDNAME:
	case dnsMX, dnsSVCB, dnsHTTPS:
		before = 2
	case dnsSRV:
		before = 6
	default:
		return appendHex(line, data, 16)
	}
	if len(data) < before+1 {
		return appendHex(line, data, 16)
	}
	for i := 0; i < before; i += 2 {
		line = append(appendUint(line, be16(data[i:])), ' ')
	}
	line, _, _ = appendName(line, message, r.data+before)
	return line
}

// appendStrings appends the character strings of RFC 1035, Section 3.3.
func appendStrings(line, data []byte) []byte {
	for i := 0; len(data) > 0; i++ {
		n := min(int(data[0]), len(data)-1)
		if i > 0 {
			line = append(line, ' ')
		}
		line = append(line, '"')
		line = append(line, data[1:1+n]...)
		line = append(line, '"')
		data = data[1+n:]
	}
	return line
}
