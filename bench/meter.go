package bench

import (
	"syscall"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// interval is what one worker counted over one second, or over the part of one that a phase left.
type interval struct {
	phase      string
	from, to   int64 // by the run's clock
	warmup     Counts
	measured   Counts
	latency    *hdr.Histogram // in the warm-up that of its requests; after it of those that are measured
	scheduling *hdr.Histogram
	inFlight   int64
	failures   map[syscall.Errno]int64
}

func newInterval() *interval {
	return &interval{latency: newHistogram(), scheduling: newHistogram(), failures: map[syscall.Errno]int64{}}
}

func newHistogram() *hdr.Histogram { return hdr.New(lowestNS, highestNS, digits) }

func (v *interval) reset() {
	v.latency.Reset()
	v.scheduling.Reset()
	clear(v.failures)
	*v = interval{latency: v.latency, scheduling: v.scheduling, failures: v.failures}
}

// counts are those of the warm-up or those that are measured.
func (v *interval) counts(warm bool) *Counts {
	if warm {
		return &v.warmup
	}
	return &v.measured
}

func record(h *hdr.Histogram, ns int64) { _ = h.RecordValue(min(max(ns, 0), highestNS)) }

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

// distribution describes h and so many censored samples.
func distribution(h *hdr.Histogram, censored int64, at time.Duration, percents []float64) Distribution {
	d := Distribution{Count: h.TotalCount(), Censored: censored, CensoredAt: at}
	if d.Count > 0 {
		d.Min, d.Max = time.Duration(h.Min()), time.Duration(h.Max())
		d.Mean, d.StdDev = time.Duration(h.Mean()), time.Duration(h.StdDev())
		if encoded, err := h.Encode(hdr.V2CompressedEncodingCookieBase); err == nil {
			d.HDR = string(encoded)
		}
	}
	for _, p := range percents {
		d.Quantiles = append(d.Quantiles, d.Of(h, p))
	}
	return d
}
