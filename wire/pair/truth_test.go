package pair

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dgram/wire"
	"dgram/wire/app"
)

// A told packet is one of a conversation whose truth is known.
type told struct {
	at    time.Duration
	p     *wire.Packet
	asks  int // which request this is, or
	of    int // which one it answers: from 1
	again bool
}

// converse draws what a capture beside the client of a lossy network sees: requests that each say something else, replies
// that come in any order, twice, too late or not at all.
func converse(t *rapid.T, client int) (packets []told) {
	dns := rapid.Bool().Draw(t, "dns")
	from, to := fmt.Sprintf("192.0.2.%d:40000", client), fmt.Sprintf("198.51.100.%d:7777", client)
	if dns {
		to = fmt.Sprintf("198.51.100.%d:53", client)
	}
	at := time.Duration(client) * 77 * time.Microsecond
	for i := 1; i <= rapid.IntRange(1, 20).Draw(t, "requests"); i++ {
		at += time.Duration(rapid.IntRange(1, 50_000_000).Draw(t, "pause"))
		ask, answer := fmt.Sprintf("what is %d?", i), fmt.Sprintf("WHAT IS %d?", i)
		if dns {
			ask, answer = string([]byte{byte(client), byte(i)})+query[2:], string([]byte{byte(client), byte(i)})+reply[2:]
		}
		packets = append(packets, told{at: at, p: udp(from, to, ask), asks: i})
		if rapid.IntRange(0, 9).Draw(t, "lost") < 2 && i > 1 {
			continue
		}
		rtt := time.Duration(rapid.IntRange(1000, 300_000_000).Draw(t, "rtt"))
		if i > 1 && rapid.IntRange(0, 9).Draw(t, "late") == 0 {
			rtt += 2 * time.Second
		}
		packets = append(packets, told{at: at + rtt, p: udp(to, from, answer), of: i})
		if rapid.IntRange(0, 9).Draw(t, "twice") == 0 {
			packets = append(packets, told{at: at + rtt + 1, p: udp(to, from, answer), of: i, again: true})
		}
	}
	return packets
}

// Where every request can be told from every other, the verdicts are the truth.
func TestVerdictsAreTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const timeout = 2 * time.Second
		var packets []told
		for client := range rapid.IntRange(1, 5).Draw(t, "clients") {
			packets = append(packets, converse(t, client+1)...)
		}
		slices.SortStableFunc(packets, func(a, b told) int { return cmp.Compare(a.at, b.at) })
		tracker := New(Config{Timeout: timeout})
		type question struct {
			client string
			number int
		}
		asked := map[question]told{}
		lost, late := map[question]bool{}, uint64(0)
		for i, c := range packets {
			c.p.No, c.p.Time = uint64(i+1), base+int64(c.at)
			var m app.Message
			app.Read(c.p, &m)
			got := tracker.Add(c.p, &m)
			if c.asks != 0 {
				q := question{c.p.Src.String(), c.asks}
				asked[q], lost[q] = c, true
				if got.Role != Request {
					t.Fatalf("No. %d is %+v, not a request", c.p.No, got)
				}
				continue
			}
			q := question{c.p.Dst.String(), c.of}
			request := asked[q]
			rtt := c.at - request.at
			want := Reply
			switch {
			case c.again:
				want = Duplicate
			case rtt >= timeout:
				want = Late
				late++
			default:
				delete(lost, q)
			}
			if got.Role != want || got.Re != request.p.No || want != Duplicate && got.RTT != rtt {
				t.Fatalf("No. %d is %+v, not %v to %d after %v", c.p.No, got, want, request.p.No, rtt)
			}
		}
		tracker.Tick(tracker.now + int64(time.Minute))
		s := tracker.Summary()
		if s.Silent != uint64(len(lost)) || s.Late != late || s.Pending != 0 || s.Answered != uint64(len(asked)-len(lost)) {
			t.Fatalf("%d are lost of %d, and %d late: %+v", len(lost), len(asked), late, s)
		}
	})
}
