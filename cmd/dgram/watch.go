package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

var watchVerb = verb{
	use:   "watch [INTERFACE...|FILE] [FILTER]",
	short: "show packets as they pass, or those of a capture file: who answered what, and when",
	long: `Shows the packets that pass on each INTERFACE (all of them if there is none), or those of a capture FILE (pcap or pcapng, also packed by
gzip; - is standard input): each with its number, and of a reply the request that it answers and the round trip. Requests without an answer,
refused, late, duplicate and stray ones stand out.

On a terminal it is a screen with a table, where ? says everything. In a pipe, or with --plain, each packet is a line, and what becomes
known later (a request stays unanswered) is a line of its own. At the end, on standard error: flows, pairs, round trips, losses. Ctrl-C is
an ordinary end, with the summary and exit code 0. --explain tells which calls make a capture; on a terminal it takes --plain or --json.

FILTER is tcpdump's language for IP, UDP and ICMP: the rest of the words, or one in quotes. Watching an interface needs the capability
CAP_NET_RAW; what dgram itself sends and receives can be recorded without it: serve, call and bench have --pcap.`,
	example: `# everything on all interfaces
sudo dgram watch

# DNS on eth0, recorded while it shows
sudo dgram watch eth0 port 53 --write dns.pcapng

# a capture file, one line a packet
dgram watch dns.pcapng --plain

# the first 100 packets to or from a host within 10 seconds, as JSON
sudo dgram watch eth0 host 192.0.2.1 and udp --json --count 100 --duration 10s

# which calls make a capture, and why
sudo dgram watch lo --plain --count 1 --explain

# what another program captures elsewhere
ssh server tcpdump -U -w - udp | dgram watch -`,
	setup: setupWatch,
}

func setupWatch(c *command) runner {
	f := newWatchFlags(c)
	return func(ctx context.Context, args []string) error { return watch(ctx, c.env, f, args) }
}

// watch is the verb.
func watch(ctx context.Context, e env, f *watchFlags, args []string) error {
	if f.list {
		e, explained, err := f.explained(e, watched{live: true})
		defer explained.end()
		return errors.Join(err, listInterfaces(e.stdout))
	}
	what, err := f.what(args)
	if err == nil {
		err = f.check(what)
	}
	if err != nil {
		return err
	}
	e, explained, err := f.explained(e, what)
	if err != nil {
		return err
	}
	defer explained.end()
	source, err := f.open(what)
	if err != nil {
		return err
	}
	w, err := newLookout(f, what, source)
	if err != nil {
		source.Close()
		return err
	}
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	stopped := w.stopWith(ctx, leave, f.duration)
	defer stopped()
	if f.onScreen(e, what) {
		err = w.onScreen(ctx, e)
	} else {
		err = w.inLines(ctx, e)
	}
	return errors.Join(err, w.close())
}

// stopWith ends the reading when ctx ends, after d if that is not 0, or at a signal, which is told to leave. What it returns ends the waiting.
func (w *lookout) stopWith(ctx context.Context, leave func(), d time.Duration) func() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	var after <-chan time.Time
	if d > 0 {
		after = time.After(d)
	}
	done := make(chan struct{})
	go func() {
		cancelled, first := ctx.Done(), true
		for {
			select {
			case <-done:
				return
			case <-after:
			case <-cancelled:
				cancelled = nil
			case <-signals:
				if !first {
					os.Exit(exitInterrupted) // it hangs, perhaps on a write that nobody reads
				}
				first = false
				leave()
			}
			w.stop()
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}
