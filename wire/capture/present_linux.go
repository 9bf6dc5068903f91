package capture

import (
	"encoding/binary"
	"fmt"

	"dgram/sock"
	"dgram/wire"
)

const (
	cookedHead = 16 // the header of a cooked frame (LINKTYPE_LINUX_SLL)
	tagSize    = 4  // a VLAN tag
	tagAt      = 12 // where it stands, after the two addresses
	headRoom   = 16 // asked for before each frame: either fits
)

// present makes a frame as it was on the wire of what the ring has. It reports false for one that the filter does not want.
func (l *Live) present(f *wire.Frame) bool {
	in := &l.in
	if l.indexes[l.slot] != in.Interface {
		l.slot = l.find(in.Interface, in.HaType)
	}
	// Field by field: a Frame made elsewhere and copied here costs as much as all the rest.
	f.Time, f.Data, f.Length = in.Time, in.Buf[in.Start:], in.Length
	f.Link, f.Interface, f.Outgoing = l.interfaces[l.slot].Link, l.slot, in.PktType == sock.Outgoing
	f.Comment = ""
	switch {
	case f.Link == wire.LinkEthernet && !in.Tagged: // by far the most
	case f.Link == wire.LinkEthernet:
		l.retag(f)
	case f.Link == wire.LinkSLL:
		l.cook(f)
	default:
		f.Data, f.Length = in.Buf[in.Net:], in.Length-(in.Net-in.Start)
	}
	if in.Segment > 0 && l.train.begin(f, in.Segment) {
		return l.fromTrain(f)
	}
	return l.finish(f)
}

// fromTrain hands out the next datagram of a train that the filter wants, if there is one.
func (l *Live) fromTrain(f *wire.Frame) bool {
	for l.train.left > 0 {
		if l.train.step(f); l.finish(f) {
			return true
		}
	}
	return false
}

// finish cuts what a header made here has put over the snapshot length. It reports false for a frame that the filter does not want: the kernel
// could not see its tag.
func (l *Live) finish(f *wire.Frame) bool {
	if len(f.Data) > l.snaplen {
		f.Data = f.Data[:l.snaplen]
	}
	return !l.in.Tagged || f.Link != wire.LinkEthernet || l.accept(f)
}

// retag puts the tag back that the kernel took out, in the room before the frame: only the two addresses move.
func (l *Live) retag(f *wire.Frame) {
	in := &l.in
	if in.Start < tagSize || len(f.Data) < tagAt {
		return
	}
	b := in.Buf[in.Start-tagSize:]
	copy(b, f.Data[:tagAt])
	binary.BigEndian.PutUint16(b[tagAt:], in.TPID)
	binary.BigEndian.PutUint16(b[tagAt+2:], in.VLAN)
	f.Data, f.Length = b, f.Length+tagSize
}

// accept runs the filter over a frame whose tag the kernel's program could not see.
func (l *Live) accept(f *wire.Frame) bool {
	if l.tagged == nil {
		return true
	}
	keep, err := l.tagged.Run(f.Data)
	if err != nil || keep == 0 {
		return false
	}
	f.Data = f.Data[:min(keep, len(f.Data))]
	return true
}

// cook takes away the link layer that nobody here reads, and writes Linux's cooked header in its place
// (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html).
func (l *Live) cook(f *wire.Frame) {
	in := &l.in
	if in.Net < cookedHead {
		return
	}
	b := in.Buf[in.Net-cookedHead:]
	address := [8]byte{}
	n := copy(address[:], in.Addr)
	binary.BigEndian.PutUint16(b, uint16(in.PktType))
	binary.BigEndian.PutUint16(b[2:], in.HaType)
	binary.BigEndian.PutUint16(b[4:], uint16(n))
	copy(b[6:14], address[:])
	binary.BigEndian.PutUint16(b[14:], in.Protocol)
	f.Data, f.Length = b, in.Length-(in.Net-in.Start)+cookedHead
}

// find gives the place of an interface among Interfaces, and a place to one that is new.
func (l *Live) find(index int, hardware uint16) int {
	for i, known := range l.indexes {
		if known == index {
			return i
		}
	}
	name := fmt.Sprintf("if%d", index) // it may be gone by now
	if d, err := l.ring.Socket().Device(index); err == nil {
		name = d.Name
	}
	l.indexes = append(l.indexes, index)
	l.interfaces = append(l.interfaces, wire.Interface{Name: name, Link: linkOf(hardware), Snaplen: l.snaplen})
	return len(l.indexes) - 1
}
