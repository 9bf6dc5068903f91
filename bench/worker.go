package bench

import (
	"sync/atomic"
	"syscall"
	"time"
)

// maxBatch is how many requests are handed over at once.
const maxBatch = 64

// worker sends and receives on one goroutine, and shares nothing with others but a few atomic flags.
type worker struct {
	plan     *plan
	port     port
	clock    clock
	requests *requests
	table    *table
	lineup   *lineup // nil: every answer carries a token
	flows    []flow
	first    int32 // number of the first flow in the run
	random   random
	seq      uint64
	now      int64 // the time as far as it is known

	batch    int                  // requests in the buffers
	buffers  [maxBatch]sendBuffer // what they are made in
	payloads [maxBatch][]byte     // their bytes
	taken    [maxBatch]int32      // their places in the table; -1: one-way
	by       [maxBatch]int32      // their flows
	failed   [maxBatch]syscall.Errno

	phases
	pacer
	refills    refills
	unmeasured unmeasured
	filling    bool // closed loop: the flows are being filled for the first time
	cur        *interval
	exchange   exchange
	shared     *shared
	active     int64 // when something last happened
	polled     int64 // everything that had arrived by then has been looked at
	nextTick   int64
	tokens     int64  // answers known by token
	orders     int64  // by order
	wrong      []byte // the beginning of the first wrong answer
	token      uint32 // of the datagram that is being looked at, where requests have theirs
	kind       byte   // what it is, as getToken says
	watch      *watch // nil: nobody wants to see
	hint       int    // where the last token was found in an answer of unknown form
}

// flow is what a worker knows of one flow.
type flow struct {
	free     int32  // the window, less what is outstanding; only a closed loop keeps it from going below 0
	last     uint32 // order of the latest request answered
	answered bool
	givenUp  int64 // by order: requests given up whose answer may still come
	waiting  bool  // it is in refills
}

// shared is what workers and Run tell each other while it runs.
type shared struct {
	stop    atomic.Bool  // stop sending: the context has ended
	give    atomic.Bool  // nobody answers: end at once
	heard   atomic.Bool  // a datagram has arrived from the server
	refused atomic.Int64 // reports that nobody listens
	lost    atomic.Int64 // requests without an answer, counted until something is heard
}

// sendBuffer holds a request, with the form that it was made from, so that only what differs needs to be written.
type sendBuffer struct {
	bytes []byte
	form  int
}

// linger is how long after the last request duplicates and reports are waited for, when nothing is outstanding.
const linger = 10 * tick

// tick is how often a worker looks for what has timed out.
const tick = int64(time.Millisecond)

// run works until its share of the run is over. It never allocates while all goes well.
func (w *worker) run() {
	w.now = w.clock.now()
	w.startSecond(w.now)
	for {
		w.polled = w.now
		w.port.receive(w, w.patience())
		if w.plan.open || w.now == w.polled { // else the clock was read just now
			w.now = w.clock.now()
		}
		if w.now >= w.nextTick && w.tick() {
			break
		}
		w.work()
	}
	w.finish()
}

// work sends what is due.
func (w *worker) work() {
	switch {
	case !w.sending:
	case w.plan.open:
		w.sendDue()
	case w.plan.oneWay:
		w.flood()
	case w.filling:
		w.refillWaiting()
		w.filling = len(w.refills.flows) > 0
	}
}

// tick does what need not be done for each datagram, and reports that the run is over. A second's end and a phase's fall on a tick.
func (w *worker) tick() bool {
	w.expire()
	if w.sending && w.shared.stop.Load() {
		w.cut(w.now, min(w.plan.timeout, cancelPatience))
	}
	if w.hopeless() {
		w.shared.give.Store(true)
	}
	if w.shared.give.Load() {
		w.cut(w.now, 0)
	}
	for w.now >= w.edge {
		if w.passEdge() {
			return true
		}
	}
	if !w.sending && w.table.pending == 0 && w.now >= w.sendEnd+linger && w.now < w.drainEnd {
		w.drainEnd = w.now
		w.edge = min(w.edge, w.now)
	}
	if w.sending && !w.plan.open && !w.plan.oneWay && !w.filling {
		w.refillWaiting()
	}
	w.rate = w.plan.schedule.At(time.Duration(w.now-w.measureAt)) / float64(w.plan.workers)
	w.nextTick = min(w.now-w.now%tick+tick, w.edge)
	return false
}

// hopeless says that nobody will answer: all that was sent so far was refused, or is lost.
func (w *worker) hopeless() bool {
	if w.plan.oneWay || w.shared.heard.Load() {
		return false
	}
	if w.shared.refused.Load() > 0 {
		return w.now > int64(refusedPatience)
	}
	return w.shared.lost.Load() > 0 && w.now > int64(w.plan.timeout+refusedPatience)
}

const (
	refusedPatience = 200 * time.Millisecond
	cancelPatience  = 2 * time.Second
)

// patience is how long the worker may wait for datagrams: not at all while something is going on, else until the next thing it has to do.
func (w *worker) patience() time.Duration {
	if w.filling || w.sending && w.plan.oneWay && !w.plan.open {
		return 0
	}
	spins := w.port.spins()
	if spins && (w.plan.spin || w.now-w.active < int64(spinFor)) {
		return 0
	}
	next := w.edge
	if len(w.refills.flows) > 0 {
		next = w.nextTick
	}
	if w.table.pending > 0 {
		next = min(next, max(w.table.places[w.table.head].due+int64(w.plan.timeout)+1, w.nextTick))
	}
	if w.sending && w.plan.open {
		next = min(next, w.nextDue)
	}
	left := next - w.now
	if spins {
		left -= int64(wakeSlack)
	}
	return time.Duration(min(max(left, 0), int64(longestWait)))
}

const (
	spinFor     = 200 * time.Microsecond // after the last datagram: an answer that comes soon is met awake
	wakeSlack   = 150 * time.Microsecond // a sleeping thread is woken so much earlier, and spins the rest
	longestWait = 50 * time.Millisecond  // a stop is noticed within that
)

// expire gives up requests that have been outstanding too long. It goes by when the sockets were last looked at, so that an answer that was
// there in time is not missed because this program was not.
func (w *worker) expire() {
	limit := w.polled - int64(w.plan.timeout)
	for w.table.head >= 0 {
		i := w.table.head
		r := &w.table.places[i]
		if r.due >= limit {
			return
		}
		w.cur.counts(r.warm).Lost++
		if !w.shared.heard.Load() {
			w.shared.lost.Add(1)
		}
		w.release(i, false)
		w.retry(r.flow)
	}
}

// release ends a request, whatever became of it.
func (w *worker) release(i int32, answered bool) {
	r := &w.table.places[i]
	w.table.settle(i, answered)
	f := &w.flows[r.flow]
	f.free++
	if w.lineup != nil {
		w.lineup.remove(r.flow, i)
		if !answered {
			f.givenUp++
		}
	}
}
