package bench

import (
	"math"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// moments are what would cost reading a histogram through, counted beside it; nanoseconds.
type moments struct {
	sum, squares float64
	least, most  int64
}

// none are the moments of no sample.
var none = moments{least: highestNS}

func (m *moments) add(o moments) {
	m.sum += o.sum
	m.squares += o.squares
	m.least, m.most = min(m.least, o.least), max(m.most, o.most)
}

// samples are the times that a worker records in one second. All buckets are there, and their memory has been touched: to record one
// costs the same whatever it is.
type samples struct {
	moments
	histogram *hdr.Histogram
	fresh     [64]int64 // not in the histogram yet: its buckets are seldom in the processor's cache, and one behind the other are fetched side by side
	n         int       // of fresh
}

func newSamples() *samples {
	s := &samples{histogram: hdr.New(lowestNS, highestNS, digits)}
	s.reset()
	return s
}

func (s *samples) reset() {
	s.histogram.Reset()
	s.moments, s.n = none, 0
}

func (s *samples) record(ns int64) {
	ns = min(max(ns, 0), highestNS)
	v := float64(ns)
	s.add(moments{sum: v, squares: v * v, least: ns, most: ns})
	s.fresh[s.n] = ns
	if s.n++; s.n == len(s.fresh) {
		s.flush()
	}
}

// flush puts what is fresh into its buckets.
func (s *samples) flush() {
	for _, ns := range s.fresh[:s.n] {
		_ = s.histogram.RecordValue(ns)
	}
	s.n = 0
}

// packed are samples that have been added up, of which only the buckets that hold something are kept: a second of them takes some kilobytes,
// and a twentieth of the time that all buckets take. So a worker is not held up that shares its processor with the adding up.
type packed struct {
	moments
	histogram *hdr.PackedHistogram
}

func newPacked() *packed {
	return &packed{moments: none, histogram: hdr.NewPacked(lowestNS, highestNS, digits)}
}

// take adds what a worker recorded.
func (p *packed) take(s *samples) {
	s.flush()
	p.histogram.MergeFrom(s.histogram)
	p.add(s.moments)
}

// merge adds a second.
func (p *packed) merge(o *packed) {
	p.histogram.Merge(o.histogram)
	p.add(o.moments)
}

// distribution describes the samples and so many censored ones, but for HDR.
func (p *packed) distribution(censored int64, at time.Duration, percents []float64) Distribution {
	d := Distribution{Count: p.histogram.TotalCount(), Censored: censored, CensoredAt: at}
	if d.Count > 0 {
		n := float64(d.Count)
		mean := p.sum / n
		d.Min, d.Max, d.Mean = time.Duration(p.least), time.Duration(p.most), time.Duration(mean)
		d.StdDev = time.Duration(math.Sqrt(max(p.squares/n-mean*mean, 0)))
	}
	for _, percent := range percents {
		d.Quantiles = append(d.Quantiles, d.of(p.histogram, percent))
	}
	return d
}

// encoded is the samples as a Distribution's HDR, which takes a few tenths of a millisecond to make.
func (p *packed) encoded() string {
	if p.histogram.TotalCount() == 0 {
		return ""
	}
	text, err := p.histogram.Encode()
	if err != nil {
		return ""
	}
	return string(text)
}
