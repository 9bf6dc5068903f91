package main

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// lineOut gathers lines and writes many at once: when there are enough, and a moment after a line when no more come.
type lineOut struct {
	w      io.Writer
	broken atomic.Bool // nobody takes any more

	mu      sync.Mutex
	buffer  []byte
	pending bool // a write is due
	err     error
	timer   *time.Timer
}

const (
	enoughLines = 64 << 10
	soon        = 20 * time.Millisecond // a person does not notice it, and a flood is written in large pieces
)

func newLineOut(w io.Writer) *lineOut {
	o := &lineOut{w: w, buffer: make([]byte, 0, enoughLines+4096)}
	o.timer = time.AfterFunc(time.Hour, o.flush)
	return o
}

// add lets append1 append lines to what is there.
func (o *lineOut) add(append1 func([]byte) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buffer = append1(o.buffer)
	switch {
	case len(o.buffer) >= enoughLines:
		o.write()
	case !o.pending:
		o.pending = true
		o.timer.Reset(soon)
	}
}

func (o *lineOut) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pending = false
	o.write()
}

// write writes what is there. Only with the lock held.
func (o *lineOut) write() {
	if o.err == nil && len(o.buffer) > 0 {
		_, o.err = o.w.Write(o.buffer)
		o.broken.Store(o.err != nil)
	}
	o.buffer = o.buffer[:0]
}

// failed is why nothing more is written, nil while it works.
func (o *lineOut) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
