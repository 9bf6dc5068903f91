package dgramtest

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"time"

	"dgram"
)

// Packet is a datagram that passes a Network, as a rule sees it.
type Packet struct {
	Index    uint64 // how many went from From to To before it
	From, To dgram.Endpoint
	Data     []byte // its payload, valid during the call; the rule may change its bytes
}

// Verdict is what becomes of a Packet. The zero Verdict lets it pass.
type Verdict struct {
	Drop   bool           // lose it; the sender is not told
	Refuse bool           // lose it, and tell the sender that it was refused
	Err    syscall.Errno  // fail the sending with this errno
	Delay  time.Duration  // deliver it this much later
	Copies int            // deliver so many further copies
	Behind bool           // keep it back until the next one of the same flow has been delivered (or lost)
	From   dgram.Endpoint // where valid: the receiver sees it come from there
	Data   []byte         // where not nil: the receiver gets this payload
}

// Link is a rule with chances: what becomes of a datagram is a pure function of Seed, the two endpoints, and the datagram's index among
// those that went the same way. Chances are from 0 to 1.
type Link struct {
	Seed      uint64
	Loss      float64       // chance of being lost
	Duplicate float64       // chance of arriving twice
	Reorder   float64       // chance of being passed by the next one
	Delay     time.Duration // how long each takes
	Jitter    time.Duration // up to so much longer, evenly spread
}

// Rule returns the link as a rule: NewNetwork(Links(l.Rule())).
func (l Link) Rule() func(Packet) Verdict {
	return func(p Packet) Verdict {
		chance := dice(l.Seed ^ hashFlow(p.From.AddrPort(), p.To.AddrPort()) ^ mix(p.Index))
		return Verdict{
			Drop:   chance.next() < l.Loss,
			Copies: count(chance.next() < l.Duplicate),
			Behind: chance.next() < l.Reorder,
			Delay:  l.Delay + time.Duration(chance.next()*float64(l.Jitter)),
		}
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// dice is SplitMix64: a stream of numbers that its first state decides.
type dice uint64

// next returns a number from 0 up to, not including, 1.
func (d *dice) next() float64 {
	*d += 0x9e3779b97f4a7c15
	return float64(mix(uint64(*d))>>11) / (1 << 53)
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hashFlow is the same for the same two endpoints in every process.
func hashFlow(from, to netip.AddrPort) uint64 {
	h := uint64(0)
	for _, ap := range [...]netip.AddrPort{from, to} {
		b := ap.Addr().As16()
		h = mix(h ^ binary.BigEndian.Uint64(b[:8]))
		h = mix(h ^ binary.BigEndian.Uint64(b[8:]))
		h = mix(h ^ uint64(ap.Port()))
	}
	return h
}
