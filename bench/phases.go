package bench

import "time"

// phases is where a worker is in the run. Times are by the run's clock.
type phases struct {
	phase     string
	measureAt int64 // the warm-up's end
	sendEnd   int64
	drainEnd  int64
	edge      int64 // the end of the second, or of the part of one, that is being counted
	sending   bool
}

// begin sets the phases of a run that begins now.
func (p *phases) begin(c *plan) {
	p.measureAt = int64(c.warmup)
	p.sendEnd = p.measureAt + int64(c.duration)
	p.drainEnd = p.sendEnd + int64(c.timeout) + 2*tick
	p.sending = true
	p.phase = PhaseMeasure
	if c.warmup > 0 {
		p.phase = PhaseWarmup
	}
}

// warm reports that what happens now belongs to the warm-up.
func (p *phases) warm() bool { return p.phase == PhaseWarmup }

// until is when the phase ends.
func (p *phases) until() int64 {
	switch p.phase {
	case PhaseWarmup:
		return p.measureAt
	case PhaseMeasure:
		return p.sendEnd
	}
	return p.drainEnd
}

// startSecond begins to count a second at a time.
func (w *worker) startSecond(at int64) {
	w.cur.phase, w.cur.from = w.phase, at
	w.edge = min(at+int64(time.Second), max(w.until(), at))
}

// passEdge ends a second, and with it a phase or the run: it then reports true.
func (w *worker) passEdge() bool {
	at := w.edge
	ended := at >= w.until()
	if ended && w.phase != PhaseDrain {
		w.leavePhase(at)
	}
	if ended && w.phase == PhaseDrain {
		return true
	}
	w.handOver(at)
	if ended {
		w.phase = following(w.phase)
	}
	w.startSecond(at)
	w.clock.adjust()
	return false
}

func following(phase string) string {
	if phase == PhaseWarmup {
		return PhaseMeasure
	}
	return PhaseDrain
}

// leavePhase settles what the phase's end leaves behind: what was due in it and has not been sent never will be.
func (w *worker) leavePhase(at int64) {
	if w.plan.open && w.sending {
		w.sendDue()
		w.cur.counts(w.warm()).unsent(w.leave(at))
	}
	if w.phase == PhaseMeasure {
		w.sending = false
	}
}

func (c *Counts) unsent(n int64) {
	c.Due += n
	c.Unsent += n
}

// cut ends the sending now, if it goes on, and the run so much later.
func (w *worker) cut(now int64, drain time.Duration) {
	if w.sending {
		if w.plan.open {
			w.cur.counts(w.warm()).unsent(w.leave(now))
		}
		w.sending = false
		w.sendEnd = now
		w.measureAt = min(w.measureAt, now)
	}
	w.drainEnd = min(w.drainEnd, now+int64(drain))
	w.edge = min(w.edge, now)
}

// finish settles what is still open and hands over the last second.
func (w *worker) finish() {
	t := w.table
	for t.head >= 0 {
		r := &t.places[t.head]
		w.cur.counts(r.warm).Pending++
		w.release(t.head, false)
	}
	w.handOver(w.now)
	close(w.exchange.full)
}

// exchange is how a worker's seconds get to whoever adds them up: full ones one way, empty ones the other.
type exchange struct {
	full, empty chan *interval
}

func newExchange() exchange {
	const spare = 4
	e := exchange{full: make(chan *interval, spare+1), empty: make(chan *interval, spare)}
	for range spare {
		e.empty <- newInterval()
	}
	return e
}

// handOver gives the second away and takes an empty one. There is always one but where whoever adds up is seconds behind.
func (w *worker) handOver(at int64) {
	w.cur.to, w.cur.inFlight = at, int64(w.table.pending)
	w.exchange.full <- w.cur
	w.cur = <-w.exchange.empty
}
