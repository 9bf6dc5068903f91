package bench

import (
	"math"
	"math/rand/v2"
)

// A series is a run as compare sees it: cut into blocks of consecutive seconds, which stand in for each other when it asks how the run might as
// well have gone. Blocks and not seconds, because what slows one second down mostly slows down the next one too.
type series struct {
	blocks []block
	cells  []cell  // of latency, in order: block.waits counts the answers in each
	limit  float64 // nanoseconds: a request without an answer took longer than this, and no more is known of it
}

// A cell is a range of latency, nanoseconds: from low up to high.
type cell struct{ low, high float64 }

type block struct {
	seconds, sent, answered, lost float64
	waits                         []float64
}

// A measure is one of the figures that a comparison looks at.
type measure int

const (
	measureRate measure = iota // answers a second
	measureLoss                // of what was sent, 0 to 1
	measureP50                 // nanoseconds; series.limit where the answer to that question lies among the requests that had none
	measureP99
	measureCount
)

type measures [measureCount]float64

// measure adds the blocks up, each as often as its weight says.
func (s *series) measure(weights []float64) measures {
	sum := block{waits: make([]float64, len(s.cells))}
	for i, w := range weights {
		if w == 0 {
			continue
		}
		b := &s.blocks[i]
		sum.seconds += w * b.seconds
		sum.sent += w * b.sent
		sum.answered += w * b.answered
		sum.lost += w * b.lost
		for j, n := range b.waits {
			sum.waits[j] += w * n
		}
	}
	return measures{
		measureRate: ratio(sum.answered, sum.seconds),
		measureLoss: ratio(sum.lost, sum.sent),
		measureP50:  s.quantile(sum.waits, sum.lost, 0.50),
		measureP99:  s.quantile(sum.waits, sum.lost, 0.99),
	}
}

// quantile is the latency that a share q of all requests stayed under, those without an answer among them. Within a cell it goes in
// proportion, so that the cells' width does not show as steps.
func (s *series) quantile(waits []float64, lost, q float64) float64 {
	total := lost
	for _, n := range waits {
		total += n
	}
	rank := q * total
	for i, n := range waits {
		if n > 0 && rank <= n {
			c := s.cells[i]
			return min(c.low+(c.high-c.low)*rank/n, s.limit)
		}
		rank -= n
	}
	return s.limit
}

// draws is how many runs are drawn: at a thousand a standard error is itself sure to about 2 %.
const draws = 1000

// errors is the standard error of each measure, of its logarithm where log says so: how much it changes from one drawn run to the next, when as
// many blocks as there are get drawn from them with replacement (the bootstrap over non-overlapping blocks: Carlstein 1986, Annals of
// Statistics 14(3)).
func (s *series) errors(random *rand.Rand, log [measureCount]bool) measures {
	var sum, squares measures
	weights := make([]float64, len(s.blocks))
	for range draws {
		clear(weights)
		for range s.blocks {
			weights[random.IntN(len(s.blocks))]++
		}
		for i, x := range s.measure(weights) {
			if log[i] {
				x = math.Log(max(x, math.SmallestNonzeroFloat64))
			}
			sum[i] += x
			squares[i] += x * x
		}
	}
	// Drawing from k blocks makes the variance too small by (k-1)/k.
	k := float64(len(s.blocks))
	var se measures
	for i := range se {
		mean := sum[i] / draws
		se[i] = math.Sqrt(max(squares[i]/draws-mean*mean, 0) * ratio(k, k-1))
	}
	return se
}

// blockLength is how many of n seconds make a block: their cube root, which lets blocks grow with the run, but more slowly than their number.
func blockLength(n int) int { return max(1, int(math.Round(math.Cbrt(float64(n))))) }

// ratio is a/b, or 0 where there is nothing to divide by.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// studentQuantile is the value that Student's t with so many degrees of freedom exceeds with probability tail. It is found by bisection of
// the distribution function.
func studentQuantile(tail, freedom float64) float64 {
	low, high := 0.0, 1e6
	for range 100 {
		mid := (low + high) / 2
		if studentTail(mid, freedom) > tail {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// studentTail is the probability that Student's t with so many degrees of freedom exceeds t ≥ 0: half of the regularized incomplete beta
// function I_x(freedom/2, 1/2) at x = freedom/(freedom+t²) (NIST Digital Library of Mathematical Functions, 8.17).
func studentTail(t, freedom float64) float64 {
	x := freedom / (freedom + t*t)
	return incompleteBeta(x, freedom/2, 0.5) / 2
}

// incompleteBeta is the regularized incomplete beta function I_x(a, b), by its continued fraction (NIST Digital Library of Mathematical
// Functions, 8.17.22), which converges fast for x below (a+1)/(a+b+2); above, I_x(a, b) = 1 - I_{1-x}(b, a).
func incompleteBeta(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - incompleteBeta(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(a*math.Log(x)+b*math.Log1p(-x)+lab-la-lb) / a
	// Evaluated from its far end: these many terms are exact to the last digits there.
	fraction := 1.0
	for m := 200.0; m >= 1; m-- {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		odd := -(a + m - 1) * (a + b + m - 1) * x / ((a + 2*m - 2) * (a + 2*m - 1))
		fraction = 1 + odd/(1+even/fraction)
	}
	return front / fraction
}
