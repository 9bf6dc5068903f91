package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"dgram"
	"dgram/bench"
	"dgram/internal/terminal"
	"dgram/ledger"
	"dgram/wire/record"
)

var benchVerb = verb{
	use:   "bench [ADDRESS]",
	short: "measure a server: rate, loss and latency, or say why it cannot be trusted",
	long: `Offers load to the server at ADDRESS (127.0.0.1:12345) and says what came of it: how many answers a second, how many requests were lost and
where, and how long answers took.

Closed loop unless --rate is given: each of --flows sockets keeps --window requests outstanding, which finds how much the server does when
asked as fast as it answers. With --rate requests are due at that rate whatever the server does, and latency counts from the moment at which each was
due: that is what users of a service feel. A request without an answer counts as one that took --timeout or more (≥ 1 s).

The first second is a warm-up and is not counted. Where this program could not keep up, the run is INVALID, and it says why. Ctrl-C ends
early, with the figures of what ran. "dgram bench compare A.json B.json" says whether two runs differ.

The exit code:
  0  valid                              3  refused
  1  wrong usage, or trouble here       6  invalid: the figures are this program's, not the server's
  2  no answer at all                   130  interrupted`,
	example: `# how much does the server of "dgram serve" do here, asked by 64 at once?
dgram bench --flows 64 --window 4
# latency as users feel it, at 20,000 requests a second that come as chance has it
dgram bench 192.168.3.8:12345 --rate 20k --poisson --flows 64
# a ramp, and then the rate it reached
dgram bench --rate 1k..100k/20s,100k/40s
# the highest rate with at most 0.1 % lost and a 99th percentile of 1 ms
dgram bench --find-max --loss 0.1% --p99 1ms --flows 16
# where is it lost: on the way there, at the server's socket, in the server, on the way back? (docs/bench.md)
dgram bench 192.168.3.8:12345 --rate 50k --flows 16 --server-metrics http://192.168.3.8:9464/metrics
# sizes as they come in life, against a server that echoes
dgram bench 192.168.3.8:7 --sizes 64:70%,512:20%,1400:10% --expect echo
# DNS questions from a file, one a line, any answer is right
dgram bench 192.0.2.53:53 --payload questions --expect any
# for another program, for a browser, and for HdrHistogram's tools
dgram bench --quiet --json --report run.html --hlog run.hlog >run.json
# is B any different from A?
dgram bench compare A.json B.json`,
	setup: setupBench,
}

// The exit codes of bench beside those of every verb, from bench.Outcome.
const exitInvalid = 6

func setupBench(c *command) runner {
	f := defineBenchFlags(c)
	c.AddCommand(newVerb(c.env, benchCompareVerb))
	return func(ctx context.Context, args []string) error { return runBench(ctx, c.env, f, args) }
}

// benchmark is one run of the verb.
type benchmark struct {
	*benchFlags
	config bench.Config
	peer   dgram.Endpoint
	stdout *terminal.Writer // for results
	stderr *terminal.Writer // for talk
	screen any              // what stdout is, for its colours
	files  *outputs
	live   *liveLine

	explained explaining
}

func runBench(parent context.Context, e env, f *benchFlags, args []string) error {
	b := &benchmark{benchFlags: f, stdout: terminal.NewWriter(e.stdout, nil), stderr: terminal.NewWriter(e.stderr, nil), screen: e.stdout,
		live: newLiveLine(e.stderr, f.quiet || f.explain.on)}
	address, err := benchAddress(args)
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)

	if b.peer, err = resolveOne(ctx, address); err != nil {
		return err
	}
	if b.config, err = f.config(b.peer, e.stdin); err != nil {
		return err
	}
	// What cannot be written is said now, and not after a run of an hour.
	if b.files, err = openOutputs(output{"--hlog", f.hlog}, output{"--report", f.report}); err != nil {
		return err
	}
	defer b.files.abandon()
	b.explained = f.explain.begin(b.stderr, f.portable, b.events())
	defer b.explained.end()
	if err := f.pcap.open(record.Measuring, func(err error) { b.note(err.Error()) }); err != nil {
		return err
	}
	defer f.pcap.close(b.note)
	b.config.Tap = f.pcap.tap()
	ended := make(chan error, 1)
	go func() { ended <- b.measure(ctx) }()
	return b.await(ended, signals, cancel)
}

// events is where socket calls go that are to be explained to a program: stdout is the result's. Nil without --json.
func (b *benchmark) events() func(ledger.Event) {
	if !b.json {
		return nil
	}
	write := ledger.JSONLines(b.stderr)
	return func(e ledger.Event) { _ = write([]ledger.Event{e}) } // a terminal.Writer does not fail
}

// note says what happened beside the measuring.
func (b *benchmark) note(text string) {
	b.live.erase()
	fmt.Fprintf(b.stderr, "dgram: %s\n", plain(text))
}

// await waits for the end of the measuring. The first signal asks for it; the second one does not wait.
func (b *benchmark) await(ended <-chan error, signals <-chan os.Signal, cancel context.CancelFunc) error {
	for first := true; ; first = false {
		select {
		case err := <-ended:
			return err
		case <-signals:
			if !first {
				b.live.erase()
				return exit(exitInterrupted, errors.New("interrupted twice: nothing is kept of this run"))
			}
			cancel()
		}
	}
}

func (b *benchmark) measure(ctx context.Context) error {
	if b.findMax {
		return b.find(ctx)
	}
	b.config.OnSecond = b.live.second
	result, err := bench.Run(ctx, b.config)
	b.live.erase()
	b.explained.end()
	if err != nil {
		return err
	}
	return b.conclude(result)
}

// conclude writes the result wherever it is wanted, and returns the exit code.
func (b *benchmark) conclude(r *bench.Result) error {
	var written error
	if measured := r.Totals.Sent > 0; measured { // else what was there before is worth more
		written = errors.Join(
			b.files.write(b.hlog, func(w *os.File) error { return bench.WriteHlog(w, r) }),
			b.files.write(b.report, func(w *os.File) error { return bench.WriteReport(w, r) }))
	}
	switch {
	case b.json:
		if err := writeJSON(b.stdout, r); err != nil {
			written = errors.Join(written, err)
		}
	case !b.quiet && r.Totals.Sent > 0:
		writeResult(b.stdout, terminal.Colours(b.screen), r)
	}
	if written != nil {
		return written
	}
	if err := b.stdout.Err(); err != nil {
		return fmt.Errorf("standard output takes no more: %w", err)
	}
	code := r.Outcome.ExitCode()
	if r.Interrupted {
		code = exitInterrupted
	}
	if code == exitOK {
		return nil
	}
	return exit(code, b.trouble(r))
}

// trouble says on stderr why the exit code is not 0; nil where the table on stdout has said it all.
func (b *benchmark) trouble(r *bench.Result) error {
	switch r.Outcome {
	case bench.OutcomeSilent:
		return fmt.Errorf("no answer from %s to any of %s requests: %s", place(b.peer), bench.FormatCount(r.Totals.Sent+r.Warmup.Sent), silenceAdvice(b.peer))
	case bench.OutcomeRefused:
		return fmt.Errorf("nothing listens on %s: start a server there with `%s`", place(b.peer), serveCommand(b.peer))
	case bench.OutcomeCanceled:
		return errors.New("interrupted before anything was measured")
	case bench.OutcomeInvalid:
		if !b.json && !b.quiet {
			return nil
		}
		return fmt.Errorf("INVALID: %s", firstOf(r.Why, "this program fell behind"))
	}
	return nil
}

func firstOf(texts []string, otherwise string) string {
	if len(texts) == 0 {
		return otherwise
	}
	return texts[0]
}

// writeJSON writes one document on one line, so that several runs appended to a file are JSON Lines.
func writeJSON(w *terminal.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, _ = w.Write(append(text, '\n')) // its error is that of w.Err
	return nil
}
