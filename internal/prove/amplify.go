//go:build linux

package main

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"dgram/stage"
)

// proveNeverAmplifies is promise 1: to another machine goes at most what came from it, counted in bytes of payload, copies included.
func proveNeverAmplifies(p *proof) {
	var t tallyOfRatios
	p.step("through the stages, in this process", func() { p.throughStages(&t, p.count(100_000_000, 250_000)) })
	p.step("through a program", func() { p.throughProgram(&t, p.count(100_000, 500)) })
	p.sentf("%d datagrams through the stages and a program", t.requests.Load())
	p.step("over a socket", func() { overSocket(newWorld(p), &t, p.count(1_000_000, 8_000)) })
	p.sentf("%d over a socket", t.socket.Load())
	p.seenf("largest ratio of reply to request %s; %d replies went out, %d would have been larger and were dropped", t.largest(), t.replies.Load(), t.dropped.Load())
	if t.dropped.Load() == 0 {
		p.Error("no reply was larger than its request: the attack is none")
	}
	if t.replies.Load() == 0 {
		p.Error("no reply went out at all")
	}
	if n := t.broken.Load(); n > 0 {
		p.Errorf("%d requests were answered with more than they had; the largest ratio is %s", n, t.largest())
	}
}

// tallyOfRatios is what came of the requests.
type tallyOfRatios struct {
	requests, socket, replies, dropped, broken atomic.Uint64

	mu       sync.Mutex
	in, out  int  // of the largest ratio
	infinite bool // something answered nothing
}

// ratio notes what went out for a request.
func (t *tallyOfRatios) ratio(in, out int) {
	if out > in {
		t.broken.Add(1)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case in == 0:
		t.infinite = t.infinite || out > 0
	case t.in == 0 || out*t.in > t.out*in:
		t.in, t.out = in, out
	}
}

func (t *tallyOfRatios) largest() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.infinite {
		return "infinite"
	}
	return fmt.Sprintf("%.3f", float64(t.out)/float64(max(t.in, 1)))
}

// enlarging are plans of which each makes some replies larger than the request, or sends several.
var enlarging = []string{"upper", "upper:unicode", "hex", "prefix:>", "reply:{peer} {length} {payload}", "reverse", "duplicate:50%", `rule:"a" => "a longer reply"`}

// throughStages sends n fuzzed datagrams through each plan's stages, on every processor at once.
func (p *proof) throughStages(t *tallyOfRatios, n int) {
	var working sync.WaitGroup
	workers := runtime.NumCPU()
	for i := range workers {
		working.Go(func() {
			f := newFuzz(p.seed, uint64(i))
			for _, spec := range enlarging {
				plan, err := stage.Parse(spec)
				if err != nil {
					p.Errorf("%s: %v", spec, err)
					continue
				}
				p.mill(t, f, plan, stage.GuardConfig{Limit: -1}, n/workers/len(enlarging))
			}
		})
	}
	working.Wait()
	p.Logf("%d requests, largest ratio %s", t.requests.Load(), t.largest())
}

// mill drives one Line with a Conn that only weighs what it is given.
func (p *proof) mill(t *tallyOfRatios, f *fuzz, plan *stage.Plan, guards stage.GuardConfig, n int) {
	m := newScale(t, milled)
	line := stage.NewLine(plan, m, stage.LineOptions{Seed: p.seed, Guards: stage.NewGuards(guards)})
	b := m.NewBatch(milled)
	for sent := 0; sent < n && p.Context().Err() == nil; sent += milled {
		m.begin()
		b.Reset()
		for range milled {
			payload := f.payload()
			if d := b.Add(f.peer(), payload); d != nil {
				m.request(d, len(payload))
			}
		}
		if err := line.Process(b); err != nil {
			p.Error(err)
			return
		}
		m.end()
	}
	_ = line.Close()
}

// milled is how many datagrams go through a Line at once.
const milled = 64

// throughProgram sends n through a program whose output is always 20 bytes long at least.
func (p *proof) throughProgram(t *tallyOfRatios, n int) {
	plan, err := stage.Parse("exec:printf %20s x")
	if err != nil {
		p.Fatal(err)
	}
	m := newScale(t, n+milled)
	line := stage.NewLine(plan, m, stage.LineOptions{Guards: stage.NewGuards(stage.GuardConfig{Limit: -1})})
	f := newFuzz(p.seed, 99)
	b := m.NewBatch(milled)
	m.begin()
	for sent := 0; sent < n && p.Context().Err() == nil; sent += milled {
		b.Reset()
		for range milled {
			payload := f.payload()
			if d := b.Add(f.peer(), payload); d != nil {
				m.request(d, len(payload))
			}
		}
		if err := line.Process(b); err != nil {
			p.Fatal(err)
		}
		m.awaitHeld(512) // what the queue of requests has room for
	}
	if err := line.Drain(p.Context()); err != nil {
		p.Error(err)
	}
	_ = line.Close()
	m.end()
}

// overSocket sends n to servers in another namespace. Each socket sends datagrams of one size, so that no reply to it may be larger, and no more of
// them may come than it has sent.
func overSocket(w *world, t *tallyOfRatios, n int) {
	w.Helper()
	plans := [][]string{{"--stage", "upper:unicode"}, {"--stage", "hex"}, {"--stage", "echo", "--stage", "duplicate:100%"}, {"--stage", "rule:\"a\" => \"a longer reply\"", "--stage", "upper"}}
	for _, plan := range plans {
		s := w.serve(serverAddr, append(w.unguarded(), plan...)...)
		w.weigh(t, s, n/len(plans))
		a := s.stop()
		t.dropped.Add(a.Dropped["amplify"])
	}
}

// sizes are those of the requests over a socket, in bytes.
var sizes = []int{0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 64, 200, 548, 1472, 4000}

// weigh sends n from sockets of one size each, in turn.
func (w *world) weigh(t *tallyOfRatios, s *served, n int) {
	w.Helper()
	f := newFuzz(w.seed, 7)
	tellers := make([]*teller, len(sizes))
	for i, size := range sizes {
		tellers[i] = w.newTeller(w.client, 1, s.addr, clientAddr)
		tellers[i].largest = size
	}
	received := func() (n uint64) {
		for _, c := range tellers {
			n += c.received.Load()
		}
		return n
	}
	for i := range n / len(sizes) {
		for j, size := range sizes {
			tellers[j].send(1, f.bytes(size))
		}
		if i%64 == 63 { // so that the server's queue is not all that is tried
			w.moment(received)
		}
	}
	w.still("the replies have come", patience, received)
	for i, c := range tellers {
		got, most := c.received.Load(), int(c.most.Load())
		t.ratio(sizes[i], most)
		if c.wrong.Load() > 0 || got > c.tried {
			w.Errorf("to %d requests of %d bytes came %d replies, the largest of %d", c.tried, sizes[i], got, most)
			t.broken.Add(1)
		}
		t.socket.Add(c.tried)
		t.replies.Add(got)
		c.close()
	}
}

// moment waits for no more replies to come just now.
func (w *world) moment(received func() uint64) {
	for last := received(); ; {
		time.Sleep(time.Millisecond)
		now := received()
		if now == last {
			return
		}
		last = now
	}
}

var strangers = []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("203.0.113.200"), netip.MustParseAddr("2001:db8::7")}
