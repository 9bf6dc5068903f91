package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"dgram"
	"dgram/internal/terminal"
	"dgram/ledger"
	"dgram/server"
	"dgram/stage"
)

// serveShow is all that serve prints: readiness first, then datagrams for a person or a program, trouble, and the account.
type serveShow struct {
	json, quiet bool
	stdout      *terminal.Writer
	stderr      *terminal.Writer
	stream      *ledger.Stream // nil with --quiet, unless --json wants its events
	screen      *screen        // nil with --json or --quiet
	open        chan struct{}  // closed when readiness has been printed: nothing else comes before it
	opened      sync.Once
	talk        *talk
}

// shownPayload is how many bytes of a payload a person sees. A few more are copied, which tell where a character ends.
const (
	shownPayload  = 256
	copiedPayload = shownPayload + utf8.UTFMax
)

func newServeShow(e env, f *serveFlags) *serveShow {
	s := &serveShow{json: f.json, quiet: f.quiet, open: make(chan struct{})}
	s.stderr = terminal.NewWriter(e.stderr, nil)
	s.stdout = terminal.NewWriter(e.stdout, s.stdoutGone)
	s.talk = newTalk(s.note)
	switch {
	case f.json:
		cfg := ledger.StreamConfig{Side: ledger.Serving}
		s.stream = ledger.NewStream(cfg, s.afterReady(ledger.JSONLines(s.stdout)))
	case !f.quiet:
		s.screen = newScreen(s.stdout, e.stdout)
		cfg := ledger.StreamConfig{Side: ledger.Serving, Payload: copiedPayload, PerSecond: 4 * readable,
			Types: []ledger.Type{ledger.TypeReply, ledger.TypeFate, ledger.TypeNotice}}
		s.stream = ledger.NewStream(cfg, s.afterReady(s.screen.write))
	}
	return s
}

// afterReady holds events back until readiness has been printed, and ends the stream when nobody reads it.
func (s *serveShow) afterReady(write func([]ledger.Event) error) func([]ledger.Event) error {
	return func(events []ledger.Event) error {
		<-s.open
		if err := s.stdout.Err(); err != nil {
			return err
		}
		return write(events)
	}
}

// stdoutGone is called amid a write, so what it says is said by another goroutine.
func (s *serveShow) stdoutGone(err error) {
	if errors.Is(err, syscall.EPIPE) {
		s.talk.say("nobody reads the output any more: serving goes on without it")
		return
	}
	s.talk.say(fmt.Sprintf("the output cannot be written (%v): serving goes on without it", err))
}

func (s *serveShow) taps(dgram.Conn) []dgram.Tap {
	if s.stream == nil || s.json && s.quiet {
		return nil
	}
	return []dgram.Tap{s.stream}
}

// ready prints where the server can be sent to, and lets everything else follow.
func (s *serveShow) ready(srv *server.Server, plan *stage.Plan) {
	if s.screen != nil {
		s.screen.total = srv.Summary
	}
	if s.json {
		line, err := ledger.Marshal(readyEvent(srv, plan))
		if err == nil {
			_, err = s.stdout.Write(line)
		}
		_ = err // neither fails
	} else {
		for _, e := range srv.Endpoints() {
			fmt.Fprintf(s.stdout, "ready %s\n", terminal.EscapeString(e.String()))
		}
	}
	s.opened.Do(func() { close(s.open) })
}

func readyEvent(srv *server.Server, plan *stage.Plan) *ledger.ReadyEvent {
	event := &ledger.ReadyEvent{Header: ledger.Header{Type: ledger.TypeReady}, Shards: len(srv.Sockets()) / len(srv.Endpoints()),
		Transport: srv.Caps()[0].Transport}
	for _, e := range srv.Endpoints() {
		event.Addresses = append(event.Addresses, e.URL())
	}
	for _, step := range plan.Steps() {
		event.Stages = append(event.Stages, step.Name)
	}
	return event
}

// note prints a line on stderr.
func (s *serveShow) note(text string) {
	if s.screen != nil {
		s.screen.clear()
	}
	fmt.Fprintf(s.stderr, "dgram: %s\n", plain(text))
}

// aside is stderr for whoever writes whole lines to it.
type aside struct{ *serveShow }

func (s aside) Write(p []byte) (int, error) {
	if s.screen != nil {
		s.screen.clear()
	}
	return s.stderr.Write(p)
}

func (s aside) Fd() uintptr { return s.stderr.Fd() }

// events is where events go; nil without --json.
func (s *serveShow) events() func(ledger.Event) {
	if !s.json {
		return nil
	}
	return s.stream.Publish
}

// trouble is told what fails beside the datagrams. It never waits: goroutines that move datagrams call it.
func (s *serveShow) trouble(err error) { s.talk.say(err.Error()) }

// lastWords bounds the wait for an output that nobody takes.
const lastWords = time.Second

// account prints what became of every datagram: as an event where those are read, else in words on stderr.
func (s *serveShow) account(sum ledger.Summary, each []ledger.Summary, afterword string) {
	s.talk.close()
	if s.json {
		sum.Omitted = s.stream.Omitted()
		if s.publish(ledger.NewSummaryEvent(sum, each...)) && s.finish(lastWords) {
			return
		}
	}
	s.finish(lastWords)
	each = slices.Clone(each)
	for i := range each {
		each[i] = plainLocal(each[i])
	}
	var text strings.Builder
	text.WriteString(ledger.InWords(plainLocal(sum), each) + "\n")
	if afterword != "" {
		text.WriteString("dgram: " + plain(afterword) + "\n")
	}
	if err := sum.Balance(); err != nil {
		fmt.Fprintf(&text, "dgram: %s\n", plain(err.Error()))
	}
	_, _ = io.WriteString(s.stderr, text.String()) // never fails
}

// plainLocal escapes the one thing in a summary that is not ours: a unix path may hold anything.
func plainLocal(s ledger.Summary) ledger.Summary {
	s.Local = terminal.EscapeString(s.Local)
	return s
}

// publish adds an event to the stream, and reports false where its reader has stopped reading.
func (s *serveShow) publish(e ledger.Event) bool {
	done := make(chan struct{})
	go func() {
		s.stream.Publish(e)
		close(done)
	}()
	select {
	case <-done:
		return s.stream.Err() == nil
	case <-time.After(lastWords):
		return false
	}
}

// finish prints what waits, but for no longer than that, and reports whether all of it was printed.
func (s *serveShow) finish(within time.Duration) bool {
	s.talk.close()
	if s.stream == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	err := s.stream.Close(ctx)
	if s.screen != nil && ctx.Err() == nil {
		s.screen.finish()
	}
	return err == nil
}

// close ends the goroutines, whatever was printed.
func (s *serveShow) close() {
	s.opened.Do(func() { close(s.open) })
	s.finish(lastWords / 10)
}
