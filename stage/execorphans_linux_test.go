package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dgram"
)

// execPayloads is how many payloads are tried: few, or DGRAM_EXEC_PAYLOADS.
func execPayloads(t *testing.T) int {
	t.Helper()
	text := os.Getenv("DGRAM_EXEC_PAYLOADS")
	if text == "" {
		return 200
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("DGRAM_EXEC_PAYLOADS: %v", err)
	}
	return n
}

// Payloads that look like commands, options and redirections change neither what is run nor with what, and no process is left behind,
// whether the program ends well, fails, hangs, floods, or leaves children that hang.
func TestExecLeavesNothingBehind(t *testing.T) {
	needProc(t)
	mark := fmt.Sprintf("1%09d", os.Getpid()) // seconds that nobody else sleeps for
	canary := filepath.Join(t.TempDir(), "canary")
	// What is run says what it was given; each payload's first letter chooses how it ends.
	p, err := newProgram(`sh -c 'read -r line; case $line in ` +
		`h*) sleep ` + mark + `;; c*) sleep ` + mark + ` & echo "$#:$*";; e*) sleep ` + mark + ` & exit 3;; ` +
		`f*) sleep ` + mark + ` & yes;; g*) (sleep ` + mark + ` & sleep ` + mark + ` &) & echo "$#:$*";; *) echo "$#:$*";; esac' sh one two`)
	if err != nil {
		t.Fatal(err)
	}
	payloads := []string{"", "-c 'touch " + canary + "'", "; touch " + canary, "$(touch " + canary + ")", "`touch " + canary + "`", "\x00\xff",
		"| touch " + canary, "--help", "hang", "child", "exit", "flood", "grandchild", "\n\n", strings.Repeat("x", 9000)}
	n, each := execPayloads(t), make(chan string)
	var workers sync.WaitGroup
	for range programsAtOnce {
		workers.Go(func() {
			for payload := range each {
				ctx, cancel := context.WithTimeout(t.Context(), deadlineFor(payload))
				reply, err := p.Handle(ctx, Context{}, dgram.Datagram{Data: []byte(payload)})
				cancel()
				if err == nil && string(reply) != "2:one two\n" {
					t.Errorf("%.40q: the program was given %q", payload, reply)
				}
				if err != nil && strings.HasPrefix(payload, "h") && !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "killed") {
					t.Errorf("%.40q: %v", payload, err)
				}
			}
		})
	}
	for i := range n {
		each <- payloads[i%len(payloads)]
	}
	close(each)
	workers.Wait()
	if _, err := os.Stat(canary); err == nil {
		t.Error("a payload was run")
	}
	left := running(t, mark)
	for range 200 { // what was killed may still be on its way out
		if len(left) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
		left = running(t, mark)
	}
	if len(left) > 0 {
		t.Errorf("after %d payloads %d processes are left: %v", n, len(left), left)
	}
}

func deadlineFor(payload string) time.Duration {
	if strings.HasPrefix(payload, "h") {
		return 50 * time.Millisecond
	}
	return 20 * time.Second
}

// running returns the numbers of the processes that have word among their arguments.
func running(t *testing.T, word string) (numbers []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file) // it may have ended meanwhile; that of a zombie is empty
		for _, argument := range strings.Split(string(text), "\x00") {
			if err == nil && argument == word {
				numbers = append(numbers, filepath.Base(filepath.Dir(file)))
			}
		}
	}
	return numbers
}
