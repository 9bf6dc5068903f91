package bench

import (
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

//go:embed web
var web embed.FS

// WriteReport writes the result as one page of HTML that needs nothing else, no network either: its styles, its script and the charting library uPlot
// (MIT licence, in the page) are part of it.
func WriteReport(w io.Writer, r *Result) error {
	parts, err := reportParts(r)
	if err != nil {
		return fmt.Errorf("make the report: %w", err)
	}
	page, err := web.ReadFile("web/report.html")
	if err != nil {
		return fmt.Errorf("read the report's own page: %w", err)
	}
	if err := fill(w, string(page), parts); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

type tile struct{ Name, Value, Note string }

type row struct{ Name, Value, Note string }

type quantileRow struct{ Percent, Latency, Scheduling string }

type secondRow struct{ At, Phase, Sent, Answered, Lost, P50, P99, Max string }

// reportParts are what web/report.html has places for.
func reportParts(r *Result) (map[string]fragment, error) {
	p, err := newPlot(r)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(p) // in which no < is left
	if err != nil {
		return nil, err
	}
	parts := map[string]fragment{
		"title": markup("%s", "dgram bench "+r.Settings.Target), "target": markup("%s", r.Settings.Target), "verdict": verdictMarkup(r), "why": bullets(`<ul class="why">`, r.Why, "</ul>"),
		"tiles": each(tiles(r), tileMarkup), "notes": bullets(`<section class="notes" aria-label="Notes"><ul>`, r.Notes, "</ul></section>"), "warm-up": warmupMarkup(p.Warmup),
		"seconds": each(secondRows(r), secondMarkup), "omitted": omittedMarkup(r), "limit": markup("%s", FormatDuration(r.Latency.CensoredAt)), "described": markup("%s", described(r)),
		"delays": each(quantileRows(r), quantileMarkup), "fates": account(fates(r.Totals), "due"), "arrived": account(arrivals(r.Totals), ""), "places": account(places(r.Loss), "lost"),
		"failures": failuresMarkup(r.Failures), "configuration": each(configuration(r), pairMarkup), "machine": each(machine(r), pairMarkup), "plot": fragment(data),
	}
	for name, file := range map[string]string{"style": "report.css", "script": "report.js", "chart style": "uplot/uPlot.min.css", "chart maker": "uplot/uPlot.iife.min.js"} {
		text, err := web.ReadFile("web/" + file)
		if err != nil {
			return nil, err
		}
		parts[name] = fragment(text)
	}
	licence, err := web.ReadFile("web/uplot/LICENSE")
	parts["licence"] = markup("%s", string(licence))
	return parts, err
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

// omitted is how many seconds the table has no room for.
func omitted(r *Result) int64 { return r.Unseen + int64(max(0, len(r.Seconds)-mostRows)) }

// described is what the plot of the distribution shows, for who does not see it.
func described(r *Result) string {
	p50, _ := r.Latency.Quantile(50)
	p99, _ := r.Latency.Quantile(99)
	return fmt.Sprintf("Latency by percentile: from %s through a median of %s and a 99th percentile of %s to %s.",
		FormatDuration(r.Latency.Min), p50, p99, last(r.Latency.Quantiles))
}

func last(all []Quantile) string {
	if len(all) == 0 {
		return "nothing"
	}
	return all[len(all)-1].String()
}
