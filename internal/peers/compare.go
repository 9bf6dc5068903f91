//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// comparison is the whole of it: what is to be done and what has been found.
type comparison struct {
	options  options
	tools    tools
	cases    []scenario
	machine  machine
	runs     []measurement
	leftOut  map[string]string // server to reason
	began    time.Time
	turns    int // done
	expected int // in all, if every pass is clean
}

func newComparison(o options, t tools, cases []scenario) *comparison {
	c := &comparison{options: o, tools: t, cases: cases, machine: thisMachine(), leftOut: map[string]string{}, began: time.Now()}
	for _, s := range cases {
		c.expected += len(s.servers) * o.passes
	}
	return c
}

// all does what is to be done, until ctx ends.
func (c *comparison) all(ctx context.Context) {
	for i, s := range c.cases {
		clean := 0
		for pass := 1; pass <= 3*c.options.passes && clean < c.options.passes && ctx.Err() == nil; pass++ {
			why := c.pass(ctx, s, pass)
			if why == "" {
				clean++
			} else {
				c.expected += len(s.servers)
				why = " (this one is not: " + why + ")"
			}
			fmt.Fprintf(os.Stderr, "case %d of %d, %s: %d passes, %d of %d clean%s; %s\n",
				i+1, len(c.cases), s.name, pass, clean, c.options.passes, why, c.timeLeft())
		}
	}
}

func (c *comparison) timeLeft() string {
	gone := time.Since(c.began)
	left := time.Duration(float64(gone) / float64(max(c.turns, 1)) * float64(max(c.expected-c.turns, 0)))
	return fmt.Sprintf("%v gone, about %v left", gone.Round(time.Second), left.Round(time.Second))
}

// pass gives every server of a case its turn, another one first each time, and says what is wrong with the pass, if anything is.
func (c *comparison) pass(ctx context.Context, s scenario, pass int) (wrong string) {
	from := len(c.runs)
	for i := range s.servers {
		name := s.servers[(i+pass)%len(s.servers)]
		c.turns++
		if c.leftOut[name] != "" {
			continue
		}
		m, err := measure(ctx, c.tools, find(name), s.load, c.options.seconds)
		if errors.Is(err, errStart) { // once may be chance: the port was taken, say
			m, err = measure(ctx, c.tools, find(name), s.load, c.options.seconds)
		}
		if ctx.Err() != nil {
			return "interrupted"
		}
		if errors.Is(err, errStart) {
			c.leftOut[name] = err.Error()
			fmt.Fprintf(os.Stderr, "%s is left out: %v\n", name, err)
			continue
		}
		if err != nil {
			return fmt.Sprintf("%s: %v", name, err)
		}
		m.Case, m.Pass = s.name, pass
		c.runs = append(c.runs, m)
	}
	if wrong = unclean(c.runs[from:], c.options.foreign); wrong == "" {
		for i := range c.runs[from:] {
			c.runs[from+i].Clean = true
		}
	}
	return wrong
}

// alike is how much the round trip of a cache line may differ between two moments at which the processors sit alike. It was seen to vary by half where
// they do, and to be three times as long where one of them has been moved away from the other's cache.
const alike = 1.7

func unclean(pass []measurement, foreign float64) string {
	if len(pass) == 0 {
		return "nothing ran"
	}
	nearest, farthest := pass[0].CacheLine, pass[0].CacheLine
	for _, m := range pass {
		if m.Foreign > foreign {
			return fmt.Sprintf("something else used %.0f %% of a CPU beside %s", m.Foreign*100, m.Server)
		}
		nearest, farthest = min(nearest, m.CacheLine), max(farthest, m.CacheLine)
		if m.Apart > alike || farthest > alike*nearest {
			return fmt.Sprintf("the host moved a processor (a cache line took %.0f to %.0f ns, %.1f times within a run)", nearest, farthest, m.Apart)
		}
	}
	return ""
}

// passes returns the clean passes of a case, each by server: of those whose processors sat alike, the largest set, and its round trip of a cache line.
func (c *comparison) passes(s scenario) (passes []map[string]measurement, cacheLine float64) {
	byPass := map[int]map[string]measurement{}
	for _, m := range c.runs {
		if m.Clean && m.Case == s.name {
			if byPass[m.Pass] == nil {
				byPass[m.Pass] = map[string]measurement{}
			}
			byPass[m.Pass][m.Server] = m
		}
	}
	type at struct {
		pass map[string]measurement
		ns   float64
	}
	var all, best []at
	for _, pass := range byPass {
		var ns []float64
		for _, m := range pass {
			ns = append(ns, m.CacheLine)
		}
		all = append(all, at{pass, median(ns)})
	}
	slices.SortFunc(all, func(a, b at) int { return int(a.ns - b.ns) })
	for from, to := 0, 0; from < len(all); from = to {
		for to = from; to < len(all) && all[to].ns <= alike*all[from].ns; to++ {
		}
		if to-from > len(best) {
			best = all[from:to]
		}
	}
	for _, a := range best {
		passes = append(passes, a.pass)
	}
	if len(best) > 0 {
		cacheLine = best[len(best)/2].ns
	}
	return passes, cacheLine
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}
