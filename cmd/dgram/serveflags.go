package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dgram"
	"dgram/server"
	"dgram/stage"
)

// serveFlags are what can be said about serving.
type serveFlags struct {
	specs         []string // of --stage and --rules, in the order of the command line
	json, quiet   bool
	verbose, spin bool
	shards        int
	buffer        size
	receiveBuffer size
	join          []string
	iface         string
	portable      bool
	count         uint64
	once          bool
	drain         time.Duration
	seed          uint64
	seedGiven     bool
	bufferGiven   bool
	guards        guardFlags
	confine       confineFlags
	metrics       metricsFlags
	explain       explainFlags
	handover      handoverFlags
	pcap          pcapFlag
}

func newServeFlags(c *command) *serveFlags {
	f := &serveFlags{buffer: 65535, receiveBuffer: 4 << 20}
	c.group("What is done to a datagram", func(fs *pflag.FlagSet) {
		fs.Var(&specList{all: &f.specs}, "stage", "do this to each datagram: a `SPEC` of the list below; may be given several times, the first is first (default upper)")
		fs.Var(&specList{all: &f.specs, prefix: "rules:"}, "rules", "reply by the rules in `FILE`, one a line: PATTERN => REPLY; it takes its place among the stages")
		fs.Uint64Var(&f.seed, "seed", 0, "let chance (loss, jitter, duplicate) fall as in every run with this `NUMBER` (default random)")
	})
	c.group("Output", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.json, "json", false, "print events, one JSON object a line (docs/event-schema.md)")
		fs.BoolVarP(&f.quiet, "quiet", "q", false, "print no datagrams: only when it is ready, and the account at the end")
		fs.BoolVarP(&f.verbose, "verbose", "v", false, "say what was chosen for the sockets, and each time that it changes")
	})
	c.group("When it ends", func(fs *pflag.FlagSet) {
		fs.Uint64Var(&f.count, "count", 0, "end when `N` datagrams have been received and answered; 0: never")
		fs.BoolVar(&f.once, "once", false, "the same as --count 1")
		fs.DurationVar(&f.drain, "drain", 5*time.Second, "take at most this `DURATION` to end, for what a program or a delay still holds")
	})
	c.group("Sockets", func(fs *pflag.FlagSet) {
		fs.IntVar(&f.shards, "shards", 1, "open `N` sockets for each address, which the system spreads flows over")
		fs.Var(&f.buffer, "buffer", "receive datagrams of up to so many `BYTES` whole; what is longer is cut short, and said to be")
		fs.Var(&f.receiveBuffer, "receive-buffer", "ask the system to hold so many `BYTES` that have not been read yet")
		fs.StringArrayVar(&f.join, "join", nil, "hear the multicast `GROUP` too; may be given several times. Without an ADDRESS it listens on all of them")
		fs.StringVar(&f.iface, "interface", "", "receive and send by this interface alone: its `NAME`, as ip link shows it")
		fs.BoolVar(&f.spin, "spin", false, "look for datagrams without ever waiting: answers soonest, and takes a processor whole for each socket")
		fs.BoolVar(&f.portable, "portable", false, "use the sockets of Go's package net, as on systems other than Linux")
	})
	c.group("Upgrades", f.handover.define)
	c.group("Guards", f.guards.define)
	c.group("Safety", f.confine.define)
	c.group("Seen from outside", f.metrics.define)
	c.group("Recording", f.pcap.define)
	f.explain.define(c)
	c.PreRun = func(*cobra.Command, []string) {
		f.seedGiven, f.bufferGiven = c.Flags().Changed("seed"), c.Flags().Changed("receive-buffer")
	}
	c.complete("stage", completeStage)
	c.complete("interface", completeInterface)
	return f
}

// specList is --stage, and --rules: both add to one list, so that their order is kept.
type specList struct {
	all    *[]string
	prefix string
}

// Set adds a spec.
func (l *specList) Set(text string) error { *l.all = append(*l.all, l.prefix+text); return nil }

// String is the default in help: none.
func (l *specList) String() string { return "" }

// Type names the value in help.
func (l *specList) Type() string { return "spec" }

func completeStage(word string) ([]string, cobra.ShellCompDirective) {
	found := stage.Complete(word)
	if len(found) == 1 && strings.HasSuffix(found[0], ":") {
		return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

func completeInterface(word string) (names []string, _ cobra.ShellCompDirective) {
	all, _ := net.Interfaces() // without them nothing is completed
	for _, i := range all {
		if strings.HasPrefix(i.Name, word) {
			names = append(names, i.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// config makes of the flags what package server wants, and says what cannot be.
func (f *serveFlags) config(addresses []string) (server.Config, error) {
	if err := f.check(); err != nil {
		return server.Config{}, err
	}
	specs := f.specs
	if len(specs) == 0 {
		specs = []string{"upper"}
	}
	plan, err := stage.Parse(specs...)
	if err != nil {
		return server.Config{}, err
	}
	groups, err := parseGroups(f.join)
	if err != nil {
		return server.Config{}, err
	}
	if err := checkInterface(f.iface); err != nil {
		return server.Config{}, err
	}
	cfg := server.Config{
		Addresses: addresses, Plan: plan, Shards: f.shards, Count: f.count, Drain: max(f.drain, 1),
		Options: dgram.Options{Refusals: true, Buffer: int(f.buffer), ReceiveBuffer: int(f.receiveBuffer), Join: groups, Interface: f.iface, Portable: f.portable, Spin: f.spin},
		Line:    stage.LineOptions{Seed: f.seed},
	}
	if len(addresses) == 0 && len(groups) > 0 {
		cfg.Addresses = []string{everywhere(groups)}
	}
	return cfg, nil
}

const mostShards = 256

func (f *serveFlags) check() error {
	if !f.seedGiven {
		f.seed = rand.Uint64N(1e6) // short, so that it can be typed again
	}
	if f.once {
		if f.count > 1 {
			return errors.New("--once is --count 1: give one of the two")
		}
		f.count = 1
	}
	switch {
	case f.shards < 1 || f.shards > mostShards:
		return fmt.Errorf("--shards %d: give a number from 1 to %d", f.shards, mostShards)
	case f.buffer < 1 || f.buffer > 65535:
		return fmt.Errorf("--buffer %s: a datagram has at most 65,535 bytes: give a number from 1 to 65535", f.buffer.String())
	case f.receiveBuffer < 1:
		return fmt.Errorf("--receive-buffer %d: give at least 1 byte; 4MiB is the default", f.receiveBuffer)
	case f.spin && f.portable:
		return errors.New("--spin needs the kernel's own sockets: leave --portable out")
	case f.drain < 0:
		return fmt.Errorf("--drain %v: a time is not negative", f.drain)
	}
	if err := f.guards.check(); err != nil {
		return err
	}
	return f.confine.check()
}

func parseGroups(texts []string) (groups []dgram.Address, err error) {
	for _, text := range texts {
		a, err := dgram.ParseAddress(text, "")
		if err != nil {
			return nil, fmt.Errorf("--join: %w", err)
		}
		e, ok := a.Literal()
		if !ok || !e.Addr().IsMulticast() {
			return nil, fmt.Errorf("--join %q is no multicast group: those of IPv4 are 224.0.0.0 to 239.255.255.255, those of IPv6 begin with ff", text)
		}
		groups = append(groups, a)
	}
	return groups, nil
}

func checkInterface(name string) error {
	if name == "" {
		return nil
	}
	all, err := net.Interfaces()
	if err != nil {
		return nil // opening the socket will tell
	}
	names := make([]string, len(all))
	for i := range all {
		if names[i] = all[i].Name; names[i] == name {
			return nil
		}
	}
	return fmt.Errorf("there is no interface %q: there are %s", name, strings.Join(names, ", "))
}

// everywhere is the address that hears the groups: a socket bound to one address of this machine hears no group.
func everywhere(groups []dgram.Address) string {
	host := netip.IPv4Unspecified()
	for _, g := range groups {
		if e, ok := g.Literal(); ok && e.Addr().Is6() {
			host = netip.IPv6Unspecified()
		}
	}
	return netip.AddrPortFrom(host, dgram.DefaultPort).String()
}
