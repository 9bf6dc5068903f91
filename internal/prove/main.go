//go:build linux

// Prove attacks each promise that dgram makes to whoever lets it face strangers, in network namespaces that it makes and removes, and prints one
// line each: what was promised, what was sent, what was seen, and whether the promise was held or broken.
//
//	go run ./internal/prove              all of them, in under ten minutes on two processors
//	go run ./internal/prove -only 3,5    some of them
//	go run ./internal/prove -short       the short forms, which the ordinary tests run too
//	go run ./internal/prove -json        one JSON object for each promise
//
// The dgram that it attacks is built from this tree and runs as a process of its own. The exit status is 0 only if every promise that was asked
// for has been held: 1 if one was broken, or could not be tried because something is missing here.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	o, err := parseOptions(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		os.Exit(2)
	}
	os.Exit(run(o))
}

type options struct {
	chosen              []promise
	short, json, listed bool
	seed                uint64
}

func parseOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("prove", flag.ExitOnError)
	only := flags.String("only", "", "only the promises with these `NUMBERS`: 3 or 1,3,5")
	flags.BoolVar(&o.short, "short", false, "send less: the forms that the ordinary tests run")
	flags.BoolVar(&o.json, "json", false, "print a JSON object for each promise")
	flags.BoolVar(&o.listed, "list", false, "list the promises and do nothing")
	flags.Uint64Var(&o.seed, "seed", 0, "let chance fall as in the run with this `NUMBER` (default random; each run says its own)")
	_ = flags.Parse(args) // exits by itself
	if flags.NArg() > 0 {
		return o, fmt.Errorf("there are no arguments: %q", flags.Arg(0))
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1e6) + 1 // short, so that it can be typed again
	}
	var err error
	o.chosen, err = choose(*only)
	return o, err
}

// choose finds the promises by their numbers; an empty list means all.
func choose(numbers string) ([]promise, error) {
	if numbers == "" {
		return promises, nil
	}
	var chosen []promise
	for text := range strings.SplitSeq(numbers, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > len(promises) {
			return nil, fmt.Errorf("-only %s: promises have the numbers 1 to %d", numbers, len(promises))
		}
		chosen = append(chosen, promises[n-1])
	}
	return chosen, nil
}

// run proves one promise after another and returns the exit status.
func run(o options) int {
	if o.listed {
		for _, p := range o.chosen {
			fmt.Printf("%2d  %s\n", p.number, p.claim)
		}
		return 0
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	fmt.Fprintf(os.Stderr, "seed %d; progress is on stderr, results are on stdout\n", o.seed)
	defer removeProgram()
	began, status := time.Now(), 0
	for _, p := range o.chosen {
		r := attempt(p, o, os.Stderr, interrupted)
		r.print(os.Stdout, o.json)
		if r.Verdict != held {
			status = 1
		}
		if r.interrupted {
			return 130
		}
	}
	fmt.Fprintf(os.Stderr, "%v in all\n", time.Since(began).Round(time.Second))
	return status
}

// The ends of a promise.
const (
	held   = "held"
	broken = "broken"
	open   = "open" // it could not be tried
)

// result is how one promise fared.
type result struct {
	Promise int      `json:"promise"`
	Claim   string   `json:"claim"`
	Verdict string   `json:"verdict"`
	Sent    []string `json:"sent"`
	Seen    []string `json:"seen"`
	Why     []string `json:"why,omitempty"` // it is not held
	Seed    uint64   `json:"seed"`
	Short   bool     `json:"short"`
	Seconds float64  `json:"seconds"`

	interrupted bool
}

func (r *result) print(w io.Writer, asJSON bool) {
	if asJSON {
		line, _ := json.Marshal(r) // of strings and numbers: never fails
		fmt.Fprintf(w, "%s\n", line)
		return
	}
	fmt.Fprintf(w, "%2d %-6s %s | sent: %s | seen: %s | %.1f s\n", r.Promise, r.Verdict, r.Claim, phrase(r.Sent), phrase(r.Seen), r.Seconds)
	for _, why := range r.Why {
		fmt.Fprintf(w, "          %s\n", strings.ReplaceAll(why, "\n", "\n          "))
	}
}

func phrase(parts []string) string {
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}
