package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// FindMaxSchema names the JSON of FindMaxResult and its version. Fields are only ever added to it.
const FindMaxSchema = "dgram.findmax/1"

// FindMaxConfig says what FindMax looks for, and how.
//
// The method is that of RFC 2544, Section 26.1 (throughput: the fastest rate at which nothing is lost), adapted to a software server on a machine
// that does other things too: some loss may be allowed, latency is bounded as well, the rate is found by bisection instead of going down in
// steps, and because chance decides near the limit, each rate gets up to three trials and the whole search is repeated.
type FindMaxConfig struct {
	Trial      func(ctx context.Context, rate float64) (Trial, error) // one run at so many requests a second
	Loss       float64                                                // the greatest share of requests without an answer, 0 to 1
	P99        time.Duration                                          // the greatest 99th percentile of latency; 0 for any
	Start      float64                                                // the first rate tried, requests a second; 0 for 1,000
	Ceiling    float64                                                // no rate over this one is tried; 0 for 100 million
	Resolution float64                                                // a search ends when the limit lies between two rates that differ by this share; 0 for 0.02
	Searches   int                                                    // how often the search is made; 0 for 6
	Progress   func(FindMaxProgress)                                  // told after each trial; may be nil
}

// A Trial is what FindMax looks at in one run.
type Trial struct {
	Rate      float64       `json:"rate"`      // requests a second that were to be sent
	Achieved  float64       `json:"achieved"`  // requests a second that were sent
	Loss      float64       `json:"loss"`      // share of the requests that had no answer, 0 to 1
	P99       time.Duration `json:"p99_ns"`    // 99th percentile of latency
	AtLeast   bool          `json:"at_least"`  // the percentile lies among the requests without an answer: it is P99 or more
	Generator string        `json:"generator"` // why the generator, and not the server, is to blame: this rate could not be offered; "" if it could
	Holds     bool          `json:"holds"`     // loss and latency kept within what was asked: set by FindMax
}

// FindMaxProgress is how far FindMax has come.
type FindMaxProgress struct {
	Last      Trial
	Low, High float64 // the limit of this search lies between them, as far as is known; High is 0 while no rate has failed
	Search    int     // which search this is, from 1
	Searches  int
	Left      int // about how many trials are to come
}

// FindMaxResult is what FindMax found.
type FindMaxResult struct {
	Schema     string        `json:"schema"`
	Rate       float64       `json:"rate"` // the median of the searches, requests a second
	Low        float64       `json:"low"`  // the interval: from the highest rate that held in the worst search
	High       float64       `json:"high"` // to the lowest that did not in the best
	Confidence float64       `json:"confidence"`
	LimitedBy  string        `json:"limited_by"` // "loss", "latency", "generator" or "ceiling": what the next higher rate failed by
	Loss       float64       `json:"loss"`       // what was asked for
	P99        time.Duration `json:"p99_ns"`
	Resolution float64       `json:"resolution"`
	Searches   []Search      `json:"searches"`
	Trials     []Trial       `json:"trials"`
}

// A Search is one bisection: the limit lies from Low, which held, to High, which did not.
type Search struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// What the next higher rate failed by.
const (
	LimitedByLoss      = "loss"
	LimitedByLatency   = "latency"
	LimitedByGenerator = "generator"
	LimitedByCeiling   = "ceiling"
)

// ErrNoRate is wrapped by the error of FindMax where no rate holds what was asked, however low.
var ErrNoRate = errors.New("no rate holds")

// slowest is the lowest rate that FindMax tries, requests a second: under it a trial of seconds says nothing.
const slowest = 1

// FindMax looks for the highest rate that holds the loss and the latency asked for. Where ctx ends or a trial fails, it returns the searches that were
// complete beside the error; Rate is 0 where there was none.
func FindMax(ctx context.Context, cfg FindMaxConfig) (FindMaxResult, error) {
	f := &finder{FindMaxConfig: cfg.withDefaults(), failedBy: map[float64]string{}}
	f.result = FindMaxResult{Schema: FindMaxSchema, Loss: cfg.Loss, P99: cfg.P99, Resolution: f.Resolution, Searches: []Search{}, Trials: []Trial{}}
	err := f.searches(ctx)
	f.conclude()
	return f.result, err
}

func (cfg FindMaxConfig) withDefaults() FindMaxConfig {
	if cfg.Start <= 0 {
		cfg.Start = 1000
	}
	if cfg.Ceiling <= 0 {
		cfg.Ceiling = 1e8
	}
	if cfg.Resolution <= 0 {
		cfg.Resolution = 0.02
	}
	if cfg.Searches <= 0 {
		cfg.Searches = 6
	}
	cfg.Start = min(cfg.Start, cfg.Ceiling)
	return cfg
}

type finder struct {
	FindMaxConfig
	result   FindMaxResult
	failedBy map[float64]string // of rates that did not hold: by what
	search   int
}

func (f *finder) searches(ctx context.Context) error {
	// The first search comes from far away, in doublings; the others look around what it found.
	around, step := f.Start, 2.0
	for f.search = 1; f.search <= f.Searches; f.search++ {
		low, high, err := f.bracket(ctx, around, step)
		if err == nil {
			low, high, err = f.bisect(ctx, low, high)
		}
		if err != nil {
			return err
		}
		f.result.Searches = append(f.result.Searches, Search{low, high})
		around, step = low, 1+4*f.Resolution
	}
	return nil
}

// bracket finds a rate that holds and a higher one that does not, going away from a first one in steps that grow. Where even the ceiling holds, that is both.
func (f *finder) bracket(ctx context.Context, from, step float64) (low, high float64, err error) {
	for rate := from; ; {
		holds, err := f.holds(ctx, rate, low, high)
		switch {
		case err != nil:
			return 0, 0, err
		case holds:
			if low = rate; high > 0 || rate == f.Ceiling {
				return low, max(high, low), nil
			}
			rate = min(rate*step, f.Ceiling)
		default:
			if high = rate; low > 0 {
				return low, high, nil
			}
			if rate == slowest {
				return 0, 0, fmt.Errorf("%w: not even %d request a second does, by %s", ErrNoRate, slowest, f.failedBy[rate])
			}
			rate = max(rate/step, slowest)
		}
		step = min(step*step, 2)
	}
}

// bisect halves the distance, in proportion, until it is the resolution.
func (f *finder) bisect(ctx context.Context, low, high float64) (float64, float64, error) {
	for high > low*(1+f.Resolution) {
		mid := math.Sqrt(low * high)
		holds, err := f.holds(ctx, mid, low, high)
		if err != nil {
			return 0, 0, err
		}
		if holds {
			low = mid
		} else {
			high = mid
		}
	}
	return low, high, nil
}

// holds tries a rate up to three times: what two of the trials say is so.
func (f *finder) holds(ctx context.Context, rate, low, high float64) (bool, error) {
	yes, no := 0, 0
	for yes < 2 && no < 2 {
		t, err := f.Trial(ctx, rate)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		t.Rate = rate
		if t.Generator == "" && t.Achieved < least(rate) {
			t.Generator = fmt.Sprintf("it sent %s where %s were asked for", FormatRate(t.Achieved), FormatRate(rate))
		}
		why := f.why(t)
		if t.Holds = why == ""; t.Holds {
			yes++
		} else {
			no++
			f.failedBy[rate] = why
		}
		f.result.Trials = append(f.result.Trials, t)
		f.report(t, low, high)
		// Far below the limit one trial is enough, and most of the way goes there.
		if t.Holds && no == 0 && high == 0 {
			return true, nil
		}
	}
	if yes == 2 {
		delete(f.failedBy, rate)
	}
	return yes == 2, nil
}

// why says by what a trial failed, "" if it held.
func (f *finder) why(t Trial) string {
	tooSlow := f.P99 > 0 && (t.P99 > f.P99 || t.AtLeast && t.P99 >= f.P99)
	switch {
	case t.Achieved < least(t.Rate):
		return LimitedByGenerator
	case t.Loss <= f.Loss && !tooSlow:
		// Even with all that the generator added to it.
		return ""
	case t.Generator != "":
		// What a generator that fell behind lost, or found slow, says nothing of the server.
		return LimitedByGenerator
	case t.Loss > f.Loss:
		return LimitedByLoss
	}
	return LimitedByLatency
}

// least is what has to be sent of a rate for the trial to be one of that rate.
func least(rate float64) float64 { return 0.99 * rate }

func (f *finder) report(t Trial, low, high float64) {
	if t.Holds {
		low = max(low, t.Rate)
	}
	if f.Progress != nil {
		f.Progress(FindMaxProgress{Last: t, Low: low, High: high, Search: f.search, Searches: f.Searches, Left: f.left(low, high)})
	}
}

// left guesses how many trials are to come: two or three for each halving, and for each search still to begin, as many as a bracket of one step needs.
func (f *finder) left(low, high float64) int {
	const trialsForEach = 2.3
	next := 2 + math.Log2(4)
	here := math.Log2(math.Log(2) / math.Log1p(f.Resolution))
	if low > 0 && high > low {
		here = math.Log2(max(math.Log(high/low)/math.Log1p(f.Resolution), 1))
	}
	return int(math.Ceil(trialsForEach * (here + next*float64(f.Searches-f.search))))
}

// conclude sums the searches up. They are alike and independent, so each is as likely to end over their median as under it, and that all of n end on one
// side has a chance of 2/2ⁿ: from the least to the greatest is an interval of 1 - 2/2ⁿ confidence, whatever the distribution.
func (f *finder) conclude() {
	r := &f.result
	n := len(r.Searches)
	if n == 0 {
		return
	}
	lows, highs := make([]float64, n), make([]float64, n)
	for i, s := range r.Searches {
		lows[i], highs[i] = s.Low, s.High
	}
	slices.Sort(lows)
	slices.Sort(highs)
	r.Rate = (lows[(n-1)/2] + lows[n/2]) / 2
	r.Low, r.High = lows[0], highs[n-1]
	r.Confidence = 1 - math.Pow(2, 1-float64(n))
	r.LimitedBy = LimitedByCeiling
	for _, high := range highs {
		if why := f.failedBy[high]; why != "" {
			r.LimitedBy = why
		}
	}
}
