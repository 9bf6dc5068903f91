package capture

import (
	"encoding/binary"

	"dgram/wire"
)

// A train is several UDP datagrams that the kernel has in one piece, under one set of headers: sent with UDP_SEGMENT or put together by the
// receiving device (udp(7)). It gives each its own headers, as the wire has them, and copies no payload: the headers of a datagram are written
// over the end of the one before, which has been handed out.
type train struct {
	whole   wire.Frame
	packet  wire.Packet
	heads   [maxHeads]byte // link layer, IP and UDP
	head    int            // how many of them there are
	network int            // where IP begins in them
	size    int            // of each payload but the last
	left    int            // bytes of payload not yet handed out
	id      uint16         // of the next datagram, in IPv4
}

// maxHeads is room for a cooked or tagged link layer, the longest IPv4 header and UDP; what has more stays whole.
const maxHeads = 128

// udpHead is the length of UDP's header.
const udpHead = 8

// begin takes f apart. It reports false where f is not what the kernel says that it is: one whole UDP packet right behind the IP header, of more
// than one payload.
func (t *train) begin(f *wire.Frame, size int) bool {
	t.left = 0
	p := &t.packet
	wire.Decode(f, p)
	if p.Protocol != wire.ProtocolUDP || p.Fragment || p.Problem != wire.NoProblem && p.Problem != wire.CutShort {
		return false
	}
	if len(p.Transport) < udpHead || int(binary.BigEndian.Uint16(p.Transport[4:])) != udpHead+p.PayloadLength || p.PayloadLength <= size {
		return false
	}
	ip := 40
	if p.Version == 4 {
		ip = int(p.Network[0]&15) * 4
	}
	head := f.Length - p.PayloadLength
	network := head - udpHead - ip
	if network < 0 || head > len(f.Data) || head > maxHeads || &f.Data[network] != &p.Network[0] || &f.Data[network+ip] != &p.Transport[0] {
		return false // something follows the packet, or stands between the headers
	}
	t.whole, t.head, t.network, t.size, t.left = *f, head, network, size, p.PayloadLength
	t.id = uint16(p.FragmentID)
	copy(t.heads[:], f.Data[:head])
	return true
}

// step fills f with the next datagram. What the capture did not keep of it is missing; the headers are always there.
func (t *train) step(f *wire.Frame) {
	from := t.whole.Length - t.left // of its payload, in what was captured
	n := min(t.size, t.left)
	t.left -= n
	b := t.heads[:t.head:t.head]
	if to := min(from+n, len(t.whole.Data)); to > from {
		b = t.whole.Data[from-t.head : to : to]
		copy(b, t.heads[:t.head])
	}
	if t.packet.Version == 4 {
		binary.BigEndian.PutUint16(b[t.network+4:], t.id)
		t.id++
	}
	wire.FinishUDP(b[t.network:], t.head-udpHead-t.network, t.head-t.network+n)
	*f = t.whole
	f.Data, f.Length = b, t.head+n
}
