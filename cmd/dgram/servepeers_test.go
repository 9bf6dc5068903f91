package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dgram/internal/testnet"
	"dgram/internal/testpty"
	"dgram/ledger"
)

// served is a dgram serve that runs as a process.
type served struct {
	cmd    *exec.Cmd
	addr   string // HOST:PORT
	stderr bytes.Buffer
	rest   chan []byte // of its stdout, once it has ended
}

// serveWith starts dgram serve, made by command, and waits until it is ready. Its first line, as a person or a program is told, has the address.
func serveWith(t *testing.T, cmd *exec.Cmd) *served {
	t.Helper()
	s := &served{cmd: cmd, rest: make(chan []byte, 1)}
	cmd.Stderr = &s.stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, cmd)
	out := bufio.NewReader(pipe)
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatalf("%v: it never was ready: %q", err, line)
	}
	s.addr = strings.TrimSpace(strings.TrimPrefix(line, "ready "))
	if event, err := ledger.Unmarshal([]byte(line)); err == nil {
		s.addr = strings.TrimPrefix(event.(*ledger.ReadyEvent).Addresses[0], "udp://")
	}
	go func() {
		rest, _ := io.ReadAll(out) // ends with the process
		s.rest <- rest
	}()
	return s
}

// stop terminates it and returns what it printed since it was ready.
func (s *served) stop(t *testing.T) (stdout, stderr string) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest := <-s.rest
	exitsWith(t, s.cmd, 0)
	return string(rest), s.stderr.String()
}

// Each of these sends a line from its keyboard and prints the answer. The seed's client is the teaching text's, unchanged.
func TestServePeers(t *testing.T) {
	testnet.NotUnderRace(t, "it is about other programs")
	needSignals(t)
	for _, c := range []struct {
		tool string
		args []string // before host and port, with the host and port, or neither
	}{
		{"python3", []string{"../../testdata/seed/client.py", "HOST", "PORT"}},
		{"nc", []string{"-u", "HOST", "PORT"}},
		{"socat", []string{"-", "UDP4:HOST:PORT"}},
		{"ncat", []string{"-u", "HOST", "PORT"}},
	} {
		t.Run(c.tool, func(t *testing.T) {
			testnet.Need(t, c.tool)
			s := serveWith(t, exec.Command(self(t), "serve", "127.0.0.1:0"))
			host, port, _ := net.SplitHostPort(s.addr)
			place := strings.NewReplacer("HOST", host, "PORT", port)
			args := make([]string, len(c.args))
			for i := range c.args {
				args[i] = place.Replace(c.args[i])
			}
			talkTo(t, exec.Command(c.tool, args...))
			stdout, stderr := s.stop(t)
			if !strings.Contains(stdout, "HELLO") || !strings.Contains(stderr, "received   2 = answered 2") {
				t.Errorf("serve printed %q and %q", stdout, stderr)
			}
		})
	}
}

// talkTo types two lines into a client, the second when the first was answered, and leaves.
func talkTo(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.Env = append(os.Environ(), "PYTHONUTF8=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, cmd)
	kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	answers := bufio.NewReader(out)
	for _, line := range []string{"hello\n", "straße 你好\n"} {
		if _, err := io.WriteString(in, line); err != nil {
			t.Fatal(err)
		}
		got, err := answers.ReadString('\n')
		if want := string(upper([]byte(line))); err != nil || got != want {
			t.Fatalf("%q was answered by %q, want %q: %v", line, got, want, err)
		}
	}
	in.Close()
	_ = cmd.Process.Kill() // ncat and socat would linger
	_ = cmd.Wait()
}

// The two machines of the teaching text; and a group, which only a link between machines shows to work.
func TestServeBetweenNamespaces(t *testing.T) {
	testnet.NotUnderRace(t, "it is about routes and addresses")
	testnet.Need(t, "python3", "ip")
	left, right := testnet.Pair(t, "192.168.3.2/24 fd00::2/64", "192.168.3.8/24 fd00::8/64")
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	program := self(t)
	client, err := filepath.Abs("../../testdata/seed/client.py")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("the seed's client", func(t *testing.T) {
		s := serveWith(t, right.Command(ctx, program, "serve", "192.168.3.8:12345"))
		talkTo(t, left.Command(ctx, "python3", client, "192.168.3.8"))
		stdout, stderr := s.stop(t)
		if !strings.Contains(stdout, "192.168.3.2:") || !strings.Contains(stderr, "received   2 = answered 2") ||
			!strings.Contains(stderr, "192.168.3.8:12345 can be reached from other machines") {
			t.Errorf("serve printed %q and %q", stdout, stderr)
		}
	})
	for _, c := range []struct{ name, listen, call string }{
		{"all addresses", "0.0.0.0:12345", "192.168.3.8:12345"},
		{"all addresses of both families, IPv4", "[::]:12345", "192.168.3.8:12345"},
		{"all addresses of both families, IPv6", "[::]:12345", "[fd00::8]:12345"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serveWith(t, right.Command(ctx, program, "serve", c.listen))
			out, err := left.Command(ctx, program, "call", c.call, "hello").CombinedOutput()
			if err != nil || string(out) != "HELLO\n" {
				t.Errorf("call prints %q: %v", out, err)
			}
			s.stop(t)
		})
	}
	t.Run("a group", func(t *testing.T) {
		s := serveWith(t, right.Command(ctx, program, "serve", "--join", "239.1.2.3", "--interface", right.Link))
		out, err := left.Command(ctx, program, "call", "239.1.2.3:12345", "hello", "--multicast", "--interface", left.Link).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "HELLO\n") {
			t.Errorf("call prints %q: %v", out, err)
		}
		if stdout, _ := s.stop(t); !strings.Contains(stdout, "192.168.3.2:") {
			t.Errorf("serve printed %q", stdout)
		}
	})
}

// What arrived before the signal is answered after it, and what the system dropped is known: together they are what was sent.
func TestServeAccountMatchesTheSender(t *testing.T) {
	needSignals(t)
	const sent = 5000
	s := serveWith(t, exec.Command(self(t), "serve", "127.0.0.1:0", "--json", "--quiet"))
	conn, err := net.Dial("udp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range sent {
		if _, err := conn.Write(bytes.Repeat([]byte{byte(i)}, i%1500)); err != nil {
			t.Fatal(err)
		}
	}
	stdout, _ := s.stop(t)
	event, err := ledger.Unmarshal([]byte(strings.TrimSpace(stdout)))
	if err != nil {
		t.Fatalf("%v: %q", err, stdout)
	}
	sum := event.(*ledger.SummaryEvent)
	if sum.Received+sum.Drops.Count != sent || sum.Answered != sum.Received || !sum.Balanced {
		t.Errorf("of %d: %s", sent, stdout)
	}
}

func TestServeWithoutFilesLeft(t *testing.T) {
	testnet.Need(t, "sh")
	cmd := exec.Command("sh", "-c", `ulimit -n 20; exec "$0" serve 127.0.0.1:0 --shards 100`, self(t))
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != exitError || !strings.Contains(string(out), "ulimit -n") || strings.Contains(string(out), "ready") {
		t.Errorf("%v: %s", err, out)
	}
}

// A reader that never reads holds up neither the replies nor the end.
func TestServeOutputThatNobodyTakes(t *testing.T) {
	needSignals(t)
	for _, flag := range []string{"--json", "--portable"} {
		t.Run(flag, func(t *testing.T) {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer read.Close()
			addr := closedPort(t)
			var stderr bytes.Buffer
			cmd := exec.Command(self(t), "serve", addr, flag)
			cmd.Stdout, cmd.Stderr = write, &stderr
			start(t, cmd)
			write.Close()
			if line, err := bufio.NewReaderSize(read, 16).ReadString('\n'); line == "" {
				t.Fatal(err)
			}
			long := strings.Repeat("x", 60_000)
			var out, errs bytes.Buffer
			if code := run(t.Context(), []string{"call", addr, "--count", "300", "--timeout", "30s", "--output", "hex", long}, strings.NewReader(""), &out, &errs); code != 0 {
				t.Errorf("call ends with %d: %s", code, errs.String())
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			exitsWith(t, cmd, 0)
			if !strings.Contains(stderr.String(), "received   300 = answered 300") {
				t.Errorf("the account is nowhere: %q", stderr.String())
			}
		})
	}
}

// On a terminal a flood is one line that renews itself, and afterwards lines come back.
func TestServeOnATerminal(t *testing.T) {
	screen := testpty.Open(t, 80)
	cmd := exec.Command(self(t), "serve", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = screen.Slave, screen.Slave, screen.Slave
	start(t, cmd)
	screen.AwaitText("ready 127.0.0.1:")
	var addr string
	screen.Look(func(s *testpty.Screen) { addr = strings.TrimPrefix(s.Lines()[0], "ready ") })
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stopped, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(2 * time.Millisecond); stopped.Err() == nil; <-tick.C {
			_, _ = conn.Write([]byte("flood")) // the screen tells
		}
	}()
	screen.AwaitText("each second: received")
	stop()
	<-ended
	screen.AwaitText("faster than can be read: received")
	if _, err := conn.Write([]byte("quiet")); err != nil {
		t.Fatal(err)
	}
	screen.AwaitText("5 bytes  QUIET")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	exitsWith(t, cmd, 0)
	screen.AwaitText(" = answered ")
}
