package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"dgram/internal/terminal"
	"dgram/stage"
)

// The exit codes that every verb shares. What else there is stands with its verb.
const (
	exitOK    = 0
	exitError = 1 // wrong usage, or something on this machine
)

// exitCode ends the program with a code of its own. Where err is nil, what there is to say has been said.
type exitCode struct {
	code int
	err  error
}

// exit returns the error that ends the program with code, after printing err unless it is nil.
func exit(code int, err error) error { return &exitCode{code, err} }

func (e *exitCode) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitCode) Unwrap() error { return e.err }

// conclude prints what is left to say about err, and returns the exit code.
func conclude(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	code, coded := exitError, (*exitCode)(nil)
	if errors.As(err, &coded) {
		if code = coded.code; coded.err == nil {
			return code
		}
	}
	fmt.Fprintln(stderr, "dgram: "+sentence(err))
	return code
}

// sentence writes an error for a person, with nothing in it that could harm a terminal, or pass for another line. A mistake in a stage or a
// rule is followed by its text, with a caret under the place.
func sentence(err error) string {
	var mistake *stage.Error
	if !errors.As(err, &mistake) {
		return plain(err.Error())
	}
	text := mistake.Problem
	if mistake.File != "" {
		text = fmt.Sprintf("%s:%d:%d: %s", mistake.File, mistake.Line, mistake.Column, text)
	}
	if mistake.Hint != "" {
		text += "; " + mistake.Hint
	}
	text = plain(text)
	if place := strings.SplitN(mistake.Detail(), "\n", 3); len(place) == 3 {
		text += "\n" + plain(place[0]) + "\n" + plain(place[1])
	}
	return text
}

// plain is a line in which everything is escaped that could harm a terminal, line breaks too. Escapes that are there already stay as they
// are: errors quote what comes from outside.
func plain(line string) string { return strings.ReplaceAll(terminal.EscapeString(line), `\\`, `\`) }
