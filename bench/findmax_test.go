package bench

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A server with a knee: up to it nothing is lost, beyond it what is too much.
func knee(at float64) func(context.Context, float64) (Trial, error) {
	return func(_ context.Context, rate float64) (Trial, error) {
		return Trial{Achieved: rate, Loss: max(0, 1-at/rate), P99: 100 * time.Microsecond}, nil
	}
}

func TestFindMaxFindsAnyKnee(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := math.Exp(rapid.Float64Range(math.Log(2), math.Log(5e7)).Draw(t, "knee"))
		start := math.Exp(rapid.Float64Range(0, math.Log(1e7)).Draw(t, "start"))
		resolution := rapid.SampledFrom([]float64{0.005, 0.02, 0.1}).Draw(t, "resolution")
		got, err := FindMax(t.Context(), FindMaxConfig{Trial: knee(at), Start: start, Resolution: resolution})
		if err != nil {
			t.Fatal(err)
		}
		if got.Rate > at || got.Rate < at/(1+resolution) {
			t.Fatalf("found %g, the knee is at %g", got.Rate, at)
		}
		if got.Low > at || got.High <= at || got.High > got.Low*(1+resolution)*(1+resolution) {
			t.Fatalf("interval %g to %g, the knee is at %g", got.Low, got.High, at)
		}
		if got.LimitedBy != LimitedByLoss || got.Confidence != 1-2.0/64 {
			t.Fatalf("%+v", got)
		}
		if n := len(got.Trials); n > 260 {
			t.Fatalf("%d trials", n)
		}
	})
}

// Chance near the knee: within 5 % of it any trial may go either way, the likelier the nearer.
func TestFindMaxWithNoise(t *testing.T) {
	covered := 0
	const runs = 200
	for seed := range uint64(runs) {
		random := rand.New(rand.NewPCG(seed, 1))
		const at = 123_456.0
		got, err := FindMax(t.Context(), FindMaxConfig{Loss: 0.001, P99: time.Millisecond, Trial: func(_ context.Context, rate float64) (Trial, error) {
			trial := Trial{Achieved: rate, P99: 100 * time.Microsecond}
			if math.Log(rate/at)+random.NormFloat64()*0.03 > 0 {
				trial.P99 = 2 * time.Millisecond
			}
			return trial, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(math.Log(got.Rate/at)) > 0.06 {
			t.Errorf("seed %d: found %g, the knee is at %g", seed, got.Rate, at)
		}
		if got.Low <= at && at <= got.High {
			covered++
		}
		if got.LimitedBy != LimitedByLatency {
			t.Errorf("seed %d: limited by %s", seed, got.LimitedBy)
		}
	}
	if covered < runs*94/100 {
		t.Errorf("the interval held the knee in %d of %d runs; 97 %% is what it says", covered, runs)
	}
}

func TestFindMaxLimits(t *testing.T) {
	generator := func(_ context.Context, rate float64) (Trial, error) {
		if rate > 5000 {
			return Trial{Achieved: 5000}, nil
		}
		return Trial{Achieved: rate, Generator: "a little late, and in time all the same"}, nil
	}
	for name, c := range map[string]struct {
		cfg       FindMaxConfig
		low, high float64
		by        string
	}{
		"the generator is the limit": {FindMaxConfig{Trial: generator}, 4900, 5051, LimitedByGenerator},
		"nothing is":                 {FindMaxConfig{Trial: knee(1e9), Ceiling: 30_000}, 30_000, 30_000, LimitedByCeiling},
		"start over the ceiling":     {FindMaxConfig{Trial: knee(1e9), Start: 1e6, Ceiling: 10}, 10, 10, LimitedByCeiling},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := FindMax(t.Context(), c.cfg)
			if err != nil || got.Rate < c.low || got.Rate > c.high || got.LimitedBy != c.by {
				t.Errorf("%v, %g by %s", err, got.Rate, got.LimitedBy)
			}
		})
	}
	if got, err := FindMax(t.Context(), FindMaxConfig{Trial: knee(0.1)}); !errors.Is(err, ErrNoRate) || got.Rate != 0 {
		t.Errorf("a server that answers nothing: %v, %g", err, got.Rate)
	}
}

// A censored percentile never holds a bound that it may be over.
func TestFindMaxCensored(t *testing.T) {
	f := finder{FindMaxConfig: FindMaxConfig{P99: time.Second}}
	for _, c := range []struct {
		trial Trial
		want  string
	}{
		{Trial{P99: time.Second}, ""},
		{Trial{P99: time.Second, AtLeast: true}, LimitedByLatency},
		{Trial{P99: time.Second + 1}, LimitedByLatency},
		{Trial{P99: 1, Loss: 0.1}, LimitedByLoss},
		{Trial{P99: 1, Generator: "slow"}, ""},
		{Trial{P99: time.Minute, Generator: "slow"}, LimitedByGenerator},
		{Trial{P99: 1, Rate: 100, Achieved: 98}, LimitedByGenerator},
	} {
		if got := f.why(c.trial); got != c.want {
			t.Errorf("%+v: %q, want %q", c.trial, got, c.want)
		}
	}
}

// Interrupted, the searches that were complete still count.
func TestFindMaxInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last FindMaxProgress
	got, err := FindMax(ctx, FindMaxConfig{Trial: knee(20_000), Progress: func(p FindMaxProgress) {
		if last = p; p.Search == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || len(got.Searches) != 2 || got.Rate == 0 || got.Confidence != 0.5 {
		t.Errorf("%v: %+v", err, got)
	}
	if last.Left <= 0 || last.Searches != 6 || last.Last.Rate == 0 {
		t.Errorf("%+v", last)
	}
}
