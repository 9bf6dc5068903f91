package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dgram"
	"dgram/bench"
	"dgram/internal/wording"
)

// benchFlags are what the command line of bench says.
type benchFlags struct {
	flows, window, workers    int
	rate                      string
	poisson, oneWay           bool
	duration, warmup, timeout time.Duration
	size                      size
	sizes, payload, template  string
	expect                    string
	seed                      uint64
	findMax                   bool
	loss                      share
	p99                       time.Duration
	searches                  int
	json, quiet               bool
	hlog, report              string
	serverMetrics             string
	clock                     choice
	gso, gro, spin, stray     bool
	bind, iface               string
	portable                  bool
	receiveBuffer             size
	explain                   explainFlags
	pcap                      pcapFlag
	given                     func(flag string) bool
}

func defineBenchFlags(c *command) *benchFlags {
	f := &benchFlags{size: bench.DefaultSize, loss: 0.001, clock: choice{"kernel", []string{"kernel", "user"}}, receiveBuffer: 4 << 20, given: c.Flags().Changed}
	c.group("The load", func(s *pflag.FlagSet) {
		s.IntVar(&f.flows, "flows", 1, "send from `N` sockets, each with a source port of its own")
		s.IntVar(&f.window, "window", 1, "closed loop: keep `N` requests outstanding on each flow")
		s.StringVar(&f.rate, "rate", "", "open loop: so many requests a second, over all flows. `RATES` are stages RATE/TIME or FROM..TO/TIME with commas between them, or one rate: 50k")
		s.BoolVar(&f.poisson, "poisson", false, "open loop: requests come as chance has it (a Poisson process) and not evenly")
		s.BoolVar(&f.oneWay, "one-way", false, "send as much as goes, or --rate, and expect no answers")
		s.DurationVar(&f.duration, "duration", bench.DefaultDuration, "measure for this `DURATION` (default the length of --rate; of each trial of --find-max 2s)")
		s.DurationVar(&f.warmup, "warmup", bench.DefaultWarmup, "send for a `DURATION` before measuring; 0 for none")
		s.DurationVar(&f.timeout, "timeout", bench.DefaultTimeout, "a request without an answer for this `DURATION` is lost")
		s.IntVar(&f.workers, "workers", 1, "share the flows among `N` threads")
		s.Uint64Var(&f.seed, "seed", 1, "let chance (sizes, --poisson) fall as in every run with this `NUMBER`")
	})
	c.group("What is sent, and what answer is right", func(s *pflag.FlagSet) {
		s.Var(&f.size, "size", "each request has so many `BYTES`")
		s.StringVar(&f.sizes, "sizes", "", "requests of several sizes, each with its share: `MIX` is as in 64:70%,512:20%,1400:10%")
		s.StringVar(&f.payload, "payload", "", "send the lines of `FILE` (- for stdin), each a datagram, over and over")
		s.StringVar(&f.template, "template", "", `send `+"`TEXT`"+`, with {token}, {seq} and {flow} filled in, and \n, \r, \t, \\, \xHH for bytes`)
		s.StringVar(&f.expect, "expect", "upper", "the right answer: `KIND` is upper (the request in upper case), echo, any, or a regular expression that it matches")
	})
	c.group("Finding the limit", func(s *pflag.FlagSet) {
		s.BoolVar(&f.findMax, "find-max", false, "look for the highest rate that holds --loss and --p99, by several bisections, with an interval")
		s.Var(&f.loss, "loss", "lose at most this `SHARE` of the requests")
		s.DurationVar(&f.p99, "p99", time.Millisecond, "answer 99 of 100 requests within this `DURATION`; 0 for any time")
		s.IntVar(&f.searches, "searches", 6, "make `N` bisections; more of them make the interval surer")
	})
	c.group("Output", func(s *pflag.FlagSet) {
		s.BoolVar(&f.json, "json", false, "print the result, by second and in all, as one JSON object on one line (dgram.bench/1, docs/bench.md)")
		s.StringVar(&f.report, "report", "", "write a page for the browser to `FILE`.html; it needs no network")
		s.StringVar(&f.serverMetrics, "server-metrics", "", "place loss by what a dgram serve --metrics counted: `URL` is http://HOST:PORT/metrics, HOST:PORT, PORT on the server's host, or unix:PATH")
		s.StringVar(&f.hlog, "hlog", "", "write the latency of each second to `FILE`, as the tools of HdrHistogram read it")
		s.BoolVarP(&f.quiet, "quiet", "q", false, "no live line and no table: only what was asked for with --json, --report and --hlog, and what went wrong")
	})
	c.group("The sockets", func(s *pflag.FlagSet) {
		s.Var(&f.clock, "clock", "an answer has arrived when the `KERNEL` says so (its time stamp), or when this program had it (user)")
		s.BoolVar(&f.gso, "gso", false, "hand several datagrams of a flow to the system as one (UDP_SEGMENT); so it is with --one-way, unless --gso=false")
		s.BoolVar(&f.gro, "gro", false, "take several datagrams of a flow from the system as one (UDP_GRO)")
		s.BoolVar(&f.spin, "spin", false, "never sleep: a thread is busy all the time, and less late")
		s.BoolVar(&f.stray, "stray", false, "see answers from addresses that were not asked, too; sending then costs more")
		s.StringVar(&f.bind, "bind", "", "send from this `ADDRESS`")
		s.StringVar(&f.iface, "interface", "", "send and receive on interface `NAME` only")
		s.Var(&f.receiveBuffer, "receive-buffer", "ask the system to hold so many `BYTES` of answers for each flow that have not been read yet")
		s.BoolVar(&f.portable, "portable", false, "use Go's own sockets, as on systems other than Linux")
	})
	f.explain.define(c)
	c.group("Recording", f.pcap.define)
	c.complete("expect", func(string) ([]string, cobra.ShellCompDirective) {
		return []string{"upper", "echo", "any"}, cobra.ShellCompDirectiveNoFileComp
	})
	c.complete("clock", func(string) ([]string, cobra.ShellCompDirective) {
		return f.clock.of, cobra.ShellCompDirectiveNoFileComp
	})
	c.complete("interface", completeInterface)
	return f
}

// share is a flag's part of a whole: 0.1%, 0.001.
type share float64

// Set reads a share.
func (s *share) Set(text string) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		x /= 100
	}
	if err != nil || !(x >= 0 && x <= 1) {
		return errors.New("not a share: give it as in 0.1% or 0.001")
	}
	*s = share(x)
	return nil
}

func (s *share) String() string { return strings.ReplaceAll(bench.FormatShare(float64(*s)), " ", "") }

// Type names the value in help.
func (s *share) Type() string { return "share" }

// check refuses what cannot be, and what does not go together.
func (f *benchFlags) check() error {
	for _, limit := range []struct {
		name         string
		n, low, high int
	}{
		{"flows", f.flows, 1, 1 << 20}, {"window", f.window, 1, 1 << 16}, {"workers", f.workers, 1, 256}, {"searches", f.searches, 1, 50},
	} {
		if limit.n < limit.low || limit.n > limit.high {
			return fmt.Errorf("--%s %d: give a number from %d to %d", limit.name, limit.n, limit.low, limit.high)
		}
	}
	if f.duration <= 0 || f.timeout <= 0 || f.warmup < 0 || f.p99 < 0 {
		return errors.New("--duration, --timeout, --warmup and --p99 are lengths of time: give them as in 500ms, 10s or 1m30s")
	}
	if set := f.all("size", "sizes", "payload", "template"); len(set) > 1 {
		return fmt.Errorf("%s exclude each other: each says what a request is", strings.Join(set, " and "))
	}
	if f.findMax {
		if set := f.all("rate", "window", "one-way", "report", "hlog", "server-metrics"); len(set) > 0 {
			return fmt.Errorf("%s and --find-max exclude each other: it looks for a rate in many short runs; for one of them, give the rate that it finds", set[0])
		}
		return nil
	}
	for _, name := range f.all("loss", "p99", "searches") {
		return fmt.Errorf("%s says what --find-max looks for: give that too", name)
	}
	switch {
	case f.rate != "" && f.given("window"):
		return errors.New("--rate and --window exclude each other: at a rate requests are due whatever is outstanding")
	case f.poisson && f.rate == "":
		return errors.New("--poisson goes with --rate: a closed loop sends when an answer comes")
	case f.oneWay && f.given("expect"):
		return errors.New("--one-way and --expect exclude each other: one way no answers are expected")
	}
	return nil
}

// all returns those of the flags that were given.
func (f *benchFlags) all(names ...string) (set []string) {
	for _, name := range names {
		if f.given(name) {
			set = append(set, "--"+name)
		}
	}
	return set
}

// trialDuration and trialWarmup are the defaults of --find-max: many runs, each a short one.
const (
	trialDuration = 2 * time.Second
	trialWarmup   = 300 * time.Millisecond
)

// config makes of the flags what package bench wants.
func (f *benchFlags) config(peer dgram.Endpoint, stdin io.Reader) (c bench.Config, err error) {
	c = bench.Config{Target: peer, Flows: f.flows, Window: f.window, Poisson: f.poisson, Workers: f.workers, Timeout: f.timeout,
		Warmup: f.warmup, Seed: f.seed, OneWay: f.oneWay, GSO: f.gso || f.oneWay && !f.given("gso"), GRO: f.gro, Spin: f.spin, Stray: f.stray,
		Options: dgram.Options{Portable: f.portable, Interface: f.iface, ReceiveBuffer: int(f.receiveBuffer)}}
	if f.findMax && !f.given("warmup") {
		c.Warmup = trialWarmup
	}
	if c.Warmup == 0 {
		c.Warmup = -1 // 0 is the default
	}
	if f.given("clock") {
		c.Clock = bench.Clock(f.clock.value)
	}
	if f.rate != "" {
		if c.Schedule, err = bench.ParseSchedule(f.rate); err != nil {
			return c, fmt.Errorf("--rate: %w", err)
		}
	}
	switch {
	case f.given("duration"):
		c.Duration = f.duration
	case f.findMax:
		c.Duration = trialDuration
	case c.Schedule.Length() == 0:
		c.Duration = f.duration
	}
	if c.Expect, err = bench.ParseExpect(f.expect); err != nil {
		return c, fmt.Errorf("--expect: %w", err)
	}
	if c.Payload, err = f.requests(stdin); err != nil {
		return c, err
	}
	if c.Options.Bind, err = bindEndpoint(f.bind, peer); err != nil {
		return c, err
	}
	if f.serverMetrics != "" {
		asked, err := newMetricsPage(f.serverMetrics, peer)
		if err != nil {
			return c, err
		}
		c.ServerCounters = asked.counters
	}
	if port := c.Options.Bind.Port(); port != 0 && f.flows > 1 {
		return c, fmt.Errorf("--bind: %d flows cannot all send from port %d: give the address without a port", f.flows, port)
	}
	return c, checkInterface(f.iface)
}

func (f *benchFlags) requests(stdin io.Reader) (p bench.Payload, err error) {
	name, problem := "size", error(nil)
	switch {
	case f.sizes != "":
		name = "sizes"
		p, problem = bench.ParseSizes(f.sizes)
	case f.given("template"):
		name = "template"
		p, problem = bench.ParseTemplate(f.template)
	case f.payload != "":
		name = "payload"
		p, problem = readPayload(f.payload, stdin)
	default:
		p, problem = bench.ParseSizes(strconv.Itoa(int(f.size)))
	}
	if problem != nil {
		return p, fmt.Errorf("--%s: %w", name, problem)
	}
	return p, nil
}

func readPayload(name string, stdin io.Reader) (bench.Payload, error) {
	if name == "-" {
		return bench.ReadRecords(stdin, "standard input")
	}
	file, err := os.Open(name)
	if err != nil {
		return bench.Payload{}, err
	}
	defer file.Close()
	return bench.ReadRecords(file, name)
}

// benchAddress reads the one argument.
func benchAddress(args []string) (dgram.Address, error) {
	if len(args) > 1 {
		if wording.Nearest(args[0], []string{"compare"}) != "" {
			return dgram.Address{}, fmt.Errorf("bench measures one ADDRESS: did you mean %s?", quoted(append([]string{"dgram", "bench", "compare"}, args[1:]...)))
		}
		return dgram.Address{}, fmt.Errorf("bench measures one ADDRESS, and %d were given", len(args))
	}
	address := "127.0.0.1"
	if len(args) == 1 && args[0] != ":" && args[0] != "" {
		address = args[0]
	}
	a, err := dgram.ParseAddress(address, "127.0.0.1")
	if err == nil && a.Network.IP() && a.Port == 0 {
		err = fmt.Errorf("nobody can be asked on port 0: give the port that the server's ready line names, as in %s:12345", a.Host)
	}
	return a, err
}

// resolveOne returns the system's first choice of a name's addresses.
func resolveOne(ctx context.Context, a dgram.Address) (dgram.Endpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	peers, err := dgram.Resolve(ctx, a)
	if err != nil {
		return dgram.Endpoint{}, err
	}
	return peers[0], nil
}
