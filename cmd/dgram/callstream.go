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
	queue := make(chan asked, c.window)
	go c.send(ctx, requests, queue)
	for {
		select {
		case a, more := <-queue:
			if !more {
				return
			}
			c.await(a)
			if c.stdout.Err() != nil {
				return // nobody reads the answers: ask no more
			}
		case <-ctx.Done():
			c.reportQueued(queue)
			return
		}
	}
}

// send starts an exchange for each request. A read of stdin cannot be interrupted: after ctx has ended nobody waits for send.
func (c *call) send(ctx context.Context, requests iter.Seq[request], queue chan<- asked) {
	defer close(queue)
	var last time.Time
	for r := range requests {
		if !last.IsZero() && !pause(ctx, c.interval-time.Since(last)) {
			return
		}
		last = time.Now()
		select {
		case queue <- c.start(ctx, r):
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

func (c *call) await(a asked) {
	if a.exchange != nil {
		<-a.exchange.Done()
	}
	c.report(a)
}

// reportQueued reports what was under way when the interrupt came: it has ended by it.
func (c *call) reportQueued(queue <-chan asked) {
	for {
		select {
		case a, more := <-queue:
			if !more {
				return
			}
			c.await(a)
		default:
			return
		}
	}
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
