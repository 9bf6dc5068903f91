package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are what the scripts can say beyond testscript's own commands. A program that start began is stopped when its script ends.
//
//	start NAME PROGRAM [ARG...]  start a program (mostly dgram) and go on at once
//	ready NAME                   wait for its next line "ready HOST:PORT", or event of that kind, and set $NAME to HOST:PORT, $NAME_host and $NAME_port
//	await NAME out|err REGEXP    wait until a line of its output, none that was awaited before, matches
//	signal NAME INT|TERM|...     send it a signal
//	closeout NAME                close the reading end of its standard output, as head does when it has enough
//	finish NAME [CODE]           wait for its end, which must be with that exit code (0); stdout and stderr then look at its output
//	capture FILE                 write a capture file of a few packets (writeScene)
//	exits CODE PROGRAM [ARG...]  run a program to its end, which must be with that exit code; stdout and stderr then look at its output
//
// Where a CODE depends on how busy the machine is, it is two: 0|6.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"start":    scriptStart,
	"ready":    scriptReady,
	"await":    scriptAwait,
	"signal":   scriptSignal,
	"closeout": scriptCloseOut,
	"finish":   scriptFinish,
	"exits":    scriptExits,
	"capture":  scriptCapture,
}

// patience bounds every wait of a script. Nothing waits so long unless something is wrong.
const patience = 20 * time.Second

// process is a program that a script started.
type process struct {
	cmd      *exec.Cmd
	out, err *lines
	ended    chan struct{}
}

// lines collects a program's output, and lets others wait for a line of it.
type lines struct {
	mu     sync.Mutex
	more   *sync.Cond
	text   bytes.Buffer
	seen   int // bytes of it that were awaited
	closed bool
	pipe   io.Closer
}

func collect(r io.ReadCloser, wait *sync.WaitGroup) *lines {
	l := &lines{pipe: r}
	l.more = sync.NewCond(&l.mu)
	wait.Go(func() {
		scanner := bufio.NewReader(r)
		for {
			line, err := scanner.ReadString('\n')
			l.mu.Lock()
			l.text.WriteString(line)
			l.closed = err != nil
			l.more.Broadcast()
			l.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	return l
}

// await returns the next line that matches, of those that come after the last one awaited; ok is false at the end of the output, or of
// patience.
func (l *lines) await(pattern *regexp.Regexp) (line string, ok bool) {
	late := false
	timer := time.AfterFunc(patience, func() {
		l.mu.Lock()
		late = true
		l.more.Broadcast()
		l.mu.Unlock()
	})
	defer timer.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for {
			end := bytes.IndexByte(l.text.Bytes()[l.seen:], '\n')
			if end < 0 {
				break
			}
			line := string(l.text.Bytes()[l.seen : l.seen+end])
			l.seen += end + 1
			if pattern.MatchString(line) {
				return line, true
			}
		}
		if l.closed || late {
			return "", false
		}
		l.more.Wait()
	}
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// processes are those of one script, by name.
type processes map[string]*process

type processesKey struct{}

func setUpScript(e *testscript.Env) error {
	e.Values[processesKey{}] = make(processes)
	e.Setenv(raceOptions, os.Getenv(raceOptions))
	return nil
}

func running(ts *testscript.TestScript) processes { return ts.Value(processesKey{}).(processes) }

func named(ts *testscript.TestScript, name string) *process {
	p := running(ts)[name]
	if p == nil {
		ts.Fatalf("nothing called %q was started", name)
	}
	return p
}

func scriptStart(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "start NAME PROGRAM [ARG...]")
	p := startProcess(ts, args[1:])
	running(ts)[args[0]] = p
	ts.Defer(func() {
		_ = p.cmd.Process.Kill() // it has mostly ended
		<-p.ended
	})
}

func startProcess(ts *testscript.TestScript, args []string) *process {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), os.Environ()
	for _, name := range []string{"HOME", "TMPDIR", "NO_COLOR", "TERM", "LANG", "LC_ALL", "PYTHONUTF8"} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	var reading sync.WaitGroup
	p.out, p.err = collect(stdout, &reading), collect(stderr, &reading)
	go func() {
		reading.Wait()
		_ = cmd.Wait() // ProcessState tells
		close(p.ended)
	}()
	return p
}

var readyLine = regexp.MustCompile(`^ready (.*):(\d+)$|^\{.*"type":"ready".*"udp://([^"]*):(\d+)"`)

func scriptReady(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "ready NAME")
	p := named(ts, args[0])
	line, ok := p.out.await(readyLine)
	if !ok {
		ts.Fatalf("%s never was ready\nstdout: %s\nstderr: %s", args[0], p.out, p.err)
	}
	found := readyLine.FindStringSubmatch(line)
	host, port := found[1]+found[3], found[2]+found[4]
	ts.Setenv(args[0], host+":"+port)
	ts.Setenv(args[0]+"_host", host)
	ts.Setenv(args[0]+"_port", port)
}

func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 3, "await NAME out|err REGEXP")
	p := named(ts, args[0])
	from := p.out
	if args[1] == "err" {
		from = p.err
	}
	if _, ok := from.await(regexp.MustCompile(args[2])); !ok {
		ts.Fatalf("%s printed nothing that matches %s\nstdout: %s\nstderr: %s", args[0], args[2], p.out, p.err)
	}
}

func scriptSignal(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "signal NAME INT|TERM|KILL")
	number, ok := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}[args[1]]
	usage(ts, !ok, "signal NAME INT|TERM|KILL")
	ts.Check(named(ts, args[0]).cmd.Process.Signal(number))
}

func scriptCloseOut(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "closeout NAME")
	ts.Check(named(ts, args[0]).out.pipe.Close())
}

func scriptFinish(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 1 || len(args) > 2, "finish NAME [CODE]")
	code := "0"
	if len(args) == 2 {
		code = args[1]
	}
	named(ts, args[0]).finish(ts, args[0], code)
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "exits CODE PROGRAM [ARG...]")
	startProcess(ts, args[1:]).finish(ts, strings.Join(args[1:], " "), args[0])
}

func (p *process) finish(ts *testscript.TestScript, name, code string) {
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.ended
		ts.Fatalf("%s did not end\nstdout: %s\nstderr: %s", name, p.out, p.err)
	}
	fmt.Fprint(ts.Stdout(), p.out)
	fmt.Fprint(ts.Stderr(), p.err)
	if got := fmt.Sprint(p.cmd.ProcessState.ExitCode()); !slices.Contains(strings.Split(code, "|"), got) {
		ts.Fatalf("%s ended with exit code %s, not %s\nstdout: %s\nstderr: %s", name, got, code, p.out, p.err)
	}
}

func usage(ts *testscript.TestScript, wrong bool, how string) {
	if wrong {
		ts.Fatalf("usage: %s", how)
	}
}
