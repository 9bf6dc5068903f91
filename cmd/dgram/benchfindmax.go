package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dgram/bench"
	"dgram/internal/terminal"
)

// find looks for the highest rate that holds.
func (b *benchmark) find(ctx context.Context) error {
	started := time.Now()
	trials := 0
	outcome := bench.OutcomeValid
	result, err := bench.FindMax(ctx, bench.FindMaxConfig{Loss: float64(b.loss), P99: b.p99, Searches: b.searches,
		Ceiling: bench.MaxRate,
		Trial: func(ctx context.Context, rate float64) (bench.Trial, error) {
			c := b.config
			c.Schedule = bench.Schedule{{From: rate, To: rate}}
			r, err := bench.Run(ctx, c)
			if err != nil {
				return bench.Trial{}, err
			}
			// A server that never answered has no highest rate. One that answered before has been asked too much.
			if r.Outcome == bench.OutcomeRefused || r.Outcome == bench.OutcomeSilent && trials == 0 {
				outcome = r.Outcome
				return bench.Trial{}, exit(r.Outcome.ExitCode(), b.trouble(r))
			}
			trials++
			return trialOf(r), nil
		},
		Progress: func(p bench.FindMaxProgress) {
			b.live.show(findProgress(p, time.Since(started)/time.Duration(max(trials, 1))))
		}})
	b.live.erase()
	if outcome != bench.OutcomeValid {
		return err
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, bench.ErrNoRate) {
		return err
	}
	return b.found(result, err, ctx.Err() != nil)
}

func trialOf(r *bench.Result) bench.Trial {
	t := bench.Trial{Achieved: r.Rates.Achieved, Loss: r.Loss.Fraction}
	if q, ok := r.Latency.Quantile(99); ok {
		t.P99, t.AtLeast = q.Value, q.AtLeast
	}
	switch r.Outcome {
	case bench.OutcomeInvalid:
		t.Generator = firstOf(r.Why, "it fell behind")
	case bench.OutcomeSilent:
		t.Loss = 1
	}
	return t
}

func findProgress(p bench.FindMaxProgress, each time.Duration) string {
	text := fmt.Sprintf("search %d of %d  %s", p.Search, p.Searches, bench.FormatRate(p.Last.Rate))
	if p.Last.Holds {
		text += " holds"
	} else {
		text += " does not hold"
	}
	if p.High > 0 && p.Low > 0 {
		text += fmt.Sprintf("  limit between %s and %s", bench.FormatRate(p.Low), bench.FormatRate(p.High))
	}
	return text + fmt.Sprintf("  about %s left", timeLeft(time.Duration(p.Left)*each))
}

// found prints what was found, and returns the exit code: a limit that is not the server's is an invalid result.
func (b *benchmark) found(r bench.FindMaxResult, err error, interrupted bool) error {
	switch {
	case b.json:
		if err := writeJSON(b.stdout, r); err != nil {
			return err
		}
	case !b.quiet && r.Rate > 0:
		writeFound(b.stdout, terminal.Colours(b.screen), b.peer.String(), r)
	}
	switch {
	case interrupted && r.Rate == 0:
		return exit(exitInterrupted, errors.New("interrupted before the first search was complete"))
	case interrupted:
		return exit(exitInterrupted, fmt.Errorf("interrupted: %d of %d searches were complete", len(r.Searches), b.searches))
	case err != nil:
		return exit(exitInvalid, err)
	case r.LimitedBy == bench.LimitedByGenerator:
		return exit(exitInvalid, fmt.Errorf("INVALID: this program, and not the server, was the limit: %s; try --workers 2, --gso, or a faster machine", whyGenerator(r)))
	}
	return nil
}

func whyGenerator(r bench.FindMaxResult) string {
	for i := len(r.Trials) - 1; i >= 0; i-- {
		if why := r.Trials[i].Generator; why != "" {
			return why
		}
	}
	return "it fell behind"
}

func writeFound(w *terminal.Writer, p terminal.Palette, peer string, r bench.FindMaxResult) {
	var t table
	bound := fmt.Sprintf("at most %s lost", bench.FormatShare(r.Loss))
	if r.P99 > 0 {
		bound += ", and a 99th percentile of at most " + bench.FormatDuration(r.P99)
	}
	t.line(p.Bold(terminal.EscapeString(peer)) + "  the highest rate with " + bound)
	t.line("")
	t.row("highest rate", p.Bold(bench.FormatRate(r.Rate)), limitWords(r.LimitedBy))
	t.row("between", bench.FormatRate(r.Low), fmt.Sprintf("and %s, sure to %s", bench.FormatRate(r.High), bench.FormatShare(r.Confidence)))
	t.row("searches", fmt.Sprint(len(r.Searches)), fmt.Sprintf("of %d trials in all; each ends within %s", len(r.Trials), bench.FormatShare(r.Resolution)))
	t.write(w)
}

func limitWords(by string) string {
	switch by {
	case bench.LimitedByLoss:
		return "beyond it too much is lost"
	case bench.LimitedByLatency:
		return "beyond it answers take too long"
	case bench.LimitedByGenerator:
		return "beyond it this program falls behind: the server may do more"
	}
	return "the highest that is tried"
}
