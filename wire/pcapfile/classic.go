package pcapfile

import "dgram/wire"

// classicMagics are the first four bytes of classic pcap, as a number, and what a fraction of its times is in nanoseconds.
var classicMagics = map[uint32]int64{0xa1b2c3d4: 1000, 0xa1b23c4d: 1}

// classic is what the header of a pcap file says of all its packets.
type classic struct {
	scale   int64 // nanoseconds of one unit of a time's fraction
	link    wire.LinkType
	swapped bool // version 2.2 and before: the two lengths stand the other way round
	either  bool // version 2.3: some do
}

const (
	classicHeader = 24
	recordHeader  = 16
)

func (r *Reader) openClassic() error {
	h, err := r.in.peek(classicHeader)
	if err != nil {
		return r.broken("file header", 0, err)
	}
	major, minor, link := r.u16(h[4:]), r.u16(h[6:]), r.u32(h[20:])
	if major != 2 {
		return r.damaged("pcap of version %d.%d, and only 2 is read", major, minor)
	}
	// The upper bits say how long the frame check sequence at the end of every packet is.
	if link&0x03ff0000 != 0 {
		return r.damaged("there is no link type %d", link&0x03ffffff)
	}
	r.classic.link = wire.LinkType(link)
	r.classic.swapped, r.classic.either = minor < 3, minor == 3
	r.interfaces = []wire.Interface{{Link: r.classic.link, Snaplen: int(min(r.u32(h[16:]), 1<<31-1))}}
	r.in.take(classicHeader)
	return nil
}

func (r *Reader) nextRecord(f *wire.Frame) error {
	start := r.in.offset
	h, err := r.in.peek(recordHeader)
	if err != nil {
		if len(h) == 0 {
			return r.end(err)
		}
		return r.broken("packet", start, err)
	}
	captured, length := r.u32(h[8:]), r.u32(h[12:])
	if c := &r.classic; c.swapped || c.either && captured > length {
		captured, length = length, captured
	}
	if captured > maxPacket {
		return r.damaged("a packet of %d bytes, and at most %d are read", captured, maxPacket)
	}
	b, err := r.in.peek(recordHeader + int(captured))
	if err != nil {
		return r.broken("packet", start, err)
	}
	*f = wire.Frame{
		Time:   int64(r.u32(b))*1e9 + int64(r.u32(b[4:]))*r.classic.scale,
		Data:   b[recordHeader:len(b):len(b)],
		Length: int(max(captured, length)),
		Link:   r.classic.link,
	}
	r.in.take(len(b))
	return nil
}
