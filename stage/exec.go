package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"dgram"
)

var execSpec = Spec{
	Name: "exec", Kind: HandlerKind, Argument: "PROGRAM ARG…",
	Summary:  "a program, without a shell, for each datagram: payload on stdin, reply on stdout",
	Examples: []string{"exec:rev", `exec:tr 'a-z' "A-Z"`},
	New: func(argument string) (Step, error) {
		p, err := newProgram(argument)
		return Step{Handler: p}, err
	},
}

const (
	programsAtOnce = 16      // of one exec step, over all shards
	maxStderr      = 1 << 10 // bytes that are kept of what a program says on stderr, for its error
	// grace is how long a process that escaped its group (setsid(2)) can hold up a program that has ended, by keeping its pipes open.
	// It is long, because a busy machine may take its time to hand over what an honest program wrote.
	grace = time.Second
)

// program runs one process for each request.
type program struct {
	argv  []string
	path  string
	env   []string
	slots chan struct{}
}

func newProgram(argument string) (*program, error) {
	argv, offsets, err := splitWords(argument)
	if err != nil {
		return nil, err
	}
	if len(argv) == 0 {
		return nil, At(0, "for example exec:rev", "the program is missing")
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, notRunnable(argv[0], offsets[0], err)
	}
	p := &program{argv: argv, path: path, slots: make(chan struct{}, programsAtOnce)}
	for _, name := range []string{"PATH", "LANG"} {
		if value, ok := os.LookupEnv(name); ok {
			p.env = append(p.env, name+"="+value)
		}
	}
	return p, nil
}

func notRunnable(name string, at int, err error) error {
	mistake := &Error{at: at, Err: err}
	var lookup *exec.Error
	switch {
	case errors.Is(err, exec.ErrDot):
		mistake.Problem, mistake.Hint = "the program "+quote(name)+" is in the current folder, not in PATH", "write ./"+name
	case errors.Is(err, exec.ErrNotFound):
		mistake.Problem, mistake.Hint = "there is no program "+quote(name)+" in PATH", "install it, or give its path"
	case errors.As(err, &lookup):
		mistake.Problem = "the program " + quote(name) + " cannot be run: " + lookup.Err.Error()
	default:
		mistake.Problem = "the program " + quote(name) + " cannot be run: " + err.Error()
	}
	return mistake
}

// Handle runs the program. When ctx ends, the program and whatever it started are killed; when the program ends, what it left running is,
// too. Errors: ErrTooBig, the cause of ctx's end, or how the program failed with the beginning of its stderr.
func (p *program) Handle(ctx context.Context, _ Context, request dgram.Datagram) ([]byte, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("run %s: %w", p.argv[0], context.Cause(ctx))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reply, said, err := run(p.command(ctx, request), cancel)
	switch {
	case len(reply) > dgram.MaxPayload:
		return nil, fmt.Errorf("run %s: %w", p.argv[0], ErrTooBig)
	case err != nil && len(said) > 0:
		return nil, fmt.Errorf("run %s: %w: %q", p.argv[0], err, said)
	case err != nil:
		return nil, fmt.Errorf("run %s: %w", p.argv[0], err)
	}
	return reply, nil
}

func (p *program) command(ctx context.Context, request dgram.Datagram) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.path)
	cmd.Args = p.argv
	cmd.Env = append(p.env[:len(p.env):len(p.env)],
		"DGRAM_PEER="+envText(request.Peer), "DGRAM_LOCAL="+envText(request.Local), "DGRAM_LENGTH="+strconv.Itoa(len(request.Data)))
	cmd.Stdin = bytes.NewReader(request.Data)
	cmd.WaitDelay = grace
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return killGroup(cmd.Process) }
	return cmd
}

// envText is an endpoint without the NUL that an abstract unix name may hold and an environment may not.
func envText(e dgram.Endpoint) string { return strings.ReplaceAll(e.String(), "\x00", "@") }

// run starts cmd, waits for it and returns what it wrote: stdout up to one byte more than a datagram holds, past which it calls tooMuch,
// which kills it, and the beginning of stderr. The pipes are our own, and not cmd's, so that a grandchild that keeps them open can be
// killed before they are waited for.
func run(cmd *exec.Cmd, tooMuch func()) (reply, said []byte, err error) {
	stdout, err := newCapture(dgram.MaxPayload+1, tooMuch)
	if err != nil {
		return nil, nil, err
	}
	stderr, err := newCapture(maxStderr, func() {})
	if err != nil {
		stdout.w.Close()
		stdout.wait()
		return nil, nil, err
	}
	cmd.Stdout, cmd.Stderr = stdout.w, stderr.w
	err = cmd.Start()
	stdout.w.Close()
	stderr.w.Close()
	if err == nil {
		err = cmd.Wait()
		// The group's number is the program's. While a process of the group lives, the system gives it to no other, so this ends
		// what the program left behind, or nothing.
		_ = killGroup(cmd.Process)
	}
	if errors.Is(err, exec.ErrWaitDelay) { // it ended well and did not read all its stdin
		err = nil
	}
	reply, whole := stdout.wait()
	said, _ = stderr.wait()
	if err == nil && !whole {
		err = errHeldOpen
	}
	return reply, said, err
}

var errHeldOpen = errors.New("a process that it started and that left its group keeps its output open")

// capture keeps the first bytes that are written to a pipe and takes all.
type capture struct {
	r, w  *os.File
	kept  chan []byte
	whole bool // the end was seen; valid once kept has been received from
}

// newCapture opens a pipe of which max bytes are kept; full is called when they are there.
func newCapture(max int64, full func()) (*capture, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c := &capture{r: r, w: w, kept: make(chan []byte, 1)}
	go func() {
		kept, _ := io.ReadAll(io.LimitReader(r, max))
		if int64(len(kept)) == max {
			full()
		}
		_, err := io.Copy(io.Discard, r)
		c.whole = err == nil
		c.kept <- kept
	}()
	return c, nil
}

// wait returns what was kept, once the writers have closed the pipe, and after grace in any case; whole then is false. The caller has
// closed w.
func (c *capture) wait() (kept []byte, whole bool) {
	expire := time.AfterFunc(grace, func() { c.r.Close() })
	defer c.r.Close()
	defer expire.Stop()
	kept = <-c.kept
	return kept, c.whole
}
