package pcapfile

import (
	"cmp"

	"dgram/wire"
)

// A section is a part of a pcapng file with interfaces of its own.
type section struct {
	number     uint64 // from 1
	interfaces []described
}

// described is an interface of a section.
type described struct {
	index       int // among those of the Reader
	link        wire.LinkType
	snaplen     uint32 // 0: no limit
	clock       resolution
	lost        uint64 // as the packets say
	lostInStats uint64 // as its statistics say: of the whole capture until then
}

// What a file may name: more than any machine has, and few enough to be remembered.
const (
	maxInterfaces = 4096
	maxName       = 256 // bytes of an interface's name that are kept
)

// drops are those of the section. Statistics and packets count the same losses: whoever counted more of them is right.
func (s *section) drops() (n uint64) {
	for i := range s.interfaces {
		n += max(s.interfaces[i].lost, s.interfaces[i].lostInStats)
	}
	return n
}

// begin reads a Section Header Block: byte order, version (2), the section's length, options.
func (r *Reader) begin(b []byte) error {
	if len(b) < 16 {
		return r.damaged("a section header of %d bytes", len(b)+blockFrame)
	}
	// 1.2 is 1.0 as some programs write it.
	if major, minor := r.u16(b[4:]), r.u16(b[6:]); major != 1 {
		return r.damaged("pcapng of version %d.%d, and only 1 is read", major, minor)
	}
	r.drops += r.section.drops()
	r.section.interfaces = r.section.interfaces[:0]
	r.section.number++
	for options := b[16:]; ; {
		code, value := r.option(&options)
		switch code {
		case optionEnd:
			return nil
		case optionComment:
			r.addComment(value)
		}
	}
}

// describe reads an Interface Description Block: link type, two bytes, the snapshot length, options.
func (r *Reader) describe(b []byte) error {
	if len(b) < 8 {
		return r.damaged("an interface description of %d bytes", len(b)+blockFrame)
	}
	d := described{link: wire.LinkType(r.u16(b)), snaplen: r.u32(b[4:])}
	w := wire.Interface{Link: d.link, Snaplen: int(min(d.snaplen, 1<<31-1))}
	unit, offset := byte(6), int64(0)
	for options := b[8:]; ; {
		code, value := r.option(&options)
		switch {
		case code == optionEnd:
			d.clock = newResolution(unit, offset)
			return r.addInterface(d, w)
		case code == optionName:
			w.Name = string(value[:min(len(value), maxName)])
		case code == optionResolution && len(value) == 1:
			unit = value[0]
		case code == optionOffset && len(value) == 8:
			offset = int64(r.u64(value))
		}
	}
}

// addInterface gives an interface of the section its index among all: the one that an equal interface of an earlier section had,
// so that a file of many sections does not name ever more.
func (r *Reader) addInterface(d described, w wire.Interface) error {
	if len(r.section.interfaces) == maxInterfaces {
		return r.damaged("the section names more than %d interfaces", maxInterfaces)
	}
	d.index = r.indexOf(w)
	if d.index == len(r.interfaces) {
		if d.index == maxInterfaces {
			return r.damaged("the file names more than %d interfaces", maxInterfaces)
		}
		r.interfaces = append(r.interfaces, w)
		r.lastSeen = append(r.lastSeen, 0)
	}
	r.lastSeen[d.index] = r.section.number
	r.section.interfaces = append(r.section.interfaces, d)
	return nil
}

// indexOf finds an interface that this section has not named yet: two of one name are still two.
func (r *Reader) indexOf(w wire.Interface) int {
	fits := func(i int) bool { return r.interfaces[i] == w && r.lastSeen[i] != r.section.number }
	if n := len(r.section.interfaces); n < len(r.interfaces) && fits(n) {
		return n // nearly always
	}
	for i := range r.interfaces {
		if fits(i) {
			return i
		}
	}
	return len(r.interfaces)
}

// statistics reads an Interface Statistics Block: interface, time (2), options.
func (r *Reader) statistics(b []byte) error {
	if len(b) < 12 {
		return r.damaged("interface statistics of %d bytes", len(b)+blockFrame)
	}
	index := r.u32(b)
	if uint64(index) >= uint64(len(r.section.interfaces)) {
		return r.damaged("statistics of interface %d, and the section has named %d", index, len(r.section.interfaces))
	}
	var byInterface, bySystem uint64
	for options := b[12:]; ; {
		code, value := r.option(&options)
		switch {
		case code == optionEnd:
			at := &r.section.interfaces[index]
			at.lostInStats = cmp.Or(byInterface+bySystem, at.lostInStats)
			return nil
		case code == optionComment:
			r.addComment(value)
		case code == optionDropped && len(value) == 8:
			byInterface = r.u64(value)
		case code == optionSystemDropped && len(value) == 8:
			bySystem = r.u64(value)
		}
	}
}
