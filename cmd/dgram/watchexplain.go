package main

import (
	"errors"
	"io"

	"dgram/internal/explain"
	"dgram/internal/terminal"
	"dgram/ledger"
)

// explained begins to explain the calls of a capture, if that is wanted. The env that it returns is the one to write to meanwhile: the
// explanations come from a goroutine of their own.
func (f *watchFlags) explained(e env, what watched) (env, explaining, error) {
	switch {
	case !f.explain.on:
		return e, explaining{}, nil
	case f.onScreen(e, what) && !f.list:
		return e, explaining{}, errors.New("--explain prints lines, which would tear the screen apart: add --plain, --quiet or --json")
	case !what.live:
		_, err := io.WriteString(e.stderr, explain.NoSocket(f.explain.language())+"\n")
		return e, explaining{}, err
	}
	e.stdout, e.stderr = &movable{w: e.stdout}, &movable{w: e.stderr}
	var publish func(ledger.Event)
	if f.json && f.write != "-" {
		publish = func(event ledger.Event) { _ = writeEvent(e.stdout, event) } // the packets' lines tell that nobody takes them
	}
	return e, f.explain.begin(terminal.NewWriter(e.stderr, nil), false, publish), nil
}
