package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dgram"
)

// callFlags are what the command line of call says.
type callFlags struct {
	timeout, interval, collect, linger time.Duration
	tries, count, window               int
	ttl, tos                           int
	fresh, raw, force, json, quiet     bool
	broadcast, multicast, df, portable bool
	bind, iface                        string
	input, output                      choice
	buffer                             size
	explanations                       explainFlags
	pcap                               pcapFlag
}

func defineCallFlags(c *command) *callFlags {
	f := &callFlags{buffer: 65535, input: choice{"text", []string{"text", "hex", "file"}}, output: choice{"text", []string{"text", "hex", "json"}}}
	c.group("How often, and for how long", func(s *pflag.FlagSet) {
		s.DurationVar(&f.timeout, "timeout", time.Second, "wait a `DURATION` for the first attempt, and twice as long for each further one")
		s.IntVar(&f.tries, "tries", 3, "make `N` attempts at most")
		s.IntVar(&f.count, "count", 1, "send the message `N` times; 0: until it is interrupted")
		s.DurationVar(&f.interval, "interval", 0, "let at least a `DURATION` pass between two datagrams")
		s.IntVar(&f.window, "window", 1, "let `N` datagrams wait for their answers at once")
		s.DurationVar(&f.collect, "collect", 0, "gather every answer that comes within a `DURATION`; each is shown after who sent it and a tab")
		s.DurationVar(&f.linger, "linger", 0, "listen another `DURATION` for late and duplicate replies before leaving")
		s.BoolVar(&f.fresh, "fresh", false, "send each attempt from a socket of its own, which tells late replies apart for sure")
	})
	c.group("What is sent and shown", func(s *pflag.FlagSet) {
		s.BoolVar(&f.raw, "raw", false, "replies byte for byte, unescaped, with no newline, and not to a terminal; without words, all of stdin is one datagram")
		s.BoolVar(&f.force, "force", false, "with --raw: write to a terminal all the same, which a reply can then take over")
		s.Var(&f.input, "input", "`KIND` of words and lines: text; hex (digits, with spaces and colons as you like); file (names of files, - for stdin, each a datagram)")
		s.Var(&f.output, "output", "`KIND` of output: text; hex; json")
		s.BoolVar(&f.json, "json", false, "the same as --output json: each datagram, fate and exchange as an event of dgram.event/1, one a line")
		s.BoolVarP(&f.quiet, "quiet", "q", false, "only replies and the exit code: say nothing of what went wrong")
		s.Var(&f.buffer, "buffer", "take replies of up to so many `BYTES`; what is longer loses its end, and that is said")
	})
	c.group("The socket", func(s *pflag.FlagSet) {
		s.StringVar(&f.bind, "bind", "", "send from this `ADDRESS`, or ADDRESS:PORT, or :PORT")
		s.StringVar(&f.iface, "interface", "", "send and receive on interface `NAME` only")
		s.BoolVar(&f.broadcast, "broadcast", false, "the address is one of broadcast; whoever answers is right")
		s.BoolVar(&f.multicast, "multicast", false, "the address is a multicast group; whoever answers is right")
		s.IntVar(&f.ttl, "ttl", 0, "let it pass `N` routers, 1 to 255 (IPv6: hop limit); 0 for the system's default")
		s.IntVar(&f.tos, "tos", 0, "type of service `N`, 0 to 255 (IPv6: traffic class)")
		s.BoolVar(&f.df, "df", false, "never fragment: what the path cannot carry whole is too big")
		s.BoolVar(&f.portable, "portable", false, "use Go's own sockets, as on systems other than Linux")
	})
	f.explanations.define(c)
	c.group("Recording", f.pcap.define)
	for name, choice := range map[string]*choice{"input": &f.input, "output": &f.output} {
		c.complete(name, func(string) ([]string, cobra.ShellCompDirective) {
			return choice.of, cobra.ShellCompDirectiveNoFileComp
		})
	}
	return f
}

// choice is a flag that is one of a few words.
type choice struct {
	value string
	of    []string
}

// Set takes one of the words.
func (c *choice) Set(s string) error {
	if !slices.Contains(c.of, s) {
		return fmt.Errorf("there is no such kind: give %s or %s", strings.Join(c.of[:len(c.of)-1], ", "), c.of[len(c.of)-1])
	}
	c.value = s
	return nil
}

func (c *choice) String() string { return c.value }

// Type names the value in help.
func (c *choice) Type() string { return "KIND" }

// check refuses what cannot be, and what does not go together.
func (f *callFlags) check(c *call) error {
	if f.json {
		if f.output.value == "hex" {
			return errors.New("--json and --output hex exclude each other: events carry bytes that are no text in base64; leave one of the two out")
		}
		f.output.value = "json"
	}
	for _, limit := range []struct {
		name         string
		n, low, high int
	}{
		{"tries", f.tries, 1, 1000}, {"count", f.count, 0, 1 << 30}, {"window", f.window, 1, 4096},
		{"ttl", f.ttl, 0, 255}, {"tos", f.tos, 0, 255}, {"buffer", int(f.buffer), 1, 65535},
	} {
		if limit.n < limit.low || limit.n > limit.high {
			return fmt.Errorf("--%s %d: give a number from %d to %d", limit.name, limit.n, limit.low, limit.high)
		}
	}
	if f.timeout <= 0 || f.interval < 0 || f.collect < 0 || f.linger < 0 {
		return errors.New("--timeout, --interval, --collect and --linger are lengths of time: give them as in 500ms or 2s")
	}
	return f.together(c)
}

func (f *callFlags) together(c *call) error {
	switch {
	case f.raw && f.output.value != "text":
		return errors.New("--raw and --output exclude each other: --raw is the reply's bytes as they are")
	case f.raw && f.collect > 0:
		return errors.New("--raw and --collect exclude each other: nothing would part one reply from the next; use --output json")
	case f.force && !f.raw:
		return errors.New("--force goes with --raw")
	case f.raw && c.onTerminal && !f.force:
		return errors.New("--raw does not write to a terminal, which the reply could take over: send it to a file or a program (| xxd), or say --force if you must")
	case f.raw && len(c.words) == 0 && f.input.value == "file":
		return errors.New("--raw without words takes stdin as one datagram, and --input file takes names: give the file's name as a word")
	case f.count != 1 && c.mode != fromWords:
		return errors.New("--count repeats a message: give one after the address, as in dgram call : hello --count 3")
	case f.collect > 0 && f.window > 1:
		return errors.New("--collect and --window exclude each other: nobody could tell which datagram a reply answers")
	case f.broadcast && f.multicast:
		return errors.New("--broadcast and --multicast exclude each other: an address is one or the other")
	}
	return nil
}

// bindEndpoint reads --bind, where an address without a port means any port.
func bindEndpoint(s string, peer dgram.Endpoint) (dgram.Endpoint, error) {
	if s == "" {
		return dgram.Endpoint{}, nil
	}
	a, err := dgram.ParseAddress(s, "*")
	if err != nil {
		return dgram.Endpoint{}, fmt.Errorf("--bind: %w", err)
	}
	if a.Host == "*" && peer.Addr().Is4() {
		a.Host = "0.0.0.0"
	}
	e, ok := a.Literal()
	switch {
	case !ok:
		return e, fmt.Errorf("--bind %q: give the address itself, not a name", s)
	case e.Network().IP() != peer.Network().IP():
		return e, fmt.Errorf("--bind %s cannot reach %s: one is a UDP address, the other a unix socket", s, peer)
	}
	// ParseAddress takes the default port where s names none.
	if own := strconv.Itoa(dgram.DefaultPort); e.Port() == dgram.DefaultPort && s != own && !strings.HasSuffix(s, ":"+own) {
		e = e.WithPort(0)
	}
	return e, nil
}
