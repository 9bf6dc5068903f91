package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dgram/internal/terminal"
	"dgram/wire/capture"
	"dgram/wire/pair"
)

// watchFlags are what the command line of watch says.
type watchFlags struct {
	interfaces  []string
	read        string
	list        bool
	promiscuous bool
	snaplen     size
	buffer      size
	json, plain bool
	quiet       bool
	write       string
	times       choice
	keep        size
	patience    time.Duration
	count       uint64
	duration    time.Duration
	explain     explainFlags
}

func newWatchFlags(c *command) *watchFlags {
	f := &watchFlags{snaplen: capture.DefaultSnaplen, buffer: capture.DefaultBuffer, keep: 64 << 20,
		times: choice{"relative", []string{"relative", "delta", "absolute"}}}
	c.group("What is watched", func(s *pflag.FlagSet) {
		s.StringArrayVar(&f.interfaces, "interface", nil, "watch interface `NAME`, whatever else is called so; may be given several times")
		s.StringVar(&f.read, "read", "", "read the capture `FILE`, whatever else is called so; - for standard input")
		s.BoolVar(&f.list, "list", false, "list the interfaces, and do nothing else")
		s.BoolVar(&f.promiscuous, "promiscuous", false, "also what the named interfaces hear that is meant for other machines")
		s.Var(&f.snaplen, "snaplen", "keep so many `BYTES` of each packet at most")
		s.Var(&f.buffer, "buffer", "let the system hold so many `BYTES` that were not read yet")
	})
	c.group("Output", func(s *pflag.FlagSet) {
		s.StringVarP(&f.write, "write", "w", "", "record the packets to `FILE` too: pcapng, or pcap if it ends in .pcap; - for standard output")
		s.BoolVar(&f.json, "json", false, "print events, one JSON object a line (docs/event-schema.md)")
		s.BoolVar(&f.plain, "plain", false, "print one line a packet on a terminal too, not a screen")
		s.BoolVarP(&f.quiet, "quiet", "q", false, "print no packets: only record, and the summary")
		s.Var(&f.times, "time", "`KIND` of the time column: relative (to the first packet), delta (to the one before), absolute")
		s.Var(&f.keep, "keep", "the screen keeps so many `BYTES` of packets; older ones are forgotten")
		s.DurationVar(&f.patience, "patience", pair.DefaultTimeout, "a request without an answer for this `DURATION` is unanswered")
	})
	c.group("When it ends", func(s *pflag.FlagSet) {
		s.Uint64Var(&f.count, "count", 0, "end after `N` packets")
		s.DurationVar(&f.duration, "duration", 0, "end after this `DURATION`")
	})
	f.explain.define(c)
	c.complete("time", func(string) ([]string, cobra.ShellCompDirective) {
		return f.times.of, cobra.ShellCompDirectiveNoFileComp
	})
	c.complete("interface", completeInterface)
	return f
}

func (f *watchFlags) check(w watched) error {
	switch {
	case f.duration < 0 || f.patience <= 0:
		return errors.New("--duration and --patience are lengths of time: give them as in 500ms, 10s or 1m30s")
	case f.snaplen < 1:
		return errors.New("--snaplen: give at least 1 byte")
	case f.json && f.plain:
		return errors.New("--json and --plain exclude each other")
	case f.promiscuous && w.live && len(w.interfaces) == 0:
		return errors.New("--promiscuous is for one interface or several: name them")
	case f.promiscuous && !w.live:
		return fmt.Errorf("--promiscuous is for interfaces, and %s is a file", w.file)
	case f.write == "-" && !f.quiet:
		return errors.New("--write - takes standard output for the capture: add --quiet, so that nothing else is printed there")
	case w.file != "" && w.file != "-" && f.write == w.file:
		return fmt.Errorf("--write %s is the file that is read", f.write)
	}
	return nil
}

// onScreen reports whether the packets are shown on a screen. Where standard input is the capture, keys come from the terminal itself.
func (f *watchFlags) onScreen(e env, w watched) bool {
	if f.json || f.plain || f.quiet || !terminal.TakesEscapes(e.stdout) {
		return false
	}
	return terminal.IsTerminal(e.stdin) || w.file == "-"
}
