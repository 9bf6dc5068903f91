package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dgram"
)

// runProgram runs an exec spec's program once.
func runProgram(t *testing.T, argument, payload string) (string, error) {
	t.Helper()
	p, err := newProgram(argument)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	reply, err := p.Handle(ctx, Context{}, dgram.Datagram{Data: []byte(payload), Peer: testPeer, Local: testLocal})
	return string(reply), err
}

func TestExecReplies(t *testing.T) {
	needTool(t, "sh")
	largest := strings.Repeat("x", dgram.MaxPayload)
	for _, c := range []struct{ argument, in, want string }{
		{"cat", "payload \x00\xff", "payload \x00\xff"},
		{"cat", "", ""},
		{"cat", largest, largest},
		{"true", largest, ""}, // it does not read what it is given
		{"tr 'a-z' \"A-Z\"", "words", "WORDS"},
		{`printf '%s|' a "b c" $HOME '*' ''`, "", "a|b c|$HOME|*||"},
		{`sh -c 'echo "$DGRAM_PEER $DGRAM_LOCAL $DGRAM_LENGTH"'`, "hey", "192.0.2.1:1000 192.0.2.2:12345 3\n"},
		{`sh -c 'echo reply; echo talk >&2'`, "", "reply\n"},
		{`sh -c 'yes talk | head -c 1000000 >&2; echo reply'`, "", "reply\n"},
	} {
		got, err := runProgram(t, c.argument, c.in)
		if err != nil || got != c.want {
			t.Errorf("%s: %.60q %v, want %.60q", c.argument, got, err, c.want)
		}
	}
}

func TestExecEnvironmentIsClean(t *testing.T) {
	t.Setenv("SECRET", "not for programs")
	t.Setenv("LANG", "C")
	got, err := runProgram(t, needTool(t, "env"), "")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(got) {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	if want := []string{"DGRAM_LENGTH", "DGRAM_LOCAL", "DGRAM_PEER", "LANG", "PATH"}; !slices.Equal(names, want) {
		t.Errorf("the environment holds %q, want %q", names, want)
	}
}

func TestExecFailures(t *testing.T) {
	needTool(t, "sh")
	if _, err := runProgram(t, `sh -c 'echo reply; echo "it went wrong" >&2; exit 3'`, ""); err == nil ||
		err.Error() != `run sh: exit status 3: "it went wrong\n"` {
		t.Errorf("exit 3: %v", err)
	}
	if _, err := runProgram(t, "sh -c 'kill -9 $$'", ""); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("killed: %v", err)
	}
	if _, err := runProgram(t, "yes", ""); !errors.Is(err, ErrTooBig) {
		t.Errorf("a reply without end: %v", err)
	}
	if _, err := runProgram(t, `sh -c 'yes x | head -c 65508'`, ""); !errors.Is(err, ErrTooBig) {
		t.Errorf("a reply one byte too long: %v", err)
	}
}

// alive reports whether the process whose number is in the file lives. It waits for the file.
func alive(t *testing.T, file string) (number int, lives bool) {
	t.Helper()
	for range 500 {
		text, err := os.ReadFile(file)
		if n, numErr := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && numErr == nil {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n))
			_, state, _ := bytes.Cut(stat, []byte(") "))
			return n, err == nil && !bytes.HasPrefix(state, []byte("Z")) // whoever inherits it may be slow to reap it
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s: no process wrote its number", file)
	return 0, false
}

func waitDead(t *testing.T, file string) {
	t.Helper()
	var n int
	for range 500 {
		var lives bool
		if n, lives = alive(t, file); !lives {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d lives on", n)
}

func needProc(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("this test reads Linux's /proc")
	}
	needTool(t, "sh")
}

// At the deadline the program dies with its children.
func TestExecDeadlineKillsTheGroup(t *testing.T) {
	needProc(t)
	file := filepath.Join(t.TempDir(), "child")
	p, err := newProgram(`sh -c 'sleep 1000 & echo $! >"$1"; wait' sh ` + quoteWord(file))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := p.Handle(ctx, Context{}, dgram.Datagram{})
		ended <- err
	}()
	if n, lives := alive(t, file); !lives {
		t.Fatalf("the child %d is not there", n)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("no error")
	}
	waitDead(t, file)
}

// A program that ends and leaves a child behind, which holds its output open, is answered for at once, and the child dies.
func TestExecLeavesNoOrphans(t *testing.T) {
	needProc(t)
	file := filepath.Join(t.TempDir(), "child")
	before := time.Now()
	got, err := runProgram(t, `sh -c 'sleep 1000 & echo $! >"$1"; echo reply' sh `+quoteWord(file), "")
	if err != nil || got != "reply\n" {
		t.Errorf("%q %v", got, err)
	}
	if took := time.Since(before); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	waitDead(t, file)
}

// A process that takes itself out of the group and keeps the output open cannot be told from one that still has something to say: no half
// reply is sent.
func TestExecHeldOpen(t *testing.T) {
	needProc(t)
	needTool(t, "setsid")
	file := filepath.Join(t.TempDir(), "child")
	const escape = `setsid sh -c "echo \$\$ >\$1; exec sleep 20" sh "$1" & echo reply; until [ -s "$1" ]; do :; done`
	_, err := runProgram(t, "sh -c '"+escape+"' sh "+quoteWord(file), "")
	if !errors.Is(err, errHeldOpen) {
		t.Errorf("error %v", err)
	}
	n, _ := alive(t, file)
	if p, err := os.FindProcess(n); err == nil {
		_ = p.Kill()
	}
}

// Closing a Line kills what runs.
func TestExecDiesWithItsLine(t *testing.T) {
	needProc(t)
	file := filepath.Join(t.TempDir(), "child")
	r := newRig(t, MustParse(`exec:sh -c 'echo $$ >"$1"; exec sleep 1000' sh `+quoteWord(file)), LineOptions{})
	id := r.one("x")
	alive(t, file)
	r.line.Close()
	r.expect(id, "pending", "dropped: shutdown")
	waitDead(t, file)
}

// The slow one and the failing one cost nobody else anything.
func TestExecSlowProgramHoldsUpNobody(t *testing.T) {
	needTool(t, "sh")
	var mu sync.Mutex
	var told []string
	plan := MustParse(`exec:sh -c 'read -r line; case $line in slow*) sleep 1000;; bad*) exit 1;; *) echo "$line";; esac'`)
	r := newRig(t, plan, LineOptions{HandlerTimeout: 2 * time.Second, OnHandlerError: func(err error) {
		mu.Lock()
		told = append(told, err.Error())
		mu.Unlock()
	}})
	before := time.Now()
	slow, bad := r.one("slow\n"), r.one("bad\n")
	quick := make([]uint64, 20)
	for i := range quick {
		quick[i] = r.one("quick\n")
	}
	for range 1000 {
		if len(r.replies(quick[len(quick)-1])) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if took := time.Since(before); took > 1900*time.Millisecond {
		t.Logf("the machine is slow: %v", took)
	} else {
		r.expect(slow, "pending")
	}
	if err := r.line.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range quick {
		r.expect(id, "pending", "answered")
	}
	r.expect(slow, "pending", "dropped: timeout")
	r.expect(bad, "pending", "dropped: handler")
	r.line.Close()
	if len(told) != 2 || !strings.Contains(told[0], "exit status 1") {
		t.Errorf("told %q", told)
	}
}

// One program step runs sixteen at once, however many lines share it.
func TestExecBoundsWhatRunsAtOnce(t *testing.T) {
	needTool(t, "sh")
	dir := t.TempDir()
	// Each run leaves a mark while it runs and says how many marks there are.
	p, err := newProgram(`sh -c 'cd "$1" && : >$$ && ls | wc -l && sleep 0.05 && rm $$' sh ` + quoteWord(dir))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	most := 0
	for range 3 * programsAtOnce {
		wg.Go(func() {
			reply, err := p.Handle(t.Context(), Context{}, dgram.Datagram{})
			n, numErr := strconv.Atoi(strings.TrimSpace(string(reply)))
			if err != nil || numErr != nil {
				t.Errorf("%q %v", reply, err)
			}
			mu.Lock()
			most = max(most, n)
			mu.Unlock()
		})
	}
	wg.Wait()
	if most > programsAtOnce || most < 2 {
		t.Errorf("%d ran at once", most)
	}
}
