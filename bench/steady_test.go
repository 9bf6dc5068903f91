package bench

import (
	"testing"
	"testing/synctest"
	"time"

	"dgram"
	"dgram/internal/testnet"
)

// echoPort answers whatever is sent at once, in upper case, as far as a worker can see.
type echoPort struct {
	queue [][]byte
	flow  []int32
	n     int
}

func newEchoPort() *echoPort {
	p := &echoPort{queue: make([][]byte, 4096), flow: make([]int32, 4096)}
	for i := range p.queue {
		p.queue[i] = make([]byte, 0, 2048)
	}
	return p
}

func (p *echoPort) receive(w *worker, _ time.Duration) {
	n := p.n
	p.n = 0
	for k := range n {
		b := p.queue[k]
		for i, c := range b {
			if 'a' <= c && c <= 'z' {
				b[i] = c - 'a' + 'A'
			}
		}
		w.arrived(p.flow[k], b, w.now+1000)
	}
	for i := range w.flows {
		w.drained(int32(i))
	}
	w.flush()
}

func (p *echoPort) send(w *worker, from, to int) {
	w.left(from, to, w.clock.now())
	for k := from; k < to; k++ {
		w.failed[k] = 0
		if p.n < len(p.queue) {
			p.queue[p.n] = append(p.queue[p.n][:0], w.payloads[k]...)
			p.flow[p.n] = w.by[k]
			p.n++
		}
	}
}

func (p *echoPort) spins() bool                               { return true }
func (p *echoPort) drops() (n int64, known, atLeast bool)     { return 0, true, false }
func (p *echoPort) traits() traits                            { return traits{transport: "echo"} }
func (*echoPort) taps(func(dgram.Conn) dgram.Tap) []dgram.Tap { return nil }
func (p *echoPort) close() error                              { return nil }

// turns returns a function that takes a worker through a few turns of its loop, each followed by a pause.
func turns(t testing.TB, c Config, pause func()) (func(), *worker) {
	t.Helper()
	c.Target = dgram.MustParseEndpoint("127.0.0.1:9")
	c.Duration, c.Warmup, c.Clock = time.Hour, -1, UserClock
	p, err := c.plan()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorker(p, newEchoPort(), &shared{}, 0, 0, p.flows)
	w.clock = newClock()
	w.now = w.clock.now()
	w.startSecond(w.now)
	return func() {
		for range 100 {
			w.now = w.clock.now()
			w.polled = w.now
			w.port.receive(w, w.patience())
			w.now = w.clock.now()
			if w.now >= w.nextTick && w.tick() {
				t.Fatal("the run is over")
			}
			w.work()
			pause()
		}
	}, w
}

// Once it runs, a worker allocates nothing: no collection of garbage gets between a request and its answer. Its time is the test's own: by that of a
// busy machine an open loop would be so far behind that no answer is in time.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	testnet.NotUnderRace(t, "one goroutine")
	mixed, err := ParseSizes("64:3,512,1400")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Config{
		"closed":   {Flows: 16, Window: 8},
		"open":     {Flows: 16, Schedule: Schedule{{From: 500_000, To: 500_000}}},
		"poisson":  {Flows: 16, Schedule: Schedule{{From: 500_000, To: 500_000}}, Poisson: true, Payload: mixed},
		"by order": {Flows: 16, Window: 8, Payload: Payload{Sizes: []Share{{Bytes: 1, Weight: 1}}}},
		"any":      {Flows: 16, Window: 8, Expect: Expect{Kind: ExpectAny}},
		"one-way":  {Flows: 16, OneWay: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			turn, w := turns(t, c, func() { time.Sleep(turnTime) })
			turn()
			if n := testing.AllocsPerRun(20, turn); n != 0 {
				t.Errorf("%s: %g allocations in 100 turns", name, n)
			}
			if w.cur.measured.Sent == 0 || w.cur.measured.Wrong+w.cur.measured.Late > 0 || !c.OneWay && w.cur.measured.Answered == 0 {
				t.Errorf("%s: %+v", name, w.cur.measured)
			}
		})
	}
}

// turnTime is about what a turn takes with a few system calls in it.
const turnTime = 10 * time.Microsecond

// What the generator itself costs for a request and its answer, system calls apart.
func BenchmarkWorker(b *testing.B) {
	turn, w := turns(b, Config{Flows: 64, Window: 4}, func() {})
	turn()
	go func() { // whoever adds up
		for v := range w.exchange.full {
			v.reset()
			w.exchange.empty <- v
		}
	}()
	defer close(w.exchange.full)
	before := w.table.issued
	for b.Loop() {
		turn()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(w.table.issued-before), "ns/request")
	b.ReportAllocs()
}
