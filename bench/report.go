package bench

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed web
var web embed.FS

// WriteReport writes the result as one page of HTML that needs nothing else, no network either: its styles, its script and the charting library uPlot
// (MIT licence, in the page) are part of it.
func WriteReport(w io.Writer, r *Result) error {
	page, err := template.New("report.html").ParseFS(web, "web/report.html")
	if err != nil {
		return fmt.Errorf("read the report's own template: %w", err)
	}
	view, err := newReport(r)
	if err != nil {
		return fmt.Errorf("make the report: %w", err)
	}
	if err := page.Execute(w, view); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// report is what the template shows.
type report struct {
	*Result
	Title   string
	Verdict string // in words
	Good    bool
	Tiles   []tile
	Fates   []row
	Arrived []row
	Places  []row
	Delays  []quantileRow
	Config  []row
	Machine []row
	Table   []secondRow
	Plot    plot

	Style, ChartStyle  template.CSS
	Script, ChartMaker template.JS
	Licence            string
}

type tile struct{ Name, Value, Note string }

type row struct{ Name, Value, Note string }

type quantileRow struct{ Percent, Latency, Scheduling string }

type secondRow struct{ At, Phase, Sent, Answered, Lost, P50, P99, Max string }

func newReport(r *Result) (*report, error) {
	v := &report{Result: r, Title: "dgram bench " + r.Settings.Target, Good: r.Outcome == OutcomeValid, Verdict: verdictWords(r), Places: places(r.Loss),
		Tiles: tiles(r), Fates: fates(r.Totals), Arrived: arrivals(r.Totals), Delays: quantileRows(r), Config: configuration(r), Machine: machine(r), Table: secondRows(r)}
	for _, part := range []struct {
		name string
		into func(string)
	}{
		{"web/report.css", func(s string) { v.Style = template.CSS(s) }},
		{"web/report.js", func(s string) { v.Script = template.JS(s) }},
		{"web/uplot/uPlot.min.css", func(s string) { v.ChartStyle = template.CSS(s) }},
		{"web/uplot/uPlot.iife.min.js", func(s string) { v.ChartMaker = template.JS(s) }},
		{"web/uplot/LICENSE", func(s string) { v.Licence = s }},
	} {
		text, err := web.ReadFile(part.name)
		if err != nil {
			return nil, err
		}
		part.into(string(text))
	}
	var err error
	v.Plot, err = newPlot(r)
	return v, err
}

func verdictWords(r *Result) string {
	switch r.Outcome {
	case OutcomeValid:
		if r.Interrupted {
			return "Valid, but interrupted"
		}
		return "Valid"
	case OutcomeInvalid:
		return "INVALID: the generator fell behind"
	case OutcomeSilent:
		return "No answer at all"
	case OutcomeRefused:
		return "Refused: nothing listens there"
	}
	return "Ended before anything was measured"
}

func tiles(r *Result) []tile {
	if r.Settings.Mode == "one-way" {
		return []tile{
			{"Sent", FormatRate(r.Rates.Achieved), FormatCount(r.Totals.Sent) + " in all"},
			{"Not taken by the kernel", FormatCount(r.Totals.Failed), "of " + FormatCount(r.Totals.Due)},
		}
	}
	all := []tile{
		{"Answers", FormatRate(r.Rates.Answered), FormatCount(r.Totals.Answered) + " in all"},
		{"Lost", FormatShare(ratio(float64(r.Totals.Lost), float64(r.Totals.Sent))), FormatCount(r.Totals.Lost) + " of " + FormatCount(r.Totals.Sent)},
	}
	for _, t := range []struct {
		name, note string
		percent    float64
	}{{"Median", "half took no longer", 50}, {"99th percentile", "1 in 100 took longer", 99}, {"99.9th percentile", "1 in 1,000 took longer", 99.9}} {
		if q, ok := r.Latency.Quantile(t.percent); ok && r.Latency.Count+r.Latency.Censored > 0 {
			all = append(all, tile{t.name, q.String(), t.note})
		}
	}
	return all
}

// fates are what became of the requests that were due: they add up.
func fates(c Counts) []row {
	return used([]countRow{
		{"answered", c.Answered, "rightly and in time", true}, {"lost", c.Lost, "no answer in time", true},
		{"wrong", c.Wrong, "answered, but not with what was expected", false}, {"refused", c.Refused, "reported undeliverable (ICMP)", false},
		{"pending", c.Pending, "still open when the run was broken off", false}, {"failed", c.Failed, "the kernel did not take them", false},
		{"unsent", c.Unsent, "never tried: the generator fell behind, or the run ended", false},
		{"due", c.Due, "requests that the load asked for: the sum of the above", true},
	})
}

// arrivals are what came in beside the answers that fates counts.
func arrivals(c Counts) []row {
	return used([]countRow{
		{"late", c.Late, "answers to requests that had been given up", true}, {"duplicate", c.Duplicate, "further answers to the same request", true},
		{"reordered", c.Reordered, "answers overtaken by that to a later request of the flow", true},
		{"unmatched", c.Unmatched, "from the server, to no request of ours", false}, {"stray", c.Stray, "from somebody else", false},
		{"notices", c.Notices, "reports of ICMP errors", false},
	})
}

// places are where the lost ones were lost: they add up to the last.
func places(l Loss) (rows []row) {
	for _, p := range l.Places {
		count := FormatCount(p.Count)
		switch {
		case !p.Known:
			count = "unknown"
		case p.AtLeast:
			count = "≥ " + count
		}
		rows = append(rows, row{p.Name, count, p.Counter})
	}
	return append(rows, row{"lost", FormatCount(l.Total), "the sum; " + FormatCount(l.Server) + " of it is called the server's"})
}

type countRow struct {
	name   string
	n      int64
	note   string
	always bool
}

func used(all []countRow) (rows []row) {
	for _, c := range all {
		if c.n != 0 || c.always {
			rows = append(rows, row{c.name, FormatCount(c.n), c.note})
		}
	}
	return rows
}

func quantileRows(r *Result) (rows []quantileRow) {
	for _, q := range r.Latency.Quantiles {
		delay := "–"
		if s, ok := r.Scheduling.Quantile(q.Percent); ok && r.Scheduling.Count > 0 {
			delay = s.String()
		}
		rows = append(rows, quantileRow{percentWords(q.Percent), q.String(), delay})
	}
	return rows
}

func percentWords(percent float64) string {
	if percent == 100 {
		return "all"
	}
	return fmt.Sprintf("%g %%", percent)
}

func configuration(r *Result) []row {
	s := r.Settings
	rows := []row{{"target", s.Target, ""}, {"load", s.Load(), ""}, {"payload", s.Sizes(), ""}, {"expected answer", s.Expect, ""},
		{"answers found by", s.Matching, ""}, {"measured for", FormatDuration(r.Elapsed), "of " + FormatDuration(s.Duration)},
		{"warm-up", FormatDuration(max(s.Warmup, 0)), "counted apart, and in no figure"}, {"time-out", FormatDuration(s.Timeout), "an answer later than this is late, and its request lost"},
		{"receive clock", string(s.Clock), ""}, {"sockets", s.Transport + segmenting(s), ""}, {"workers", FormatCount(int64(s.Workers)), ""}, {"seed", fmt.Sprint(s.Seed), ""}}
	return rows
}

// Load says in words what load was offered: "closed loop, 4 outstanding on each of 64 flows".
func (s Settings) Load() string {
	flows := FormatCount(int64(s.Flows)) + " flows"
	if s.Flows == 1 {
		flows = "1 flow"
	}
	switch {
	case s.Mode == "one-way":
		return strings.TrimSuffix("one way over "+flows+", "+s.Schedule, ", ")
	case s.Mode == "open":
		return fmt.Sprintf("open loop, %s requests a second (%s) over %s", s.Schedule, s.Arrivals, flows)
	case s.Flows == 1:
		return fmt.Sprintf("closed loop, %s outstanding on 1 flow", FormatCount(int64(s.Window)))
	}
	return fmt.Sprintf("closed loop, %s outstanding on each of %s", FormatCount(int64(s.Window)), flows)
}

// Sizes says in words what a request is: "64 bytes", or as Payload has it.
func (s Settings) Sizes() string {
	if strings.Trim(s.Payload, "0123456789") == "" {
		return s.Payload + " bytes"
	}
	return s.Payload
}

func segmenting(s Settings) string {
	text := ""
	if s.GSO {
		text += ", UDP_SEGMENT"
	}
	if s.GRO {
		text += ", UDP_GRO"
	}
	return text
}

func machine(r *Result) []row {
	e := r.Environment
	return []row{{"system", e.System + " " + e.Kernel, ""}, {"processor", fmt.Sprintf("%s, %d cores", e.CPU, e.Cores), ""},
		{"load average", fmt.Sprintf("%.2f %.2f %.2f", e.Load[0], e.Load[1], e.Load[2]), "before the run, over 1, 5 and 15 minutes"},
		{"dgram", e.Version + ", " + e.Go, ""}, {"begun", e.Time.Format(time.RFC3339), ""},
		{"CPU used", fmt.Sprintf("%s user, %s system", FormatDuration(r.CPU.User), FormatDuration(r.CPU.System)),
			FormatDuration(r.CPU.PerRequest) + " each request"}}
}

// mostRows bounds the table of seconds; the JSON has them all.
const mostRows = 600

func secondRows(r *Result) (rows []secondRow) {
	for i := range r.Seconds[:min(len(r.Seconds), mostRows)] {
		s := &r.Seconds[i]
		length := s.Length.Seconds()
		p50, _ := s.Latency.Quantile(50)
		p99, _ := s.Latency.Quantile(99)
		rows = append(rows, secondRow{fmt.Sprintf("%.0f s", s.Start.Seconds()), s.Phase, FormatRate(ratio(float64(s.Counts.Sent), length)),
			FormatRate(ratio(float64(s.Counts.Answered), length)), FormatCount(s.Counts.Lost), p50.String(), p99.String(), FormatDuration(s.Latency.Max)})
	}
	return rows
}

// Limit is what is known of requests without an answer.
func (v *report) Limit() string { return FormatDuration(v.Latency.CensoredAt) }

// Omitted is how many seconds the table has no room for.
func (v *report) Omitted() int64 { return v.Unseen + int64(max(0, len(v.Seconds)-mostRows)) }

// Described is what the plot of the distribution shows, for who does not see it.
func (v *report) Described() string {
	p50, _ := v.Latency.Quantile(50)
	p99, _ := v.Latency.Quantile(99)
	return fmt.Sprintf("Latency by percentile: from %s through a median of %s and a 99th percentile of %s to %s.",
		FormatDuration(v.Latency.Min), p50, p99, last(v.Latency.Quantiles))
}

func last(all []Quantile) string {
	if len(all) == 0 {
		return "nothing"
	}
	return all[len(all)-1].String()
}
