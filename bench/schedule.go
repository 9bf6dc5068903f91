package bench

import "time"

// Schedule is the rate of an open loop over time: stages one after another. [ParseSchedule] reads one.
type Schedule []Stage

// Stage is one stage of a Schedule: the rate goes evenly from From to To. Where For is 0 (only in a schedule of one stage) it lasts as
// long as the run.
type Stage struct {
	From, To float64 // requests a second
	For      time.Duration
}
