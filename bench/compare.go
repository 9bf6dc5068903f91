package bench

import (
	"errors"
	"fmt"
	"math/rand/v2"
)

// CompareSchema names the JSON of a Comparison and its version. Fields are only ever added to it.
const CompareSchema = "dgram.compare/1"

// Comparison says whether runs B differ from runs A, by how much, and how sure that is.
type Comparison struct {
	Schema     string   `json:"schema"`
	Differs    bool     `json:"differs"`    // at least one figure does
	Confidence float64  `json:"confidence"` // with which all intervals hold at once
	Method     string   `json:"method"`     // MethodBlocks or MethodRuns
	A          Compared `json:"a"`
	B          Compared `json:"b"`
	Figures    []Figure `json:"figures"`
	Notes      []string `json:"notes"` // what a reader must know, a sentence each
}

// How the uncertainty was found.
const (
	// MethodBlocks is the bootstrap over blocks of consecutive seconds: it sees what changes within a run.
	MethodBlocks = "bootstrap over blocks of seconds"
	// MethodRuns is Welch's t interval over runs, where there are at least three on either side: it sees what changes from run to run as well.
	MethodRuns = "Welch's t over runs"
)

// Compared is one side of a Comparison.
type Compared struct {
	Target  string  `json:"target"`
	Runs    int     `json:"runs"`
	Blocks  int     `json:"blocks"`
	Seconds float64 `json:"seconds"`
}

// Figure is one figure of both sides. Rates are answers a second (of a one-way run, datagrams sent), loss is a share from 0 to 1, latencies are nanoseconds.
type Figure struct {
	Name     string  `json:"name"` // "rate", "loss", "p50" or "p99"
	A        float64 `json:"a"`
	B        float64 `json:"b"`
	AAtLeast bool    `json:"a_at_least"` // the percentile lies among requests without an answer: it is A or more
	BAtLeast bool    `json:"b_at_least"`
	Change   float64 `json:"change"` // of loss: B - A; of all others: B/A - 1
	Low      float64 `json:"low"`    // the interval of the change
	High     float64 `json:"high"`
	LowOpen  bool    `json:"low_open"`  // there is no telling how far below Low it goes
	HighOpen bool    `json:"high_open"` // nor how far above High
	Verdict  string  `json:"verdict"`   // one of the Verdict constants
	Why      string  `json:"why"`       // of VerdictUnknown
}

// The verdicts on a figure.
const (
	VerdictHigher  = "higher"  // B's, by an interval that does not hold 0
	VerdictLower   = "lower"   // likewise
	VerdictAlike   = "alike"   // no difference is shown: the interval holds 0, and says how large one may be all the same
	VerdictUnknown = "unknown" // cannot be told
)

// CompareOptions are how Compare goes about it. The zero value is the default.
type CompareOptions struct {
	Force bool   // compare even what was measured under different loads, or is invalid
	Seed  uint64 // of the bootstrap: the same seed and runs give the same intervals
}

// jointly is the confidence with which all the intervals of a comparison hold at once. Each holds with so much more (Bonferroni), else one of four
// comparisons of alike runs would find a difference for every five or so.
const jointly = 0.95

// finest is the least change of a rate or a latency that is told apart, 0.1 %: the histograms' cells are as wide.
const finest = 0.001

// enoughRuns is how many runs on either side make the spread from run to run known.
const enoughRuns = 3

// ErrIncomparable is wrapped by the error about runs whose difference would say nothing.
var ErrIncomparable = errors.New("these runs cannot be compared")

// Compare compares runs of two servers, or of one before and after. All runs must have offered the same load.
func Compare(a, b []*Result, o CompareOptions) (*Comparison, error) {
	if len(a) == 0 || len(b) == 0 {
		return nil, fmt.Errorf("%w: one side has none", ErrIncomparable)
	}
	notes, err := checkComparable(a, b, o.Force)
	if err != nil {
		return nil, err
	}
	c := &Comparison{Schema: CompareSchema, Confidence: jointly, Method: MethodBlocks, Notes: notes, A: compared(a), B: compared(b)}
	estimate := estimateBlocks
	if len(a) >= enoughRuns && len(b) >= enoughRuns {
		c.Method, estimate = MethodRuns, estimateRuns
	} else {
		c.Notes = append(c.Notes, "Runs differ from each other by more than their seconds do: for a verdict that counts that in, take at least three runs of each in turn.")
	}
	// One stream of chance for either side, so that adding a run to one leaves the other as it was.
	ea, err := estimate(a, rand.New(rand.NewPCG(o.Seed, 'A')))
	if err != nil {
		return nil, err
	}
	eb, err := estimate(b, rand.New(rand.NewPCG(o.Seed, 'B')))
	if err != nil {
		return nil, err
	}
	c.A.Blocks, c.B.Blocks = ea.blocks, eb.blocks
	oneWay := a[0].Settings.Mode == "one-way"
	for m := measureRate; m < measureCount && (m == measureRate || !oneWay); m++ {
		f := figure(m, ea, eb)
		c.Differs = c.Differs || f.Verdict == VerdictHigher || f.Verdict == VerdictLower
		c.Figures = append(c.Figures, f)
	}
	return c, nil
}

func compared(runs []*Result) Compared {
	c := Compared{Target: runs[0].Settings.Target, Runs: len(runs)}
	for _, r := range runs {
		c.Seconds += r.Elapsed.Seconds()
	}
	return c
}
