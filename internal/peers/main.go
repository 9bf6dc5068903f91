//go:build linux

// Peers puts dgram beside other servers of the same service, and says in numbers how it stands to them: references in C that use the socket as
// well as C can (one datagram at a time, batches, offloads, spinning), and the servers that one writes first in Python, Node and Go, or has from
// socat and ncat. What this machine has no tool for is named and left out.
//
//	go run ./internal/peers -h
//
// A server runs on CPU 1, the load (testdata/load.c) on CPU 0. In each pass every server of a case has its turn, and ratios are only taken within a
// pass. A pass counts if nothing else used the processors and the two of them sat alike all the while, as the round trip of a cache line tells.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// options are what a person can choose.
type options struct {
	cases, servers  *regexp.Regexp
	passes          int
	seconds         float64
	foreign         float64 // the largest share of a CPU that something else may use in a run that counts
	document, rawTo string
	list            bool
	generators      bool
}

func parseOptions() (options, error) {
	o := options{}
	cases := flag.String("cases", "", "only the cases that match this `REGEXP`")
	servers := flag.String("servers", "", "only the servers that match this `REGEXP`, and each case's reference")
	flag.IntVar(&o.passes, "passes", 5, "go on until `N` passes of a case are clean, or three times as many are done")
	flag.Float64Var(&o.seconds, "seconds", 2, "measure each server so many `SECONDS` in a pass")
	flag.Float64Var(&o.foreign, "foreign", 0.13, "a run counts if anything else used less than this `SHARE` of a CPU")
	flag.StringVar(&o.document, "out", "", "write the table into this Markdown `FILE`, between its two marks (default: stdout)")
	flag.StringVar(&o.rawTo, "json", "", "write every run, clean or not, into this `FILE`")
	flag.BoolVar(&o.list, "list", false, "list cases and servers and do nothing")
	flag.BoolVar(&o.generators, "generators", false, "put dgram bench beside other load generators instead")
	flag.Parse()
	if flag.NArg() > 0 || o.passes < 1 || o.passes > 1000 || o.seconds <= 0 || o.seconds > 600 {
		return o, fmt.Errorf("passes are 1 to 1000, seconds up to 600, and there are no arguments: see -h")
	}
	var err error
	if o.cases, err = regexp.Compile(*cases); err != nil {
		return o, fmt.Errorf("-cases: %w", err)
	}
	if o.servers, err = regexp.Compile(*servers); err != nil {
		return o, fmt.Errorf("-servers: %w", err)
	}
	return o, nil
}

func run(ctx context.Context) error {
	o, err := parseOptions()
	if err != nil {
		return err
	}
	chosen := choose(o)
	if o.list {
		for _, c := range chosen {
			fmt.Printf("%s: %v, in ratio to %s\n", c.name, c.servers, c.reference)
		}
		return nil
	}
	// Said before the run, not after it.
	for _, name := range []string{o.document, o.rawTo} {
		if err := writable(name); err != nil {
			return err
		}
	}
	if runtime.NumCPU() < 2 {
		return fmt.Errorf("a server and its load need a processor each, and this machine has one")
	}
	if o.generators {
		return generators(ctx, o)
	}
	tools, err := build(ctx)
	if err != nil {
		return err
	}
	defer tools.remove()
	c := newComparison(o, tools, chosen)
	c.all(ctx)
	if ctx.Err() != nil { // what has been measured is shown, but takes no whole table's place
		c.options.document = ""
	}
	return c.report()
}

// writable finds out whether the report can be written, without changing what the file holds.
func writable(name string) error {
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	return file.Close()
}

func (c *comparison) report() error {
	c.machine.Ended, c.machine.LoadAfter = time.Now(), loadAverage()
	if c.options.rawTo != "" {
		text, err := json.MarshalIndent(map[string]any{"machine": c.machine, "left_out": c.leftOut, "runs": c.runs}, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.options.rawTo, append(text, '\n'), 0o666); err != nil {
			return err
		}
	}
	if c.options.document == "" {
		_, err := os.Stdout.WriteString(c.markdown())
		return err
	}
	return insert(c.options.document, c.markdown())
}
