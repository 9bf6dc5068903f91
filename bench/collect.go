package bench

import (
	"slices"
	"syscall"
	"time"
)

// collect takes the workers' seconds as they come and makes one of those that belong together.
func (m *run) collect() {
	heads := make([]*interval, len(m.workers))
	for {
		phase := ""
		for k, w := range m.workers {
			if heads[k] == nil {
				heads[k] = <-w.exchange.full // nil when the worker has ended
			}
			if heads[k] != nil && (phase == "" || rank(heads[k].phase) < rank(phase)) {
				phase = heads[k].phase
			}
		}
		if phase == "" {
			return
		}
		v := newSecond(phase)
		for k, w := range m.workers {
			if heads[k] != nil && heads[k].phase == phase {
				v.take(heads[k])
				heads[k].reset()
				w.exchange.empty <- heads[k]
				heads[k] = nil
			}
		}
		m.second(v)
	}
}

// phaseOrder is how phases follow each other.
var phaseOrder = []string{PhaseWarmup, PhaseMeasure, PhaseDrain}

func rank(phase string) int { return slices.Index(phaseOrder, phase) }

// second is one of all workers.
type second struct {
	tally
	latency    *packed
	scheduling *packed
}

func newSecond(phase string) *second {
	return &second{tally: tally{phase: phase, failures: map[syscall.Errno]int64{}}, latency: newPacked(), scheduling: newPacked()}
}

// take adds what a worker counted in it.
func (v *second) take(o *interval) {
	if v.to == 0 {
		v.from = o.from
	}
	v.from, v.to = min(v.from, o.from), max(v.to, o.to)
	v.warmup.add(&o.warmup)
	v.measured.add(&o.measured)
	v.latency.take(o.latency)
	v.scheduling.take(o.scheduling)
	v.inFlight += o.inFlight
	for errno, n := range o.failures {
		v.failures[errno] += n
	}
}

// mostSeconds bounds how many seconds a Result keeps: a week's run must not fill the memory.
const mostSeconds = 3600

// second adds a second to the result and tells of it.
func (m *run) second(v *second) {
	r := m.result
	r.Warmup.add(&v.warmup)
	r.Totals.add(&v.measured)
	for errno, n := range v.failures {
		m.failures[errno] += n
	}
	if v.phase != PhaseWarmup {
		m.latency.merge(v.latency)
		m.scheduling.merge(v.scheduling)
	}
	s := m.describe(v)
	switch v.phase {
	case PhaseWarmup:
		if v.to >= int64(m.plan.warmup) {
			m.beginMeasuring()
		}
	case PhaseMeasure:
		m.answered += v.warmup.Answered + v.measured.Answered
		m.measured += s.Length
		m.countProcessor()
	}
	if s.Length == 0 && s.Counts == (Counts{}) {
		return
	}
	if len(r.Seconds) < mostSeconds {
		r.Seconds = append(r.Seconds, s)
		m.seconds = append(m.seconds, v)
	} else {
		r.Unseen++
	}
	select {
	case m.late <- s:
	default:
	}
}

// describe makes a Second of what was counted in one.
func (m *run) describe(v *second) Second {
	c := v.counts(v.phase == PhaseWarmup)
	s := Second{
		Index: len(m.result.Seconds) + int(m.result.Unseen), Phase: v.phase, Start: time.Duration(v.from) - m.plan.warmup, Length: time.Duration(v.to - v.from),
		Counts: *c, InFlight: v.inFlight, OwnDrops: m.dropsSince(),
		Latency:    v.latency.distribution(c.Unanswered(), m.plan.timeout, SecondPercents),
		Scheduling: v.scheduling.distribution(0, 0, SecondPercents),
	}
	switch {
	case v.phase == PhaseWarmup && m.plan.open:
		s.Target = m.plan.warmupSchedule()[0].From
	case v.phase == PhaseMeasure:
		s.Target = m.plan.schedule.At(time.Duration(max(v.to-1, 0)) - m.plan.warmup)
	}
	whole := m.plan.warmup + m.plan.duration
	s.Progress = min(float64(v.to)/float64(whole), 1)
	s.Left = max(whole-time.Duration(v.to), 0)
	return s
}

// mostWatched bounds how many sockets are asked for their drops each second.
const mostWatched = 256

// dropsSince is what our sockets dropped since it was last asked.
func (m *run) dropsSince() int64 {
	if m.plan.flows > mostWatched {
		return 0
	}
	var sum int64
	for _, w := range m.workers {
		n, _, _ := w.port.drops()
		sum += n
	}
	gained := sum - m.drops
	m.drops = sum
	return gained
}

// beginMeasuring remembers how the counters stand.
func (m *run) beginMeasuring() {
	m.before = m.readCounters()
	m.user, m.system = processorTime()
}

// countProcessor says how much processor time the measuring has taken so far.
func (m *run) countProcessor() {
	user, system := processorTime()
	c := &m.result.CPU
	c.User, c.System = time.Duration(user-m.user), time.Duration(system-m.system)
	if n := m.result.Totals.Sent; n > 0 {
		c.PerRequest = (c.User + c.System) / time.Duration(n)
	}
}
