//go:build linux

// Capturebench puts the recording of dgram watch beside dumpcap and tcpdump: each in turn writes the same UDP traffic of one veth pair into a
// file, with the same filter and the same buffer, and what it missed and what it cost stand in one table. It needs root, for the
// network namespaces that it makes and removes.
//
//	go run ./internal/capturebench -h
//	go run ./internal/capturebench read -h
//
// With read, it puts the reading of capture files beside tshark instead, which needs no root: the same columns, in one run.
//
// The load runs on CPU 0, with the kernel's part of the capture, and the tool on CPU 1, both before whatever else the machine has to do. In each pass every tool has its turn; ratios are taken within
// a pass, and their median is told.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	do := run
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "load": // what a copy of this program does inside a namespace
			do = load
		case "spin": // and beside a tool
			do = spin
		case "read":
			do = read
		}
	}
	if err := do(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "capturebench:", err)
		os.Exit(1)
	}
}

// options are what a person can choose.
type options struct {
	passes  int
	seconds time.Duration
	buffer  int
	folder  string
	loads   *regexp.Regexp
}

func parseOptions() (options, error) {
	o := options{}
	seconds := flag.Float64("seconds", 1.5, "send for so many `SECONDS` to each tool in a pass")
	flag.IntVar(&o.passes, "passes", 2, "give every tool `N` turns at every load")
	flag.IntVar(&o.buffer, "buffer", 8, "let the kernel hold so many `MiB` for each tool")
	flag.StringVar(&o.folder, "folder", "", "write the captures into this `FOLDER` (default: a temporary one in memory, removed in the end)")
	loads := flag.String("loads", "", "only the loads that match this `REGEXP`")
	flag.Parse()
	o.seconds = time.Duration(*seconds * float64(time.Second))
	if flag.NArg() > 0 || o.passes < 1 || o.passes > 100 || o.seconds < 100*time.Millisecond || o.seconds > time.Minute || o.buffer < 1 || o.buffer > 1024 {
		return o, errors.New("passes are 1 to 100, seconds 0.1 to 60, a buffer 1 to 1024 MiB, and there are no arguments: see -h")
	}
	var err error
	if o.loads, err = regexp.Compile(*loads); err != nil {
		return o, err
	}
	if os.Geteuid() != 0 {
		return o, errors.New("network namespaces and captures need root: sudo")
	}
	return o, nil
}

func run(ctx context.Context) error {
	o, err := parseOptions()
	if err != nil {
		return err
	}
	if o.folder == "" {
		if o.folder, err = os.MkdirTemp(memory(), "dgram-capturebench-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(o.folder) }()
	}
	tools, err := find(ctx, o)
	if err != nil {
		return err
	}
	network, err := makeNetwork()
	if err != nil {
		return err
	}
	defer network.remove()
	var results []result
	for _, w := range workloads {
		if !o.loads.MatchString(w.name) {
			continue
		}
		for pass := range o.passes {
			for i := range tools {
				tool := tools[(i+pass)%len(tools)] // nobody always goes first
				r, err := measure(ctx, o, network, tool, w)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", tool.name, w.name, err)
				}
				r.pass = pass
				results = append(results, r)
				fmt.Fprintf(os.Stderr, "pass %d, %s, %s: %.0f packets/s of %.0f\n", pass+1, w.name, tool.name, r.rate(), r.offeredRate())
			}
		}
	}
	printTable(os.Stdout, tools, results)
	return nil
}

// memory is where files are in memory; "" where it is not known.
func memory() string {
	const folder = "/dev/shm"
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return ""
	}
	return folder
}

// find says which tools this machine has, ours first, built anew.
func find(ctx context.Context, o options) ([]tool, error) {
	ours, err := build(ctx, o.folder)
	if err != nil {
		return nil, err
	}
	var found []tool
	for _, t := range contenders(ours) {
		if _, err := exec.LookPath(t.needs); err != nil {
			fmt.Fprintf(os.Stderr, "there is no %s on this machine: it is left out\n", t.needs)
			continue
		}
		found = append(found, t)
	}
	return found, nil
}

// build makes the program that is measured.
func build(ctx context.Context, folder string) (string, error) {
	ours := filepath.Join(folder, "dgram")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", ours, "./cmd/dgram").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building dgram (run this from the module's root): %w: %s", err, out)
	}
	return ours, nil
}
