package bench

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"dgram"
)

// run is one run: its workers, and what they have told so far.
type run struct {
	config  *Config
	plan    *plan
	clock   clock
	workers []*worker
	shared  *shared
	local   bool          // the server is on this host
	out     net.Interface // that requests leave by; zero: not known

	result     *Result
	seconds    []*second // those of the result, in its order
	latency    *packed
	scheduling *packed
	failures   map[syscall.Errno]int64
	first      counters // before anything was sent
	before     counters // when the measuring began
	after      counters
	server     *serverWatch // nil: it is not asked
	answered   int64        // answers that came while measuring
	measured   time.Duration
	user       int64 // processor time when the measuring began, ns
	system     int64
	drops      int64 // of our sockets, when the last second ended
	late       chan Second
}

// Run offers the load that c describes and returns what came of it. When ctx ends it stops sending, waits for what is outstanding (two
// seconds at most), and returns a Result all the same. The error says why the run could not be begun; a server that does not answer, or
// refuses, or dies, is a Result.
func Run(ctx context.Context, c Config) (*Result, error) {
	p, err := c.plan()
	if err != nil {
		return nil, err
	}
	if err := checkLimits(p.flows, p.target.Network()); err != nil {
		return nil, err
	}
	m := &run{
		config: &c, plan: p, shared: &shared{}, local: isOwn(p.target), latency: newPacked(), scheduling: newPacked(), failures: map[syscall.Errno]int64{},
		late: make(chan Second, 1), result: &Result{Schema: Schema, Environment: environment(), Seconds: []Second{}, Failures: []Failure{}, Why: []string{}, Notes: []string{}},
	}
	if p.target.Network().IP() && p.target.Network() != dgram.Memory {
		m.out, _ = wayOut(p.target)
	}
	m.clock = newClock()
	if err := m.open(); err != nil {
		return nil, err
	}
	defer m.close()
	if m.server, err = watchServer(ctx, c.ServerCounters); err != nil {
		return nil, err
	}
	m.work(ctx)
	m.conclude()
	return m.result, nil
}

// open makes the workers and the sockets of their flows.
func (m *run) open() error {
	p := m.plan
	for k := range p.workers {
		first, n := share(p.flows, p.workers, k)
		port, err := openFleet(m.config, p, n)
		if port == nil && err == nil {
			port, err = openConns(m.config, p, n)
		}
		if err != nil {
			m.close()
			return err
		}
		if !port.traits().timestamps {
			p.clock = UserClock
		}
		w := newWorker(p, port, m.shared, k, first, n)
		if m.config.Tap != nil {
			w.watch = newWatch(w, port.taps(m.config.Tap))
		}
		m.workers = append(m.workers, w)
	}
	return nil
}

// share is the part of the flows that worker k of n has.
func share(flows, n, k int) (first int32, count int) {
	from, to := flows*k/n, flows*(k+1)/n
	return int32(from), to - from
}

func (m *run) close() {
	for _, w := range m.workers {
		_ = w.port.close()
	}
	m.workers = nil
}

func newWorker(p *plan, port port, s *shared, k int, first int32, n int) *worker {
	w := &worker{
		plan: p, port: port, requests: p.requests, shared: s, first: first, flows: make([]flow, n), cur: newInterval(), exchange: newExchange(),
		random: random{state: p.seed + uint64(k)*0x632be59bd9b4e019}, seq: 0,
	}
	bits := p.table
	if p.oneWay {
		bits = 1
	}
	w.table = newTable(bits)
	w.unmeasured.wanted = port.traits().measures
	for _, f := range p.requests.forms {
		for _, field := range f.fields {
			if !field.flow && w.table.seqs == nil {
				w.table.seqs = make([]uint64, 1<<bits)
			}
		}
	}
	if p.byOrder && !p.oneWay {
		w.lineup = newLineup(1<<bits, n)
	}
	longest := p.requests.longest()
	room := make([]byte, maxBatch*longest)
	for i := range w.buffers {
		w.buffers[i] = sendBuffer{bytes: room[i*longest : (i+1)*longest : (i+1)*longest], form: -1}
	}
	w.begin(p)
	w.prepare()
	return w
}

// prepare makes the load ready to begin.
func (w *worker) prepare() {
	k := int(int64(w.first) * int64(w.plan.workers) / int64(w.plan.flows))
	for i := range w.flows {
		w.flows[i].free = int32(w.plan.window)
	}
	if w.plan.open {
		w.start(w.plan, k, &w.random)
		return
	}
	if w.plan.oneWay {
		return
	}
	w.filling = true
	w.refills.flows = make([]int32, 0, 2*len(w.flows))
	for i := range w.flows {
		w.retry(int32(i))
	}
}

// work runs the workers and adds up what they tell until all have ended.
func (m *run) work(ctx context.Context) {
	told := make(chan struct{})
	go func() { defer close(told); m.tell() }()
	m.clock = newClock()
	m.beginMeasuring()
	m.first, m.drops = m.before, m.before.own
	m.result.Started = m.clock.base.Add(m.plan.warmup)
	defer context.AfterFunc(ctx, func() { m.shared.stop.Store(true) })()
	var group sync.WaitGroup
	for _, w := range m.workers {
		w.clock = m.clock
		if w.watch != nil {
			w.watch.base = m.clock.base
		}
		group.Go(w.run)
	}
	m.collect()
	group.Wait()
	m.result.Interrupted = m.shared.stop.Load() && m.measured < m.plan.duration
	m.after = m.readCounters()
	m.server.end(context.WithoutCancel(ctx))
	close(m.late)
	<-told
}

// tell passes seconds to OnSecond, which may be slow.
func (m *run) tell() {
	for s := range m.late {
		if m.config.OnSecond != nil {
			m.config.OnSecond(s)
		}
	}
}
