package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Schedule is the rate of an open loop over time: stages one after another. [ParseSchedule] reads one.
type Schedule []Stage

// Stage is one stage of a Schedule: the rate goes evenly from From to To. Where For is 0 (only in a schedule of one stage) it lasts as
// long as the run.
type Stage struct {
	From, To float64 // requests a second
	For      time.Duration
}

// MaxRate is the highest rate of a Schedule, requests a second.
const MaxRate = 1e9

// ParseSchedule reads a schedule: stages separated by commas, each RATE/TIME or FROM..TO/TIME, or one rate alone, which lasts as long
// as the run. A rate is a number of requests a second and may end in k (thousand) or M (million); a time is as in 10s or 1m30s.
//
//	50k                      50,000 a second all the time
//	1k/10s,10k/10s           two steps
//	1000..50000/30s          a ramp
//	0..1M/20s,1M/40s         a ramp, and then the rate it reached
func ParseSchedule(s string) (Schedule, error) {
	fields := strings.Split(s, ",")
	schedule := make(Schedule, 0, len(fields))
	most := 0.0
	for _, field := range fields {
		stage, err := parseStage(strings.TrimSpace(field), len(fields) == 1)
		if err != nil {
			return nil, fmt.Errorf("schedule %q: %w", s, err)
		}
		most = max(most, stage.From, stage.To)
		schedule = append(schedule, stage)
	}
	if most == 0 {
		return nil, fmt.Errorf("schedule %q: every rate is 0: nothing would be sent", s)
	}
	return schedule, nil
}

func parseStage(s string, alone bool) (Stage, error) {
	rates, length, timed := strings.Cut(s, "/")
	from, to, ramp := strings.Cut(rates, "..")
	var stage Stage
	var err error
	if stage.From, err = ParseRate(from); err != nil {
		return Stage{}, err
	}
	stage.To = stage.From
	if ramp {
		if stage.To, err = ParseRate(to); err != nil {
			return Stage{}, err
		}
	}
	if !timed {
		if !alone || ramp {
			return Stage{}, fmt.Errorf("%q: how long? write it as %s/10s", s, s)
		}
		return stage, nil
	}
	if stage.For, err = time.ParseDuration(length); err != nil || stage.For <= 0 {
		return Stage{}, fmt.Errorf("%q: %q is no length of time: write it as 10s, 500ms or 1m30s", s, length)
	}
	if stage.For > maxStage {
		return Stage{}, fmt.Errorf("%q: a stage lasts %v at most", s, maxStage)
	}
	return stage, nil
}

const maxStage = 1000 * time.Hour

// ParseRate reads a rate as schedules have it: 1000, 2.5k, 1M. The result is requests a second.
func ParseRate(s string) (float64, error) {
	number, factor := s, 1.0
	switch {
	case strings.HasSuffix(s, "k"):
		number, factor = s[:len(s)-1], 1e3
	case strings.HasSuffix(s, "M"):
		number, factor = s[:len(s)-1], 1e6
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(v) || v < 0 || strings.ContainsAny(number, "xXpP_") {
		return 0, fmt.Errorf("%q is no rate: write requests a second, as in 1000, 2.5k or 1M", s)
	}
	if v*factor > MaxRate {
		return 0, fmt.Errorf("%q: a rate is %s a second at most", s, formatRate(MaxRate))
	}
	return v * factor, nil
}

func formatRate(r float64) string {
	switch {
	case r >= 1e6:
		return strconv.FormatFloat(r/1e6, 'f', -1, 64) + "M"
	case r >= 1e3:
		return strconv.FormatFloat(r/1e3, 'f', -1, 64) + "k"
	}
	return strconv.FormatFloat(r, 'f', -1, 64)
}

// String writes the schedule as ParseSchedule reads it.
func (s Schedule) String() string {
	parts := make([]string, len(s))
	for i, stage := range s {
		parts[i] = formatRate(stage.From)
		if stage.To != stage.From {
			parts[i] += ".." + formatRate(stage.To)
		}
		if stage.For > 0 {
			parts[i] += "/" + stage.For.String()
		}
	}
	return strings.Join(parts, ",")
}

// Length is how long the schedule lasts; 0: as long as the run.
func (s Schedule) Length() time.Duration {
	var sum time.Duration
	for _, stage := range s {
		sum += stage.For
	}
	return sum
}

// Peak is the highest rate, requests a second.
func (s Schedule) Peak() float64 {
	peak := 0.0
	for _, stage := range s {
		peak = max(peak, stage.From, stage.To)
	}
	return peak
}

// At is the rate at a time after the schedule's begin, requests a second; after its end it is 0.
func (s Schedule) At(t time.Duration) float64 {
	for _, stage := range s {
		if stage.For == 0 || t < stage.For {
			if stage.For == 0 {
				return stage.From
			}
			return stage.From + (stage.To-stage.From)*float64(t)/float64(stage.For)
		}
		t -= stage.For
	}
	return 0
}

// cursor walks through a schedule: it tells when the n-th request is due, for n that never gets smaller.
type cursor struct {
	left   Schedule
	before float64 // requests of the stages passed
	begin  float64 // when the stage begins, seconds
}

// latestDue, in nanoseconds, stands for whatever is due later: 146 years are never.
const latestDue = 1 << 62

// due returns when request n (which need not be whole: the process of Poisson arrivals is walked by its mean) is due, in nanoseconds
// since the schedule's begin, and false when the schedule has ended before it.
func (c *cursor) due(n float64) (int64, bool) {
	for len(c.left) > 0 {
		stage := c.left[0]
		length := stage.For.Seconds()
		inside := n - c.before
		if stage.For == 0 || inside < (stage.From+stage.To)/2*length {
			return int64(min((c.begin+stage.reach(inside, length))*1e9, latestDue)), true
		}
		c.before += (stage.From + stage.To) / 2 * length
		c.begin += length
		c.left = c.left[1:]
	}
	return 0, false
}

// reach solves From·t + (To−From)/(2·length)·t² = n for t, seconds, in the form that does not cancel.
func (s Stage) reach(n, length float64) float64 {
	if s.From == s.To {
		return n / s.From
	}
	if n == 0 {
		return 0
	}
	slope := (s.To - s.From) / length
	return 2 * n / (s.From + math.Sqrt(max(s.From*s.From+2*slope*n, 0)))
}
