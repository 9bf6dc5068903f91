package main

import (
	"context"
	"iter"
	"time"

	"dgram/client"
)

// asked is a request on its way. exchange is nil where nothing could be sent.
type asked struct {
	request
	exchange *client.Exchange
}

// exchange sends the requests, as many at once as the window lets, and reports what became of each in their order.
func (c *call) exchange(ctx context.Context, requests iter.Seq[request]) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	incoming, queue := make(chan request), make(chan asked, c.window)
	go read(ctx, requests, incoming)
	go c.send(ctx, incoming, queue)
	for a := range queue {
		if c.stdout.Err() != nil {
			cancel() // nobody reads the answers: ask no more
			continue
		}
		c.await(a)
	}
}

// read hands the requests on. It may be stuck in a read of stdin, which cannot be interrupted, when ctx ends: nobody waits for it then.
func read(ctx context.Context, requests iter.Seq[request], incoming chan<- request) {
	defer close(incoming)
	for r := range requests {
		select {
		case incoming <- r:
		case <-ctx.Done():
			return
		}
	}
}

// send starts an exchange for each request, until there are no more or ctx ends.
func (c *call) send(ctx context.Context, incoming <-chan request, queue chan<- asked) {
	defer close(queue)
	var next time.Time
	for {
		select {
		case r, more := <-incoming:
			if !more || !pause(ctx, time.Until(next)) {
				return
			}
			next = time.Now().Add(c.interval)
			queue <- c.start(ctx, r)
		case <-ctx.Done():
			return
		}
	}
}

// start sends a request, unless it is already known that it cannot be.
func (c *call) start(ctx context.Context, r request) asked {
	if r.err != nil || r.size > len(r.data) {
		return asked{request: r}
	}
	return asked{r, c.client.Start(ctx, r.data)}
}

// await reports a request when it has ended, unless the interrupt came before it was sent at all.
func (c *call) await(a asked) {
	if e := a.exchange; e != nil {
		<-e.Done()
		if e.Verdict == client.Interrupted && len(e.Attempts) == 0 {
			return
		}
	}
	c.report(a)
}

// pause waits for d, and reports false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
