//go:build linux

package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// The marks in the document between which the table stands.
const (
	beginMark = "<!-- begin: written by make bench-peers -->\n"
	endMark   = "<!-- end: written by make bench-peers -->\n"
)

// insert puts text between the marks of a document, or at its end with marks when it has none.
func insert(name, text string) error {
	document, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(document, []byte(beginMark))
	_, after, closed := bytes.Cut(rest, []byte(endMark))
	if found != closed {
		return fmt.Errorf("%s has one of the marks %q and %q: mend it, or take both out", name, beginMark, endMark)
	}
	return os.WriteFile(name, slices.Concat(before, []byte(beginMark+text+endMark), after), 0o666)
}

// A column is a quantity of which ratios are taken.
type column struct {
	title string
	of    func(measurement) float64
	form  string
}

var columns = []column{
	{"replies/s", func(m measurement) float64 { return m.Rate }, "%.0f"},
	{"CPU µs/reply", func(m measurement) float64 { return m.CPU }, "%.3f"},
	{"p50 µs", func(m measurement) float64 { return m.P50 }, "%.1f"},
	{"p99 µs", func(m measurement) float64 { return m.P99 }, "%.1f"},
}

func (c *comparison) markdown() string {
	var b strings.Builder
	m := c.machine
	fmt.Fprintf(&b, "\n%s to %s UTC · dgram %s · %s · %s, %d CPUs · load average %s before, %s after · %s · %s\n",
		m.Began.UTC().Format("2006-01-02 15:04"), m.Ended.UTC().Format("15:04"), m.Commit, m.Kernel, m.CPU, m.CPUs, m.LoadBefore, m.LoadAfter, m.Compiler, m.Go)
	for _, name := range slices.Sorted(maps.Keys(c.leftOut)) {
		fmt.Fprintf(&b, "\nLeft out: %s (%s).\n", name, c.leftOut[name])
	}
	c.summary(&b)
	for _, s := range c.cases {
		c.table(&b, s)
	}
	b.WriteString("\n")
	return b.String()
}

// summary is how ours stands to each reference, at a glance.
func (c *comparison) summary(b *strings.Builder) {
	b.WriteString("\n### dgram, in ratio to the reference of each case\n\n| case | reference | replies/s | CPU a reply | p50 | p99 | clean passes |\n|---|---|---|---|---|---|---|\n")
	for _, s := range c.cases {
		own := s.servers[max(0, slices.IndexFunc(s.servers, func(name string) bool { return name == ours || name == oursSpin }))]
		passes, _ := c.passes(s)
		fmt.Fprintf(b, "| %s | %s |", s.name, s.reference)
		for _, column := range columns {
			fmt.Fprintf(b, " %s |", ratio(passes, own, s.reference, column))
		}
		fmt.Fprintf(b, " %d |\n", len(passes))
	}
}

func (c *comparison) table(b *strings.Builder, s scenario) {
	passes, cacheLine := c.passes(s)
	fmt.Fprintf(b, "\n### %s\n\n`load %s`: ", s.name, strings.Join(s.load, " "))
	if len(passes) == 0 {
		b.WriteString("no clean pass.\n")
		return
	}
	fmt.Fprintf(b, "clean passes: %d; a cache line goes there and back in %.0f ns. × is the ratio to %s.\n\n| server |", len(passes), cacheLine, s.reference)
	for _, column := range columns {
		fmt.Fprintf(b, " %s | × |", column.title)
	}
	fmt.Fprintf(b, " lost | late | wrong | RSS MiB | ready ms | idle CPU %% |\n|---|%s\n", strings.Repeat("--:|", 2*len(columns)+6))
	for _, name := range s.servers {
		if of := values(passes, name, columns[0].of); len(of) > 0 {
			row(b, passes, name, s.reference)
		}
	}
}

func row(b *strings.Builder, passes []map[string]measurement, name, reference string) {
	fmt.Fprintf(b, "| %s |", name)
	for _, column := range columns {
		fmt.Fprintf(b, " "+column.form+" | %s |", median(values(passes, name, column.of)), ratio(passes, name, reference, column))
	}
	for _, of := range []func(measurement) float64{
		func(m measurement) float64 { return float64(m.Lost) },
		func(m measurement) float64 { return float64(m.Late) },
		func(m measurement) float64 { return float64(m.Wrong) },
	} {
		fmt.Fprintf(b, " %.0f |", slices.Max(values(passes, name, of))) // the worst: a median would hide it
	}
	fmt.Fprintf(b, " %.1f | %.1f | %.1f |\n", median(values(passes, name, func(m measurement) float64 { return m.RSS })),
		median(values(passes, name, func(m measurement) float64 { return m.Ready })),
		100*median(values(passes, name, func(m measurement) float64 { return m.Idle })))
}

// values are a server's, one for each pass that has it.
func values(passes []map[string]measurement, name string, of func(measurement) float64) []float64 {
	var v []float64
	for _, pass := range passes {
		if m, ok := pass[name]; ok {
			v = append(v, of(m))
		}
	}
	return v
}

// ratio is the median of the ratios within each pass, with the lowest and the highest of them: of five passes they enclose the true median with a
// probability of 94 %.
func ratio(passes []map[string]measurement, name, reference string, c column) string {
	var v []float64
	for _, pass := range passes {
		m, ok := pass[name]
		r, known := pass[reference]
		if ok && known && c.of(r) > 0 {
			v = append(v, c.of(m)/c.of(r))
		}
	}
	if len(v) == 0 {
		return "—"
	}
	if name == reference {
		return "1"
	}
	return interval(v)
}

// interval is the median of ratios, the lowest and the highest.
func interval(v []float64) string {
	return fmt.Sprintf("%.2f (%.2f–%.2f)", median(v), slices.Min(v), slices.Max(v))
}
