//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// What is asked of us: so many times the packets a second of tshark, in so much memory, however long the file is.
const (
	leastRatio = 5
	mostMemory = 64 << 20
	bigFile    = 4 << 30
	bigPayload = 8900
	bigName    = "4 GiB"
)

// The two ways to have tshark print the columns. The second is the faster one.
const (
	tsharkFields = "tshark -T fields"
	tshark       = "tshark"
)

// readOptions are what a person can choose of the reading.
type readOptions struct {
	packets, theirs, passes int
	big                     bool
	folder                  string
}

func parseReadOptions(args []string) (readOptions, error) {
	o := readOptions{}
	flags := flag.NewFlagSet("read", flag.ExitOnError)
	flags.IntVar(&o.packets, "packets", 10_000_000, "read a capture of `N` packets")
	flags.IntVar(&o.theirs, "theirs", 1_000_000, "beside tshark, read one of the same kind of only `N` packets: it is slow")
	flags.IntVar(&o.passes, "passes", 1, "give each `N` turns beside the other")
	flags.BoolVar(&o.big, "big", false, "read a capture of 4 GiB too, and look at the memory")
	flags.StringVar(&o.folder, "folder", "", "write the captures into this `FOLDER` (default: a temporary one, removed in the end)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.theirs = min(o.theirs, o.packets)
	if flags.NArg() > 0 || o.packets < 1 || o.packets > 1_000_000_000 || o.theirs < 1 || o.passes < 1 || o.passes > 100 {
		return o, errors.New("packets are 1 to 1,000,000,000, passes 1 to 100, and there are no arguments: see read -h")
	}
	return o, nil
}

// readers are the programs that read, ours first. All show the same columns; but ours also finds which reply belongs to which request.
func readers(ours string) []reader {
	fields := []string{"tshark", "-n", "-T", "fields"}
	for _, column := range []string{"No.", "Time", "Source", "Destination", "Protocol", "Length", "Info"} {
		fields = append(fields, "-e", "_ws.col."+column)
	}
	return []reader{
		{"dgram watch --plain", []string{ours, "watch", "--plain"}, nil},
		{"dgram watch --json", []string{ours, "watch", "--json"}, nil},
		{"dgram watch --quiet", []string{ours, "watch", "--quiet"}, nil},
		{tsharkFields, fields, []string{"-r"}},
		{tshark, []string{"tshark", "-n"}, []string{"-r"}},
	}
}

// read puts the reading of capture files beside tshark's.
func read(ctx context.Context) error {
	o, err := parseReadOptions(os.Args[2:])
	if err != nil {
		return err
	}
	if o.folder == "" {
		if o.folder, err = os.MkdirTemp("", "dgram-capturebench-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(o.folder) }()
	}
	ours, err := build(ctx, o.folder)
	if err != nil {
		return err
	}
	b := readBench{all: readers(ours), folder: o.folder}
	if _, err := exec.LookPath("tshark"); err != nil {
		fmt.Fprintln(os.Stderr, "there is no tshark on this machine: it is left out")
		b.all = b.all[:3]
	}
	err = b.run(ctx, o)
	printReadings(os.Stdout, b.done)
	return errors.Join(err, b.verdict())
}

type readBench struct {
	all    []reader
	folder string
	done   []reading
}

func (b *readBench) run(ctx context.Context, o readOptions) error {
	beside := fmt.Sprintf("%d packets", o.theirs)
	err := b.with(beside, o.theirs, usual, func(file string) error {
		for pass := range o.passes {
			for i := range b.all {
				if err := b.turn(ctx, b.all[(i+pass)%len(b.all)], beside, file, o.theirs); err != nil { // nobody always goes first
					return err
				}
			}
		}
		return nil
	})
	if err == nil && o.packets > o.theirs {
		err = b.alone(ctx, fmt.Sprintf("%d packets", o.packets), o.packets, usual)
	}
	if err == nil && o.big {
		err = b.alone(ctx, bigName, bigFile/bigPayload, jumbo)
	}
	return err
}

// alone has only ours read.
func (b *readBench) alone(ctx context.Context, name string, packets int, kind func(*traffic)) error {
	return b.with(name, packets, kind, func(file string) error {
		for _, r := range b.all[:3] {
			if err := b.turn(ctx, r, name, file, packets); err != nil {
				return err
			}
		}
		return nil
	})
}

// with makes a capture for do.
func (b *readBench) with(name string, packets int, kind func(*traffic), do func(file string) error) error {
	file := filepath.Join(b.folder, "read.pcapng")
	defer func() { _ = os.Remove(file) }()
	if err := writeTraffic(file, packets, kind); err != nil {
		return fmt.Errorf("a capture of %s: %w", name, err)
	}
	return do(file)
}

func (b *readBench) turn(ctx context.Context, r reader, name, file string, packets int) error {
	done, err := r.read(ctx, file)
	if err != nil {
		return fmt.Errorf("%s, %s: %w", r.name, name, err)
	}
	done.file, done.packets = name, packets
	b.done = append(b.done, done)
	fmt.Fprintf(os.Stderr, "%s, %s: %.1f s\n", name, r.name, done.took.Seconds())
	return nil
}

// verdict says what was asked and is not there.
func (b *readBench) verdict() error {
	var failed []error
	for _, r := range b.done {
		if r.ours() && r.memory > mostMemory {
			failed = append(failed, fmt.Errorf("%s, %s: %.1f MiB of memory, and at most %d are wanted", r.file, r.reader, mebibytes(r.memory), mostMemory>>20))
		}
	}
	plain := slices.IndexFunc(b.done, reading.ours)
	if plain >= 0 && len(b.all) > 3 {
		if x := timesTheirs(b.done, b.done[plain], tshark); x > 0 && x < leastRatio {
			failed = append(failed, fmt.Errorf("%.1f times tshark's packets a second, and at least %d are wanted", x, leastRatio))
		}
	}
	return errors.Join(failed...)
}
