package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// reported is a run with a bit of everything, and its page.
func reported(t *testing.T) (*Result, *html.Node, string) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	r := synthetic{seconds: 5, rate: 1e5, median: 60 * time.Microsecond, loss: 0.02, noise: 0.1}.result(t, random)
	warm := Second{Index: -1, Phase: PhaseWarmup, Start: -time.Second, Length: time.Second, Counts: r.Seconds[0].Counts, Latency: r.Seconds[3].Latency}
	r.Seconds = append([]Second{warm}, r.Seconds...)
	r.Outcome, r.Why = OutcomeInvalid, []string{"offered <b>100,000/s</b>, achieved 90,000/s"}
	r.Notes = []string{"a note & another"}
	r.Settings.Expect = `</script><script>alert(1)</script>`
	r.Settings.Payload = `"'><img src=https://example.com/x>`
	r.Failures = []Failure{{"ENOBUFS", "the device's queue is full", 1234567}}
	r.Totals.Duplicate = 42
	var page bytes.Buffer
	if err := WriteReport(&page, r); err != nil {
		t.Fatal(err)
	}
	tree, err := html.Parse(bytes.NewReader(page.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return r, tree, page.String()
}

// The page names nothing that would have to be fetched, says that it must not be, and runs no script but its own three.
func TestReportStandsAlone(t *testing.T) {
	_, tree, page := reported(t)
	scripts := 0
	for n := range tree.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, a := range n.Attr {
			if slices.Contains([]string{"src", "href", "srcset", "data", "action"}, a.Key) || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
		switch n.Data {
		case "script":
			scripts++
		case "link", "img", "iframe", "object", "base", "form":
			t.Errorf("a <%s>", n.Data)
		}
	}
	if scripts != 3 {
		t.Errorf("%d scripts: something broke out of its place", scripts)
	}
	for _, want := range []string{"default-src 'none'", `<html lang="en">`, `name="color-scheme" content="light dark"`, "prefers-color-scheme: dark", "Copyright (c) 2022 Leon Sorokin", "<noscript>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, bad := range []string{"@import", "url(http", "fetch(", "XMLHttpRequest"} {
		if strings.Contains(page, bad) {
			t.Errorf("%q is in it", bad)
		}
	}
}

// The words of the page, without its scripts and styles, are held to a golden file: every table, every figure.
func TestReportGolden(t *testing.T) {
	_, tree, _ := reported(t)
	var text strings.Builder
	for n := range tree.Descendants() {
		if n.Type != html.TextNode || slices.Contains([]string{"script", "style", "pre", "noscript"}, n.Parent.Data) {
			continue
		}
		if words := strings.Join(strings.Fields(n.Data), " "); words != "" {
			text.WriteString(words + "\n")
		}
	}
	name := filepath.Join("testdata", "report.golden")
	if *update {
		if err := os.WriteFile(name, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("the report reads differently from %s (see: go test ./bench -run Golden -update, and git diff)\n%s", name, text.String())
	}
}

// Who does not see the charts has their numbers: each has a label, and its image a table.
func TestReportCanBeHeard(t *testing.T) {
	_, tree, _ := reported(t)
	charts := 0
	for n := range tree.Descendants() {
		if n.Type != html.ElementNode || !slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "role" && a.Val == "img" }) {
			continue
		}
		charts++
		if !slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "aria-label" && len(a.Val) > 20 }) {
			t.Errorf("a chart without words: %v", n.Attr)
		}
	}
	if charts != 4 {
		t.Errorf("%d charts", charts)
	}
}

// What the charts draw is what the result says.
func TestReportPlot(t *testing.T) {
	r, tree, _ := reported(t)
	var got plot
	for n := range tree.Descendants() {
		if n.Type == html.TextNode && slices.ContainsFunc(n.Parent.Attr, func(a html.Attribute) bool { return a.Val == "plot" }) {
			if err := json.Unmarshal([]byte(n.Data), &got); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(got.Time) != len(r.Seconds) || got.Time[0] != -0.5 || !got.Warmup || got.Limit != 1e9 {
		t.Errorf("%v, %v, %g", got.Time, got.Warmup, got.Limit)
	}
	for _, lines := range [][]plotLine{got.Rates, got.Losses, got.Percentiles} {
		for _, l := range lines {
			if len(l.Values) != len(got.Time) {
				t.Errorf("%s has %d values", l.Name, len(l.Values))
			}
		}
	}
	if lost := *got.Losses[0].Values[1]; lost != float64(r.Seconds[1].Counts.Lost) {
		t.Errorf("lost %g", lost)
	}
	// The curve rises, from the least to what has no answer, and passes through the percentiles of the table.
	h, err := r.Latency.Histogram()
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range got.Distribution {
		if i > 0 && (p[0] <= got.Distribution[i-1][0] || p[1] < got.Distribution[i-1][1]) {
			t.Fatalf("point %d: %v after %v", i, p, got.Distribution[i-1])
		}
		if p[0] == 1 && p[1] != float64(r.Latency.Of(h, 90).Value) {
			t.Errorf("90 %% is at %g", p[1])
		}
	}
	if last := got.Distribution[len(got.Distribution)-1]; last[1] != 1e9 || got.Known >= last[0] || got.Known < 1 {
		t.Errorf("it ends at %v, and is known up to %g", last, got.Known)
	}
}

// A run of which there is nothing to show still has a page.
func TestReportOfNothing(t *testing.T) {
	for _, outcome := range []Outcome{OutcomeSilent, OutcomeRefused, OutcomeCanceled} {
		var page bytes.Buffer
		if err := WriteReport(&page, &Result{Schema: Schema, Outcome: outcome}); err != nil {
			t.Errorf("%s: %v", outcome, err)
		}
		if !strings.Contains(page.String(), verdictWords(&Result{Outcome: outcome})) {
			t.Errorf("%s is not said", outcome)
		}
	}
}

// Whatever a target, a note or a payload says, it is read as that text, and the page has the elements that it has anyway.
func TestReportIsNotWrittenByOthers(t *testing.T) {
	pieces := rapid.SampledFrom([]string{"<b>", "</p>", "</script>", "<script>", "<!--", "-->", `"`, "'", ">", "&", "&lt;", "{{", "}}", "{{script}}", "%s", "%", "=", " onload=x ", "é", "x"})
	plain := shape(t, func(string) string { return "x" })
	rapid.Check(t, func(t *rapid.T) {
		said := func(of string) string { return strings.Join(rapid.SliceOfN(pieces, 1, 6).Draw(t, of), "") }
		odd := shape(t, said)
		if !slices.Equal(plain.elements, odd.elements) {
			t.Fatalf("%v has become %v", plain.elements, odd.elements)
		}
		for _, want := range odd.said {
			if !strings.Contains(odd.text, want) {
				t.Fatalf("%q is not shown", want)
			}
		}
	})
}

// seen is what a browser makes of a page.
type seen struct {
	elements []string // and the names of their attributes
	text     string   // with that of labels
	said     []string // what others put in
}

// shape is the page of a run in which others said something at every place where they can.
func shape(t rapid.TB, say func(string) string) (s seen) {
	tell := func(of string) string {
		text := say(of)
		s.said = append(s.said, text)
		return text
	}
	r := &Result{Outcome: OutcomeInvalid, Why: []string{tell("why")}, Notes: []string{tell("note")}, Failures: []Failure{{tell("errno"), tell("text"), 1}}}
	r.Settings.Target, r.Settings.Expect, r.Settings.Payload = tell("target"), tell("expect"), tell("payload")
	r.Environment.CPU, r.Environment.Version = tell("cpu"), tell("version")
	r.Loss.Places = []Place{{Name: tell("place"), Counter: tell("counter")}}
	var page bytes.Buffer
	if err := WriteReport(&page, r); err != nil {
		t.Fatal(err)
	}
	tree, err := html.Parse(&page)
	if err != nil {
		t.Fatal(err)
	}
	for n := range tree.Descendants() {
		switch n.Type {
		case html.TextNode:
			s.text += n.Data
		case html.ElementNode:
			name := n.Data
			for _, a := range n.Attr {
				name += " " + a.Key
			}
			s.elements = append(s.elements, name)
		case html.CommentNode:
			s.elements = append(s.elements, "a comment")
		}
	}
	return s
}

// Every place of the page is filled, and no part is left over.
func TestReportPlaces(t *testing.T) {
	page, err := web.ReadFile("web/report.html")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := reportParts(&Result{})
	if err != nil {
		t.Fatal(err)
	}
	for name := range parts {
		if n := strings.Count(string(page), "{{"+name+"}}"); n != 1 {
			t.Errorf("%q has %d places", name, n)
		}
	}
	if n := strings.Count(string(page), "{{"); n != len(parts) {
		t.Errorf("%d places and %d parts", n, len(parts))
	}
	if err := fill(io.Discard, "a {{place}}", nil); err == nil {
		t.Error("a place without a part is filled")
	}
}
