package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"dgram"
	"dgram/client"
	"dgram/internal/terminal"
	"dgram/ledger"
	"dgram/wire/record"
)

var callVerb = verb{
	use:   "call [ADDRESS] [MESSAGE...]",
	short: "send datagrams and show what became of each",
	long: `Sends datagrams to ADDRESS (127.0.0.1:12345) and shows the reply to each, or what happened instead. Replies go to stdout: on a
terminal with everything escaped that could harm it, in a pipe as they came. All else goes to stderr.

The first argument is always the address: HOST:PORT, HOST, :PORT, PORT, [IPv6]:PORT or unixgram:PATH, also with udp://, udp4:// or udp6://
before it; a single : is the default. The words after it, joined by a space, are one datagram; those that begin with - go after --.

Without words each line is a datagram. At a terminal you get a prompt with a history. In a pipe each line of stdin is answered by one line
of stdout, in order: an empty one where there was no answer, and with \n for a line feed inside a reply (--output hex and json keep it).`,
	example: `# ask the server that "dgram serve" runs here, line by line; Ctrl-D leaves
dgram call
# one datagram to the same server
dgram call : hello
# one datagram to another
dgram call 192.168.3.8:12345 hello there
# a file, line by line, eight at once, the answers in order
dgram call 192.168.3.8 --window 8 <questions >answers
# all of a file as one datagram, the reply as it is
dgram call : --raw <request >reply
# bytes that no keyboard has
dgram call 8.8.8.8:53 --input hex --output hex 0001 0100 0001 000000000000 00 0002 0001
# who is there? gather the answers of two seconds
dgram call 255.255.255.255:12345 --broadcast --collect 2s hello
# record both datagrams, for Wireshark and dgram watch
dgram call : hello --pcap call.pcapng
# every datagram, fate and exchange as JSON
dgram call : --json hello
# what does it ask of the kernel, call by call, and why?
dgram call : hello --explain`,
	setup: setupCall,
}

// callNotes is the end of call's help.
func callNotes() string {
	return `Exit code, of several datagrams the worst in the order 1, 5, 3, 4, 2, 0:
  0    answered
  1    wrong usage, or trouble on this machine
  2    nobody answered
  3    refused, or unreachable
  4    only an address that was not asked answered
  5    too big for one datagram
  130  interrupted
`
}

func setupCall(c *command) runner {
	c.notes = callNotes
	f := defineCallFlags(c)
	return func(ctx context.Context, args []string) error {
		call, err := newCall(c.env, f, args)
		if err != nil {
			return err
		}
		return call.run(ctx)
	}
}

// call is one run of the verb.
type call struct {
	*callFlags
	target     dgram.Address
	words      []string
	guess      bool // the address is a bare word that may have been meant as the message
	stdin      io.Reader
	stdout     *terminal.Writer // for results
	stderr     *terminal.Writer // for talk
	onTerminal bool             // stdout is one
	talkative  bool             // stderr is one
	keyboard   *os.File         // stdin, where there is a prompt
	screen     *os.File         // stdout, the same
	mode       callMode
	client     *client.Client
	interrupt  context.CancelFunc // what a signal does
	events     *ledger.Stream     // nil without --json
	outcomes   outcomes
	explained  explaining
	talk       movable // stderr, for explanations
}

// callMode is where the datagrams come from.
type callMode uint8

const (
	fromWords  callMode = iota // the command line
	fromWhole                  // all of stdin is one
	fromLines                  // a line of stdin is one
	fromPrompt                 // a line that a person types is one
)

func newCall(e env, f *callFlags, args []string) (*call, error) {
	c := &call{callFlags: f, stdin: e.stdin, stdout: terminal.NewWriter(e.stdout, nil), stderr: terminal.NewWriter(e.stderr, nil),
		onTerminal: terminal.IsTerminal(e.stdout), talkative: terminal.IsTerminal(e.stderr)}
	c.talk.move(c.stderr)
	if err := c.takeAddress(args); err != nil {
		return nil, err
	}
	c.keyboard, _ = e.stdin.(*os.File)
	c.screen, _ = e.stdout.(*os.File)
	c.mode = c.chooseMode()
	return c, f.check(c)
}

func (c *call) chooseMode() callMode {
	switch {
	case len(c.words) > 0:
		return fromWords
	case c.raw:
		return fromWhole
	case c.keyboard != nil && c.screen != nil && terminal.IsTerminal(c.keyboard) && terminal.TakesEscapes(c.screen) && !c.json && c.output.value != "json":
		return fromPrompt
	}
	return fromLines
}

func (c *call) run(parent context.Context) error {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the next one ends the program as it would any other.
	defer context.AfterFunc(ctx, stop)()
	err := c.open(ctx)
	if err != nil {
		c.explained.end()
		c.endEvents(ctx)
	}
	if ctx.Err() != nil && parent.Err() == nil && c.client == nil {
		return exit(exitInterrupted, errors.New("interrupted"))
	}
	if err != nil {
		return err
	}
	ctx, c.interrupt = context.WithCancel(ctx)
	defer c.interrupt()
	if c.mode == fromPrompt {
		err = c.converse(ctx)
	} else {
		c.exchange(ctx, c.requests())
	}
	c.finish(ctx)
	if err != nil {
		return err
	}
	return c.conclude(ctx)
}

// open finds the peer's addresses and opens the client.
func (c *call) open(ctx context.Context) error {
	peers, err := c.resolve(ctx)
	if err != nil {
		return err
	}
	o, err := c.options(peers)
	if err != nil {
		return err
	}
	if c.output.value == "json" {
		c.events = ledger.NewStream(ledger.StreamConfig{Side: ledger.Calling}, ledger.JSONLines(failing{c.stdout}))
		o.Taps = append(o.Taps, c.events)
	}
	var publish func(ledger.Event)
	if c.events != nil {
		publish = c.events.Publish
	}
	c.explained = c.explanations.begin(&c.talk, c.portable, publish)
	if err := c.pcap.open(record.Calling, func(err error) { c.say("%v", err) }); err != nil {
		return err
	}
	c.pcap.dial(&o)
	if c.client, err = client.Open(o, peers...); err != nil {
		c.pcap.close(func(string) {})
	}
	return err
}

// failing lets a broken output be seen: a terminal.Writer hides it.
type failing struct{ w *terminal.Writer }

func (f failing) Write(p []byte) (int, error) {
	_, _ = f.w.Write(p)
	return len(p), f.w.Err()
}

func (c *call) options(peers []dgram.Endpoint) (client.Options, error) {
	o := client.Options{Timeout: c.timeout, Tries: c.tries, Window: c.window, FreshSocket: c.fresh, AnyPeer: c.broadcast || c.multicast,
		Collect: c.collect, Linger: c.linger, Observer: c.observe,
		Dgram: dgram.Options{Buffer: int(c.buffer), Broadcast: c.broadcast, DontFragment: c.df, TTL: c.ttl, TOS: c.tos,
			Interface: c.iface, Portable: c.portable}}
	if c.mode == fromPrompt {
		o.Window = max(o.Window, promptWindow)
	}
	var err error
	o.Dgram.Bind, err = bindEndpoint(c.bind, peers[0])
	return o, err
}

// finish sees the last of what was asked, and closes.
func (c *call) finish(ctx context.Context) {
	_ = c.client.Finish(ctx) // the error is ctx's, which conclude looks at
	c.pcap.close(func(text string) { c.say("%s", text) })
	c.explained.end()
	if c.events != nil {
		c.events.Publish(ledger.NewSummaryEvent(c.client.Summary()))
		c.endEvents(ctx)
	}
}

func (c *call) endEvents(ctx context.Context) {
	if c.events == nil {
		return
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = c.events.Close(closing)
}

// conclude says what the exit code says.
func (c *call) conclude(ctx context.Context) error {
	if err := c.stdout.Err(); err != nil {
		return fmt.Errorf("standard output takes no more: %w: %s", err, c.outcomes.String())
	}
	code := c.outcomes.code()
	if ctx.Err() != nil {
		code = exitInterrupted
		c.say("interrupted: %s", c.outcomes.String())
	} else if c.outcomes.total > 1 && (code != exitOK || c.talkative && c.mode == fromWords) {
		c.say("%s", c.outcomes.String())
	}
	if code == exitOK {
		return nil
	}
	return exit(code, nil)
}

// say tells the person something that is no result, in one line: what comes from outside cannot forge another.
func (c *call) say(format string, args ...any) {
	if !c.quiet {
		fmt.Fprintln(c.stderr, plain(fmt.Sprintf(format, args...)))
	}
}
