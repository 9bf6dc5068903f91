package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"dgram/dgramtest"
	"dgram/internal/testnet"
)

func needSignals(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("this test sends signals, which Windows does not have")
	}
}

// exitsWith waits for a program that was started.
func exitsWith(t *testing.T, cmd *exec.Cmd, code int) {
	t.Helper()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("%v ended with %d, want %d: %v", cmd.Args[1:], got, code, cmd.ProcessState)
	}
}

// An interrupt ends the waiting, and what was seen until then is told.
func TestCallInterrupted(t *testing.T) {
	needSignals(t)
	for _, c := range []struct {
		name  string
		args  []string
		stdin string
		out   string
		words []string
	}{
		{"words", []string{"wait"}, "", "", []string{"no answer from", "yet, after 1 try in", "interrupted: 1 datagram: 1 interrupted"}},
		{"lines", nil, "a\nwait\nb\n", "A\n\n", []string{"line 2: no answer from", "interrupted: 2 datagrams: 1 answered, 1 interrupted"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			waiting := make(chan struct{}, 16)
			server := dgramtest.NewServer(t, func(p []byte) []byte {
				if string(p) == "wait" {
					waiting <- struct{}{}
					return nil
				}
				return upper(p)
			}).String()
			cmd := exec.Command(self(t), append([]string{"call", server, "--timeout", "1m"}, c.args...)...)
			var out, errs bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.stdin), &out, &errs
			start(t, cmd)
			<-waiting
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			exitsWith(t, cmd, exitInterrupted)
			ran{exitInterrupted, out.String(), errs.String()}.want(t, exitInterrupted, c.out, c.words...)
		})
	}
}

// Each line is answered when it was typed, not at the end of stdin: another program may talk through it. An interrupt while stdin gives
// nothing ends it too.
func TestCallAnswersAsLinesCome(t *testing.T) {
	needSignals(t)
	cmd := exec.Command(self(t), "call", upperServer(t))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, cmd)
	reader := bufio.NewReader(out)
	for range 3 {
		_, _ = io.WriteString(in, "hello\n")
		if line, err := reader.ReadString('\n'); line != "HELLO\n" {
			t.Fatalf("answered %q, %v", line, err)
		}
	}
	_ = cmd.Process.Signal(os.Interrupt)
	exitsWith(t, cmd, exitInterrupted)
}

// The reader of the replies leaves after the first, as head -1 does.
func TestCallStdoutClosed(t *testing.T) {
	needSignals(t)
	cmd := exec.Command(self(t), "call", upperServer(t))
	cmd.Stdin = strings.NewReader(strings.Repeat("line\n", 100_000))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	start(t, cmd)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "LINE\n" {
		t.Fatalf("answered %q, %v", line, err)
	}
	out.Close()
	exitsWith(t, cmd, exitError)
	if !strings.Contains(errs.String(), "standard output takes no more") {
		t.Errorf("stderr says %q", errs.String())
	}
}

func TestCallFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		testnet.Missing(t, "/dev/full")
	}
	defer full.Close()
	for _, args := range [][]string{{"hi"}, {"hi", "--json"}} {
		var errs bytes.Buffer
		code := run(t.Context(), append([]string{"call", upperServer(t)}, args...), strings.NewReader(""), full, &errs)
		if code != exitError || !strings.Contains(errs.String(), "no space left on device") {
			t.Errorf("%v: exit code %d, stderr %q", args, code, errs.String())
		}
	}
}

func TestCallStdinThatCannotBeRead(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, args := range [][]string{nil, {"--raw"}} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), append([]string{"call", upperServer(t)}, args...), dir, &out, &errs); code != exitError || !strings.Contains(errs.String(), "read stdin: ") {
			t.Errorf("%v: exit code %d, stderr %q", args, code, errs.String())
		}
	}
}

// The teaching text's server, and the echo of other programs, as peers.
func TestCallPeers(t *testing.T) {
	testnet.NotUnderRace(t, "it is about other programs")
	for _, c := range []struct {
		name    string
		tools   []string
		command func(port string) []string
		ready   string
		change  func([]byte) []byte
	}{
		{"the seed", []string{"python3"}, func(port string) []string {
			return []string{"python3", "../../testdata/seed/server.py", "127.0.0.1", port}
		}, "ready", upper},
		{"socat", []string{"socat"}, func(port string) []string {
			return []string{"socat", "-d", "-d", "UDP4-RECVFROM:" + port + ",bind=127.0.0.1,fork,reuseaddr", "EXEC:cat"}
		}, "receiving|starting|listening", nil},
		{"ncat", []string{"ncat"}, func(port string) []string {
			return []string{"ncat", "-v", "-u", "-l", "127.0.0.1", port, "-k", "-e", "/bin/cat"}
		}, "Listening", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			testnet.Need(t, c.tools...)
			_, port, _ := net.SplitHostPort(closedPort(t))
			startServer(t, exec.Command(c.command(port)[0], c.command(port)[1:]...), c.ready)
			in := "hello\n\xff\x00raw\n你好 world\n"
			want := []byte(in)
			if c.change != nil {
				want = c.change(want)
			}
			runCall(t, in, "127.0.0.1:"+port, "--timeout", "2s").want(t, 0, string(want))
		})
	}
}

// startServer starts another program and waits until it says that it is ready, on whichever of its outputs.
func startServer(t *testing.T, cmd *exec.Cmd, ready string) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	cmd.Stdout, cmd.Stderr = write, write
	start(t, cmd)
	write.Close()
	_ = read.SetReadDeadline(time.Now().Add(patience))
	var said strings.Builder
	for lines := bufio.NewScanner(read); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		for word := range strings.SplitSeq(ready, "|") {
			if strings.Contains(lines.Text(), word) {
				go func() { _, _ = io.Copy(io.Discard, read) }()
				return
			}
		}
	}
	t.Fatalf("%v is never ready: it says %q", cmd.Args, said.String())
}

// The two machines of the teaching text.
func TestCallBetweenNamespaces(t *testing.T) {
	testnet.NotUnderRace(t, "it is about routes and addresses")
	testnet.Need(t, "python3", "ip")
	left, right := testnet.Pair(t, "192.168.3.2/24", "192.168.3.8/24")
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	script, err := filepath.Abs("../../testdata/seed/server.py")
	if err != nil {
		t.Fatal(err)
	}
	startServer(t, right.Command(ctx, "python3", script, "192.168.3.8"), "ready")
	program := self(t)
	startServer(t, right.Command(ctx, "python3", script, "0.0.0.0", "12346"), "ready")
	startServer(t, right.Command(ctx, program, "serve", "0.0.0.0:12347", "--join", "239.1.2.3", "--interface", right.Link), "ready")
	in := "hello\n\nstraße 你好\n\xff\xfe\n"
	long := strings.Repeat("x", 2000)
	for _, c := range []struct {
		args  []string
		stdin string
		code  int
		out   string
		words []string
	}{
		{[]string{"192.168.3.8"}, in, 0, string(upper([]byte(in))), nil},
		{[]string{"192.168.3.8", "hello", "there"}, "", 0, "HELLO THERE\n", nil},
		{[]string{"192.168.3.8", long}, "", 0, strings.ToUpper(long) + "\n", nil},
		{[]string{"192.168.3.8", long, "--df"}, "", exitTooBig, "", []string{"too big: 2000 bytes do not fit the path to 192.168.3.8:12345"}},
		{[]string{"192.168.3.8:54321", "hello"}, "", exitRefused, "", []string{"nothing listens on 192.168.3.8:54321"}},
		{[]string{"192.168.3.9", "hello", "--timeout", "5s"}, "", exitRefused, "", []string{"no way to 192.168.3.9:12345", "no route to host"}},
		{[]string{"203.0.113.1", "hello"}, "", exitRefused, "", []string{"no way to 203.0.113.1:12345", "network is unreachable"}},
		{[]string{"192.168.3.255", "hello", "--broadcast", "--timeout", "50ms", "--tries", "1"}, "", exitSilent, "", []string{"no answer", "firewall"}},
		{[]string{"192.168.3.255:12346", "hello", "--broadcast", "--collect", "100ms"}, "", 0, "192.168.3.8:12346\tHELLO\n", nil},
		{[]string{"192.168.3.255:12346", "hello", "--broadcast"}, "", 0, "HELLO\n", nil},
		{[]string{"239.1.2.3:12347", "hello", "--multicast", "--interface", left.Link}, "", 0, "HELLO\n", nil},
		{[]string{"192.168.3.255", "hello"}, "", exitError, "", []string{"say --broadcast"}},
	} {
		cmd := left.Command(ctx, program, append([]string{"call"}, c.args...)...)
		var out, errs bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.stdin), &out, &errs
		_ = cmd.Run() // want looks at the exit code
		ran{cmd.ProcessState.ExitCode(), out.String(), errs.String()}.want(t, c.code, c.out, c.words...)
		if t.Failed() {
			t.Fatalf("that was %.60q", c.args)
		}
	}
}
