//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"dgram/wire"
	"dgram/wire/pcapfile"
)

// ethernet is the header of every frame.
const ethernet = "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00"

// traffic is what a capture of a busy network has: conversations that begin all the time, requests whose replies come a while later, or
// not at all.
type traffic struct {
	file    *pcapfile.Writer
	random  *rand.Rand
	left    int // packets
	now     time.Time
	kind    func(*traffic)
	frame   []byte
	payload []byte
	pending [256][]waitingReply // by the packet after which they come
	turn    int
	failed  error
}

// waitingReply is a reply on its way.
type waitingReply struct {
	from, to netip.AddrPort
	payload  []byte
}

// writeTraffic writes a capture of so many packets.
func writeTraffic(file string, packets int, kind func(*traffic)) error {
	w, err := pcapfile.Create(file, pcapfile.WriterConfig{Application: "capturebench", Interfaces: []wire.Interface{{Name: "made", Link: wire.LinkEthernet}}})
	if err != nil {
		return err
	}
	t := &traffic{file: w, random: rand.New(rand.NewPCG(1, 2)), left: packets, now: time.Unix(1_700_000_000, 0), kind: kind}
	for t.left > 0 && t.failed == nil {
		kind(t)
	}
	return errors.Join(t.failed, w.Close())
}

// send writes a packet, and the replies that have come due.
func (t *traffic) send(from, to netip.AddrPort, payload []byte) {
	t.put(from, to, payload)
	t.turn = (t.turn + 1) % len(t.pending)
	due := t.pending[t.turn]
	for _, r := range due {
		t.put(r.from, r.to, r.payload)
	}
	t.pending[t.turn] = due[:0]
}

func (t *traffic) put(from, to netip.AddrPort, payload []byte) {
	if t.left == 0 || t.failed != nil {
		return
	}
	t.left--
	t.now = t.now.Add(time.Duration(1 + t.random.IntN(20_000)))
	t.frame = wire.AppendUDP(append(t.frame[:0], ethernet...), from, to, 64, 0, payload)
	t.failed = t.file.Add(&wire.Frame{Data: t.frame, Length: len(t.frame), Link: wire.LinkEthernet, Time: t.now.UnixNano()})
}

// ask sends a request, whose reply comes some packets later; one in a hundred is lost, on the way there or back.
func (t *traffic) ask(from, to netip.AddrPort, request, reply []byte) {
	if t.random.IntN(100) > 0 {
		at := &t.pending[(t.turn+1+t.random.IntN(len(t.pending)-1))%len(t.pending)]
		*at = append(*at, waitingReply{to, from, append([]byte(nil), reply...)})
	}
	t.send(from, to, request)
}

// usual is one conversation or part of one: DNS from a new port each time, an echo in capitals, time, what only tells, large replies.
func usual(t *traffic) {
	r := t.random
	client := netip.AddrFrom4([4]byte{10, 1, byte(r.IntN(16)), byte(1 + r.IntN(250))})
	server := netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + r.IntN(50))})
	high := uint16(32768 + r.IntN(28000))
	b := t.payload[:0]
	switch n := r.IntN(100); {
	case n < 45:
		b = append(binary.BigEndian.AppendUint16(b, uint16(r.Uint32())), "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"...)
		name := fmt.Sprintf("host%d", r.IntN(5000))
		b = append(append(append(b, byte(len(name))), name...), "\x07example\x03com\x00\x00\x01\x00\x01"...)
		reply := append([]byte(nil), b...)
		reply[2], reply[3], reply[7] = 0x81, 0x80, 1
		reply = append(reply, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc6\x33\x64\x07"...)
		t.ask(netip.AddrPortFrom(client, high), netip.AddrPortFrom(server, 53), b, reply)
	case n < 75:
		b = fmt.Appendf(b, "hello number %d", r.IntN(1_000_000))
		reply := append([]byte(nil), b...)
		copy(reply, "HELLO NUMBER")
		t.ask(netip.AddrPortFrom(client, 40000+high%4), netip.AddrPortFrom(server, 12345), b, reply)
	case n < 80:
		b = append(b, make([]byte, 48)...)
		b[0] = 0x23
		binary.BigEndian.PutUint64(b[40:], r.Uint64())
		reply := make([]byte, 48)
		copy(reply, "\x24\x01\x06\xec")
		copy(reply[24:], b[40:])
		binary.BigEndian.PutUint64(reply[40:], r.Uint64())
		t.ask(netip.AddrPortFrom(client, 123), netip.AddrPortFrom(server, 123), b, reply)
	case n < 90:
		b = fmt.Appendf(b, "requests.%d:%d|c", r.IntN(20), r.IntN(1000))
		t.send(netip.AddrPortFrom(client, 8126), netip.AddrPortFrom(server, 8125), b)
	default:
		b = binary.BigEndian.AppendUint64(b, r.Uint64())
		t.ask(netip.AddrPortFrom(client, 50000), netip.AddrPortFrom(server, 7000), b, append(b, make([]byte, 1200)...))
	}
	t.payload = b
}

// jumbo is one long datagram.
func jumbo(t *traffic) {
	if len(t.payload) != bigPayload {
		t.payload = make([]byte, bigPayload)
	}
	binary.BigEndian.PutUint64(t.payload, t.random.Uint64())
	client := netip.AddrFrom4([4]byte{10, 1, 1, byte(1 + t.random.IntN(250))})
	t.send(netip.AddrPortFrom(client, 40000), netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 7000), t.payload)
}
