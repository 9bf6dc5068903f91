package stage

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"dgram"
)

// LineOptions are a Line's bounds and sources. The zero value is usable.
type LineOptions struct {
	Seed           uint64         // of the faults
	Direction      Direction      // given to the stages
	Sequence       *atomic.Uint64 // counts the datagrams of all shards; nil: the Line counts its own
	Workers        int            // handlers at once; 0: 16
	Queue          int            // requests that wait for a handler; 0: 1,024
	Held           int            // datagrams held in all: waiting, in a handler, delayed; 0: 65,536
	HeldBytes      int            // memory for those, in bytes; 0: 64 MiB
	HandlerTimeout time.Duration  // for one request, from when a worker takes it; 0: 5 s
	OnHandlerError func(error)    // is told each failure of a handler, on the worker's goroutine; nil: only the fate tells
	Guards         *Guards        // shared by all Lines of a server; nil: everything is answered
}

func (o LineOptions) withDefaults() LineOptions {
	o.Workers = cmp.Or(o.Workers, 16)
	o.Queue = cmp.Or(o.Queue, 1024)
	o.Held = cmp.Or(o.Held, 1<<16)
	o.HeldBytes = cmp.Or(o.HeldBytes, 64<<20)
	o.HandlerTimeout = cmp.Or(o.HandlerTimeout, 5*time.Second)
	if o.Sequence == nil {
		o.Sequence = new(atomic.Uint64)
	}
	if o.OnHandlerError == nil {
		o.OnHandlerError = func(error) {}
	}
	return o
}

// Line is a Plan at work on one shard: it takes received batches through the stages and sends the replies.
type Line struct {
	gate    gate
	pipe    *Pipeline
	out     egress
	lane    *lane
	needs   Needs
	options LineOptions
	indices *indexTable // nil where no stage asks for Index
	put     []deferred  // what the batch being processed leaves to the lane
	ctx     Context
	eff     Effect
}

// deferred is a datagram that goes to the lane once the batch that it came in was sent, so that no tap sees its end before its
// beginning.
type deferred struct {
	*held
	handler bool // it waits for a handler; otherwise it is delayed
}

// NewLine returns a Line that sends through conn. Its goroutines start with the first datagram that a handler or a delay takes.
func NewLine(plan *Plan, conn dgram.Conn, options LineOptions) *Line {
	options = options.withDefaults()
	l := &Line{gate: gate{guards: options.Guards}, pipe: plan.Build(), out: egress{conn: conn, guards: options.Guards},
		needs: plan.Needs(), options: options, lane: newLane(plan, conn, options)}
	l.ctx.Seed, l.ctx.Direction = options.Seed, options.Direction
	if l.needs&NeedIndex != 0 {
		l.indices = new(indexTable)
	}
	return l
}

// Process applies the plan to each datagram of b, as Recv filled it, and sends b, once: every slot then has a Fate, Pending where a
// handler or a delay holds a copy. What was pending ends in a later Send of the Line's own, in a slot marked Deferred whose Request is the
// number of the request. Notices are passed over. One goroutine calls it. The error is that of conn.Send.
func (l *Line) Process(b *dgram.Batch) error {
	l.ctx.Now = time.Now()
	l.gate.begin(l.ctx.Now, b)
	if l.needs&NeedSequence != 0 {
		l.reserveSequence(b)
	}
	for i := range b.Datagrams {
		if !b.Datagrams[i].Notice() {
			l.process(b, i)
		}
	}
	err := l.out.send(b)
	for i := range l.put {
		l.lane.accept(l.put[i])
		l.put[i] = deferred{}
	}
	l.put = l.put[:0]
	return err
}

// process takes the datagram in slot i as far as it goes now.
func (l *Line) process(b *dgram.Batch, i int) {
	l.identify(&b.Datagrams[i])
	asked := l.gate.enter(b, i)
	d := &b.Datagrams[i]
	if d.Fate != dgram.Undecided {
		return
	}
	l.eff = Effect{}
	handler := l.pipe.Run(&l.ctx, d, &l.eff, 0)
	if stopped(d, &l.eff) || !l.out.admit(d, &asked, handler < 0) {
		return
	}
	if handler >= 0 || l.eff.Delay > 0 {
		l.hold(d, &asked, handler)
		return
	}
	l.out.leave(b, i, &asked, l.eff.Extra)
}

// reserveSequence takes as many numbers as b has datagrams; identify hands them out.
func (l *Line) reserveSequence(b *dgram.Batch) {
	n := uint64(0)
	for i := range b.Datagrams {
		if !b.Datagrams[i].Notice() {
			n++
		}
	}
	l.ctx.Sequence = l.options.Sequence.Add(n) - n
}

// identify fills in what the stages want to know about d.
func (l *Line) identify(d *dgram.Datagram) {
	if l.needs&NeedSequence != 0 {
		l.ctx.Sequence++
	}
	if l.needs&NeedFlow != 0 {
		l.ctx.Flow = FlowOf(d.Peer, d.Local)
	}
	if l.indices != nil {
		l.ctx.Index = l.indices.next(l.ctx.Flow)
	}
}

// stopped carries out an effect that ends the datagram, and reports whether it did.
func stopped(d *dgram.Datagram, e *Effect) bool {
	switch {
	case d.Fate != dgram.Undecided:
	case e.Drop != dgram.NoReason:
		d.DropFor(e.Drop)
	case e.Ignore:
		d.Fate = dgram.Ignored
	default:
		return false
	}
	return true
}

// hold leaves a copy of d to the lane, if that has room, and makes d Pending.
func (l *Line) hold(d *dgram.Datagram, asked *request, handler int) {
	h, reason := l.lane.hold(d, &l.ctx, &l.eff, handler)
	if h == nil {
		d.DropFor(reason)
		return
	}
	h.asked = *asked
	d.Fate = dgram.Pending
	l.put = append(l.put, deferred{h, handler >= 0})
}

// Drain waits until nothing is pending. When ctx ends first, what is left is Dropped for ReasonShutdown, no datagram is held from then on,
// and the error is ctx's. Process must not be called meanwhile.
func (l *Line) Drain(ctx context.Context) error {
	idle := l.lane.budget.whenIdle()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	l.lane.shut()
	<-idle
	return ctx.Err()
}

// Close settles what is pending as Dropped for ReasonShutdown, tells running handlers to stop and waits for them, for a second at most. It does
// not close the Conn. The Line is of no use afterwards.
func (l *Line) Close() error {
	l.lane.close()
	return nil
}
