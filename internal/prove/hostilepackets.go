//go:build linux

package main

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
)

// fragments sends fragments that overlap, that never become whole, that are empty, and that reach beyond the largest packet.
func (h *hostility) fragments() {
	whole := udp(h.from, h.to, bytes.Repeat([]byte("fragment"), 100))
	piece := func(id int, at, end int, more bool) {
		frag := uint16(at / 8)
		if more {
			frag |= moreFragments
		}
		h.in.put(ipv4(clientAddr, serverAddr, header4{proto: protoUDP, id: uint16(id), frag: frag}, whole[at:end]))
	}
	n := len(whole)
	for id := range h.count(5000, 500) {
		switch id % 8 {
		case 0: // only the first
			piece(id, 0, 400, true)
		case 1: // only the last
			piece(id, 400, n, false)
		case 2: // they overlap
			piece(id, 0, 400, true)
			piece(id, 200, 600, true)
			piece(id, 400, n, false)
		case 3: // twice, and in the wrong order
			piece(id, 400, n, false)
			piece(id, 400, n, false)
			piece(id, 0, 400, true)
			piece(id, 0, 400, true)
		case 4: // the UDP header itself in pieces
			piece(id, 0, 8, true)
			piece(id, 8, n, false)
		case 5: // nothing in it
			piece(id, 8, 8, true)
			piece(id, 0, 0, true)
		case 6: // beyond 65,535
			h.in.put(ipv4(clientAddr, serverAddr, header4{proto: protoUDP, id: uint16(id), frag: 0x1fff}, whole[:n-n%8]))
		case 7: // two ends
			piece(id, 400, n, false)
			piece(id, 200, 400, false)
			piece(id, 0, 200, true)
		}
	}
	h.fragments6()
}

func (h *hostility) fragments6() {
	whole := udp(h.from6, h.to6, bytes.Repeat([]byte("fragment"), 100))
	for id := range uint32(h.count(2000, 200)) {
		for _, frag := range []uint16{1, 400, 200 | 1, 0xfff8, 0} {
			header := wire.AppendUint32([]byte{protoUDP, 0, byte(frag >> 8), byte(frag)}, id)
			h.in.put(ipv6(clientAddr6, serverAddr6, protoFrag, append(header, whole[:400]...)))
		}
	}
}

// options sends each option type with good and bad lengths, and random ones.
func (h *hostility) options() {
	payload := udp(h.from, h.to, []byte("options"))
	put := func(options []byte) {
		h.in.put(ipv4(clientAddr, serverAddr, header4{proto: protoUDP, options: options}, payload))
	}
	for kind := range 256 {
		for _, length := range []byte{0, 1, 2, 3, 4, 8, 40, 255} {
			put(append([]byte{byte(kind), length, 4}, bytes.Repeat([]byte{1}, 37)...))
		}
	}
	put(bytes.Repeat([]byte{1}, 40)) // nothing but padding
	for range h.count(20000, 1000) {
		b := make([]byte, 4*(1+h.random.IntN(10)))
		fill(h.random, b)
		put(b)
	}
}

// extensions sends chains of IPv6 extension headers: of each kind, long, and without an end.
func (h *hostility) extensions() {
	payload := udp(h.from6, h.to6, []byte("extensions"))
	put := func(first byte, chain []byte) {
		h.in.put(ipv6(clientAddr6, serverAddr6, first, append(chain, payload...)))
	}
	for kind := range 256 {
		for _, length := range []byte{0, 1, 255} {
			put(byte(kind), []byte{protoUDP, length, 1, 4, 0, 0, 0, 0})
		}
	}
	for _, kind := range []byte{protoHop, protoDest, protoRoute, protoFrag} {
		for _, n := range []int{1, 2, 8, 64, 150} {
			var chain []byte
			for i := range n {
				next := kind
				if i == n-1 {
					next = protoUDP
				}
				chain = append(chain, next, 0, 1, 4, 0, 0, 0, 0)
			}
			put(kind, chain)
			chain[len(chain)-8] = kind // and then it does not end in UDP
			put(kind, chain)
		}
	}
	put(59, nil) // no next header
	for range h.count(20000, 1000) {
		chain := make([]byte, 8*(1+h.random.IntN(6)))
		fill(h.random, chain)
		put([]byte{protoHop, protoDest, protoRoute, protoFrag, 51}[h.random.IntN(5)], chain)
	}
}

// anything sends n random datagrams, mostly short, to both addresses; of each, so many times up to 8 bits are turned.
func (h *hostility) anything(n, damage int) {
	buffer := make([]byte, 1400)
	for i := range n {
		size := h.random.IntN(64)
		if i%64 == 0 {
			size = h.random.IntN(len(buffer))
		}
		payload := buffer[:size]
		fill(h.random, payload)
		p := h.someone(payload)
		for range damage * (1 + h.random.IntN(8)) {
			bit := h.random.IntN(len(p) * 8)
			p[bit/8] ^= 1 << (bit % 8)
		}
		h.in.put(p)
	}
}

// someone is a packet from a random port, mostly of the client's address.
func (h *hostility) someone(payload []byte) []byte {
	port := uint16(h.random.Uint32())
	if h.random.IntN(4) == 0 {
		from := netip.AddrPortFrom(clientAddr6, port)
		return ipv6(clientAddr6, serverAddr6, protoUDP, udp(from, h.to6, payload))
	}
	a := clientAddr
	if h.random.IntN(64) == 0 {
		a = netip.AddrFrom4([4]byte{192, 168, 3, byte(h.random.Uint32())})
	}
	return ipv4(a, serverAddr, header4{proto: protoUDP, id: port}, udp(netip.AddrPortFrom(a, port), h.to, payload))
}

// fill makes b random.
func fill(random *rand.Rand, b []byte) {
	for len(b) >= 8 {
		wire.PutUint64(b, random.Uint64())
		b = b[8:]
	}
	for i := range b {
		b[i] = byte(random.Uint32())
	}
}
