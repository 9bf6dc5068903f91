package stage

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"dgram"
)

// lane is where datagrams wait: for a handler, or for their time. One goroutine of it runs the stages that follow a handler, in stages
// and a batch of its own, and sends; workers run the handlers. Whatever it was given comes out through conn.Send, in a slot marked
// Deferred, with a fate where nothing is to be sent.
type lane struct {
	plan    *Plan
	pipe    *Pipeline // made when the lane starts
	out     egress
	options LineOptions
	budget  budget

	begin   sync.Once
	base    context.Context // ends when the lane is shut
	cancel  context.CancelFunc
	jobs    chan *held
	queued  atomic.Int64 // jobs promised to the channel or in it
	running sync.WaitGroup
	done    chan struct{} // closed when the lane's goroutine has ended

	mu    sync.Mutex
	inbox []*held // finished by a handler, or to be delayed
	wake  chan struct{}

	// Of the lane's goroutine alone.
	delays scheduler[*held]
	batch  *dgram.Batch
	sent   []*held // those in batch, to give back their room
	used   int     // slots that were filled since the last flush, those taken back too: they used the batch's memory
}

// held is one datagram that waits.
type held struct {
	datagram dgram.Datagram // its Data is its own
	ctx      Context
	eff      Effect    // what the stages have asked for so far
	asked    request   // what is known of it as it came
	step     int       // the handler's that it waits for, or -1
	due      time.Time // when its delay is over
	size     int       // bytes that it takes of the budget
	ready    bool      // every stage has been applied
}

// laneBatch is how many completions are sent at once.
const laneBatch = 64

func newLane(plan *Plan, conn dgram.Conn, o LineOptions) *lane {
	a := &lane{plan: plan, out: egress{conn: conn, guards: o.Guards}, options: o, wake: make(chan struct{}, 1), done: make(chan struct{})}
	a.budget.maxCount, a.budget.maxBytes = o.Held, o.HeldBytes
	a.base, a.cancel = context.WithCancel(context.Background())
	return a
}

// start makes the goroutines.
func (a *lane) start() {
	a.pipe = a.plan.Build()
	a.batch = a.out.conn.NewBatch(laneBatch)
	a.jobs = make(chan *held, a.options.Queue)
	go a.run()
	for _, s := range a.plan.steps {
		if s.Handler != nil {
			for range a.options.Workers {
				a.running.Go(a.work)
			}
			return
		}
	}
}

// hold copies d, if there is room for it in the budget and, for a handler's step, in the queue; otherwise it returns the reason why d is to
// be dropped. What it returns must be given to accept.
func (a *lane) hold(d *dgram.Datagram, c *Context, e *Effect, handler int) (*held, dgram.Reason) {
	a.begin.Do(a.start)
	ok, open := a.budget.take(len(d.Data))
	switch {
	case !open:
		return nil, dgram.ReasonShutdown
	case !ok:
		return nil, dgram.ReasonBusy
	}
	if handler >= 0 && !a.promise() {
		a.budget.give(len(d.Data))
		return nil, dgram.ReasonBusy
	}
	h := &held{ctx: *c, eff: *e, step: handler, size: len(d.Data), ready: handler < 0}
	h.datagram.ID = d.ID
	h.datagram.Data = append(make([]byte, 0, len(d.Data)), d.Data...)
	address(&h.datagram, d)
	if h.ready {
		h.due = time.Now().Add(e.Delay)
	}
	return h, dgram.NoReason
}

// promise takes a place in the queue of jobs.
func (a *lane) promise() bool {
	if a.queued.Add(1) > int64(a.options.Queue) {
		a.queued.Add(-1)
		return false
	}
	return true
}

// accept takes over what hold returned.
func (a *lane) accept(h deferred) {
	if h.handler {
		a.jobs <- h.held // never blocks: promise kept a place
		if a.base.Err() != nil {
			a.poke() // the workers may be gone
		}
		return
	}
	a.deliver(h.held)
}

// deliver hands h to the lane's goroutine.
func (a *lane) deliver(h *held) {
	a.mu.Lock()
	a.inbox = append(a.inbox, h)
	a.mu.Unlock()
	a.poke()
}

func (a *lane) poke() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// shut refuses new datagrams, ends the handlers' contexts and has all that waits settled.
func (a *lane) shut() {
	a.budget.close()
	a.cancel()
	a.poke()
}

// closeWait is how long close waits for handlers that were told to stop.
const closeWait = time.Second

func (a *lane) close() {
	a.shut()
	started := true
	a.begin.Do(func() { started = false }) // from now on nothing starts
	if !started {
		return
	}
	<-a.done
	gone := make(chan struct{})
	go func() { a.running.Wait(); close(gone) }()
	timer := time.NewTimer(closeWait)
	defer timer.Stop()
	select {
	case <-gone:
	case <-timer.C:
	}
}
