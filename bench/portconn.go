package bench

import (
	"cmp"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"dgram"
)

// connPort is the port over any Conn: each has a goroutine that receives, and hands what it got to the worker.
type connPort struct {
	target dgram.Endpoint
	conns  []dgram.Conn
	out    *dgram.Batch
	full   chan *received
	timer  *time.Timer
	spin   bool
	group  sync.WaitGroup
}

// received is what one Recv brought. It goes back to its goroutine when it has been looked at.
type received struct {
	flow  int32
	at    time.Time
	batch *dgram.Batch
	back  chan struct{}
}

// connBatch is how many datagrams a Conn receives at once: there is a batch for each flow.
const connBatch = 16

func openConns(c *Config, p *plan, n int) (port, error) {
	dial := c.Dial
	if dial == nil {
		dial = dgram.DialEndpoint
	}
	f := &connPort{target: p.target, out: dgram.NewBatch(maxBatch, nil), full: make(chan *received, n), timer: time.NewTimer(time.Hour), spin: c.Dial == nil}
	for range n {
		conn, err := dial(p.target, c.options(p))
		if err != nil {
			return nil, errors.Join(flowError(len(f.conns), p.flows, err), f.close())
		}
		f.conns = append(f.conns, conn)
	}
	for i, conn := range f.conns {
		r := &received{flow: int32(i), batch: conn.NewBatch(connBatch), back: make(chan struct{}, 1)}
		f.group.Go(func() { f.serve(conn, r) })
	}
	return f, nil
}

// serve receives until the Conn is closed.
func (f *connPort) serve(conn dgram.Conn, r *received) {
	for {
		err := conn.Recv(r.batch)
		if dgram.IsClosed(err) {
			return
		}
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				time.Sleep(time.Millisecond) // a socket that fails at once must not keep a core busy
			}
			continue
		}
		r.at = time.Now()
		f.full <- r
		if _, ok := <-r.back; !ok {
			return
		}
	}
}

func (f *connPort) receive(w *worker, wait time.Duration) {
	select {
	case r := <-f.full:
		f.take(w, r)
	default:
		if wait <= 0 {
			return
		}
		f.timer.Reset(wait)
		select {
		case r := <-f.full:
			f.timer.Stop()
			f.take(w, r)
		case <-f.timer.C:
			return
		}
	}
	for range len(f.conns) {
		select {
		case r := <-f.full:
			f.take(w, r)
		default:
			return
		}
	}
}

func (f *connPort) take(w *worker, r *received) {
	w.now = w.clock.now()
	for i := range r.batch.Datagrams {
		d := &r.batch.Datagrams[i]
		switch {
		case d.Notice():
			if d.Fate != dgram.Failed {
				w.notice(r.flow, d.Data)
			}
		case !d.Peer.Same(f.target) && !f.target.Addr().IsUnspecified():
			w.stray(d.Data)
		default:
			var stamp int64
			if !d.Time.IsZero() {
				stamp = d.Time.UnixNano()
			}
			w.arrived(r.flow, d.Data, w.stamped(stamp, int64(r.at.Sub(w.clock.base))))
		}
	}
	w.watch.show()
	r.back <- struct{}{}
	w.drained(r.flow)
	w.flush()
}

func (f *connPort) send(w *worker, from, to int) {
	for from < to {
		end := w.oneFlow(from, to)
		f.out.Reset()
		for _, b := range w.payloads[from:end] {
			d := f.out.Append()
			d.Peer, d.Data = f.target, b
		}
		w.left(from, end, w.clock.now())
		_ = f.conns[w.by[from]].Send(f.out) // what befell each is in its slot
		for k := range end - from {
			w.failed[from+k] = failure(&f.out.Datagrams[k])
		}
		from = end
	}
}

func failure(d *dgram.Datagram) syscall.Errno {
	switch d.Fate {
	case dgram.Failed, dgram.Refused, dgram.Unreachable:
		return cmp.Or(d.Err, syscall.EIO)
	}
	return 0
}

func (f *connPort) spins() bool { return f.spin }

func (f *connPort) drops() (n int64, known, atLeast bool) {
	known = true
	for _, conn := range f.conns {
		d := conn.Drops()
		n += int64(d.Count)
		known = known && d.Known
		atLeast = atLeast || d.AtLeast
	}
	return n, known, atLeast
}

func (f *connPort) traits() traits {
	c := f.conns[0].Caps()
	return traits{transport: c.Transport, timestamps: c.Timestamps, gso: c.GSO, gro: c.GRO}
}

func (f *connPort) taps(of func(dgram.Conn) dgram.Tap) (taps []dgram.Tap) {
	for _, conn := range f.conns {
		taps = append(taps, of(conn))
	}
	return taps
}

// close closes every Conn and waits until nobody receives any more.
func (f *connPort) close() error {
	var errs []error
	for _, conn := range f.conns {
		errs = append(errs, conn.Close())
	}
	done := make(chan struct{})
	go func() { f.group.Wait(); close(done) }()
	for {
		select {
		case r := <-f.full:
			close(r.back)
		case <-done:
			return errors.Join(errs...)
		}
	}
}
