package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"dgram/client"
)

// The exit codes of call, beside exitOK (answered) and exitError (wrong usage, or trouble here).
const (
	exitSilent      = 2
	exitRefused     = 3 // or unreachable
	exitStranger    = 4
	exitTooBig      = 5
	exitInterrupted = 130
)

// severity orders the exit codes, the worst first: of several datagrams the worst one's wins.
var severity = []int{exitError, exitTooBig, exitRefused, exitStranger, exitSilent, exitOK}

// outcomes counts what became of the requests.
type outcomes struct {
	mu     sync.Mutex // at a prompt several end at once
	total  int
	counts [int(client.Interrupted) + 1]int // by verdict
	worst  int                              // place in severity, counted from the end
}

func (o *outcomes) add(a asked) {
	o.mu.Lock()
	defer o.mu.Unlock()
	verdict := verdictOf(a)
	o.total++
	o.counts[verdict]++
	o.worst = max(o.worst, len(severity)-1-slices.Index(severity, codeOf(verdict)))
}

// code is the exit code of them all.
func (o *outcomes) code() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return severity[len(severity)-1-o.worst]
}

// String sums up in words: 5 datagrams: 3 answered, 2 silent.
func (o *outcomes) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var parts []string
	for v, n := range o.counts {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, client.Verdict(v)))
		}
	}
	noun := "datagrams"
	if o.total == 1 {
		noun = "datagram"
	}
	text := fmt.Sprintf("%d %s", o.total, noun)
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

func verdictOf(a asked) client.Verdict {
	switch {
	case a.exchange != nil:
		return a.exchange.Verdict
	case a.err != nil:
		return client.Failed
	}
	return client.TooBig
}

func codeOf(v client.Verdict) int {
	switch v {
	case client.Answered:
		return exitOK
	case client.Silent:
		return exitSilent
	case client.Refused, client.Unreachable:
		return exitRefused
	case client.Stranger:
		return exitStranger
	case client.TooBig:
		return exitTooBig
	case client.Interrupted:
		return exitOK // the interrupt itself decides
	}
	return exitError
}
