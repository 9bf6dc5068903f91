package bench

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// A synthetic describes a run that never was.
type synthetic struct {
	seconds     int
	rate        float64 // answers a second
	median      time.Duration
	loss        float64
	noise, memo float64 // of each second, as a share, and how much of it carries over to the next one
	between     float64 // the same, of the whole run
}

// latencySamples stand for all answers of a second: enough of them for a p99.
const latencySamples = 1000

// result makes up a run whose figures vary as they do in a real one: what is slow in one second is likely to be slow in the next.
func (s synthetic) result(t testing.TB, random *rand.Rand) *Result {
	t.Helper()
	r := &Result{Schema: Schema, Outcome: OutcomeValid, Valid: true, Elapsed: time.Duration(s.seconds) * time.Second,
		Started: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Why: []string{}, Notes: []string{},
		Settings: Settings{Target: "127.0.0.1:12345", Mode: "closed", Flows: 1, Window: 1, Workers: 1, Payload: "64 bytes", Expect: "upper",
			Matching: "token", Clock: KernelClock, Timeout: time.Second, Duration: time.Duration(s.seconds) * time.Second, Transport: "kernel"}}
	whole := hdr.New(lowestNS, highestNS, digits)
	run := 1 + s.between*random.NormFloat64()
	state := random.NormFloat64()
	for i := range s.seconds {
		state = s.memo*state + math.Sqrt(1-s.memo*s.memo)*random.NormFloat64()
		slow := max(run*(1+s.noise*state), 0.1)
		second := hdr.NewPacked(lowestNS, highestNS, digits)
		c := Counts{Answered: int64(s.rate / slow)}
		for range latencySamples {
			v := float64(s.median) * slow * math.Exp(0.3*random.NormFloat64())
			if err := second.RecordValues(int64(v), c.Answered/latencySamples); err != nil {
				t.Fatal(err)
			}
		}
		second.MergeInto(whole)
		c.Lost = int64(float64(c.Answered) * s.loss * random.ExpFloat64())
		c.Sent = c.Answered + c.Lost
		c.Due, c.Received = c.Sent, c.Answered
		r.Totals.Sent += c.Sent
		r.Totals.Answered += c.Answered
		r.Totals.Lost += c.Lost
		r.Seconds = append(r.Seconds, Second{Index: i, Phase: PhaseMeasure, Start: time.Duration(i) * time.Second, Length: time.Second, Counts: c,
			Latency: secondOf(t, second, c.Lost)})
	}
	r.Totals.Due, r.Totals.Received = r.Totals.Sent, r.Totals.Answered
	r.Latency = distributionOf(t, whole, r.Totals.Lost)
	r.Rates.Answered = float64(r.Totals.Answered) / r.Elapsed.Seconds()
	r.Rates.Achieved = float64(r.Totals.Sent) / r.Elapsed.Seconds()
	r.Rates.Offered = r.Rates.Achieved
	r.Loss = Loss{Total: r.Totals.Lost, Server: r.Totals.Lost, Fraction: ratio(float64(r.Totals.Lost), float64(r.Totals.Sent)),
		Places: []Place{{Name: PlaceUnplaced, Count: r.Totals.Lost, Counter: "what no counter tells", Known: true}}}
	return r
}

func distributionOf(t testing.TB, h *hdr.Histogram, censored int64) Distribution {
	t.Helper()
	text, err := h.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	d := Distribution{Count: h.TotalCount(), Censored: censored, CensoredAt: time.Second, Min: time.Duration(h.Min()), Max: time.Duration(h.Max()),
		Mean: time.Duration(h.Mean()), StdDev: time.Duration(h.StdDev()), HDR: string(text)}
	for _, p := range Percents {
		d.Quantiles = append(d.Quantiles, d.Of(h, p))
	}
	return d
}

// secondOf is distributionOf for one second, without the table.
func secondOf(t testing.TB, h *hdr.PackedHistogram, censored int64) Distribution {
	t.Helper()
	text, err := h.EncodeV2()
	if err != nil {
		t.Fatal(err)
	}
	d := Distribution{Count: h.TotalCount(), Censored: censored, CensoredAt: time.Second, Min: time.Duration(h.Min()), Max: time.Duration(h.Max()), HDR: string(text)}
	for _, p := range SecondPercents {
		q := Quantile{Percent: p, Value: time.Duration(h.ValueAtPercentile(p * float64(d.Count+censored) / float64(d.Count)))}
		if p*float64(d.Count+censored) > 100*float64(d.Count) {
			q.Value, q.AtLeast = time.Second, true
		}
		d.Quantiles = append(d.Quantiles, q)
	}
	return d
}
