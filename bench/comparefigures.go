package bench

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// inLog says which measures are compared by their ratio, and so looked at as logarithms. Loss is compared by difference: it may be 0.
var inLog = [measureCount]bool{measureRate: true, measureP50: true, measureP99: true}

var measureNames = [measureCount]string{"rate", "loss", "p50", "p99"}

// estimates are the measures of one side: their values, and how sure they are.
type estimates struct {
	value   measures
	se      measures // standard errors; of the logarithm where inLog says so
	freedom float64  // degrees of freedom of se; 0: se is not known
	limit   float64  // nanoseconds at which latencies are censored
	blocks  int
}

// estimateBlocks takes the runs of one side for one long run.
func estimateBlocks(runs []*Result, random *rand.Rand) (estimates, error) {
	s, err := newSeries(runs)
	if err != nil {
		return estimates{}, err
	}
	e := estimates{limit: s.limit, blocks: len(s.blocks), freedom: float64(len(s.blocks) - 1)}
	// The values are those of the whole runs: seconds count events where they happened, and a loss shows a time-out later than its request.
	if e.value, err = total(runs); err != nil {
		return estimates{}, err
	}
	if e.freedom > 0 {
		e.se = s.errors(random, inLog)
		e.se[measureLoss] = max(e.se[measureLoss], leastLossError(runs))
	}
	return e, nil
}

// estimateRuns takes each run for one observation.
func estimateRuns(runs []*Result, _ *rand.Rand) (estimates, error) {
	n := float64(len(runs))
	e := estimates{freedom: n - 1, limit: censoredAt(runs), blocks: len(runs)}
	var all []measures
	var mean measures
	for _, r := range runs {
		m, err := total([]*Result{r})
		if err != nil {
			return estimates{}, err
		}
		for i := range m {
			if inLog[i] {
				m[i] = safeLog(m[i])
			}
			mean[i] += m[i] / n
		}
		all = append(all, m)
	}
	for i := range mean {
		squares := 0.0
		for _, m := range all {
			squares += (m[i] - mean[i]) * (m[i] - mean[i])
		}
		e.se[i] = math.Sqrt(squares / (n - 1) / n)
		if e.value[i] = mean[i]; inLog[i] {
			e.value[i] = math.Exp(mean[i])
		}
	}
	e.se[measureLoss] = max(e.se[measureLoss], leastLossError(runs))
	return e, nil
}

// leastLossError is the standard error that chance alone gives a share (Agresti and Coull 1998, The American Statistician 52(2)): without it,
// runs that lost nothing would be certain to never lose anything.
func leastLossError(runs []*Result) float64 {
	lost, sent := 0.0, 0.0
	for _, r := range runs {
		lost += float64(r.Totals.Lost)
		sent += float64(r.Totals.Sent)
	}
	share := min((lost+2)/(sent+4), 1)
	return math.Sqrt(share * (1 - share) / (sent + 4))
}

func safeLog(x float64) float64 { return math.Log(max(x, math.SmallestNonzeroFloat64)) }

// figure compares one measure: the interval is the difference, give or take Student's t times its standard error (Welch's degrees of freedom).
func figure(m measure, a, b estimates) Figure {
	f := Figure{Name: measureNames[m], A: a.value[m], B: b.value[m]}
	latency := m == measureP50 || m == measureP99
	f.AAtLeast, f.BAtLeast = latency && f.A >= a.limit, latency && f.B >= b.limit
	if f.Why = unknown(m, f, a, b); f.Why != "" {
		f.Verdict = VerdictUnknown
		return f
	}
	middle := f.B - f.A
	if inLog[m] {
		middle = math.Log(f.B / f.A)
	}
	half := studentQuantile((1-jointly)/float64(measureCount)/2, welch(a.se[m], b.se[m], a.freedom, b.freedom)) * math.Hypot(a.se[m], b.se[m])
	f.Change, f.Low, f.High = middle, middle-half, middle+half
	if inLog[m] {
		// An interval from next to nothing to beyond all bounds is written with numbers that JSON has.
		f.Change, f.Low, f.High = math.Expm1(middle), math.Expm1(middle-half-finest), math.Expm1(min(middle+half+finest, 700))
	} else {
		f.Low, f.High = max(f.Low, -1), min(f.High, 1)
	}
	f.LowOpen, f.HighOpen = f.AAtLeast, f.BAtLeast
	switch {
	case f.Low > 0:
		f.Verdict = VerdictHigher
	case f.High < 0:
		f.Verdict = VerdictLower
	default:
		f.Verdict = VerdictAlike
	}
	return f
}

func unknown(m measure, f Figure, a, b estimates) string {
	switch {
	case f.AAtLeast && f.BAtLeast:
		return "both lie among the requests that had no answer"
	case inLog[m] && (f.A <= 0 || f.B <= 0):
		return "one side has no answers"
	case a.freedom <= 0 || b.freedom <= 0:
		return "the runs are too short: give each at least 5 s, or take at least three runs of each"
	}
	return ""
}

// welch is the degrees of freedom of a difference whose sides have standard errors of their own (Welch–Satterthwaite).
func welch(a, b, freedomA, freedomB float64) float64 {
	a, b = a*a, b*b
	if a+b == 0 {
		return freedomA + freedomB
	}
	a, b = a/(a+b), b/(a+b)
	return 1 / (a*a/freedomA + b*b/freedomB)
}

// total is what the runs measured, taken together.
func total(runs []*Result) (measures, error) {
	var seconds, sent, answered, lost float64
	sum := map[float64]cellCount{}
	for _, r := range runs {
		if err := addCells(sum, &r.Latency, exact); err != nil {
			return measures{}, err
		}
		seconds += r.Elapsed.Seconds()
		sent += float64(r.Totals.Sent)
		lost += float64(r.Latency.Censored)
		answered += achieved(r.Settings.Mode, r.Totals)
	}
	s := series{limit: censoredAt(runs)}
	var waits []float64
	for _, c := range sorted(sum) {
		s.cells, waits = append(s.cells, c.cell), append(waits, c.count)
	}
	return measures{
		measureRate: ratio(answered, seconds),
		measureLoss: ratio(totalLost(runs), sent),
		measureP50:  s.quantile(waits, lost, 0.50),
		measureP99:  s.quantile(waits, lost, 0.99),
	}, nil
}

func totalLost(runs []*Result) (lost float64) {
	for _, r := range runs {
		lost += float64(r.Totals.Lost)
	}
	return lost
}

// achieved is what a rate counts: answers, and of a one-way run what was sent.
func achieved(mode string, c Counts) float64 {
	if mode == "one-way" {
		return float64(c.Sent)
	}
	return float64(c.Answered)
}

// censoredAt is what is known of requests without an answer: the least that is true of all runs.
func censoredAt(runs []*Result) float64 {
	limit := math.Inf(1)
	for _, r := range runs {
		at := r.Latency.CensoredAt
		if at <= 0 {
			at = r.Settings.Timeout
		}
		limit = min(limit, float64(at))
	}
	return limit
}

// newSeries cuts what the runs measured into blocks. What came in after the last second is left out: the seconds only say how much a run varies.
func newSeries(runs []*Result) (*series, error) {
	s := &series{limit: censoredAt(runs)}
	var cells []map[float64]cellCount // of each block
	all := map[float64]cellCount{}
	for _, r := range runs {
		measured := slices.DeleteFunc(slices.Clone(r.Seconds), func(s Second) bool { return s.Phase != PhaseMeasure || s.Length <= 0 })
		for part := range slices.Chunk(measured, blockLength(len(measured))) {
			b, sum := block{}, map[float64]cellCount{}
			for i := range part {
				p := &part[i]
				if err := addCells(sum, &p.Latency, coarse); err != nil {
					return nil, fmt.Errorf("second %d: %w", p.Index, err)
				}
				b.seconds += p.Length.Seconds()
				b.sent += float64(p.Counts.Sent)
				b.answered += achieved(r.Settings.Mode, p.Counts)
				b.lost += float64(p.Counts.Lost)
			}
			s.blocks, cells = append(s.blocks, b), append(cells, sum)
			for low, c := range sum {
				all[low] = c
			}
		}
	}
	for _, c := range sorted(all) {
		s.cells = append(s.cells, c.cell)
	}
	for i := range s.blocks {
		s.blocks[i].waits = make([]float64, len(s.cells))
		for j, c := range s.cells {
			s.blocks[i].waits[j] = cells[i][c.low].count
		}
	}
	return s, nil
}

type cellCount struct {
	cell
	count float64
}

// addCells adds a distribution's cells, each under its lower bound. Histograms that are cut alike, as those of all runs are, have the same ones.
func addCells(sum map[float64]cellCount, d *Distribution, shape func(low, high float64) cell) error {
	if d.Count == 0 {
		return nil
	}
	h, err := d.decode()
	if err != nil {
		return err
	}
	for low, count := range h.ForEachBucket {
		// Cells are 1 wide up to 2,048, the first power of two of three digits, and twice as wide from each power of two to the next.
		width := int64(1) << max(0, bits.Len64(uint64(low))-11)
		c := shape(float64(low), float64(low+width))
		sum[c.low] = cellCount{c, sum[c.low].count + float64(count)}
	}
	return nil
}

// exact keeps a histogram's cell as it is.
func exact(low, high float64) cell { return cell{low, high} }

// coarse puts it into one of 128 to each factor of e. That is fine enough to see how a run varies, and ten times faster.
func coarse(low, _ float64) cell {
	const cells = 128
	i := math.Floor(math.Log(max(low, 1)) * cells)
	return cell{math.Exp(i / cells), math.Exp((i + 1) / cells)}
}

func sorted(cells map[float64]cellCount) []cellCount {
	all := make([]cellCount, 0, len(cells))
	for _, c := range cells {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b cellCount) int {
		if a.low < b.low {
			return -1
		}
		return 1
	})
	return all
}
