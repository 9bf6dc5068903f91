package pair

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"dgram/wire"
	"dgram/wire/app"
)

// BenchmarkAdd reads and pairs a request or a reply, in turn, of a flow that is chosen anew for each pair.
func BenchmarkAdd(b *testing.B) {
	for _, flows := range []int{1, 1000, 1_000_000} {
		for _, c := range []struct{ name, request, reply string }{
			{"DNS", "\x1a\x2b\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01",
				"\x1a\x2b\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"},
			{"text", "hello", "HELLO"},
		} {
			b.Run(fmt.Sprintf("%s/flows=%d", c.name, flows), func(b *testing.B) { benchmarkAdd(b, flows, c.request, c.reply) })
		}
	}
}

func benchmarkAdd(b *testing.B, flows int, request, reply string) {
	port := uint16(12345)
	if len(request) > 5 {
		port = 53
	}
	server := netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), port)
	ask, answer := udp("192.0.2.1:1", server.String(), request), udp(server.String(), "192.0.2.1:1", reply)
	order := make([]uint32, 1<<20)
	for i := range order {
		order[i] = uint32(rand.N(flows))
	}
	tracker := New(Config{MaxFlows: 1 << 20})
	var m app.Message
	now, no := base, uint64(0)
	add := func(p *wire.Packet) Note {
		no++
		now += 1000
		p.No, p.Time = no, now
		app.Read(p, &m)
		return tracker.Add(p, &m)
	}
	one := func(flow uint32) {
		client := netip.AddrFrom4([4]byte{10, byte(flow >> 16), byte(flow >> 8), byte(flow)})
		ask.Src, ask.SrcPort = client, 40000
		answer.Dst, answer.DstPort = client, 40000
		add(ask)
		if n := add(answer); n.Role != Reply {
			b.Fatalf("%+v", n)
		}
	}
	for flow := range flows {
		one(uint32(flow))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += 2 {
		one(order[(i/2)&(len(order)-1)])
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/packet")
}
