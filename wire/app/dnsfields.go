package app

import "fmt"

// The sections of a message, in their order.
const (
	dnsQuestion = iota
	dnsAnswer
	dnsAuthority
	dnsAdditional
	dnsSections
)

var dnsSectionNames = [dnsSections]string{"Question", "Answer", "Authority", "Additional"}

// A dnsRecord is one entry of a section; of a question there is no data. Places are those in the message.
type dnsRecord struct {
	section      int
	name         int // where the name begins
	end          int // behind the record
	kind, class  uint16
	ttl          uint32
	data, length int
}

// A dnsWalk goes through the records of a message.
type dnsWalk struct {
	message []byte
	at      int
	section int
	count   int // of the records in this section that were read
}

// next reads the next record; false: there is none, or it cannot be read.
func (w *dnsWalk) next(r *dnsRecord) bool {
	for w.section < dnsSections && w.count >= int(be16(w.message[4+2*w.section:])) {
		w.section, w.count = w.section+1, 0
	}
	if w.section == dnsSections {
		return false
	}
	b := w.message
	end, ok := nameEnd(b, w.at)
	if !ok || end+4 > len(b) {
		return false
	}
	*r = dnsRecord{section: w.section, name: w.at, kind: be16(b[end:]), class: be16(b[end+2:]), end: end + 4, data: end + 4}
	if w.section != dnsQuestion {
		if end+10 > len(b) {
			return false
		}
		r.ttl, r.data, r.length = be32(b[end+4:]), end+10, int(be16(b[end+8:]))
		r.end = r.data + r.length
		if r.end > len(b) {
			return false
		}
	}
	w.at = r.end
	w.count++
	return true
}

func dnsFields(f *fields, b []byte) {
	if len(b) < dnsHeaderLength {
		return
	}
	flags := be16(b[2:])
	f.hex(1, "Transaction ID", 0, 2)
	f.hex(1, "Flags", 2, 2)
	dnsFlagFields(f, flags)
	for i, name := range [...]string{"Questions", "Answers", "Authority records", "Additional records"} {
		f.uint(1, name, 4+2*i, 2)
	}
	walk := dnsWalk{message: b, at: dnsHeaderLength}
	var r dnsRecord
	for walk.next(&r) && !f.full() {
		dnsRecordFields(f, b, &r)
	}
	if walk.section < dnsSections && !f.full() {
		f.add(1, "Rest", "cannot be read", walk.at, len(b)-walk.at)
	}
}

func dnsFlagFields(f *fields, flags uint16) {
	message := "query"
	if flags&dnsResponse != 0 {
		message = "response"
	}
	f.add(2, "Message", message, 2, 1)
	operation := dnsOpcodes[min(int(dnsOpcode(flags)), len(dnsOpcodes)-1)]
	if f.protocol == NBNS {
		operation = nbnsOpcodes[dnsOpcode(flags)]
	}
	f.add(2, "Operation", operation, 2, 1)
	for _, bit := range []struct {
		mask uint16
		name string
	}{
		{dnsAuthoritative, "Authoritative"}, {dnsTruncated, "Truncated"}, {dnsRecursion, "Recursion desired"},
		{dnsRecursive, "Recursion available"}, {dnsAuthentic, "Authentic data"}, {dnsUnchecked, "Checking disabled"},
	} {
		at := 2
		if bit.mask < 0x100 {
			at = 3
		}
		f.add(2, bit.name, yesNo(flags&bit.mask != 0), at, 1)
	}
	if flags&dnsResponse != 0 {
		code := int(flags & 15)
		text := fmt.Sprintf("error %d", code)
		if code == 0 {
			text = "no error"
		} else if code < len(dnsErrors) {
			text = dnsErrors[code]
		}
		f.add(2, "Reply code", text, 3, 1)
	}
}

func dnsRecordFields(f *fields, b []byte, r *dnsRecord) {
	name, nameEnd, _ := appendName(nil, b, r.name)
	if f.protocol == NBNS {
		name = appendNBNSName(nil, b, r.name)
	}
	kind := string(appendDNSType(nil, r.kind, f.protocol))
	f.add(1, dnsSectionNames[r.section], kind+" "+string(name), r.name, r.end-r.name)
	f.add(2, "Name", string(name), r.name, nameEnd-r.name)
	f.add(2, "Type", fmt.Sprintf("%s (%d)", kind, r.kind), nameEnd, 2)
	if r.kind == dnsOPT && r.section != dnsQuestion {
		f.add(2, "UDP payload size", fmt.Sprint(r.class), nameEnd+2, 2)
		f.add(2, "Extended reply code", fmt.Sprint(r.ttl>>24), nameEnd+4, 1)
		f.add(2, "EDNS version", fmt.Sprint(r.ttl>>16&0xff), nameEnd+5, 1)
		f.add(2, "DNSSEC OK", yesNo(r.ttl&0x8000 != 0), nameEnd+6, 2)
	} else {
		f.add(2, "Class", dnsClass(r.class, f.protocol), nameEnd+2, 2)
	}
	if r.section == dnsQuestion {
		return
	}
	if r.kind != dnsOPT {
		f.add(2, "Time to live", fmt.Sprintf("%d s", r.ttl), nameEnd+4, 4)
	}
	f.add(2, "Data length", fmt.Sprint(r.length), nameEnd+8, 2)
	switch {
	case r.length == 0:
	case f.protocol == NBNS:
		f.add(2, "Data", string(appendNBNSData(nil, b, r)), r.data, r.length)
	default:
		f.add(2, "Data", string(appendRData(nil, b, r)), r.data, r.length)
	}
}

func dnsClass(class uint16, protocol Protocol) string {
	note := ""
	if protocol == MDNS && class&0x8000 != 0 {
		class &^= 0x8000
		note = ", unicast reply wanted or cache to be flushed"
	}
	switch class {
	case 1:
		return "IN (1)" + note
	case 3:
		return "CH (3)" + note
	case 255:
		return "ANY (255)" + note
	}
	return fmt.Sprint(class) + note
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
