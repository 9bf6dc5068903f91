//go:build linux

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

// attack is a kind of input that no server should mind.
type attack struct {
	name string
	do   func(*hostility)
}

// hostility is a server under attack.
type hostility struct {
	*world
	in     *injector
	to     netip.AddrPort // the server
	to6    netip.AddrPort
	from   netip.AddrPort // whose packets these claim to be
	from6  netip.AddrPort
	random *rand.Rand
	each   int // random datagrams
}

// proveNothingStopsIt is promise 3: after each attack the process is the same one, and the next probe is answered.
func proveNothingStopsIt(p *proof) {
	w := newWorld(p)
	var sent uint64
	var most int64
	for _, flags := range [][]string{nil, w.unguarded()} {
		n, m := w.assail(flags)
		sent, most = sent+n, max(most, m)
	}
	p.sentf("%d hostile packets of %d kinds, to a server with its guards and to one without", sent, len(attacks))
	p.seenf("the same process after each kind, every probe answered, at most %d MiB held, the accounts balance", most>>20)
}

// mostMemory bounds what a server may hold in memory after all of it, in bytes: for each of two sockets 4 MiB of buffers and at most 32 MiB for replies that
// grow and what reports quote, the guards' tables, and the Go runtime.
const mostMemory = 96 << 20

// assail attacks one server in every way, and returns how many packets that took and how much memory the server held at most.
func (w *world) assail(flags []string) (sent uint64, most int64) {
	w.Helper()
	at6 := netip.AddrPortFrom(serverAddr6, servePort)
	s := w.serve(serverAddr, append([]string{at6.String()}, flags...)...)
	h := &hostility{world: w, in: w.newInjector(w.client, w.server), to: s.addr, to6: at6,
		from: netip.AddrPortFrom(clientAddr, 40000), from6: netip.AddrPortFrom(clientAddr6, 40000),
		random: rand.New(rand.NewPCG(w.seed, 3)), each: w.count(5_000_000, 50_000)}
	probe := w.newProber(probeAddr, s.addr)
	before := w.read(w.server)
	for i, a := range attacks {
		w.step(a.name, func() {
			a.do(h)
			h.in.flush()
			s.alive(a.name)
			if !probe.ask(fmt.Sprintf("probe after attack %d", i)) {
				w.Errorf("after %s a probe was not answered within %v: %s", a.name, patience, s.said())
			}
		})
	}
	_, most = s.memory()
	if most > mostMemory {
		w.Errorf("the server held %d MiB, more than %d", most>>20, mostMemory>>20)
	}
	b := &books{w: w}
	account := s.stop()
	b.account("hostile", account)
	d := w.read(w.server).since(before)
	if taken := d["Udp.InDatagrams"] + d["Udp6InDatagrams"]; taken != account.Received {
		w.Errorf("the kernel handed out %d datagrams, the account has %d", taken, account.Received)
	}
	w.Logf("%d received, %d answered, dropped: %s, failed: %s, %d notices", account.Received, account.Answered, names(account.Dropped), names(account.Failed), account.Notices)
	return h.in.sent, most
}

var attacks = []attack{
	{"source ports from 0 to 1023", func(h *hostility) {
		for port := range uint16(1024) {
			h.udp(netip.AddrPortFrom(clientAddr, port), []byte("port"))
		}
	}},
	{"zero length", func(h *hostility) {
		for range 1000 {
			h.udp(h.from, nil)
		}
	}},
	{"65,507 bytes of 0xFF", func(h *hostility) { h.largest(100) }},
	{"sources that nobody has", func(h *hostility) {
		for _, a := range impossibleSources {
			h.udp(netip.AddrPortFrom(netip.MustParseAddr(a), 40000), []byte("source"))
			h.udp(netip.AddrPortFrom(netip.MustParseAddr(a), servePort), []byte("source"))
		}
	}},
	{"bad lengths and checksums", func(h *hostility) { h.badHeaders() }},
	{"ICMP errors of every type and code", func(h *hostility) { h.reports() }},
	{"ICMPv6 errors of every type and code", func(h *hostility) { h.reports6() }},
	{"fragments", func(h *hostility) { h.fragments() }},
	{"IP options", func(h *hostility) { h.options() }},
	{"IPv6 extension headers", func(h *hostility) { h.extensions() }},
	{"random datagrams", func(h *hostility) { h.anything(h.each, 0) }},
	{"random damage to packets", func(h *hostility) { h.anything(h.each/10, 1) }},
}

var impossibleSources = []string{"0.0.0.0", "127.0.0.1", "192.168.3.8", "255.255.255.255", "192.168.3.255", "192.168.3.0", "224.0.0.1", "239.255.255.255",
	"240.0.0.1", "0.1.2.3", "169.254.1.1", "10.77.0.8", "8.8.8.8"}

// udp sends a datagram that claims to be from there.
func (h *hostility) udp(from netip.AddrPort, payload []byte) {
	h.in.put(ipv4(from.Addr(), h.to.Addr(), header4{proto: protoUDP}, udp(from, h.to, payload)))
}

// largest sends the largest datagrams there are, in fragments that the kernel puts together.
func (h *hostility) largest(n int) {
	whole := udp(h.from, h.to, bytes.Repeat([]byte{0xff}, 65507))
	const step = 1480
	for id := range n {
		for at := 0; at < len(whole); at += step {
			frag := uint16(at / 8)
			if at+step < len(whole) {
				frag |= moreFragments
			}
			h.in.put(ipv4(clientAddr, serverAddr, header4{proto: protoUDP, id: uint16(id), frag: frag}, whole[at:min(at+step, len(whole))]))
		}
		h.in.flush()
		time.Sleep(time.Millisecond) // so that the queue of the link holds each whole
	}
}

// badHeaders changes each 16-bit word of the two headers to values that are wrong there.
func (h *hostility) badHeaders() {
	for at := 0; at < 28; at += 2 {
		for _, value := range []uint16{0, 1, 7, 8, 9, 0x7fff, 0x8000, 0xfffe, 0xffff} {
			for _, mend := range []bool{false, true} { // with a true header checksum it gets further
				p := ipv4(clientAddr, serverAddr, header4{proto: protoUDP}, udp(h.from, h.to, []byte("header")))
				wire.PutUint16(p[at:], value)
				if mend && p[0] == 0x45 {
					wire.PutUint16(p[10:], 0)
					wire.PutUint16(p[10:], checksum(p[:20]))
				}
				h.in.put(p)
			}
		}
	}
	for at := 0; at < 48; at += 2 {
		for _, value := range []uint16{0, 1, 8, 0x8000, 0xffff} {
			p := ipv6(clientAddr6, serverAddr6, protoUDP, udp(h.from6, h.to6, []byte("header")))
			wire.PutUint16(p[at:], value)
			h.in.put(p)
		}
	}
}

// reports forges ICMP errors about replies that the server may have sent: whole quotes, short ones, and such as quote nonsense.
func (h *hostility) reports() {
	reply := ipv4(serverAddr, clientAddr, header4{proto: protoUDP}, udp(h.to, h.from, []byte("ANSWER")))
	for kind := range h.count(256, 20) {
		for code := range h.count(256, 18) {
			for _, quote := range [][]byte{reply, reply[:28], reply[:23]} {
				h.in.put(ipv4(clientAddr, serverAddr, header4{proto: protoICMP}, icmp(byte(kind), byte(code), 0, quote)))
			}
		}
	}
	for _, mtu := range []uint32{0, 1, 68, 552, 1500, 65535} { // of "fragmentation needed": type 3, code 4
		h.in.put(ipv4(clientAddr, serverAddr, header4{proto: protoICMP}, icmp(3, 4, mtu, reply)))
	}
}

func (h *hostility) reports6() {
	reply := ipv6(serverAddr6, clientAddr6, protoUDP, udp(h.to6, h.from6, []byte("ANSWER")))
	for kind := range h.count(256, 20) {
		if kind >= 130 && kind <= 137 {
			continue // neighbour discovery: to believe its lies is IPv6's fault, and no datagram's
		}
		for code := range h.count(256, 10) {
			for _, own := range []uint32{0, 1280} {
				h.in.put(ipv6(clientAddr6, serverAddr6, protoICMPv6, icmp6(clientAddr6, serverAddr6, byte(kind), byte(code), own, reply)))
			}
		}
	}
}
