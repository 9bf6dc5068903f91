package bench

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// checkComparable says why the difference of two sets of runs would say nothing: another load, another way of measuring, an invalid run. With force that
// becomes notes. What may explain a difference is a note in any case.
func checkComparable(a, b []*Result, force bool) (notes []string, err error) {
	notes = []string{}
	problems := append(invalid("A", a), invalid("B", b)...)
	problems = append(problems, otherLoads(a, b)...)
	if len(problems) > 0 && !force {
		return nil, fmt.Errorf("%w: %s", ErrIncomparable, strings.Join(problems, "; "))
	}
	for _, p := range problems {
		notes = append(notes, "Compared all the same: "+p+".")
	}
	return append(notes, otherPlaces(a, b)...), nil
}

func invalid(side string, runs []*Result) (problems []string) {
	for i, r := range runs {
		which := side
		if len(runs) > 1 {
			which = fmt.Sprintf("run %d of %s", i+1, side)
		}
		switch {
		case r.Outcome != OutcomeValid && len(r.Why) > 0:
			problems = append(problems, fmt.Sprintf("%s is invalid: %s", which, strings.TrimSuffix(r.Why[0], ".")))
		case r.Outcome != OutcomeValid:
			problems = append(problems, fmt.Sprintf("%s has no figures: its outcome is %.40q", which, r.Outcome))
		}
	}
	return problems
}

// load is what has to be the same for two runs to be comparable, in the order of the command line.
func load(s Settings) [][2]string {
	return [][2]string{
		{"mode", s.Mode},
		{"flows", fmt.Sprint(s.Flows)},
		{"window", fmt.Sprint(s.Window)},
		{"rate", s.Schedule},
		{"arrivals", s.Arrivals},
		{"payload", s.Payload},
		{"expected answer", s.Expect},
		{"timeout", FormatDuration(s.Timeout)},
		{"clock", string(s.Clock)},
		{"UDP_SEGMENT", onOff(s.GSO)},
		{"UDP_GRO", onOff(s.GRO)},
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func otherLoads(a, b []*Result) (problems []string) {
	first := load(a[0].Settings)
	for i, want := range first {
		seen := []string{want[1]}
		for _, r := range slices.Concat(a[1:], b) {
			if got := load(r.Settings)[i][1]; !slices.Contains(seen, got) {
				seen = append(seen, got)
			}
		}
		if len(seen) > 1 {
			problems = append(problems, fmt.Sprintf("they differ in %s (%s)", want[0], list(seen)))
		}
	}
	return problems
}

// list names a few values, of files that may hold anything.
func list(values []string) string {
	var parts []string
	for _, v := range values[:min(len(values), 4)] {
		if v == "" {
			v = "none"
		}
		parts = append(parts, fmt.Sprintf("%.60s", v))
	}
	return strings.Join(parts, " and ")
}

// otherPlaces notes what else was not the same.
func otherPlaces(a, b []*Result) (notes []string) {
	for _, what := range []struct {
		name string
		of   func(*Result) string
	}{
		{"processors", func(r *Result) string { return fmt.Sprintf("%s × %d", r.Environment.CPU, r.Environment.Cores) }},
		{"kernels", func(r *Result) string { return r.Environment.System + " " + r.Environment.Kernel }},
		{"versions of dgram", func(r *Result) string { return r.Environment.Version }},
		{"numbers of workers", func(r *Result) string { return fmt.Sprint(r.Settings.Workers) }},
		{"transports", func(r *Result) string { return r.Settings.Transport }},
	} {
		if x, y := what.of(a[0]), what.of(b[0]); x != y {
			notes = append(notes, fmt.Sprintf("The runs had different %s: %s.", what.name, list([]string{x, y})))
		}
	}
	for _, r := range slices.Concat(a, b) {
		if r.Interrupted {
			notes = append(notes, fmt.Sprintf("A run was interrupted after %s.", FormatDuration(r.Elapsed.Round(time.Millisecond))))
		}
	}
	return notes
}
