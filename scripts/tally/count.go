package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// An event is one line of `go test -json` (go doc test2json).
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// A tally gathers the events of packages until each ends.
type tally struct {
	screen, book io.Writer
	packages     map[string]*record
	failed       bool
}

// A record is what is known of one package.
type record struct {
	order  []string          // its tests, as they began
	fate   map[string]string // pass, fail, skip, or "" while it runs
	output map[string]string // by test; "" is the package itself
}

// count reads the events of one go test. It prints to screen, enters in book, and says whether anything failed.
func count(events io.Reader, screen, book io.Writer) (bool, error) {
	t := &tally{screen: screen, book: book, packages: map[string]*record{}}
	in := bufio.NewReader(events)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			t.line(line)
		}
		if err == io.EOF {
			return t.failed, nil
		}
		if err != nil {
			return t.failed, fmt.Errorf("reading the events of go test: %w", err)
		}
	}
}

func (t *tally) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		_, _ = t.screen.Write(line) // go's own words, such as a download or a bad flag
		return
	}
	if strings.HasPrefix(e.Action, "build-") {
		fmt.Fprint(t.screen, e.Output)
		return
	}
	r := t.packages[e.Package]
	if r == nil {
		r = &record{fate: map[string]string{}, output: map[string]string{}}
		t.packages[e.Package] = r
	}
	switch e.Action {
	case "run":
		r.order = append(r.order, e.Test)
		r.fate[e.Test] = ""
	case "output":
		r.output[e.Test] += e.Output
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.end(e, r)
			delete(t.packages, e.Package)
			return
		}
		if _, began := r.fate[e.Test]; !began {
			r.order = append(r.order, e.Test)
		}
		r.fate[e.Test] = e.Action
	}
}

// end closes the account of a package.
func (t *tally) end(e event, r *record) {
	blame := r.close(e.Action == "fail")
	counts := map[string]int{}
	for _, test := range r.order {
		fate := r.fate[test]
		if fate == "fail" {
			fmt.Fprint(t.screen, shown(r.output[test]))
		}
		if !r.counted(test) {
			continue
		}
		counts[fate]++
		fmt.Fprintf(t.book, "%s\t%s\t%s\n", fate, e.Package, test)
		if fate == "skip" {
			fmt.Fprintf(t.screen, "skip  %s %s: %s\n", e.Package, test, reason(r.output[test]))
		}
	}
	if blame {
		counts["fail"]++
		fmt.Fprintf(t.book, "fail\t%s\t(package)\n", e.Package)
	}
	if e.Action == "fail" {
		fmt.Fprint(t.screen, shown(r.output[""]))
	}
	t.failed = t.failed || counts["fail"] > 0
	t.sum(e, r, counts)
}

// close settles what did not end, and says whether the package itself is to blame.
func (r *record) close(packageFailed bool) bool {
	blamed := false
	for _, test := range r.order {
		if r.fate[test] == "" {
			r.fate[test] = "fail"
		}
		blamed = blamed || r.fate[test] == "fail"
	}
	return packageFailed && !blamed
}

// counted says whether a test is entered: by itself when it has no subtests, or when it failed and none of them did.
func (r *record) counted(test string) bool {
	target, _, isSub := strings.Cut(test, "/")
	if strings.HasPrefix(target, "Fuzz") {
		return !isSub
	}
	parent, childFailed := false, false
	for _, other := range r.order {
		if strings.HasPrefix(other, test+"/") {
			parent = true
			childFailed = childFailed || r.fate[other] == "fail"
		}
	}
	return !parent || (r.fate[test] == "fail" && !childFailed)
}

// sum prints the line of a package. One without tests has none.
func (t *tally) sum(e event, r *record, counts map[string]int) {
	if e.Action != "fail" && len(r.order) == 0 {
		return
	}
	word, cached := "ok", ""
	if counts["fail"] > 0 {
		word = "FAIL"
	}
	if strings.Contains(r.output[""], "(cached)") {
		cached = ", from go's cache"
	}
	fmt.Fprintf(t.screen, "%-5s %-28s %6.1fs  %d passed, %d failed, %d skipped%s\n",
		word, e.Package, e.Elapsed, counts["pass"], counts["fail"], counts["skip"], cached)
}

// shown is output without the lines that only say that a test runs.
func shown(output string) string {
	var kept strings.Builder
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "=== ") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// reason is what a test said when it skipped: the last line that is not go's own.
func reason(output string) string {
	said := "no reason given"
	for line := range strings.Lines(shown(output)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--- ") {
			said = line
		}
	}
	return said
}
