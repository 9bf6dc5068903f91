package bench

import (
	"errors"
	"math"
	"slices"
)

// plot is the data of the report's charts. Where there is no value it is null.
type plot struct {
	Time         []float64    `json:"time"`   // seconds since the measuring began: the middle of each second
	Warmup       bool         `json:"warmup"` // some of them are of the warm-up
	Rates        []plotLine   `json:"rates"`  // a second
	Losses       []plotLine   `json:"losses"` // datagrams in each second
	Percentiles  []plotLine   `json:"percentiles"`
	Limit        float64      `json:"limit"` // nanoseconds: a percentile there is "at least"
	Distribution [][2]float64 `json:"distribution"`
	Known        float64      `json:"known"`      // up to here the samples of Distribution have a value
	Scheduling   [][2]float64 `json:"scheduling"` // likewise, of the generator's own delay
}

type plotLine struct {
	Name   string     `json:"name"`
	Values []*float64 `json:"values"`
}

func newPlot(r *Result) (plot, error) {
	p := plot{Limit: float64(r.Latency.CensoredAt), Time: []float64{}}
	var seconds []*Second
	for i := range r.Seconds {
		s := &r.Seconds[i]
		if s.Length <= 0 {
			continue
		}
		seconds = append(seconds, s)
		p.Time = append(p.Time, (s.Start + s.Length/2).Seconds())
		p.Warmup = p.Warmup || s.Phase == PhaseWarmup
	}
	p.Rates, p.Losses, p.Percentiles = rateLines(seconds, r.Settings.Mode), lossLines(seconds), percentileLines(seconds)
	p.Known = unfold(ratio(float64(r.Latency.Count), float64(r.Latency.Count+r.Latency.Censored)))
	var err error
	if p.Distribution, err = curve(&r.Latency); err != nil {
		return p, err
	}
	p.Scheduling, err = curve(&r.Scheduling)
	return p, err
}

// lines makes one line of each value of all seconds.
func line(name string, seconds []*Second, of func(*Second) (float64, bool)) plotLine {
	l := plotLine{name, make([]*float64, len(seconds))}
	for i, s := range seconds {
		if x, ok := of(s); ok && !math.IsNaN(x) && !math.IsInf(x, 0) {
			l.Values[i] = &x
		}
	}
	return l
}

func rateLines(seconds []*Second, mode string) (lines []plotLine) {
	sending := func(s *Second) bool { return s.Phase != PhaseDrain }
	if mode == "open" {
		lines = append(lines, line("asked for", seconds, func(s *Second) (float64, bool) { return float64(s.Counts.Due) / s.Length.Seconds(), sending(s) }))
	}
	lines = append(lines, line("sent", seconds, func(s *Second) (float64, bool) { return float64(s.Counts.Sent) / s.Length.Seconds(), sending(s) }))
	if mode != "one-way" {
		lines = append(lines, line("answered", seconds, func(s *Second) (float64, bool) { return float64(s.Counts.Answered) / s.Length.Seconds(), sending(s) }))
	}
	return lines
}

// lossLines are what went wrong; of all but loss itself, only what did happen.
func lossLines(seconds []*Second) (lines []plotLine) {
	for _, what := range []struct {
		name string
		of   func(*Second) int64
	}{
		{"lost", func(s *Second) int64 { return s.Counts.Lost }}, {"wrong", func(s *Second) int64 { return s.Counts.Wrong }},
		{"refused", func(s *Second) int64 { return s.Counts.Refused }}, {"late", func(s *Second) int64 { return s.Counts.Late }},
		{"duplicate", func(s *Second) int64 { return s.Counts.Duplicate }}, {"failed", func(s *Second) int64 { return s.Counts.Failed }},
		{"unsent", func(s *Second) int64 { return s.Counts.Unsent }}, {"dropped here", func(s *Second) int64 { return s.OwnDrops }},
	} {
		if what.name == "lost" || slices.ContainsFunc(seconds, func(s *Second) bool { return what.of(s) != 0 }) {
			lines = append(lines, line(what.name, seconds, func(s *Second) (float64, bool) { return float64(what.of(s)), true }))
		}
	}
	return lines
}

func percentileLines(seconds []*Second) (lines []plotLine) {
	for _, percent := range SecondPercents {
		name := percentWords(percent)
		if percent == 100 {
			name = "longest"
		}
		lines = append(lines, line(name, seconds, func(s *Second) (float64, bool) {
			q, ok := s.Latency.Quantile(percent)
			return float64(q.Value), ok && q.Value > 0 && s.Phase != PhaseDrain
		}))
	}
	return lines
}

// unfold stretches the shares near 1, as HdrHistogram's plots do: 0.9 is at 1, 0.99 at 2, 0.999 at 3.
func unfold(share float64) float64 { return -math.Log10(max(1-share, 1e-9)) }

// stepsEach is how many points a curve has for each further nine.
const stepsEach = 40

// curve is a distribution from its least sample to its last: where along unfold, and its value in nanoseconds.
func curve(d *Distribution) ([][2]float64, error) {
	points := [][2]float64{}
	n := float64(d.Count + d.Censored)
	if n == 0 {
		return points, nil
	}
	h, err := d.Histogram()
	if err != nil && !errors.Is(err, ErrNoSamples) {
		return nil, err
	}
	end := math.Log10(n)
	for i := 0; ; i++ {
		x := min(float64(i)/stepsEach, end)
		q := d.Of(h, 100*(1-math.Pow(10, -x)))
		points = append(points, [2]float64{x, float64(q.Value)})
		if x == end {
			return points, nil
		}
	}
}
