//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// reader is a program that reads a capture file: its words, and those before the file's name.
type reader struct {
	name    string
	command []string
	before  []string
}

// reading is one turn of one program at one file.
type reading struct {
	reader, file string
	packets      int
	took         time.Duration
	cpu          time.Duration
	memory       int64 // at its peak, in bytes
}

func (r reading) rate() float64 { return float64(r.packets) / r.took.Seconds() }
func (r reading) ours() bool    { return strings.HasPrefix(r.reader, "dgram") }

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// read runs the program, which writes to /dev/null.
func (r reader) read(ctx context.Context, file string) (reading, error) {
	words := append(append(append([]string(nil), r.command...), r.before...), file)
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	said := &strings.Builder{}
	c.Stderr = said
	began := time.Now()
	if err := c.Run(); err != nil {
		return reading{}, fmt.Errorf("%w; it said: %s", err, said)
	}
	done := reading{reader: r.name, took: time.Since(began)}
	usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return done, errors.New("the system does not say what it used")
	}
	// A program that was started cannot seem smaller than this one was then: it must be small itself.
	done.memory = usage.Maxrss << 10
	done.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return done, nil
}

// printReadings prints a line for each file and program: medians over the passes.
func printReadings(to io.Writer, all []reading) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer func() { _ = w.Flush() }()
	fmt.Fprintln(w, "file\tprogram\tseconds\tCPU seconds\tpackets/s\tx tshark\tx tshark -T fields\tpeak MiB\t")
	for i, r := range all {
		turns := alike(all, r)
		if turns[0] != all[i] {
			continue // told already
		}
		value := func(of func(reading) float64) float64 {
			values := make([]float64, len(turns))
			for i, r := range turns {
				values[i] = of(r)
			}
			return median(values)
		}
		times := func(theirs string) string {
			if x := timesTheirs(all, r, theirs); x > 0 {
				return fmt.Sprintf("%.1f", x)
			}
			return ""
		}
		fmt.Fprintf(w, "%s\t%s\t%.2f\t%.2f\t%.0f\t%s\t%s\t%.1f\t\n", r.file, r.reader,
			value(func(r reading) float64 { return r.took.Seconds() }), value(func(r reading) float64 { return r.cpu.Seconds() }),
			value(reading.rate), times(tshark), times(tsharkFields), value(func(r reading) float64 { return mebibytes(r.memory) }))
	}
}

// alike are the turns of the same program at the same file.
func alike(all []reading, like reading) (some []reading) {
	for _, r := range all {
		if r.reader == like.reader && r.file == like.file {
			some = append(some, r)
		}
	}
	return some
}

// timesTheirs is how many times the packets a second of another program one reads, the median of the passes; 0 where there is no such
// other. A file that the other does not read stands beside the smaller one of the same kind that it does.
func timesTheirs(all []reading, of reading, other string) float64 {
	var theirs []reading
	for _, r := range all {
		if r.reader == other {
			theirs = append(theirs, r)
		}
	}
	if of.file == bigName || len(theirs) == 0 {
		return 0 // its packets are of another kind
	}
	var ratios []float64
	for i, r := range alike(all, of) {
		ratios = append(ratios, r.rate()/theirs[i%len(theirs)].rate())
	}
	return median(ratios)
}
