package bench

import (
	"testing"
	"time"

	"dgram/dgramtest"
)

// With one request outstanding a latency ends when the kernel had the answer, however late the worker looks.
func TestOneOfOneIsMeasuredByTheKernel(t *testing.T) {
	c := quick(dgramtest.NewServer(t, upper))
	c.Flows, c.Window, c.Warmup = 1, 1, -1
	p, err := c.plan()
	if err != nil {
		t.Fatal(err)
	}
	port, err := openFleet(&c, p, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := port.(*fleetPort)
	defer f.close()
	w := newWorker(p, port, &shared{}, 0, 0, 1)
	w.clock = newClock()
	w.now = w.clock.now()
	w.startSecond(w.now)
	w.refillWaiting()
	const late = int64(20 * time.Millisecond)
	// The kernel begins to stamp a moment after it was first asked to.
	for begin := time.Now(); time.Since(begin) < 10*time.Second; {
		for {
			if n, err := f.fleet.Socket(0).MemoryQueued(); err != nil || n > 0 || time.Since(begin) > 10*time.Second {
				break
			}
		}
		there := w.clock.now()
		for w.clock.now() < there+late { // the worker is busy
		}
		w.cur.latency.reset()
		f.receive(w, 0)
		if w.cur.latency.most > 0 && w.cur.latency.least < late {
			return
		}
	}
	t.Errorf("no latency without the worker's own delay: %+v", w.cur.latency.moments)
}
