package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"dgram/server"
	"dgram/wire/record"
)

var serveVerb = verb{
	use:   "serve [ADDRESS...]",
	short: "answer datagrams: in upper case, by rules, by a program of yours",
	long: `Answers datagrams at each ADDRESS (127.0.0.1:12345 if there is none): in upper case, or as the stages say. It prints "ready ADDRESS"
when it can be sent to, then each reply as it goes out. Interrupted (Ctrl-C) or terminated, it answers what had arrived, prints the
account of every datagram, and exits with 0; interrupted again it drops what it still holds, and prints the account at once.

An ADDRESS is HOST:PORT, PORT, :PORT, [IPv6]:PORT or unixgram:PATH, also with udp://, udp4:// or udp6:// before it. Port 0 lets the
system choose. 0.0.0.0 and [::] are all addresses of this machine.`,
	example: `# the upper-case server of 127.0.0.1:12345; try it with: dgram call : hello
dgram serve

# on a port that the system chooses, until one datagram was answered
dgram serve 127.0.0.1:0 --once

# echo, but lose every tenth datagram and answer the others late
dgram serve --stage echo --stage loss:10% --stage delay:20ms±5ms

# replies by rules: "ping" gets "pong", anything else comes back in upper case
dgram serve --stage 'rule:"ping" => "pong"' --stage upper

# the reply is what a program prints
dgram serve --stage 'exec:/usr/bin/rev'

# start it again, as a new version say, and lose no datagram: the same command takes over from the one that runs
dgram serve 127.0.0.1:12345 --takeover /tmp/dgram.takeover

# facing strangers: as nobody, with counters for Prometheus at 127.0.0.1:9464
sudo dgram serve 0.0.0.0:12345 --user nobody --metrics 9464

# record what it receives and sends, and what became of each, for Wireshark and dgram watch; no privilege is needed
dgram serve --pcap serve.pcapng

# hear a multicast group, and write events for another program
dgram serve 0.0.0.0:5353 --join 239.1.2.3 --interface eth0 --json`,
	setup: setupServe,
}

func setupServe(c *command) runner {
	f := newServeFlags(c)
	c.notes = stageNotes
	return func(ctx context.Context, addresses []string) error { return serve(ctx, c.env, f, addresses) }
}

// service is one run of the verb.
type service struct {
	*serveFlags
	cfg       server.Config
	show      *serveShow
	explained explaining
	page      *metrics // nil without --metrics
	report    string   // what the process gave up once its sockets were open
}

func serve(ctx context.Context, e env, f *serveFlags, addresses []string) error {
	cfg, err := f.config(addresses)
	if err == nil {
		err = f.handover.apply(&cfg, addresses)
	}
	if err != nil {
		return err
	}
	s := &service{serveFlags: f, cfg: cfg, show: newServeShow(e, f)}
	defer s.show.close()
	s.explained = f.explain.begin(aside{s.show}, f.portable, s.show.events())
	defer s.explained.end()

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)

	if s.page, err = f.metrics.metrics(f.handover.takeover != ""); err != nil {
		return err
	}
	defer s.page.close()
	if err := f.pcap.open(record.Serving, s.show.trouble); err != nil {
		return err
	}
	defer f.pcap.close(s.show.note)
	s.observe()
	srv, err := s.start(ctx)
	if err != nil {
		return startError(f.handover.explain(err), addresses)
	}
	ended := s.begin(srv)
	hurried := untilEnd(srv, signals, s.show.note)
	if hurried == nil {
		<-ended
	}
	return s.end(srv, hurried)
}

// observe has the server tell whoever is to know: the screen, the counters, the recording.
func (s *service) observe() {
	cfg := &s.cfg
	cfg.Taps, cfg.OnError, cfg.Line.OnHandlerError = s.show.taps, s.show.trouble, s.show.trouble
	cfg.Guards = s.guards.config(s.show.talk.say)
	if s.verbose {
		cfg.Options.AutoGRO = func(on bool) { s.show.note(offloadNote(on)) }
	}
	s.page.taps(cfg)
	s.pcap.watch(cfg)
}

// start opens the sockets, and gives up what the process does not need from then on.
func (s *service) start(ctx context.Context) (*server.Server, error) {
	addProcessors(max(1, len(s.cfg.Addresses)*s.cfg.Shards))
	s.cfg.Opened = func(srv *server.Server) (err error) {
		if err = s.page.follow(); err == nil {
			s.report, err = s.confine.apply(s.cfg, srv, s.page.folder(), s.handover.folder())
		}
		return err
	}
	return server.Start(ctx, s.cfg)
}

// begin says that the server can be sent to, and what a person should know of it. The channel is closed when all is told of why it stopped.
func (s *service) begin(srv *server.Server) <-chan struct{} {
	s.page.serve(srv)
	s.explained.flush()
	s.show.ready(srv, s.cfg.Plan)
	ended := s.handover.ending(srv, s.show.note, s.page.close)
	notes := append(s.handover.begun(srv), s.notes(srv, s.cfg)...)
	for _, note := range append(notes, s.confine.notes(s.cfg, len(reachable(srv.Endpoints())) > 0, s.verbose, s.report)...) {
		s.show.note(note)
	}
	go keepAlive(srv, s.show.note)
	return ended
}

// end prints the account. hurried is the exit code where there was no time for the rest.
func (s *service) end(srv *server.Server, hurried error) error {
	s.explained.end()
	s.pcap.close(s.show.note)
	s.show.account(srv.Summary(), srv.Sockets(), s.afterword(srv))
	if hurried != nil {
		return hurried
	}
	return srv.Wait()
}

// addProcessors gives Go's runtime a processor more for each receiver, since one that waits for datagrams keeps its own (package sock). More of
// them make no more threads run at once than the machine has. What the person set stays.
func addProcessors(receivers int) {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + min(receivers, runtime.NumCPU()))
	}
}

// patienceAsked is how long a drain goes on before it is said what it waits for.
const patienceAsked = 300 * time.Millisecond

// untilEnd waits until the server has ended by itself, or by a signal. A second signal does not wait for that: the error is then its exit code.
func untilEnd(srv *server.Server, signals chan os.Signal, note func(string)) error {
	select {
	case <-srv.Done():
		return nil
	case <-signals:
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = srv.Shutdown(ctx) }() // Done tells
	slow := time.After(patienceAsked)
	for {
		select {
		case <-srv.Done():
			return nil
		case <-slow:
			note(fmt.Sprintf("ending: waiting for %s still held; interrupt again to leave at once", datagrams(srv.Summary().Pending)))
		case second := <-signals:
			signal.Stop(signals) // a third one does not even wait for the account
			cancel()
			leave(srv)
			return exit(128+signalNumber(second), nil)
		}
	}
}

func datagrams(n int64) string {
	if n == 1 {
		return "1 datagram"
	}
	return fmt.Sprintf("%d datagrams", n)
}

// leave gives a server that was closed by force the moment it needs to remove its unix socket, and to close its account.
func leave(srv *server.Server) {
	select {
	case <-srv.Done():
	case <-time.After(100 * time.Millisecond):
	}
}

func signalNumber(s os.Signal) int {
	var number syscall.Signal
	if n, ok := s.(syscall.Signal); ok {
		number = n
	}
	return int(number)
}

// startError says why serving could not begin.
func startError(err error, addresses []string) error {
	var listen *server.ListenError
	if errors.As(err, &listen) && listen.Advice != "" {
		return &listenFailure{listen}
	}
	return wordHint(err, addresses)
}
