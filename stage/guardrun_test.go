package stage

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dgram"
)

// Datagrams that are charged together end as if each had been charged by itself.
func TestRunsAreChargedAsEach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewGuards(GuardConfig{Limit: rapid.IntRange(1, 200).Draw(t, "limit"), AnyLoop: true})
		each := newShard(g.config.Limit)
		each.secret = g.limit.secret
		g.limit.aheadMost, each.aheadMost = [families]uint64{}, [families]uint64{} // or each owes what was paid ahead at other times
		gate := gate{guards: g}
		now := time.Now()
		peers := rapid.SampledFrom([]string{"192.0.2.1:4000", "192.0.2.1:4001", "192.0.2.2:4000", "[2001:db8::1]:4000", "[2001:db8::2]:4000", "192.0.2.9:7", "127.0.0.1:4000"})
		for range rapid.IntRange(1, 20).Draw(t, "batches") {
			now = now.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "pause")))
			b := dgram.NewBatch(300, nil)
			var want []string
			for i, count := 0, rapid.IntRange(1, 50).Draw(t, "slots"); i < count; {
				peer := dgram.MustParseEndpoint(peers.Draw(t, "peer"))
				for range rapid.IntRange(1, 20).Draw(t, "run") {
					d := b.Add(peer, make([]byte, 10*rapid.IntRange(1, 4).Draw(t, "segments")))
					d.Local, d.Segment = testLocal, 10
					i++
				}
			}
			gate.begin(now, b)
			n := len(b.Datagrams)
			for i := range n {
				d := b.Datagrams[i]
				want = append(want, chargedAlone(each, g, now, &d))
			}
			for i := range n {
				gate.enter(b, i)
			}
			for i := range n {
				d := &b.Datagrams[i]
				got := fmt.Sprint(d.Reason, d.Count())
				if d.Fate == dgram.Undecided {
					got = fmt.Sprint("passed ", d.Count())
				}
				if got != want[i] {
					t.Fatalf("slot %d from %v: %s, alone: %s", i, d.Peer, got, want[i])
				}
			}
		}
	})
}

// chargedAlone is what becomes of a slot whose datagrams are charged to a limiter of their own.
func chargedAlone(l *shard, g *Guards, now time.Time, d *dgram.Datagram) string {
	one := gate{guards: g}
	one.begin(now, dgram.NewBatch(1, nil))
	high, low := words(d.Peer.Addr())
	near, reason := one.source(d, high, low)
	if reason != dgram.NoReason {
		return fmt.Sprint(reason, d.Count())
	}
	if near {
		return fmt.Sprint("passed ", d.Count())
	}
	switch kept := l.take(d.Peer.Addr(), one.tick, d.Count()); kept {
	case 0:
		return fmt.Sprint(dgram.ReasonLimit, d.Count())
	default:
		return fmt.Sprint("passed ", kept)
	}
}
