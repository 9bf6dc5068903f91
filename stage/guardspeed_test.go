package stage

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"dgram"
)

// What the guards cost a datagram: of this machine, of another one, of one that is new each time.
func BenchmarkGuards(b *testing.B) {
	g := NewGuards(GuardConfig{Limit: MostLimit})
	for _, c := range []struct{ name, peer string }{{"loopback", "127.0.0.1:40000"}, {"IPv4", "10.1.2.3:40000"}, {"IPv6", "[fd00::1]:40000"}} {
		for _, size := range []int{32, 1200} {
			b.Run(fmt.Sprintf("%s/%d", c.name, size), func(b *testing.B) {
				rig := newGuarded(g, size)
				rig.slot.Peer = dgram.MustParseEndpoint(c.peer)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if i++; i%64 == 0 {
						rig.now = rig.now.Add(time.Millisecond)
					}
					rig.pass()
				}
			})
		}
	}
}

// What they cost a datagram that comes in a batch with others of its peer.
func BenchmarkGuardsBatch(b *testing.B) {
	g := NewGuards(GuardConfig{Limit: MostLimit})
	for _, c := range []struct{ name, peer string }{{"IPv4", "10.1.2.3:40000"}, {"IPv6", "[fd00::1]:40000"}} {
		b.Run(c.name, func(b *testing.B) {
			gate := gate{guards: g}
			batch := dgram.NewBatch(64, nil)
			for range 64 {
				batch.Add(dgram.MustParseEndpoint(c.peer), make([]byte, 32)).Local = testLocal
			}
			now := time.Now()
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i %= 64; i == 0 {
					now = now.Add(time.Millisecond)
					gate.begin(now, batch)
				}
				batch.Datagrams[i].Fate = dgram.Undecided
				gate.enter(batch, i)
				i++
			}
		})
	}
}

// guarded takes one slot through the guards, on the way in and on the way out.
type guarded struct {
	gate  gate
	out   egress
	batch *dgram.Batch
	slot  *dgram.Datagram
	now   time.Time
	asked request
}

func newGuarded(g *Guards, size int) *guarded {
	r := &guarded{gate: gate{guards: g}, out: egress{guards: g}, batch: dgram.NewBatch(2, nil), now: time.Now()}
	r.slot = r.batch.Add(dgram.Endpoint{}, make([]byte, size))
	r.slot.Local = testLocal
	return r
}

// pass takes the slot in and, if it is not stopped, out again, changed by one bit as a reply is.
func (r *guarded) pass() dgram.Reason {
	d := r.slot
	d.Fate, d.Reason = dgram.Undecided, dgram.NoReason
	r.gate.begin(r.now, r.batch)
	r.asked = r.gate.enter(r.batch, 0)
	if d.Fate != dgram.Undecided {
		return d.Reason
	}
	d.Data[0] ^= 0x20
	if r.out.admit(d, &r.asked, true) {
		r.out.leave(r.batch, 0, &r.asked, 0)
	}
	d.Data[0] ^= 0x20
	return d.Reason
}

func BenchmarkLimiter(b *testing.B) {
	for _, c := range []struct {
		name    string
		address func(i uint64) netip.Addr
	}{
		{"one IPv4 address", func(uint64) netip.Addr { return ipv4(0x0a010203) }},
		{"one IPv6 address", func(uint64) netip.Addr { return ipv6(1, 1) }},
		{"100 IPv4 networks", func(i uint64) netip.Addr { return ipv4(0x0a010203 + uint32(i%100)<<8) }},
		{"100 IPv6 networks", func(i uint64) netip.Addr { return ipv6(1<<60+i%100, 1) }},
		{"1000 IPv6 networks", func(i uint64) netip.Addr { return ipv6(1<<60+i%1000<<16, 1) }},
		{"always another IPv4 address", func(i uint64) netip.Addr { return ipv4(uint32(mix(i))) }},
		{"always another IPv6 address", func(i uint64) netip.Addr { return ipv6(mix(i), mix(i+1)) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := newShard(MostLimit)
			now := uint64(clockStart)
			b.ReportAllocs()
			i := uint64(0)
			for b.Loop() {
				i++
				now += 1000 / tickLength // a million a second
				a := c.address(i)
				l.take(a, now, 1)
			}
		})
	}
}

func ipv4(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}

func ipv6(high, low uint64) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], high)
	binary.BigEndian.PutUint64(b[8:], low)
	return netip.AddrFrom16(b)
}
