//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// proof is one promise being tried: by this program, or by an ordinary test. Errorf says that the promise is broken.
type proof struct {
	testing.TB
	short bool
	seed  uint64

	mu         sync.Mutex
	sent, seen []string
}

// sentf and seenf note what stands in the promise's line.
func (p *proof) sentf(format string, args ...any) { p.note(&p.sent, format, args) }

func (p *proof) seenf(format string, args ...any) { p.note(&p.seen, format, args) }

func (p *proof) note(to *[]string, format string, args []any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	*to = append(*to, text)
	p.Log(text)
}

// count is full in a whole run, and less in a short one.
func (p *proof) count(full, short int) int {
	if p.short {
		return short
	}
	return full
}

// step runs a part of the proof, whose failures are told under its name.
func (p *proof) step(name string, f func()) {
	p.Helper()
	began := time.Now()
	f()
	p.Logf("%-40s %.1f s", name, time.Since(began).Seconds())
}

// trial stands in for a *testing.T in a program: what package testnet and the proofs need of one. Its methods may be called from any goroutine, but
// those that end the trial only from the one that runs it.
type trial struct {
	testing.TB // never called: whatever is needed is below
	name       string
	ctx        context.Context
	cancel     context.CancelFunc
	progress   io.Writer

	mu      sync.Mutex
	undo    []func()
	why     []string
	skipped bool
	failed  bool
}

func (t *trial) Helper()                  {}
func (t *trial) Name() string             { return t.name }
func (t *trial) Context() context.Context { return t.ctx }

func (t *trial) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.undo = append(t.undo, f)
}

func (t *trial) Log(args ...any)                 { t.say(fmt.Sprint(args...)) }
func (t *trial) Logf(format string, args ...any) { t.say(fmt.Sprintf(format, args...)) }

func (t *trial) say(text string) { fmt.Fprintf(t.progress, "   %s: %s\n", t.name, text) }

func (t *trial) Error(args ...any)                 { t.breaks(fmt.Sprint(args...)) }
func (t *trial) Errorf(format string, args ...any) { t.breaks(fmt.Sprintf(format, args...)) }

func (t *trial) breaks(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = true
	t.why = append(t.why, text)
}

func (t *trial) Fatal(args ...any) { t.breaks(fmt.Sprint(args...)); t.FailNow() }
func (t *trial) Fatalf(format string, args ...any) {
	t.breaks(fmt.Sprintf(format, args...))
	t.FailNow()
}

func (t *trial) Fail() { t.breaks("it failed") }

func (t *trial) FailNow() {
	t.mu.Lock()
	t.failed = true
	t.mu.Unlock()
	runtime.Goexit()
}

func (t *trial) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

func (t *trial) Skip(args ...any) {
	t.mu.Lock()
	t.skipped = true
	t.why = append(t.why, fmt.Sprint(args...))
	t.mu.Unlock()
	runtime.Goexit()
}

func (t *trial) Skipf(format string, args ...any) { t.Skip(fmt.Sprintf(format, args...)) }

func (t *trial) TempDir() string {
	dir, err := os.MkdirTemp("", "dgram-prove-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// longest bounds one promise.
const longest = 5 * time.Minute

// attempt tries one promise and cleans up behind it.
func attempt(p promise, o options, progress io.Writer, interrupted <-chan os.Signal) result {
	t := &trial{name: fmt.Sprintf("promise %d", p.number), progress: progress}
	t.ctx, t.cancel = context.WithTimeout(context.Background(), longest)
	defer t.cancel()
	proof := &proof{TB: t, short: o.short, seed: o.seed}
	r := result{Promise: p.number, Claim: p.claim, Seed: o.seed, Short: o.short}
	began := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.clean()
		defer t.survive()
		p.prove(proof)
	}()
	select {
	case <-done:
	case <-interrupted:
		r.interrupted = true
		t.breaks("interrupted")
		t.cancel() // ends the processes, and with them the proof
		<-done
	}
	r.Seconds, r.Sent, r.Seen, r.Why = time.Since(began).Seconds(), proof.sent, proof.seen, t.why
	switch {
	case t.failed:
		r.Verdict = broken
	case t.skipped:
		r.Verdict = open
	default:
		r.Verdict = held
	}
	return r
}

func (t *trial) survive() {
	if v := recover(); v != nil {
		t.breaks(fmt.Sprintf("the proof panicked: %v\n%s", v, strings.TrimSpace(string(debug.Stack()))))
	}
}

// clean undoes what the trial set up, the last first, each on a goroutine that it may end.
func (t *trial) clean() {
	t.mu.Lock()
	undo := t.undo
	t.undo = nil
	t.mu.Unlock()
	for _, f := range slices.Backward(undo) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer t.survive()
			f()
		}()
		<-done
	}
}
