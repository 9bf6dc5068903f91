package bench

import (
	"testing"
	"time"

	"dgram"
	"dgram/dgramtest"
	"dgram/internal/testnet"
	"dgram/sock"
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

// The kernel is asked for no more than is read: what else it says of each datagram would be in every request's cost.
func TestFlowsAskForNothingUnread(t *testing.T) {
	for at, unread := range map[string][]sock.Opt{"127.0.0.1:9": {sock.IPPktInfo}, "[::1]:9": {sock.IPPktInfo, sock.IPv6RecvPktInfo}} {
		t.Run(at, func(t *testing.T) {
			c := Config{Target: dgram.MustParseEndpoint(at)}
			p, err := c.plan()
			if err != nil {
				t.Fatal(err)
			}
			s, err := openFlow(&c, p)
			if err != nil && c.Target.Addr().Is6() {
				testnet.Missing(t, "IPv6")
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for _, o := range unread {
				if on, err := s.Get(o); err != nil || on != 0 {
					t.Errorf("%s is %d, %v", o.Name, on, err)
				}
			}
		})
	}
}
