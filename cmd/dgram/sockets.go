package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dgram/internal/sockets"
	"dgram/internal/terminal"
	"dgram/internal/wording"
	"dgram/ledger"
	"dgram/sock"
)

var socketsVerb = verb{
	use:   "sockets [PID|COMMAND...]",
	short: "show the kinds of sockets that this kernel opens, or the sockets of processes",
	long: `Without an argument it opens a socket of each family and type, says which ones this kernel has, what it made of them and what the others lack.

With the number or the command of a process it lists that process's sockets: family, type and protocol as the kernel tells them of each descriptor, addresses, what waits in them, what they dropped, and the options that are set. Nothing about them is changed. All of it takes the right to trace the process (its own user, mostly; root): without, it is what /proc/net tells.`,
	example: `# which sockets can be opened here?
dgram sockets
# which ones does every dgram have?
dgram sockets dgram
# every socket for UDP on this machine
sudo dgram sockets --all --family inet,inet6 --type dgram
# for a script: an event each
dgram sockets --json 1234
# how can one ask about another program's sockets?
dgram sockets --explain 1234`,
	setup: setupSockets,
}

type socketsFlags struct {
	all, json    bool
	family, kind []string
	explain      explainFlags
}

func (f *socketsFlags) define(fs *pflag.FlagSet) {
	fs.BoolVar(&f.all, "all", false, "the sockets of all processes")
	fs.StringSliceVar(&f.family, "family", nil, "only sockets of these `FAMILIES`: "+strings.ToLower(strings.Join(shortNames(familyNames()), ", ")))
	fs.StringSliceVar(&f.kind, "type", nil, "only sockets of these `TYPES`: "+strings.ToLower(strings.Join(shortNames(typeNames()), ", ")))
	fs.BoolVar(&f.json, "json", false, "write events, one JSON object a line (docs/sockets.md)")
}

func setupSockets(c *command) runner {
	out := terminal.NewWriter(c.stdout, nil)
	var f socketsFlags
	c.group("Flags", f.define)
	f.explain.define(c)
	listed := func(names []string) func(string) ([]string, cobra.ShellCompDirective) {
		return func(string) ([]string, cobra.ShellCompDirective) {
			return shortNames(names), cobra.ShellCompDirectiveNoFileComp
		}
	}
	c.complete("family", listed(familyNames()))
	c.complete("type", listed(typeNames()))
	return func(_ context.Context, args []string) error {
		wanted, err := f.filter()
		switch {
		case err != nil:
			return err
		case f.all && len(args) > 0:
			return errors.New("--all is every process: leave out " + strconv.Quote(args[0]))
		}
		explained := f.explained(out, c.stderr)
		defer explained.end()
		if f.all || len(args) > 0 {
			return showProcesses(out, c.stderr, &f, wanted, args, explained)
		}
		return showKinds(out, f.json, wanted, explained)
	}
}

// explained begins to explain the calls, if that is wanted. It has to end before anything else is written.
func (f *socketsFlags) explained(out, errs io.Writer) explaining {
	var publish func(ledger.Event)
	if f.json {
		publish = func(e ledger.Event) { _ = writeEvent(out, e) } // what follows tells that nobody takes it
	}
	return f.explain.begin(terminal.NewWriter(errs, nil), false, publish)
}

// socketFilter says which families and types are wanted; empty is all.
type socketFilter struct {
	families []sock.Family
	types    []sock.Type
}

func (w socketFilter) passes(family sock.Family, typ sock.Type) bool {
	return (len(w.families) == 0 || slices.Contains(w.families, family)) && (len(w.types) == 0 || slices.Contains(w.types, typ))
}

func (f *socketsFlags) filter() (w socketFilter, err error) {
	for _, word := range f.family {
		at, err := oneOf("family", word, familyNames())
		if err != nil {
			return w, err
		}
		w.families = append(w.families, append(knownFamilies(), otherFamilies...)[at])
	}
	for _, word := range f.kind {
		at, err := oneOf("type", word, typeNames())
		if err != nil {
			return w, err
		}
		w.types = append(w.types, sock.Types()[at].Type)
	}
	return w, nil
}

// oneOf finds a word among the kernel's names, which may be written without what they all begin with, in small letters too.
func oneOf(flag, word string, names []string) (int, error) {
	short := shortNames(names)
	for i, name := range names {
		if strings.EqualFold(word, name) || strings.EqualFold(word, short[i]) {
			return i, nil
		}
	}
	small := strings.Split(strings.ToLower(strings.Join(short, " ")), " ")
	hint := "there are " + strings.Join(small, ", ")
	if near := wording.Nearest(word, small); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return 0, fmt.Errorf("--%s %q: no such %[1]s: %[3]s", flag, word, hint)
}

// otherFamilies are those that processes of any machine have beside the ones that can be opened here.
var otherFamilies = []sock.Family{16, 40} // AF_NETLINK, AF_VSOCK

func knownFamilies() (families []sock.Family) {
	for _, f := range sock.Families() {
		families = append(families, f.Family)
	}
	return families
}

func familyNames() (names []string) {
	for _, f := range append(knownFamilies(), otherFamilies...) {
		names = append(names, f.String())
	}
	return names
}

func typeNames() (names []string) {
	for _, t := range sock.Types() {
		names = append(names, t.Type.String())
	}
	return names
}

// shortNames are names without AF_ or SOCK_.
func shortNames(names []string) (short []string) {
	for _, name := range names {
		_, rest, _ := strings.Cut(name, "_")
		short = append(short, rest)
	}
	return short
}

// showProcesses shows the sockets of the processes that args name, or of all.
func showProcesses(out, errs io.Writer, f *socketsFlags, wanted socketFilter, args []string, explained explaining) error {
	report, problems := reportOf(args)
	explained.end()
	report.Sockets = slices.DeleteFunc(report.Sockets, func(s sockets.Socket) bool { return !wanted.passes(s.Family, s.Type) })
	if f.json {
		for _, s := range report.Sockets {
			if err := writeEvent(out, newSocketEvent(s)); err != nil {
				return err
			}
		}
	} else if len(problems) == 0 || len(report.Sockets) > 0 {
		writeSockets(out, report.Sockets)
	}
	for _, line := range missingPieces(report) {
		fmt.Fprintln(errs, "dgram: "+line)
	}
	for _, problem := range problems {
		fmt.Fprintln(errs, "dgram: "+sentence(problem))
	}
	if len(problems) > 0 {
		return exit(exitError, nil)
	}
	return nil
}

// reportOf puts together what can be learned. Where one of several processes cannot be looked into, the others are there beside the problems.
func reportOf(args []string) (whole sockets.Report, problems []error) {
	if len(args) == 0 {
		all, err := sockets.All()
		if err != nil {
			problems = append(problems, err)
		}
		return all, problems
	}
	for _, arg := range args {
		pids, byName, err := processesOf(arg)
		if err != nil {
			problems = append(problems, err)
		}
		for _, pid := range pids {
			r, err := sockets.Of(pid)
			if errors.Is(err, sockets.ErrNoProcess) && byName {
				continue // a name means those that there are: this one has ended since
			}
			if err != nil {
				problems = append(problems, ofProcess(pid, err))
			}
			whole.Sockets, whole.Partial = append(whole.Sockets, r.Sockets...), whole.Partial+r.Partial
		}
	}
	return whole, problems
}

// processesOf finds the processes that an argument means: a number is a process, anything else a command.
func processesOf(arg string) (pids []int, byName bool, err error) {
	if pid, err := strconv.Atoi(arg); err == nil {
		if pid <= 0 {
			return nil, false, fmt.Errorf("%q is no number of a process: those begin at 1", arg)
		}
		return []int{pid}, false, nil
	}
	pids, err = sockets.Named(arg)
	if err == nil && len(pids) == 0 {
		err = fmt.Errorf("no process is called %q: give its number, or the name that `ps -e` shows", arg)
	}
	return pids, true, err
}

func ofProcess(pid int, err error) error {
	switch {
	case errors.Is(err, sockets.ErrNoProcess):
		return fmt.Errorf("%w: `ps -e` lists those there are", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("process %d is another user's, or protects itself: its descriptors can be seen by root (`sudo dgram sockets %[1]d`)", pid)
	}
	return err
}

// missingPieces says what a report lacks, and what to do about it.
func missingPieces(r sockets.Report) (lines []string) {
	if n := len(r.Denied); n > 0 {
		lines = append(lines, fmt.Sprintf("%d processes could not be looked into, so what is theirs stands without them: run as root to see all", n))
	}
	if r.Partial > 0 {
		lines = append(lines, fmt.Sprintf("%d sockets are known from /proc/net only, without buffers and options: to ask them takes the right to trace their process (root, or CAP_SYS_PTRACE)", r.Partial))
	}
	return lines
}
