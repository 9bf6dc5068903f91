package main

import (
	"fmt"
	"io"
	"strings"

	"dgram/bench"
	"dgram/internal/terminal"
)

// writeResult prints a run for a person: the verdict where it is bad, then the figures, each with what it counts.
func writeResult(w io.Writer, p terminal.Palette, r *bench.Result) {
	var t table
	t.line(p.Bold(terminal.EscapeString(r.Settings.Target)) + "  " + r.Settings.Load() + ", " + terminal.EscapeString(r.Settings.Sizes()))
	t.line(p.Dim(measuredFor(r)))
	if r.Outcome == bench.OutcomeInvalid {
		t.line("")
		t.line(p.Red(p.Bold("INVALID")) + ": these figures are this program's, and not the server's")
		for _, why := range r.Why {
			t.line("  " + p.Red(why))
		}
	}
	t.line("")
	if r.Settings.Mode == "one-way" {
		t.row("sent", bench.FormatRate(r.Rates.Achieved), bench.FormatCount(r.Totals.Sent)+" in all")
	} else {
		t.answers(p, r)
	}
	t.others(r)
	t.row("CPU", bench.FormatDuration(r.CPU.PerRequest), "each request, of this program")
	for _, note := range r.Notes {
		t.line(p.Dim("note: " + plain(note)))
	}
	for _, f := range r.Failures {
		t.line(p.Yellow(fmt.Sprintf("%s could not be sent: %s", bench.FormatCount(f.Count), f.Text)))
	}
	if r.Outcome == bench.OutcomeValid && !r.Interrupted {
		t.line(p.Green("valid") + p.Dim(": this program kept up"))
	}
	t.write(w)
}

func measuredFor(r *bench.Result) string {
	text := "measured for " + bench.FormatDuration(r.Elapsed)
	if r.Interrupted {
		text = "interrupted after " + bench.FormatDuration(r.Elapsed) + " of " + bench.FormatDuration(r.Settings.Duration)
	}
	return text
}

// table is lines, some of them rows whose second cell is aligned to the right.
type table struct{ lines []tableLine }

type tableLine struct {
	cells [3]string
	row   bool
}

func (t *table) line(text string) { t.lines = append(t.lines, tableLine{cells: [3]string{text}}) }

func (t *table) row(name, value, note string) {
	t.lines = append(t.lines, tableLine{[3]string{name, value, note}, true})
}

func (t *table) write(w io.Writer) {
	var wide [2]int
	for _, l := range t.lines {
		for i := range wide {
			if l.row {
				wide[i] = max(wide[i], terminal.WidthStyled(l.cells[i]))
			}
		}
	}
	var b strings.Builder
	for _, l := range t.lines {
		if !l.row {
			b.WriteString(l.cells[0] + "\n")
			continue
		}
		text := l.cells[0] + strings.Repeat(" ", wide[0]-terminal.WidthStyled(l.cells[0])+2) + strings.Repeat(" ", wide[1]-terminal.WidthStyled(l.cells[1])) + l.cells[1] + "  " + l.cells[2]
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	_, _ = io.WriteString(w, b.String()) // a terminal.Writer never fails
}

func (t *table) answers(p terminal.Palette, r *bench.Result) {
	t.row("answers", p.Bold(bench.FormatRate(r.Rates.Answered)), bench.FormatCount(r.Totals.Answered)+" in all")
	if r.Settings.Mode == "open" {
		t.row("offered", bench.FormatRate(r.Rates.Offered), fmt.Sprintf("%s; sent %s", bench.FormatCount(r.Totals.Due), bench.FormatRate(r.Rates.Achieved)))
	}
	lost := 0.0
	if r.Totals.Sent > 0 {
		lost = float64(r.Totals.Lost) / float64(r.Totals.Sent)
	}
	t.row("lost", bench.FormatShare(lost), fmt.Sprintf("%s of %s", bench.FormatCount(r.Totals.Lost), bench.FormatCount(r.Totals.Sent)))
	if r.Totals.Lost > 0 {
		for _, place := range r.Loss.Places {
			t.place(p, place)
		}
	}
	if r.Latency.Count+r.Latency.Censored == 0 {
		return
	}
	for _, percent := range []float64{50, 90, 99, 99.9, 99.99} {
		// A percentile that only one request or none lies beyond says no more than the longest does.
		if q, ok := r.Latency.Quantile(percent); ok && (percent < 99 || float64(r.Latency.Count+r.Latency.Censored)*(1-percent/100) > 1) {
			t.row(fmt.Sprintf("p%g", percent), q.String(), "")
		}
	}
	if q, ok := r.Latency.Quantile(100); ok {
		t.row("longest", q.String(), "")
	}
}

func (t *table) place(p terminal.Palette, place bench.Place) {
	count := bench.FormatCount(place.Count)
	switch {
	case !place.Known:
		count = "unknown"
	case place.AtLeast:
		count = "≥ " + count
	}
	t.row("  "+place.Name, count, p.Dim(terminal.EscapeString(place.Counter)))
}

// others are counts that are mostly 0, and only shown where they are not.
func (t *table) others(r *bench.Result) {
	for _, c := range []struct {
		name string
		n    int64
		note string
	}{
		{"wrong", r.Totals.Wrong, "answers that were not what --expect says"}, {"refused", r.Totals.Refused, "reported undeliverable"},
		{"pending", r.Totals.Pending, "without an answer when the run was broken off"}, {"failed", r.Totals.Failed, "the system did not take them"},
		{"unsent", r.Totals.Unsent, "due, and never tried"}, {"late", r.Totals.Late, "answers to requests that count as lost"},
		{"duplicate", r.Totals.Duplicate, "further answers"}, {"reordered", r.Totals.Reordered, "answers that a later request's overtook"},
		{"unmatched", r.Totals.Unmatched, "answers to no request of ours"}, {"stray", r.Totals.Stray, "datagrams from somebody else"},
	} {
		if c.n > 0 {
			t.row(c.name, bench.FormatCount(c.n), c.note)
		}
	}
}
