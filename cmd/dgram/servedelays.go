package main

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"dgram"
)

// delays is a histogram of how long answers take, from the kernel's receive time to the moment when the system has taken the reply. Its
// bounds are powers of two: 1.024 µs, 2.048 µs and so on to 17 s.
type delays struct {
	counts [delayBuckets + 1]atomic.Uint64 // the last is for what took longer
	sum    atomic.Uint64                   // ns
}

const (
	delayBuckets = 25
	delayShift   = 10 // the first bound is 1<<10 ns
)

// delayTap brings the answers of one Conn to the histogram. That the kernel says with each datagram when it came costs a busy server a few parts in a
// hundred. So where answers are many, it is asked to only for a while now and then, and the histogram is a sample.
type delayTap struct {
	*delays
	stamps stamper // nil: every datagram has its time

	mu    sync.Mutex // handlers' answers are settled on a goroutine of their own
	since time.Time  // when counting began
	seen  int        // answers with a time, since then
	rest  time.Time  // the kernel is asked again then; zero: it is asked now
	skip  int        // batches that have passed without a look at the clock
}

// stamper is a Conn that can be told whether datagrams are to have times.
type stamper interface{ StampTimes(on bool) error }

const (
	delaySample = 4096                   // answers in a row that are looked at
	delayBusy   = 200 * time.Millisecond // where they take less than this, there is a rest
	delayRest   = 32                     // times as long
	delaySkip   = 64
)

var _ dgram.Tap = (*delayTap)(nil)

func newDelayTap(d *delays, conn dgram.Conn) *delayTap {
	t := &delayTap{delays: d, since: time.Now()}
	t.stamps, _ = conn.(stamper)
	return t
}

// Received does nothing: the kernel has noted the time.
func (t *delayTap) Received(*dgram.Batch) {}

// Sending does nothing.
func (t *delayTap) Sending(*dgram.Batch) {}

// Late does nothing: it tells of no answer.
func (t *delayTap) Late(uint64, dgram.Fate) {}

// Settled counts the answers of a batch.
func (t *delayTap) Settled(b *dgram.Batch) {
	n := t.count(b)
	if t.stamps == nil || !t.mu.TryLock() {
		return
	}
	defer t.mu.Unlock()
	if t.rest.IsZero() {
		t.tire(n)
	} else if t.skip++; t.skip >= delaySkip {
		t.skip = 0
		t.wake()
	}
}

// tire has the kernel say no times for a while, if many came fast.
func (t *delayTap) tire(n int) {
	if t.seen += n; t.seen < delaySample {
		return
	}
	now := time.Now()
	if took := now.Sub(t.since); took < delayBusy && t.stamps.StampTimes(false) == nil {
		t.rest = now.Add(delayRest * took)
	}
	t.since, t.seen = now, 0
}

// wake has the kernel say times again, if it is time.
func (t *delayTap) wake() {
	if now := time.Now(); now.After(t.rest) && t.stamps.StampTimes(true) == nil {
		t.rest, t.since = time.Time{}, now
	}
}

// count counts the answers of a batch that have a time, and returns how many they are; it looks at the clock once.
func (d *delays) count(b *dgram.Batch) (n int) {
	var counts [delayBuckets + 1]uint64
	var sum uint64
	var now time.Time
	for i := range b.Datagrams {
		s := &b.Datagrams[i]
		if s.Fate != dgram.Answered || s.Copy || s.Time.IsZero() {
			continue
		}
		if now.IsZero() {
			now = time.Now()
		}
		took := uint64(max(now.Sub(s.Time), 1)) // the kernel's clock may have been set
		counts[min(bits.Len64((took-1)>>delayShift), delayBuckets)]++
		sum += took
		n++
	}
	if n == 0 {
		return 0
	}
	d.sum.Add(sum)
	for i, more := range counts {
		if more > 0 {
			d.counts[i].Add(more)
		}
	}
	return n
}

// write adds the histogram to a page.
func (d *delays) write(x *exposition) {
	const name = "dgram_answer_duration_seconds"
	x.family(name, "histogram", "From the arrival of a datagram in the kernel to the moment when the system has taken its reply.")
	var total uint64
	for i := range d.counts {
		total += d.counts[i].Load()
		bound := math.Inf(1)
		if i < delayBuckets {
			bound = float64(uint64(1)<<(delayShift+i)) / 1e9
		}
		x.sample(name+"_bucket", float64(total), "le", number(bound))
	}
	x.sample(name+"_sum", float64(d.sum.Load())/1e9)
	x.sample(name+"_count", float64(total))
}
