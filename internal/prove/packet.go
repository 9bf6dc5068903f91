//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"dgram/internal/testnet"
	"dgram/sock"
)

// Packets are built by hand here, because the kernel would not build most of them. Numbers are those of RFC 791, 768, 792, 8200 and 4443.
const (
	protoICMP   = 1
	protoUDP    = 17
	protoICMPv6 = 58
	protoHop    = 0
	protoRoute  = 43
	protoFrag   = 44
	protoDest   = 60

	moreFragments = 0x2000
)

var wire = binary.BigEndian

// checksum is the Internet checksum (RFC 1071) of parts, each but the last of even length.
func checksum(parts ...[]byte) uint16 {
	var sum uint32
	for _, b := range parts {
		for len(b) >= 2 {
			sum += uint32(b[0])<<8 | uint32(b[1])
			b = b[2:]
		}
		if len(b) == 1 {
			sum += uint32(b[0]) << 8
		}
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// pseudo is the pseudo header that goes into the checksum of what IP carries.
func pseudo(src, dst netip.Addr, proto byte, n int) []byte {
	b := append(src.AsSlice(), dst.AsSlice()...)
	return append(wire.AppendUint32(b, uint32(n)), 0, 0, 0, proto)
}

// udp is a datagram with its header and a true checksum.
func udp(src, dst netip.AddrPort, payload []byte) []byte {
	b := make([]byte, 8, 8+len(payload))
	wire.PutUint16(b, src.Port())
	wire.PutUint16(b[2:], dst.Port())
	wire.PutUint16(b[4:], uint16(8+len(payload)))
	b = append(b, payload...)
	sum := checksum(pseudo(src.Addr(), dst.Addr(), protoUDP, len(b)), b)
	if sum == 0 {
		sum = 0xffff
	}
	wire.PutUint16(b[6:], sum)
	return b
}

// header4 is what an IPv4 header says beyond its addresses.
type header4 struct {
	proto    byte
	id, frag uint16 // frag: flags, and the offset in units of 8 bytes
	options  []byte // filled up to a multiple of 4 bytes
}

// ipv4 is a packet with a true header checksum.
func ipv4(src, dst netip.Addr, h header4, payload []byte) []byte {
	for len(h.options)%4 != 0 {
		h.options = append(h.options, 0)
	}
	n := 20 + len(h.options)
	b := make([]byte, n, n+len(payload))
	b[0] = 4<<4 | byte(n/4)
	wire.PutUint16(b[2:], uint16(n+len(payload)))
	wire.PutUint16(b[4:], h.id)
	wire.PutUint16(b[6:], h.frag)
	b[8], b[9] = 64, h.proto
	copy(b[12:], src.AsSlice())
	copy(b[16:], dst.AsSlice())
	copy(b[20:], h.options)
	wire.PutUint16(b[10:], checksum(b))
	return append(b, payload...)
}

func ipv6(src, dst netip.Addr, next byte, payload []byte) []byte {
	b := make([]byte, 40, 40+len(payload))
	b[0] = 6 << 4
	wire.PutUint16(b[4:], uint16(len(payload)))
	b[6], b[7] = next, 64
	copy(b[8:], src.AsSlice())
	copy(b[24:], dst.AsSlice())
	return append(b, payload...)
}

// icmp is a report of that type and code: four bytes of its own, then what it quotes.
func icmp(kind, code byte, own uint32, quote []byte) []byte {
	b := wire.AppendUint32([]byte{kind, code, 0, 0}, own)
	b = append(b, quote...)
	wire.PutUint16(b[2:], checksum(b))
	return b
}

func icmp6(src, dst netip.Addr, kind, code byte, own uint32, quote []byte) []byte {
	b := wire.AppendUint32([]byte{kind, code, 0, 0}, own)
	b = append(b, quote...)
	wire.PutUint16(b[2:], checksum(pseudo(src, dst, protoICMPv6, len(b)), b))
	return b
}

// injector puts packets on the link as they are (packet(7)), from the client's end.
type injector struct {
	w             *world
	socket        *sock.Socket
	sender        *sock.Sender
	client, other net.HardwareAddr
	frames        [][]byte // the memory of those that are gathered
	used          int
	sent          uint64
}

// gathered is how many frames go out in one call.
const gathered = 64

func (w *world) newInjector(from, to *testnet.NS) *injector {
	w.Helper()
	in := &injector{w: w, client: hardware(w.proof, from), other: hardware(w.proof, to), frames: make([][]byte, gathered)}
	from.Do(func() {
		var err error
		if in.socket, err = sock.New(sock.PACKET, sock.RAW, 0); err == nil { // protocol 0: it receives nothing
			err = in.socket.Bind(sock.PacketAddr{Interface: from.Link})
		}
		if err != nil {
			w.Fatal(err)
		}
	})
	w.Cleanup(func() { in.socket.Close() })
	in.sender = in.socket.NewSender(gathered)
	return in
}

// put sends an IP packet, together with those put before and after it.
func (in *injector) put(packet []byte) {
	kind := uint16(sock.EtherIPv4)
	if packet[0]>>4 == 6 {
		kind = uint16(sock.EtherIPv6)
	}
	f := append(append(in.frames[in.used][:0], in.other...), in.client...)
	f = append(wire.AppendUint16(f, kind), packet...)
	in.frames[in.used] = f
	in.used++
	if in.used == gathered {
		in.flush()
	}
}

// flush sends what was put.
func (in *injector) flush() {
	in.sender.Reset()
	for _, f := range in.frames[:in.used] {
		in.sender.AddInet(netip.AddrPort{}, netip.Addr{}, 0, f)
	}
	for from := 0; from < in.used; {
		n, err := in.sender.Send(from, true)
		from += n
		in.sent += uint64(n)
		var errno syscall.Errno
		switch {
		case err == nil:
		case errors.As(err, &errno): // one that the device would not take is left out
			from++
		default:
			in.w.Fatalf("sending packets: %v", err)
		}
	}
	in.used = 0
}
