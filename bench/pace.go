package bench

import "math"

// pacer says when an open loop's next request is due. Each worker has every workers-th request of the schedule or, of Poisson arrivals,
// a process of its own with its share of the rate.
type pacer struct {
	nextDue int64 // by the run's clock; never: the phase has no more
	rate    float64
	turn    int32 // flow of the next request
	walk    cursor
	at      float64 // place of the next request in the schedule, in requests
	from    int64   // when the schedule begins
	to      int64   // nothing is due from then on
	plan    *plan
	rest    *random
	worker  int
	later   bool // the schedule itself is being walked, and not the warm-up's rate
}

const never = math.MaxInt64

// start begins with the warm-up where there is one.
func (p *pacer) start(plan *plan, worker int, rest *random) {
	p.plan, p.worker, p.rest = plan, worker, rest
	if plan.warmup <= 0 {
		p.enter()
		return
	}
	p.walk, p.from, p.to = cursor{left: plan.warmupSchedule()}, 0, int64(plan.warmup)
	p.restart()
}

// enter goes on to what is measured.
func (p *pacer) enter() {
	p.later = true
	p.walk, p.from = cursor{left: p.plan.schedule}, int64(max(p.plan.warmup, 0))
	p.to = p.from + int64(p.plan.duration)
	p.restart()
}

func (p *pacer) restart() {
	p.at = float64(p.worker)
	if p.plan.poisson {
		p.at = p.rest.exponential() * float64(p.plan.workers)
	}
	p.look()
}

// advance goes on to the next request.
func (p *pacer) advance() {
	step := 1.0
	if p.plan.poisson {
		step = p.rest.exponential()
	}
	p.at += step * float64(p.plan.workers)
	p.look()
}

func (p *pacer) look() {
	due, ok := p.walk.due(p.at)
	p.nextDue = p.from + due
	if ok && p.nextDue < p.to {
		return
	}
	p.nextDue = never
	if !p.later {
		p.enter()
	}
}

// leave ends a phase at a time and returns how many of its requests were due and have not been taken. With Poisson arrivals it is
// how many the rate makes of that time.
func (p *pacer) leave(at int64) int64 {
	warm := at <= int64(p.plan.warmup) && p.plan.warmup > 0
	if warm == p.later {
		return 0 // the warm-up had been gone through already
	}
	missed := p.walk.passed(float64(at-p.from)/1e9) - p.at
	if warm {
		p.enter()
	} else {
		p.nextDue = never
	}
	return int64(max(math.Ceil(missed/float64(p.plan.workers)-1e-6), 0))
}

// passed is how many requests of the schedule are due before a time, in seconds since its begin. The cursor has not gone beyond it.
func (c *cursor) passed(t float64) float64 {
	n, t := c.before, t-c.begin
	for _, s := range c.left {
		length := s.For.Seconds()
		if s.For == 0 || t <= length {
			slope := 0.0
			if s.For > 0 {
				slope = (s.To - s.From) / length
			}
			return n + s.From*t + slope*t*t/2
		}
		n += (s.From + s.To) / 2 * length
		t -= length
	}
	return n
}

// random is a small, fast source (SplitMix64): its sequence is a pure function of its seed.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// unit is evenly distributed from 0 up to 1.
func (r *random) unit() float64 { return float64(r.next()>>11) / (1 << 53) }

// exponential has mean 1.
func (r *random) exponential() float64 { return -math.Log(1 - r.unit()) }
