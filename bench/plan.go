package bench

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"dgram"
)

// plan is a Config with its defaults filled in, checked.
type plan struct {
	target   dgram.Endpoint
	flows    int
	window   int
	workers  int
	schedule Schedule
	open     bool
	poisson  bool
	oneWay   bool
	spin     bool
	clock    Clock
	duration time.Duration
	warmup   time.Duration
	timeout  time.Duration
	expect   Expect
	requests *requests
	seed     uint64
	byOrder  bool // answers may come without a token
	table    int  // bits of each worker's table
}

func (c Config) plan() (*plan, error) {
	p := &plan{
		target: c.Target, flows: cmp.Or(c.Flows, 1), window: cmp.Or(c.Window, 1), workers: cmp.Or(c.Workers, 1), schedule: c.Schedule, open: len(c.Schedule) > 0,
		poisson: c.Poisson, oneWay: c.OneWay, spin: c.Spin, clock: cmp.Or(c.Clock, KernelClock), duration: c.Duration, warmup: cmp.Or(c.Warmup, DefaultWarmup),
		timeout: cmp.Or(c.Timeout, DefaultTimeout), expect: c.Expect, seed: c.Seed,
	}
	if p.duration == 0 {
		p.duration = cmp.Or(c.Schedule.Length(), DefaultDuration)
	}
	p.warmup = max(p.warmup, 0)
	p.expect.Kind = cmp.Or(p.expect.Kind, ExpectUpper)
	if err := p.check(); err != nil {
		return nil, err
	}
	r, err := compile(c.Payload, p.expect)
	if err != nil {
		return nil, err
	}
	p.requests = r
	return p, p.size()
}

func (p *plan) check() error {
	switch {
	case !p.target.IsValid():
		return errors.New("bench: no address to send to")
	case p.flows < 1:
		return fmt.Errorf("%d flows: at least one is needed", p.flows)
	case p.window < 1:
		return fmt.Errorf("a window of %d: at least one request must be outstanding", p.window)
	case p.workers < 1 || p.workers > p.flows:
		return fmt.Errorf("%d workers for %d flows: each worker needs a flow of its own, so give --flows at least that number", p.workers, p.flows)
	case p.duration < 0 || p.timeout < 0:
		return errors.New("a length of time is over 0")
	case p.timeout > time.Duration(highestNS):
		return fmt.Errorf("a timeout of %v: 60 s is the longest that is measured", p.timeout)
	case p.clock != KernelClock && p.clock != UserClock:
		return fmt.Errorf("there is no clock %q: use kernel or user", p.clock)
	case p.expect.Kind == ExpectMatch && p.expect.Pattern == nil:
		return errors.New("expect: no pattern to match")
	}
	return nil
}

// Bounds of a table: the smallest still remembers a while of answered requests at full speed, so that duplicates are known from late ones.
const (
	leastTable = 15 // bits
	mostTable  = 23 // bits: 320 MiB
)

// size says how many requests the tables hold, and whether tokens can tell them all apart.
func (p *plan) size() error {
	outstanding := float64(p.flows) * float64(p.window) / float64(p.workers)
	if p.open {
		outstanding = min(p.schedule.Peak()*p.timeout.Seconds()*1.25/float64(p.workers)+1024, 1<<(mostTable-1))
	}
	if outstanding > 1<<(mostTable-1) {
		return fmt.Errorf("%d flows with %d requests outstanding on each are more than the %d that can be kept count of: use fewer flows, or a smaller window",
			p.flows, p.window, p.workers<<(mostTable-1))
	}
	needed := bits.Len(2*uint(outstanding+1) - 1)
	p.table = max(needed, leastTable)
	r := p.requests
	if r.token >= 0 && 4*r.letters < p.table {
		if 4*r.letters >= needed {
			p.table = 4 * r.letters
		} else {
			r.dropToken()
		}
	}
	p.byOrder = r.token < 0 || !p.expect.exact()
	return nil
}

// dropToken makes requests go without a token: there are more of them outstanding than a token of that length can tell apart.
func (r *requests) dropToken() {
	r.token, r.letters, r.mask = -1, 0, 0
	for i := range r.forms {
		r.forms[i].fixed = []span{{0, len(r.forms[i].request)}}
	}
}

func (p *plan) mode() string {
	switch {
	case p.oneWay:
		return "one-way"
	case p.open:
		return "open"
	}
	return "closed"
}

// warmupSchedule is the first rate that is not 0; of a ramp that begins at 0, a hundredth of where it goes.
func (p *plan) warmupSchedule() Schedule {
	for _, s := range p.schedule {
		if rate := cmp.Or(s.From, s.To/100); rate > 0 {
			return Schedule{{From: rate, To: rate}}
		}
	}
	return nil
}
