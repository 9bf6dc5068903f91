package pcapfile

import (
	"encoding/binary"
	"errors"
	"io"

	"dgram/wire"
)

// Types of blocks (draft-ietf-opsawg-pcapng, Section 10.1). Whatever else a file has is skipped, custom blocks among it, which
// Wireshark gives numbers as if they were packets.
const (
	blockInterface  = 1
	blockPacket     = 2 // obsolete
	blockSimple     = 3
	blockStatistics = 5
	blockEnhanced   = 6
	blockNothing    = 0x80000000 // ours: types with the highest bit set mean what their writer likes
	blockSection    = 0x0a0d0d0a // the same in both byte orders
)

const (
	byteOrderMagic = 0x1a2b3c4d
	blockFrame     = 12 // what every block has around its body: type, length, and the length again
)

// end is the error of a file that ends between packets or blocks.
func (r *Reader) end(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return r.broken("file", r.in.offset, err)
}

// nextBlock reads blocks until one is a packet.
func (r *Reader) nextBlock(f *wire.Frame) error {
	for {
		h, err := r.in.peek(8)
		if err != nil {
			if len(h) == 0 {
				return r.end(err)
			}
			return r.broken("block", r.in.offset, err)
		}
		kind := r.u32(h)
		if kind == blockSection {
			if err := r.byteOrder(); err != nil {
				return err
			}
		}
		length := r.u32(h[4:])
		if length < blockFrame || length > maxBlock || length%4 != 0 {
			return r.damaged("a block (type %#x) of %d bytes", kind, length)
		}
		if !known(kind) {
			if err := r.pass(int(length)); err != nil {
				return err
			}
			continue
		}
		b, err := r.in.peek(int(length))
		if err != nil {
			return r.broken("block", r.in.offset, err)
		}
		if again := r.u32(b[length-4:]); again != length {
			return r.damaged("a block of %d bytes that says at its end that it has %d", length, again)
		}
		found, err := r.block(f, kind, b[8:length-4])
		if err != nil {
			return err
		}
		r.in.take(int(length))
		if found {
			return nil
		}
	}
}

func known(kind uint32) bool {
	switch kind {
	case blockInterface, blockPacket, blockSimple, blockStatistics, blockEnhanced, blockSection:
		return true
	}
	return false
}

// byteOrder learns the byte order of the section that begins here, in which its length stands too.
func (r *Reader) byteOrder() error {
	h, err := r.in.peek(12)
	if err != nil {
		return r.broken("section header", r.in.offset, err)
	}
	switch uint32(byteOrderMagic) {
	case binary.LittleEndian.Uint32(h[8:]):
		r.big = false
	case binary.BigEndian.Uint32(h[8:]):
		r.big = true
	default:
		return r.damaged("a section header without a byte order: % x", h[8:12])
	}
	return nil
}

// pass goes past a block of no interest.
func (r *Reader) pass(length int) error {
	start := r.in.offset
	if err := r.in.skip(length - 4); err != nil {
		return r.broken("block", start, err)
	}
	end, err := r.in.peek(4)
	if err != nil {
		return r.broken("block", start, err)
	}
	if again := r.u32(end); again != uint32(length) {
		return r.damaged("a block of %d bytes that says at its end that it has %d", length, again)
	}
	r.in.take(4)
	return nil
}

// block reads a block's body, and reports whether it was a packet.
func (r *Reader) block(f *wire.Frame, kind uint32, body []byte) (bool, error) {
	switch kind {
	case blockEnhanced:
		return true, r.enhanced(f, body)
	case blockPacket:
		return true, r.obsolete(f, body)
	case blockSimple:
		return true, r.simple(f, body)
	case blockSection:
		return false, r.begin(body)
	case blockInterface:
		return false, r.describe(body)
	default:
		return false, r.statistics(body)
	}
}

// enhanced reads an Enhanced Packet Block: interface, time (2), bytes captured, bytes on the wire, the packet, options.
func (r *Reader) enhanced(f *wire.Frame, b []byte) error {
	if len(b) < 20 {
		return r.damaged("a packet block of %d bytes", len(b)+blockFrame)
	}
	_, err := r.packet(f, b, r.u32(b))
	return err
}

// obsolete reads a Packet Block: as above, but that the interface has 16 bits and a count of lost packets follows it.
func (r *Reader) obsolete(f *wire.Frame, b []byte) error {
	if len(b) < 20 {
		return r.damaged("a packet block of %d bytes", len(b)+blockFrame)
	}
	at, err := r.packet(f, b, uint32(r.u16(b)))
	if err != nil {
		return err
	}
	if lost := r.u16(b[2:]); lost != 0xffff { // which means: not known
		at.lost += uint64(lost)
	}
	return nil
}

// packet reads what both have in common.
func (r *Reader) packet(f *wire.Frame, b []byte, index uint32) (*described, error) {
	if uint64(index) >= uint64(len(r.section.interfaces)) {
		return nil, r.damaged("a packet of interface %d, and the section has named %d", index, len(r.section.interfaces))
	}
	captured, length := r.u32(b[12:]), r.u32(b[16:])
	switch {
	case captured > maxPacket:
		return nil, r.damaged("a packet of %d bytes, and at most %d are read", captured, maxPacket)
	case padded(int(captured)) > len(b)-20:
		return nil, r.damaged("a packet of %d bytes in a block that has room for %d", captured, len(b)-20)
	}
	at := &r.section.interfaces[index]
	*f = wire.Frame{
		Time:      at.clock.time(uint64(r.u32(b[4:]))<<32 | uint64(r.u32(b[8:]))),
		Data:      b[20 : 20+captured : 20+captured],
		Length:    int(max(captured, length)),
		Link:      at.link,
		Interface: at.index,
	}
	if rest := b[20+padded(len(f.Data)):]; len(rest) > 0 {
		r.packetOptions(f, at, rest)
	}
	return at, nil
}

// simple reads a Simple Packet Block: the bytes on the wire, and the packet as far as the first interface keeps it.
func (r *Reader) simple(f *wire.Frame, b []byte) error {
	if len(r.section.interfaces) == 0 {
		return r.damaged("a packet, and the section has named no interface")
	}
	if len(b) < 4 {
		return r.damaged("a packet block of %d bytes", len(b)+blockFrame)
	}
	at := &r.section.interfaces[0]
	length := r.u32(b)
	captured := length
	if at.snaplen != 0 {
		captured = min(captured, at.snaplen)
	}
	captured = min(captured, uint32(len(b)-4))
	if captured > maxPacket {
		return r.damaged("a packet of %d bytes, and at most %d are read", captured, maxPacket)
	}
	*f = wire.Frame{Data: b[4 : 4+captured : 4+captured], Length: int(length), Link: at.link, Interface: at.index}
	return nil
}

// padded is a length with the bytes up to the next multiple of four.
func padded(n int) int { return (n + 3) &^ 3 }
