package bench

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// What the histograms hold: 1 ns to 60 s in steps of at most 0.1 %.
const (
	lowestNS  = 1
	highestNS = int64(60 * time.Second)
	digits    = 3
)

// Distribution is how a time was distributed, censored samples included: those of which no more is known than that they are at least
// CensoredAt long. They stand above every other sample.
type Distribution struct {
	Count      int64         `json:"count"`    // samples whose value is known
	Censored   int64         `json:"censored"` // samples that are at least CensoredAt
	CensoredAt time.Duration `json:"censored_at_ns"`
	Min        time.Duration `json:"min_ns"`
	Max        time.Duration `json:"max_ns"`  // of the known ones
	Mean       time.Duration `json:"mean_ns"` // of the known ones
	StdDev     time.Duration `json:"stddev_ns"`
	Quantiles  []Quantile    `json:"quantiles"`
	HDR        string        `json:"hdr"` // the known ones: HdrHistogram, V2 compressed, base64
}

// Quantile is the value that the fraction Percent/100 of all samples, censored ones among them, does not exceed.
type Quantile struct {
	Percent float64       `json:"percent"`
	Value   time.Duration `json:"value_ns"`
	AtLeast bool          `json:"at_least"` // it falls among the censored samples: it is no less than Value, and may be any more
}

// String returns the value to three digits, as "12.3 µs", or "≥ 1 s".
func (q Quantile) String() string {
	if q.AtLeast {
		return "≥ " + FormatDuration(q.Value)
	}
	return FormatDuration(q.Value)
}

// FormatDuration writes d to three digits with a unit a person reads: "812 ns", "12.3 µs", "1.04 ms", "1 s".
func FormatDuration(d time.Duration) string {
	v, unit := float64(d), "ns"
	for _, u := range []string{"µs", "ms", "s"} {
		if math.Abs(v) < 999.5 {
			break
		}
		v, unit = v/1000, u
	}
	if math.Abs(v) >= 999.5 {
		return fmt.Sprintf("%.0f s", v)
	}
	return strconv.FormatFloat(roundTo(v, 3), 'f', -1, 64) + " " + unit
}

func roundTo(v float64, digits int) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	return r
}

// ErrNoSamples says that a distribution holds nothing to decode.
var ErrNoSamples = errors.New("the distribution has no histogram")

// Histogram decodes the samples whose value is known, in nanoseconds.
func (d *Distribution) Histogram() (*hdr.Histogram, error) {
	if d.HDR == "" {
		return nil, ErrNoSamples
	}
	h, err := hdr.Decode([]byte(d.HDR))
	if err != nil {
		return nil, fmt.Errorf("decode the histogram of a distribution: %w", err)
	}
	return h, nil
}

// Quantile returns the quantile of the table that is percent, and whether the table has it.
func (d *Distribution) Quantile(percent float64) (Quantile, bool) {
	for _, q := range d.Quantiles {
		if q.Percent == percent {
			return q, true
		}
	}
	return Quantile{}, false
}

// Of returns the quantile for any percentage from 0 to 100 of the samples in h, which is d's histogram, and the censored ones.
func (d *Distribution) Of(h *hdr.Histogram, percent float64) Quantile { return d.of(h, percent) }

func (d *Distribution) of(h interface{ ValueAtPercentile(float64) int64 }, percent float64) Quantile {
	n := d.Count + d.Censored
	q := Quantile{Percent: percent}
	if n == 0 {
		return q
	}
	rank := max(int64(math.Ceil(percent/100*float64(n)-1e-9)), 1)
	switch {
	case rank > d.Count:
		q.Value, q.AtLeast = d.CensoredAt, true
	case rank == d.Count:
		q.Value = d.Max
	default:
		q.Value = min(time.Duration(h.ValueAtPercentile(float64(rank)/float64(d.Count)*100)), d.Max)
	}
	return q
}

// Percents are the quantiles that the table of a whole run has, and SecondPercents those of one second.
var (
	Percents       = []float64{1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 99.999, 100}
	SecondPercents = []float64{50, 90, 99, 99.9, 100}
)
