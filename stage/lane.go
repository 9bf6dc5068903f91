package stage

import (
	"context"
	"errors"
	"fmt"
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

// work is a worker: it runs handlers until the lane is shut.
func (a *lane) work() {
	for {
		select {
		case <-a.base.Done():
			return
		case h := <-a.jobs:
			a.queued.Add(-1)
			a.handle(h)
		}
	}
}

// handle runs one handler. If that outlasts its time, h is settled without it; the worker waits for it all the same, so that there are never
// more handlers than workers.
func (a *lane) handle(h *held) {
	if a.base.Err() != nil {
		h.eff.Drop = dgram.ReasonShutdown
		a.deliver(h)
		return
	}
	// From AfterFunc on, h may at any time be the lane's again.
	step, c, request := &a.plan.steps[h.step], h.ctx, h.datagram
	ctx, cancel := context.WithTimeout(a.base, a.options.HandlerTimeout)
	defer cancel()
	keep := context.AfterFunc(ctx, func() {
		h.eff.Drop = a.overstayed()
		a.deliver(h)
	})
	reply, err := call(ctx, step.Handler, c, request)
	inTime := keep()
	if err != nil && !errors.Is(err, ErrIgnore) {
		a.options.OnHandlerError(fmt.Errorf("%s: %w", step.Name, err))
	}
	if !inTime {
		return
	}
	switch {
	case errors.Is(err, ErrIgnore):
		h.eff.Ignore = true
	case errors.Is(err, ErrTooBig) || err == nil && len(reply) > dgram.MaxPayload:
		h.eff.Drop = dgram.ReasonTooBig
	case err != nil && ctx.Err() != nil: // it saw the end before the function above began
		h.eff.Drop = a.overstayed()
	case err != nil:
		h.eff.Drop = dgram.ReasonHandler
	default:
		h.datagram.Data = reply
	}
	a.deliver(h)
}

// overstayed is why a handler whose context has ended is not waited for.
func (a *lane) overstayed() dgram.Reason {
	if a.base.Err() != nil {
		return dgram.ReasonShutdown
	}
	return dgram.ReasonTimeout
}

// call makes an error of a panic: no datagram may end the server.
func call(ctx context.Context, handler Handler, c Context, request dgram.Datagram) (reply []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler panicked: %v", p)
		}
	}()
	return handler.Handle(ctx, c, request)
}

// run is the lane's goroutine. It ends when the lane is shut and nothing is held.
func (a *lane) run() {
	defer close(a.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	shut := a.base.Done()
	for {
		a.takeInbox()
		now := time.Now()
		for h, ok := a.delays.take(now); ok; h, ok = a.delays.take(now) {
			a.finish(h)
		}
		if shut == nil {
			a.settleAll()
		}
		a.flush()
		if due, ok := a.delays.next(); ok {
			timer.Reset(time.Until(due))
		}
		if shut == nil && a.budget.empty() {
			return
		}
		select {
		case <-a.wake:
		case <-timer.C:
		case <-shut:
			shut = nil
		}
	}
}

func (a *lane) takeInbox() {
	a.mu.Lock()
	arrived := a.inbox
	a.inbox = nil
	a.mu.Unlock()
	for _, h := range arrived {
		switch {
		case !h.ready:
			a.finish(h)
		case a.base.Err() != nil:
			a.end(h, dgram.ReasonShutdown)
		default:
			a.delays.add(h.due, h)
		}
	}
}

// settleAll ends what waits for a worker or for its time: the lane is shut.
func (a *lane) settleAll() {
	for len(a.delays.heap) > 0 {
		a.end(a.delays.pop(), dgram.ReasonShutdown)
	}
	for {
		select {
		case h := <-a.jobs:
			a.queued.Add(-1)
			a.end(h, dgram.ReasonShutdown)
		default:
			return
		}
	}
}

// end drops h for a reason that no stage gave.
func (a *lane) end(h *held, reason dgram.Reason) {
	h.eff.Drop, h.eff.Ignore = reason, false
	a.finish(h)
}

// finish takes h as far as it goes now: to its fate, into the batch to be sent, to the next handler or into a delay.
func (a *lane) finish(h *held) {
	d := a.slot(h)
	if h.eff.Drop == dgram.NoReason && !h.eff.Ignore && !h.ready {
		if a.apply(h, d) {
			a.unslot()
			return
		}
	}
	if !stopped(d, &h.eff) && a.out.admit(d, &h.asked, true) {
		a.out.leave(a.batch, len(a.batch.Datagrams)-1, &h.asked, h.eff.Extra)
	}
	h.datagram.Data = nil
	a.sent = append(a.sent, h)
}

// apply runs the stages after h's handler over d, and reports whether h goes on waiting.
func (a *lane) apply(h *held, d *dgram.Datagram) bool {
	next := a.pipe.Run(&h.ctx, d, &h.eff, h.step+1)
	if h.eff.Drop != dgram.NoReason || h.eff.Ignore || d.Fate != dgram.Undecided || !a.out.admit(d, &h.asked, next < 0) {
		return false
	}
	if next < 0 && h.eff.Delay <= 0 {
		return false
	}
	if reason := a.wait(h, d, next); reason != dgram.NoReason {
		d.DropFor(reason)
		return false
	}
	return true
}

// wait lets h wait once more: for the handler of that step, or, if it is negative, for its time.
func (a *lane) wait(h *held, d *dgram.Datagram, handler int) dgram.Reason {
	switch {
	case a.base.Err() != nil:
		return dgram.ReasonShutdown
	case handler >= 0 && !a.promise():
		return dgram.ReasonBusy
	case !a.budget.change(h.size, len(d.Data)):
		if handler >= 0 {
			a.queued.Add(-1)
		}
		return dgram.ReasonBusy
	}
	h.size = len(d.Data)
	h.datagram.Data = append(make([]byte, 0, len(d.Data)), d.Data...)
	if handler >= 0 {
		h.step = handler
		a.jobs <- h // never blocks: promise kept a place
		return dgram.NoReason
	}
	h.ready, h.due = true, time.Now().Add(h.eff.Delay)
	a.delays.add(h.due, h)
	return dgram.NoReason
}

// blank stands for the bytes of a datagram that was dropped: as many as it had, and nobody reads them. Never written to.
var blank [dgram.MaxPayload]byte

// slot adds h to the batch, which is sent first if it is full. A datagram that was dropped keeps its size and not its bytes: a handler that
// overstayed may still be writing in them.
func (a *lane) slot(h *held) *dgram.Datagram {
	payload, dropped := h.datagram.Data, h.eff.Drop != dgram.NoReason || h.eff.Ignore
	if dropped {
		payload = nil
	}
	if a.used == laneBatch {
		a.flush()
	}
	d := a.batch.Add(h.datagram.Peer, payload)
	if d == nil {
		a.flush()
		d = a.batch.Add(h.datagram.Peer, payload)
	}
	if dropped {
		n := min(h.size, len(blank))
		d.Data = blank[:n:n]
	}
	a.used++
	address(d, &h.datagram)
	d.ID, d.Deferred = h.datagram.ID, true
	return d
}

// unslot takes back the last slot.
func (a *lane) unslot() { a.batch.Datagrams = a.batch.Datagrams[:len(a.batch.Datagrams)-1] }

// flush sends the batch. An error is that of a closed Conn, which has made each slot Failed; whoever receives from it sees it too.
func (a *lane) flush() {
	if len(a.batch.Datagrams) > 0 {
		_ = a.out.send(a.batch)
	}
	for i, h := range a.sent {
		a.budget.give(h.size)
		a.sent[i] = nil
	}
	a.sent, a.used = a.sent[:0], 0
	a.batch.Reset()
}
