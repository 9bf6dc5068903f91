package main

import (
	"math"
	"math/bits"
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

var _ dgram.Tap = (*delays)(nil)

// Received does nothing: the kernel has noted the time.
func (d *delays) Received(*dgram.Batch) {}

// Sending does nothing.
func (d *delays) Sending(*dgram.Batch) {}

// Late does nothing: it tells of no answer.
func (d *delays) Late(uint64, dgram.Fate) {}

// Settled counts the answers of a batch; it looks at the clock once.
func (d *delays) Settled(b *dgram.Batch) {
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
	}
	if now.IsZero() {
		return
	}
	d.sum.Add(sum)
	for i, n := range counts {
		if n > 0 {
			d.counts[i].Add(n)
		}
	}
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
