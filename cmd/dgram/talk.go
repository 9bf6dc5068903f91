package main

import (
	"fmt"
	"sync"
	"time"
)

// talk prints lines that may come far too fast, from goroutines that must not wait: a few each second, and how many were left out.
type talk struct {
	lines chan string
	print func(string)
	hurry chan struct{} // closed when there is no time to wait between lines
	done  chan struct{}

	mu     sync.Mutex
	closed bool
	left   int // out, since the last that was printed
}

// betweenLines is the least time from one line to the next.
const betweenLines = 200 * time.Millisecond

// newTalk returns a talk that prints on a goroutine of its own, which close ends.
func newTalk(print func(string)) *talk {
	t := &talk{lines: make(chan string, 8), print: print, hurry: make(chan struct{}), done: make(chan struct{})}
	go t.run()
	return t
}

// say prints a line soon, or counts it as left out.
func (t *talk) say(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	select {
	case t.lines <- text:
	default:
		t.left++
	}
}

func (t *talk) run() {
	defer close(t.done)
	for text := range t.lines {
		t.print(text + t.leftOut())
		t.pause()
	}
}

func (t *talk) pause() {
	timer := time.NewTimer(betweenLines)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.hurry:
	}
}

func (t *talk) leftOut() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.left
	if t.left = 0; n == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more)", n)
}

// close prints what waits and ends the talk.
func (t *talk) close() {
	t.mu.Lock()
	if !t.closed {
		t.closed = true
		close(t.lines)
		close(t.hurry)
	}
	t.mu.Unlock()
	select {
	case <-t.done:
	case <-time.After(lastWords):
	}
}
