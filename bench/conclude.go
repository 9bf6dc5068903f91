package bench

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"dgram/ledger"
)

// conclude makes a result of what was collected.
func (m *run) conclude() {
	r, p := m.result, m.plan
	r.Settings = m.settings()
	r.Elapsed = m.measured
	if s := m.measured.Seconds(); s > 0 {
		r.Rates = Rates{Offered: float64(r.Totals.Due) / s, Achieved: float64(r.Totals.Sent) / s, Answered: float64(m.answered) / s}
	}
	r.Latency = m.latency.distribution(r.Totals.Unanswered(), p.timeout, Percents)
	r.Scheduling = m.scheduling.distribution(0, 0, Percents)
	m.encode()
	r.Loss = m.place()
	m.listFailures()
	r.Outcome = m.outcome()
	m.judge()
	m.note()
}

// encode makes the text of the histograms, now that nobody is held up by it.
func (m *run) encode() {
	r := m.result
	r.Latency.HDR, r.Scheduling.HDR = m.latency.encoded(), m.scheduling.encoded()
	for i, v := range m.seconds {
		r.Seconds[i].Latency.HDR, r.Seconds[i].Scheduling.HDR = v.latency.encoded(), v.scheduling.encoded()
	}
}

func (m *run) settings() Settings {
	p, c := m.plan, m.config
	t := m.workers[0].port.traits()
	s := Settings{
		Target: p.target.String(), Mode: p.mode(), Flows: p.flows, Workers: p.workers, Duration: p.duration, Warmup: p.warmup, Timeout: p.timeout,
		Payload: c.Payload.String(), Expect: p.expect.String(), Matching: m.matching(), Clock: p.clock, Transport: t.transport,
		GSO: c.GSO && t.gso, GRO: c.GRO && t.gro, Seed: p.seed,
	}
	if p.open {
		s.Schedule, s.Arrivals = p.schedule.String(), "constant"
		if p.poisson {
			s.Arrivals = "poisson"
		}
	}
	if s.Mode == "closed" {
		s.Window = p.window
	}
	return s
}

// matching says how answers found their requests.
func (m *run) matching() string {
	var tokens, orders int64
	for _, w := range m.workers {
		tokens, orders = tokens+w.tokens, orders+w.orders
	}
	switch {
	case m.plan.oneWay:
		return "none"
	case tokens > 0 && orders > 0:
		return "token and order"
	case orders > 0 || tokens == 0 && m.plan.byOrder:
		return "order"
	}
	return "token"
}

func (m *run) listFailures() {
	for errno, n := range m.failures {
		m.result.Failures = append(m.result.Failures, Failure{Errno: ledger.ErrnoName(errno), Text: errno.Error(), Count: n})
	}
	slices.SortFunc(m.result.Failures, func(a, b Failure) int { return int(b.Count - a.Count) })
}

// outcome is the verdict, but for what judge finds.
func (m *run) outcome() Outcome {
	all := m.result.Totals
	all.add(&m.result.Warmup)
	switch {
	case m.plan.oneWay && all.Refused > 0:
		return OutcomeRefused
	case m.plan.oneWay:
	case m.shared.heard.Load():
	case all.Refused > 0 || m.shared.refused.Load() > 0:
		return OutcomeRefused
	case all.Lost > 0:
		return OutcomeSilent
	}
	if m.result.Totals.Sent == 0 && m.result.Interrupted {
		return OutcomeCanceled
	}
	return OutcomeValid
}

// The generator's own shortcomings that make a run invalid.
const (
	mostMissed  = 0.01 // of the requests due
	mostOwnTime = 0.10 // of the 99th percentile, spent before sending
	// Below this a loop that looks at its sockets between two requests cannot tell the time: one system call takes as long.
	ownTimeFloor = 2 * time.Microsecond
)

// judge decides whether the run is valid, and why not.
func (m *run) judge() {
	r := m.result
	c := &r.Totals
	why := func(format string, a ...any) { r.Why = append(r.Why, fmt.Sprintf(format, a...)) }
	if missed := float64(c.Due-c.Sent) / float64(max(c.Due, 1)); missed > mostMissed {
		why("the generator fell behind: of %.0f requests a second offered it sent %.0f (%.1f %% missing): use a lower rate, more --workers, or another machine", r.Rates.Offered, r.Rates.Achieved, 100*missed)
	}
	own, _ := r.Scheduling.Quantile(99)
	all, _ := r.Latency.Quantile(99)
	if m.plan.open && !all.AtLeast && r.Latency.Count > 0 && own.Value > ownTimeFloor && float64(own.Value) > mostOwnTime*float64(all.Value) {
		why("the generator was late itself: the 99th percentile of its own delay before sending is %v, more than a tenth of the latency's %v: use a lower rate, --spin, or an idle core", own, all)
	}
	if r.Outcome == OutcomeValid && c.Sent == 0 {
		why("nothing was sent")
	}
	r.Valid = len(r.Why) == 0 && r.Outcome == OutcomeValid
	if len(r.Why) > 0 && r.Outcome == OutcomeValid {
		r.Outcome = OutcomeInvalid
	}
}

// note adds what a reader must know besides.
func (m *run) note() {
	r, p := m.result, m.plan
	note := func(format string, a ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, a...)) }
	if p.warmup > 0 {
		note("the first %v were warm-up, and are counted apart", p.warmup)
	} else {
		note("there was no warm-up")
	}
	switch r.Outcome {
	case OutcomeSilent:
		note("not one of %d requests was answered within %v: ended early; is a server there, and does a filter let its answers through?", r.Totals.Sent+r.Warmup.Sent, p.timeout)
	case OutcomeRefused:
		note("nothing listens on %v: it was refused; start the server, or check the port", p.target)
	}
	if order := r.Settings.Matching; order == "order" || order == "token and order" {
		note("answers that carry no token were matched by their order on the flow: after a loss a late one counts as another's")
	}
	if p.clock == KernelClock {
		note("answers are timed by the kernel, when they reached this host")
	} else {
		note("answers are timed by this program, when it had read them")
	}
	if text := sizeNote(p.target, p.requests.longest()); text != "" {
		note("%s", text)
	}
	if gone := m.silentSince(); gone > 0 {
		note("no answer came in the last %v of sending: the server stopped answering at %v", gone.Round(time.Second), (r.Elapsed - gone).Round(time.Second))
	}
	if r.Totals.Wrong > 0 {
		note("%d answers were not what was expected (%s); the first of them: %s", r.Totals.Wrong, p.expect, m.firstWrong())
	}
	r.Notes = append(r.Notes, r.Loss.notes()...)
	if r.Interrupted {
		note("ended before its time, after %v of %v", r.Elapsed.Round(time.Millisecond), p.duration)
	}
}

// firstWrong quotes the beginning of a wrong answer.
func (m *run) firstWrong() string {
	for _, w := range m.workers {
		if w.wrong != nil {
			return strconv.Quote(string(w.wrong))
		}
	}
	return "none"
}

// silentSince is how long before the sending ended the last answer came, where that is longer than the timeout; a server died.
func (m *run) silentSince() time.Duration {
	if !m.shared.heard.Load() || m.plan.oneWay {
		return 0
	}
	var silent time.Duration
	for _, s := range slices.Backward(m.result.Seconds) {
		if s.Phase == PhaseDrain {
			continue
		}
		if s.Counts.Received > 0 || s.Phase == PhaseWarmup {
			break
		}
		if s.Counts.Sent > 0 || s.Counts.Lost > 0 {
			silent += s.Length
		}
	}
	if silent <= m.plan.timeout {
		return 0
	}
	return silent
}

// ExitCode is what a process reports of the run: 130 where it was interrupted, else the outcome's.
func (r *Result) ExitCode() int {
	if r.Interrupted {
		return OutcomeCanceled.ExitCode()
	}
	return r.Outcome.ExitCode()
}
