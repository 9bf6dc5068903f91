package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"dgram/dgramtest"
	"dgram/internal/testpty"
)

// onTerminal starts the program on a terminal of its own.
func onTerminal(t *testing.T, args ...string) (*testpty.Terminal, *exec.Cmd) {
	t.Helper()
	terminal := testpty.Open(t, 72)
	cmd := exec.Command(self(t), append([]string{"call"}, args...)...)
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=1", "XDG_STATE_HOME="+filepath.Join(t.TempDir(), "state"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal.Slave, terminal.Slave, terminal.Slave
	ownTerminal(cmd)
	start(t, cmd)
	return terminal, cmd
}

// held is a server that answers when the test says so.
type held struct {
	address       string
	asked, answer chan struct{}
}

func newHeld(t *testing.T) *held {
	h := &held{asked: make(chan struct{}, 16), answer: make(chan struct{}, 16)}
	ended := make(chan struct{})
	h.address = dgramtest.NewServer(t, func(p []byte) []byte {
		h.asked <- struct{}{}
		select {
		case <-h.answer:
		case <-ended:
		}
		return upper(p)
	}).String()
	t.Cleanup(func() { close(ended) })
	return h
}

func TestPromptTypedLineSurvivesTheAnswer(t *testing.T) {
	server := newHeld(t)
	terminal, cmd := onTerminal(t, server.address, "--timeout", "1m")
	banner := "calling " + server.address + ": each line is a datagram; Ctrl-D leaves"
	terminal.Await(banner, ">")
	terminal.Type("hello\r")
	<-server.asked
	terminal.Type("你好, half typ")
	terminal.Await(banner, "> hello", "> 你好, half typ")
	server.answer <- struct{}{}
	terminal.Await(banner, "> hello", "HELLO", "> 你好, half typ")
	server.answer <- struct{}{}
	terminal.Type("ed\r")
	terminal.Await(banner, "> hello", "HELLO", "> 你好, half typed", "你好, HALF TYPED", ">")
	terminal.Type("\x1b[A\x1b[A")
	terminal.Await("> hello")
	terminal.Type("\x15\x04") // the line is emptied; leave
	exitsWith(t, cmd, 0)
}

func TestPromptLeaves(t *testing.T) {
	silent := silentServer(t)
	terminal, cmd := onTerminal(t, silent, "--timeout", "30ms", "--tries", "2")
	terminal.Type("lost\r")
	terminal.AwaitText(`"lost": no answer from ` + silent + " after 2 tries")
	terminal.Type("\x04")
	exitsWith(t, cmd, exitSilent)

	terminal, cmd = onTerminal(t, silent, "--timeout", "1m")
	terminal.Await(">")
	terminal.Type("waits\rtyped\x03")
	terminal.Await("> waits", "> typed^C", "Ctrl-C again leaves, and so does Ctrl-D", ">")
	terminal.Type("\x03")
	exitsWith(t, cmd, exitInterrupted)

	// Ctrl-D waits for what is outstanding; Ctrl-C ends that too.
	server := newHeld(t)
	terminal, cmd = onTerminal(t, server.address, "--timeout", "1m")
	terminal.Await(">")
	terminal.Type("waits\r")
	<-server.asked
	terminal.Type("\x04")
	terminal.Await("> ^D", "waiting for the last answers: Ctrl-C leaves at once")
	server.answer <- struct{}{}
	terminal.Await("waiting for the last answers: Ctrl-C leaves at once", "WAITS")
	exitsWith(t, cmd, 0)
	terminal, cmd = onTerminal(t, server.address, "--timeout", "1m")
	terminal.Await(">")
	terminal.Type("waits\r")
	<-server.asked
	terminal.Type("\x04")
	terminal.Await("> ^D", "waiting for the last answers: Ctrl-C leaves at once")
	terminal.Type("\x03")
	exitsWith(t, cmd, exitInterrupted)
}

// Ctrl-Z stops the program where a shell can continue it; here is none, and it goes on.
func TestPromptControlZ(t *testing.T) {
	terminal, cmd := onTerminal(t, upperServer(t))
	terminal.Await(">")
	terminal.Type("half\x1a")
	terminal.Await("> half", "> half")
	terminal.Type(" typed\r")
	terminal.Await("> half typed", "HALF TYPED", ">")
	terminal.Type("\x04")
	exitsWith(t, cmd, 0)
}

// What a reply holds never reaches a terminal as it is.
func TestTerminalIsSafe(t *testing.T) {
	evil := "\x1b[2J\x1b]0;title\x07\u202eevil\n你\x00\xff"
	shown := `\x1b[2J\x1b]0;title\x07\u202eevil\n你\x00\xff`
	server := dgramtest.NewServer(t, func([]byte) []byte { return []byte(evil) }).String()
	terminal, cmd := onTerminal(t, server, "hello")
	exitsWith(t, cmd, 0)
	terminal.Await(shown)

	terminal, cmd = onTerminal(t, server)
	terminal.Type("hello\r")
	terminal.Await("> hello", shown, ">")
	terminal.Type("\x04")
	exitsWith(t, cmd, 0)

	terminal, cmd = onTerminal(t, server, "--raw", "hello")
	exitsWith(t, cmd, exitError)
	terminal.AwaitText("--raw does not write to a terminal")
	runCall(t, "", server, "--raw", "hello").want(t, 0, evil)
}

// The typed line goes to stdout's reader where stdout is no terminal: there is then no prompt, and what is typed are lines all the same.
func TestTypedIntoAPipe(t *testing.T) {
	terminal := testpty.Open(t, 72)
	cmd := exec.Command(self(t), "call", upperServer(t))
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = terminal.Slave, &out
	ownTerminal(cmd)
	start(t, cmd)
	terminal.Type("hello\n\x04")
	exitsWith(t, cmd, 0)
	if out.String() != "HELLO\n" {
		t.Errorf("stdout has %q", out.String())
	}
}
