package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dgram/internal/testnet"
	"dgram/internal/testpty"
	"dgram/wire"
	"dgram/wire/pcapfile"
)

// watching starts dgram watch on a terminal.
func watching(t *testing.T, columns, rows int, args ...string) (*testpty.Terminal, *exec.Cmd) {
	t.Helper()
	terminal := testpty.OpenFull(t, columns, rows)
	cmd := exec.Command(self(t), append([]string{"watch"}, args...)...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "TZ=UTC")
	cmd.Dir = t.TempDir()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal.Slave, terminal.Slave, terminal.Slave
	ownTerminal(cmd)
	start(t, cmd)
	return terminal, cmd
}

// sees waits until all of these are on the screen.
func sees(t *testing.T, x *testpty.Terminal, texts ...string) {
	t.Helper()
	x.AwaitScreen(strings.Join(texts, " … "), func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

func TestWatchScreenOfAFile(t *testing.T) {
	x, cmd := watching(t, 100, 30, captureFile(t))
	sees(t, x, ">   1  0.000000 192.168.3.2:57445 192.168.3.8:12345", "1 flow", `"hello"`, `"HELLO"`, "<1 0.213 ms", "!   3", "unanswered", "5 packets")
	x.Type("?")
	sees(t, x, "Looking into a packet")
	x.Type("G")
	sees(t, x, "a request that nobody answered in time", "portrange 5000-5100")
	x.Type("x")
	sees(t, x, "5 packets")
	x.Type("n\r") // the unanswered one, opened
	sees(t, x, "No. 3", "Internet Protocol Version 4", "User Datagram Protocol", "0000  45 00")
	x.Type("\t\x1b[B\x1b[B")
	sees(t, x, "tab: layers")
	x.Resize(60, 16)
	if err := cmd.Process.Signal(syscall.SIGWINCH); err != nil {
		t.Fatal(err)
	}
	sees(t, x, "No. 3 · unanswered")
	x.Resize(100, 30)
	_ = cmd.Process.Signal(syscall.SIGWINCH)
	x.Type("\x1b[D\x1b[D")           // close
	x.Type("/udp[8:4] = 0x68656c6c") // hell
	sees(t, x, "1 shown")
	x.Type(" and prot 53")
	sees(t, x, "did you mean port?")
	x.Type(strings.Repeat("\x7f", len(" and prot 53")) + "\r")
	sees(t, x, "1 shown · 5 packets")
	x.Type("s\x15mine.pcapng\r")
	sees(t, x, "saved 1 packet to mine.pcapng")
	x.Type("s\x15mine.pcapng\r")
	sees(t, x, "mine.pcapng exists: replace it? y/n")
	x.Type("n")
	sees(t, x, "not saved")
	x.Type("q")
	exitsWith(t, cmd, 0)
	sees(t, x, "5 packets", "round trip")
	x.Look(func(s *testpty.Screen) {
		if s.Alternate || s.Hidden {
			t.Errorf("after the end: alternate screen %v, cursor hidden %v", s.Alternate, s.Hidden)
		}
	})
	if got := payloads(t, filepath.Join(cmd.Dir, "mine.pcapng")); len(got) != 1 || got[0] != "hello" {
		t.Errorf("the file that was saved has %q", got)
	}
	if printed := x.Printed(); bytes.Contains(printed, []byte("\x1b]0;title")) || bytes.Contains(printed, []byte("\u202e")) {
		t.Error("a payload reached the terminal as it was")
	}
}

func payloads(t *testing.T, file string) (all []string) {
	t.Helper()
	r, err := pcapfile.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		var f wire.Frame
		var p wire.Packet
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		wire.Decode(&f, &p)
		all = append(all, string(p.Payload))
	}
}

// The teaching text's scene: two machines, and somebody who watches between them.
func TestWatchBetweenTwoMachines(t *testing.T) {
	testnet.Need(t, testnet.Namespaces, "tshark")
	left, right := testnet.Pair(t, "192.168.3.2/24", "192.168.3.8/24")
	dgram, file := self(t), filepath.Join(t.TempDir(), "scene.pcapng")
	served := right.Command(t.Context(), dgram, "serve", "192.168.3.8:12345", "--quiet")
	serving := &lookFor{text: "ready", found: make(chan struct{})}
	served.Stdout = serving
	start(t, served)
	<-serving.found
	watcher := right.Command(t.Context(), dgram, "watch", right.Link, "udp", "port", "12345", "--count", "2", "--write", file)
	var shown, said bytes.Buffer
	ready := &lookFor{text: "watching", found: make(chan struct{})}
	watcher.Stdout, watcher.Stderr = &shown, io.MultiWriter(&said, ready)
	start(t, watcher)
	<-ready.found
	call := left.Command(t.Context(), dgram, "call", "192.168.3.8:12345", "hello", "--bind", "192.168.3.2:57445")
	if out, err := call.CombinedOutput(); err != nil || string(out) != "HELLO\n" {
		t.Fatalf("call: %q, %v", out, err)
	}
	exitsWith(t, watcher, 0)
	rows := strings.Split(strings.TrimSpace(shown.String()), "\n")
	if len(rows) != 2 || !fieldsAre(rows[0], "1", "0.000000", "192.168.3.2:57445", "192.168.3.8:12345", "UDP") ||
		!fieldsAre(rows[1], "2", "", "192.168.3.8:12345", "192.168.3.2:57445", "UDP", "", "<1", "", "ms") ||
		!strings.Contains(rows[0], `"hello"`) || !strings.Contains(rows[1], `"HELLO"`) {
		t.Errorf("watch shows\n%s", shown.String())
	}
	if !strings.Contains(rows[len(rows)-1], "dgram[") {
		t.Errorf("the server is not named:\n%s", shown.String())
	}
	tshark := exec.CommandContext(t.Context(), "tshark", "-n", "-r", file, "-T", "fields", "-e", "frame.number", "-e", "ip.src", "-e", "udp.srcport",
		"-e", "ip.dst", "-e", "udp.dstport", "-e", "data.data")
	out, err := tshark.Output()
	want := "1\t192.168.3.2\t57445\t192.168.3.8\t12345\t68656c6c6f\n2\t192.168.3.8\t12345\t192.168.3.2\t57445\t48454c4c4f\n"
	if err != nil || string(out) != want {
		t.Errorf("tshark shows\n%s%v, want\n%s", out, err, want)
	}
}

// Ctrl-C is an ordinary end, with the summary; what came before is told.
func TestWatchEndsAtASignal(t *testing.T) {
	testnet.Need(t, testnet.Namespaces)
	left, right := testnet.Pair(t, "192.168.3.2/24", "192.168.3.8/24")
	cmd := right.Command(t.Context(), self(t), "watch", "--json", "--patience", "50ms", "udp")
	var shown bytes.Buffer
	watching := &lookFor{text: "watching all interfaces: udp", found: make(chan struct{})}
	settled := &lookFor{text: `"type":"settled"`, found: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&shown, settled), watching
	start(t, cmd)
	<-watching.found
	call := left.Command(t.Context(), self(t), "call", "192.168.3.8:9", "hello", "--tries", "1", "--timeout", "1s")
	_ = call.Run() // it is refused
	<-settled.found
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	exitsWith(t, cmd, 0)
	for _, want := range []string{`"number":1,"interface":"` + right.Link + `"`, `"role":"request"`, `"number":1,"fate":"silent"`, `"type":"capture"`, `"silent":1`} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("no %s in\n%s", want, shown.String())
		}
	}
}

// A capture that another program sends through a pipe is shown as it comes, and left when the person leaves, whatever the other does.
func TestWatchAPipeThatStaysOpen(t *testing.T) {
	scene, err := os.ReadFile(captureFile(t))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self(t), "watch", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	last := &lookFor{text: "WORLD", found: make(chan struct{})}
	cmd.Stdout = last
	start(t, cmd)
	if _, err := in.Write(scene); err != nil {
		t.Fatal(err)
	}
	<-last.found
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	exitsWith(t, cmd, 0)
}

// fieldsAre compares the first words of a row; "" is any.
func fieldsAre(row string, want ...string) bool {
	got := strings.Fields(row)
	for i, w := range want {
		if i >= len(got) || w != "" && got[i] != w {
			return false
		}
	}
	return true
}

// lookFor is a writer that tells when a text came.
type lookFor struct {
	text  string
	seen  strings.Builder
	found chan struct{}
	done  bool
}

func (l *lookFor) Write(p []byte) (int, error) {
	l.seen.Write(p)
	if !l.done && strings.Contains(l.seen.String(), l.text) {
		l.done = true
		close(l.found)
	}
	return len(p), nil
}

// A flood must neither stop the screen nor be stopped by it: keys are answered while packets come as fast as loopback carries them.
func TestWatchScreenUnderAFlood(t *testing.T) {
	testnet.Need(t, testnet.Namespaces)
	left, right := testnet.Pair(t, "192.168.3.2/24", "192.168.3.8/24")
	terminal := testpty.OpenFull(t, 100, 30)
	cmd := right.Command(t.Context(), self(t), "watch", right.Link, "--keep", "1MiB")
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal.Slave, terminal.Slave, terminal.Slave
	ownTerminal(cmd)
	start(t, cmd)
	sees(t, terminal, right.Link)
	flood := left.Command(t.Context(), self(t), "bench", "192.168.3.8:9", "--one-way", "--duration", "2s", "--warmup", "0s", "--quiet")
	start(t, flood)
	sees(t, terminal, "are kept")
	for range 3 {
		terminal.Type("?")
		sees(t, terminal, "Looking into a packet")
		terminal.Type("x")
		terminal.AwaitScreen("the table", func(screen string) bool { return strings.Contains(screen, "Source") })
	}
	terminal.Type("p")
	sees(t, terminal, "paused")
	_ = flood.Wait() // its exit code says that nobody answers
	terminal.Type("q")
	exitsWith(t, cmd, 0)
	sees(t, terminal, "flow")
}
