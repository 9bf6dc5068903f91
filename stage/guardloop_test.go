package stage

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"dgram"
)

// echoes sends payloads one after another to a Line and returns which were dropped as a loop.
func echoes(t *testing.T, spec string, payloads ...string) (dropped []int) {
	t.Helper()
	r := newRig(t, MustParse(spec), LineOptions{Guards: NewGuards(GuardConfig{Limit: -1, AnySource: true})})
	for i, p := range payloads {
		switch fates, _ := r.seen.fates(r.one(p)); fates[0] {
		case "dropped: loop":
			dropped = append(dropped, i)
		case "answered":
		default:
			t.Fatalf("datagram %d: %v", i, fates)
		}
	}
	return dropped
}

func times(n int, payload string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = payload
	}
	return all
}

// Each 64th datagram in a row that equals the last reply is dropped, and nothing else.
func TestLoopGuardCounts(t *testing.T) {
	long := strings.Repeat("LONG ", 200)
	middle := strings.Replace(long, "LONG LONG", "LONG_LONG", 50)
	for _, c := range []struct {
		name     string
		payloads []string
		want     []int
	}{
		{"a client that repeats itself", times(200, "hello"), nil},
		{"an echo", times(200, "HELLO"), []int{64, 128, 192}},
		{"an echo of our answer to lower case", append([]string{"hello"}, times(70, "HELLO")...), []int{64}},
		{"an echo of a long answer", times(200, long), []int{64, 128, 192}},
		{"an echo of nothing", times(200, ""), []int{64, 128, 192}},
		{"63, then another", append(append(times(64, "A"), "b"), times(64, "A")...), nil},
		{"two in turns", strings.Split(strings.Repeat("A B ", 100), " "), nil},
		{"two long ones with the same ends", strings.Split(strings.Repeat(long+"|"+middle+"|", 100), "|"), nil},
	} {
		if got := echoes(t, "upper", c.payloads...); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: dropped %v, want %v", c.name, got, c.want)
		}
	}
}

func TestLoopGuardCountsEachFlowByItself(t *testing.T) {
	r := newRig(t, MustParse("echo"), LineOptions{Guards: NewGuards(GuardConfig{})})
	dropped := 0
	for i := range 65 * 100 {
		peer := dgram.MustParseEndpoint(fmt.Sprintf("127.0.0.1:%d", 2000+i%100))
		if fates, _ := r.seen.fates(r.from(peer, "x")); fates[0] == "dropped: loop" {
			if dropped++; i < 64*100 {
				t.Fatalf("datagram %d of its flow was dropped", i/100)
			}
		}
		r.seen.settled = r.seen.settled[:0]
	}
	// Of 100 flows more than loopWays may meet in one set, in one of some ten thousand runs, and then none of them gets to 64.
	if dropped < 100-2*loopWays || dropped > 100 {
		t.Errorf("%d dropped in 100 flows", dropped)
	}
}

// Whatever the keys, flows that differ by little are spread over the sets as if by chance: of as many flows as there are sets a set gets one, and more than
// fifteen once in some 10^10 tables.
func TestLoopGuardSpreadsFlows(t *testing.T) {
	for name, peer := range map[string]func(i int) netip.AddrPort{
		"ports": func(i int) netip.AddrPort {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(20000+i))
		},
		"addresses": func(i int) netip.AddrPort {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5000)
		},
		"networks": func(i int) netip.AddrPort {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(i >> 8), byte(i), 0, 1}), 5000)
		},
		"addresses of IPv6": func(i int) netip.AddrPort {
			return netip.AddrPortFrom(netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 14: byte(i >> 8), 15: byte(i)}), 5000)
		},
	} {
		for range 500 {
			table, used := loopTable{}, [loopSets]int{}
			for i := range table.keys {
				table.keys[i] = rand.Uint64() | 1
			}
			for i := range loopSets {
				d := dgram.Datagram{Peer: dgram.IPEndpoint(dgram.UDP, peer(i)), Local: testLocal}
				set := table.flowOf(&d) & (loopSets - 1)
				if used[set]++; used[set] > 15 {
					t.Fatalf("%s: with the keys %x one of %d sets got %d of %d flows", name, table.keys, loopSets, used[set], i+1)
				}
			}
		}
	}
}

func TestLoopGuardOff(t *testing.T) {
	r := newRig(t, MustParse("echo"), LineOptions{Guards: NewGuards(GuardConfig{AnyLoop: true, Limit: -1, AnySource: true})})
	for range 200 {
		r.expect(r.one("x"), "answered")
	}
}

// A slot of several datagrams loses just the one that is the 64th.
func TestLoopGuardTakesSlotsApart(t *testing.T) {
	r := newRig(t, MustParse("echo"), LineOptions{Guards: NewGuards(GuardConfig{})})
	peer := dgram.MustParseEndpoint("127.0.0.1:40000")
	b := r.conn.NewBatch(64)
	answered, dropped := 0, 0
	for range 20 {
		b.Reset()
		d := b.Add(peer, bytes.Repeat([]byte("abc"), 32))
		d.Segment, d.Local, d.ID = 3, testLocal, dgram.NextIDs(32)
		if err := r.line.Process(b); err != nil {
			t.Fatal(err)
		}
		for i := range b.Datagrams {
			switch d := &b.Datagrams[i]; {
			case d.Fate == dgram.Dropped && d.Reason == dgram.ReasonLoop:
				dropped += d.Count()
			case d.Fate == dgram.Answered:
				answered += d.Count()
			default:
				t.Fatalf("%v %v", d.Fate, d.Reason)
			}
		}
	}
	// The first slot has nothing to equal.
	if answered+dropped != 20*32 || dropped != 19*32/loopRun {
		t.Errorf("%d answered, %d dropped", answered, dropped)
	}
}

// A loop is found however many other flows come by meanwhile; while the table grows, a row may begin anew.
func TestLoopGuardAmongManyFlows(t *testing.T) {
	g := newGuarded(NewGuards(GuardConfig{Limit: -1, AnySource: true}), 32)
	loop := dgram.MustParseEndpoint("10.0.0.1:40000")
	dropped := 0
	for i := range uint64(300) {
		g.slot.Peer = loop
		if echo(g) == dgram.ReasonLoop {
			dropped++
		}
		for j := range uint64(2000) {
			g.slot.Peer = dgram.IPEndpoint(dgram.UDP, ipv4AddrPort(uint32(mix(i*2000+j))))
			g.pass()
		}
	}
	if dropped < 3 {
		t.Errorf("%d dropped of 300 that went round", dropped)
	}
}

// The table grows with the flows that come by, to where all of them are known, and not without need.
func TestLoopGuardGrowsWithTheFlows(t *testing.T) {
	for _, c := range []struct{ flows, least, most uint64 }{
		{1, loopSets, loopSets}, {500, loopSets, loopSets}, {10_000, 4 * loopSets, loopCells / loopWays}, {200_000, loopCells / loopWays, loopCells / loopWays},
	} {
		table := newLoopTable()
		record := func(flow uint64) {
			d := dgram.Datagram{Data: []byte("HELLO")}
			table.replied(&request{flow: mix(flow) | usedCell}, &d)
		}
		for i := range 20 * c.flows {
			record(i % c.flows)
		}
		if sets := table.sets.Load(); sets < c.least || sets > c.most {
			t.Errorf("%d flows: %d sets", c.flows, sets)
		}
		known := uint64(0)
		for i := range c.flows {
			if cell, _ := table.find(mix(i) | usedCell); cell != nil {
				known++
			}
		}
		if want := min(c.flows*95/100, loopCells*9/10); known < want {
			t.Errorf("%d flows: %d known, want %d", c.flows, known, want)
		}
	}
}

// echo passes the slot unchanged.
func echo(r *guarded) dgram.Reason {
	d := r.slot
	d.Fate, d.Reason = dgram.Undecided, dgram.NoReason
	r.gate.begin(r.now, r.batch)
	r.asked = r.gate.enter(r.batch, 0)
	if d.Fate == dgram.Undecided && r.out.admit(d, &r.asked, true) {
		r.out.leave(r.batch, 0, &r.asked, 0)
	}
	return d.Reason
}
