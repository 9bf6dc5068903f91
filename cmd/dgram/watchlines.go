package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"dgram/internal/terminal"
)

// inLines shows packets as lines, or not at all, and the summary at the end.
func (w *lookout) inLines(_ context.Context, e env) error {
	stderr := terminal.NewWriter(e.stderr, nil)
	w.tell = func(text string) { fmt.Fprintln(stderr, "dgram: "+plain(text)) }
	out := newLineOut(e.stdout)
	var events *jsonLines
	switch {
	case w.json:
		j := &jsonLines{out: out, interfaces: w.source.Interfaces}
		if events = j; !w.quiet {
			w.show = j
		}
	case w.quiet:
	default:
		w.show = &textLines{out: out, times: w.times.value, owners: w.owners != nil}
	}
	if w.watched.live {
		w.tell("watching " + w.title() + filterNote(w.words) + "; Ctrl-C ends")
		if err := w.idle(w.begun.UnixNano()); err != nil {
			return err
		}
	}
	w.broken = out.broken.Load
	err := w.read()
	s := w.summarize()
	if events != nil {
		events.summary(s)
	}
	out.flush()
	if events == nil {
		_, _ = io.WriteString(stderr, s.text(terminal.Colours(e.stderr))) // nobody is left to tell
	}
	if failed := out.failed(); failed != nil && !errors.Is(failed, syscall.EPIPE) {
		err = errors.Join(err, fmt.Errorf("standard output takes no more: %w", failed))
	}
	return err
}

func filterNote(words string) string {
	if words == "" {
		return ""
	}
	return ": " + words
}
