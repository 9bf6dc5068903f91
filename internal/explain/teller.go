package explain

import (
	"sync"
	"sync/atomic"
	"time"

	"dgram/sock"
)

// Teller hands the calls of package sock to whoever shows them, without holding anything up: it keeps a bounded number of calls that have not
// been shown yet, and leaves out, and counts, what there is no room for.
type Teller struct {
	calls  chan place // nil among them: somebody waits at flushed
	missed atomic.Int64
	ending chan struct{}
	done   chan struct{}
	ended  atomic.Bool

	flushing sync.Mutex
	flushed  chan struct{}
}

// place is where a call will be given, or has been.
type place chan *sock.Call

var _ sock.Tracer = (*Teller)(nil)

// held is how many calls wait to be shown at most.
const held = 2048

// Start makes a Teller and the Tracer of package sock. show is called on one goroutine with each call, and with how many were left out just
// before it; after the last one with nil, and how many were left out since.
func Start(show func(c *sock.Call, missed int)) *Teller {
	t := &Teller{calls: make(chan place, held), ending: make(chan struct{}), done: make(chan struct{}), flushed: make(chan struct{})}
	go t.run(show)
	sock.SetTracer(t)
	return t
}

// Place implements sock.Tracer.
func (t *Teller) Place() func(*sock.Call) {
	p := make(place, 1)
	select {
	case t.calls <- p:
		return func(c *sock.Call) { p <- c }
	default:
		t.missed.Add(1)
		return nil
	}
}

func (t *Teller) run(show func(*sock.Call, int)) {
	defer close(t.done)
	for {
		select {
		case p := <-t.calls:
			t.take(p, show)
		case <-t.ending:
			for len(t.calls) > 0 {
				t.take(<-t.calls, show)
			}
			show(nil, int(t.missed.Swap(0)))
			return
		}
	}
}

// unreturned bounds the wait for a call that has its place, and has not returned.
const unreturned = time.Second

func (t *Teller) take(p place, show func(*sock.Call, int)) {
	if p == nil {
		select {
		case t.flushed <- struct{}{}:
		case <-time.After(time.Millisecond): // whoever wanted to know has given up
		}
		return
	}
	select {
	case c := <-p:
		show(c, int(t.missed.Swap(0)))
		return
	default:
	}
	select {
	case c := <-p:
		show(c, int(t.missed.Swap(0)))
	case <-time.After(unreturned):
		t.missed.Add(1)
	}
}

// Flush waits until all calls so far have been shown, for as long as within at most: for what is to be said after them.
func (t *Teller) Flush(within time.Duration) {
	t.flushing.Lock()
	defer t.flushing.Unlock()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case t.calls <- nil:
	case <-timer.C:
		return
	case <-t.done:
		return
	}
	select {
	case <-t.flushed:
	case <-timer.C:
	case <-t.done:
	}
}

// Stop ends the tracing and waits until everything has been shown, for as long as within at most. A second Stop does nothing.
func (t *Teller) Stop(within time.Duration) {
	if t.ended.Swap(true) {
		return
	}
	sock.SetTracer(nil)
	close(t.ending)
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-t.done:
	case <-timer.C:
	}
}
