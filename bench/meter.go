package bench

import "syscall"

// tally is what was counted over one second, or over the part of one that a phase left.
type tally struct {
	phase    string
	from, to int64 // by the run's clock
	warmup   Counts
	measured Counts
	inFlight int64
	failures map[syscall.Errno]int64
}

// interval is the second of one worker.
type interval struct {
	tally
	latency    *samples // in the warm-up that of its requests; after it of those that are measured
	scheduling *samples
}

func newInterval() *interval {
	return &interval{latency: newSamples(), scheduling: newSamples(), tally: tally{failures: map[syscall.Errno]int64{}}}
}

func (v *interval) reset() {
	v.latency.reset()
	v.scheduling.reset()
	clear(v.failures)
	v.tally = tally{failures: v.failures}
}

// counts are those of the warm-up or those that are measured.
func (v *tally) counts(warm bool) *Counts {
	if warm {
		return &v.warmup
	}
	return &v.measured
}

// add adds o to c.
func (c *Counts) add(o *Counts) {
	c.Due += o.Due
	c.Sent += o.Sent
	c.Failed += o.Failed
	c.Unsent += o.Unsent
	c.Answered += o.Answered
	c.Wrong += o.Wrong
	c.Refused += o.Refused
	c.Lost += o.Lost
	c.Pending += o.Pending
	c.Received += o.Received
	c.Late += o.Late
	c.Duplicate += o.Duplicate
	c.Unmatched += o.Unmatched
	c.Stray += o.Stray
	c.Reordered += o.Reordered
	c.Notices += o.Notices
	c.SentBytes += o.SentBytes
	c.ReceivedBytes += o.ReceivedBytes
}

// Unanswered is how many requests are known to have no right answer in time: the censored samples.
func (c *Counts) Unanswered() int64 { return c.Wrong + c.Refused + c.Lost }
