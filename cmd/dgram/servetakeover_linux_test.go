package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dgram"
	"dgram/internal/testnet"
	"dgram/ledger"
)

// takeovers is how many times a server is replaced under load in each of the tests here: few, unless the environment asks for more.
func takeovers(t *testing.T, few int) int {
	text := os.Getenv("DGRAM_TAKEOVERS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("DGRAM_TAKEOVERS=%q is no number of takeovers", text)
	}
	return n
}

// serving is a server in a process of its own.
type serving struct {
	cmd    *exec.Cmd
	at     dgram.Endpoint
	out    *bufio.Reader
	stderr bytes.Buffer
}

// startServe starts a server and waits until it is ready. It may fail to become so, after some steps.
func startServe(t *testing.T, binary string, args ...string) (*serving, error) {
	t.Helper()
	return runServe(t, exec.Command(binary, append([]string{"serve", "--json", "--quiet"}, args...)...))
}

// runServe is startServe for a command that is made already.
func runServe(t *testing.T, cmd *exec.Cmd) (*serving, error) {
	t.Helper()
	s := &serving{cmd: cmd}
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, s.cmd)
	s.out = bufio.NewReader(out)
	event, err := s.event()
	ready, ok := event.(*ledger.ReadyEvent)
	if !ok {
		return s, errors.Join(err, errors.New("it did not become ready"))
	}
	s.at = dgram.MustParseEndpoint(ready.Addresses[0])
	return s, nil
}

func mustServe(t *testing.T, binary string, args ...string) *serving {
	t.Helper()
	s, err := startServe(t, binary, args...)
	if err != nil {
		_ = s.cmd.Wait()
		t.Fatalf("%v: %s", err, s.stderr.String())
	}
	return s
}

func (s *serving) event() (ledger.Event, error) {
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	return ledger.Unmarshal(line)
}

// account waits until the server has ended by itself, and returns how many datagrams it answered: all that it received.
func (s *serving) account(t *testing.T) uint64 {
	t.Helper()
	event, err := s.event()
	summary, ok := event.(*ledger.SummaryEvent)
	if err != nil || !ok {
		_ = s.cmd.Wait()
		t.Fatalf("%T, %v: %s", event, err, s.stderr.String())
	}
	exitsWith(t, s.cmd, 0)
	if err := summary.Balance(); err != nil || summary.Answered != summary.Received || summary.Drops.Count != 0 {
		t.Errorf("%v: %s%s", err, summary.Summary, s.stderr.String())
	}
	return summary.Answered
}

// work asks a server, a window at a time, so that what is on its way never fills a buffer: not one datagram may be lost.
type work struct {
	conn net.Conn
	stop chan struct{}
	done chan error
	sent atomic.Uint64
}

const workWindow = 32

func startWork(t *testing.T, at dgram.Endpoint) *work {
	t.Helper()
	w := &work{stop: make(chan struct{}), done: make(chan error, 1)}
	var c net.Conn
	var err error
	if at.Network().IP() {
		c, err = net.Dial("udp", at.String())
	} else {
		own := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "c"), Net: "unixgram"}
		c, err = net.DialUnix("unixgram", own, &net.UnixAddr{Name: at.Path(), Net: "unixgram"})
	}
	if err != nil {
		t.Fatal(err)
	}
	w.conn = c
	t.Cleanup(func() { c.Close() })
	go func() { w.done <- w.run(c) }()
	return w
}

func (w *work) run(c net.Conn) error {
	var p [64]byte
	for first := uint64(0); ; first += workWindow {
		select {
		case <-w.stop:
			return nil
		default:
		}
		for i := range uint64(workWindow) {
			if _, err := c.Write(binary.BigEndian.AppendUint64(p[:0], first+i)); err != nil {
				return err
			}
		}
		w.sent.Store(first + workWindow)
		_ = c.SetReadDeadline(time.Now().Add(patience))
		for missing := ^uint64(0) >> (64 - workWindow); missing != 0; {
			n, err := c.Read(p[:])
			if err != nil {
				return fmt.Errorf("%d datagrams of %d are missing: %w", missing, first+workWindow, err)
			}
			i := binary.BigEndian.Uint64(p[:8]) - first
			if n != 8 || i >= workWindow || missing&(1<<i) == 0 {
				return fmt.Errorf("a reply that was not asked for, or came twice: %x", p[:n])
			}
			missing &^= 1 << i
		}
	}
}

// end stops the work and returns how many datagrams were sent, each of which was answered.
func (w *work) end(t *testing.T) uint64 {
	t.Helper()
	close(w.stop)
	if err := <-w.done; err != nil {
		t.Fatal(err)
	}
	return w.sent.Load()
}

// idle waits until some more datagrams were answered.
func (w *work) progress(t *testing.T, by uint64) {
	t.Helper()
	for until, end := w.sent.Load()+by, time.Now().Add(patience); w.sent.Load() < until; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is answered any more")
		}
	}
}

// Processes follow each other under load: nothing is lost, every one ends by itself with 0, and together they count what was sent.
func TestServeTakeover(t *testing.T) {
	binary := self(t)
	for name, args := range map[string][]string{
		"udp":    {"127.0.0.1:0"},
		"shards": {"127.0.0.1:0", "--shards", "2"},
		"unix":   {"unixgram:" + filepath.Join(t.TempDir(), "s")},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "takeover")
			args = append(args, "--stage", "echo", "--takeover", path)
			running := mustServe(t, binary, args...)
			load := startWork(t, running.at)
			answered, n := uint64(0), takeovers(t, 4)
			for range n {
				load.progress(t, 1)
				next := mustServe(t, binary, args...)
				if next.at != running.at {
					t.Errorf("it was on %s, and is on %s", running.at, next.at)
				}
				answered += running.account(t)
				if want := fmt.Sprintf("process %d has taken over", next.cmd.Process.Pid); !strings.Contains(running.stderr.String(), want) {
					t.Errorf("%q, want %q", running.stderr.String(), want)
				}
				running = next
			}
			load.progress(t, 1)
			sent := load.end(t)
			_ = running.cmd.Process.Signal(syscall.SIGTERM)
			answered += running.account(t)
			if sent != answered {
				t.Errorf("%d sent, %d answered", sent, answered)
			}
			t.Logf("%d takeovers, %d datagrams, lost 0", n, sent)
		})
	}
}

// The points at which a process that takes over is killed.
const (
	beforeAsk   = iota // it has asked, and nobody heard it
	beforeOffer        // it has been heard, and waits
	afterOffer         // it has copies of the sockets and makes all ready; that they are its own it cannot say any more
	killPoints
)

// between stands between a process that starts and the one that runs, hands on what they say, and calls strike at the point.
func between(t *testing.T, to string, point int, strike func()) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "between")
	listener, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- handOn(listener, to, point, strike) }()
	t.Cleanup(func() {
		listener.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return path
}

func handOn(listener *net.UnixListener, to string, point int, strike func()) error {
	fresh, err := listener.AcceptUnix()
	if err != nil {
		return err
	}
	defer fresh.Close()
	running, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: to, Net: "unixpacket"})
	if err != nil {
		return err
	}
	defer running.Close()
	ask, err := hear(fresh)
	if err != nil || point == beforeAsk {
		strike()
		return err
	}
	if _, _, err := running.WriteMsgUnix(ask.text, ask.rights, nil); err != nil {
		return err
	}
	offer, err := hear(running)
	defer closeRights(offer.rights)
	if err == nil && point == afterOffer {
		if err = fresh.CloseRead(); err == nil {
			_, _, err = fresh.WriteMsgUnix(offer.text, offer.rights, nil)
		}
	}
	strike()
	return err
}

type said struct{ text, rights []byte }

func hear(c *net.UnixConn) (said, error) {
	m := said{make([]byte, 1<<17), make([]byte, 1<<12)}
	n, oobn, _, _, err := c.ReadMsgUnix(m.text, m.rights)
	return said{m.text[:n], m.rights[:oobn]}, err
}

func closeRights(rights []byte) {
	all, _ := syscall.ParseSocketControlMessage(rights)
	for i := range all {
		fds, _ := syscall.ParseUnixRights(&all[i])
		for _, fd := range fds {
			_ = syscall.Close(fd)
		}
	}
}

// A process that is killed before it has said that the sockets are its own changes nothing: the old one goes on, and not a datagram is lost.
func TestServeTakeoverKilled(t *testing.T) {
	binary := self(t)
	for name, address := range map[string]string{"udp": "127.0.0.1:0", "unix": "unixgram:" + filepath.Join(t.TempDir(), "s")} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "takeover")
			args := []string{address, "--stage", "echo", "--takeover", path}
			running := mustServe(t, binary, args...)
			load := startWork(t, running.at)
			for i := range takeovers(t, 2*killPoints) {
				killedAt(t, binary, path, address, i%killPoints)
				load.progress(t, 1)
			}
			next := mustServe(t, binary, args...)
			answered := running.account(t)
			load.progress(t, 1)
			sent := load.end(t)
			_ = next.cmd.Process.Signal(syscall.SIGTERM)
			if answered += next.account(t); sent != answered {
				t.Errorf("%d sent, %d answered", sent, answered)
			}
		})
	}
}

// killedAt starts a process that takes over, and kills it somewhere about the point.
func killedAt(t *testing.T, binary, path, address string, point int) {
	t.Helper()
	began, struck := make(chan *os.Process, 1), make(chan struct{})
	at := between(t, path, point, func() {
		p := <-began
		time.Sleep(time.Duration(rand.IntN(4000)) * time.Microsecond) // anywhere in what it does next
		_ = p.Kill()
		close(struck)
	})
	cmd := exec.Command(binary, "serve", "--quiet", address, "--stage", "echo", "--takeover", at)
	start(t, cmd)
	began <- cmd.Process
	<-struck
	if err := cmd.Wait(); err == nil {
		t.Error("it says that all is well")
	}
}

// Ended under load, a server answers or accounts for each datagram that it received.
func TestServeTerminatedUnderLoad(t *testing.T) {
	binary := self(t)
	for range takeovers(t, 3) {
		s := mustServe(t, binary, "127.0.0.1:0", "--stage", "echo")
		load := startWork(t, s.at)
		load.progress(t, 1000)
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		answered := s.account(t)
		_ = load.conn.Close() // it waits for what came after the end
		err := <-load.done
		if sent := load.sent.Load(); err == nil || answered > sent+workWindow || answered+2*workWindow < sent {
			t.Errorf("%d sent, %d answered, %v", sent, answered, err)
		}
	}
}

// activated runs serve as a service manager does, with sockets as its descriptors from 3 on. The shell makes the process number known to it.
func activated(t *testing.T, binary, environment string, sockets []*os.File, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/sh", append([]string{"-c", `LISTEN_PID=$$ ` + environment + ` exec "$0" serve --quiet "$@"`, binary}, args...)...)
	cmd.ExtraFiles = sockets
	return cmd
}

// fileOf gives the descriptor of a socket, and closes the socket itself.
func fileOf(t *testing.T, c interface {
	File() (*os.File, error)
	Close() error
}) *os.File {
	t.Helper()
	f, err := c.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	c.Close()
	return f
}

// A server that the service manager starts serves the sockets that it is given, without an address or with the same one, and answers what was
// queued on them before. The manager is told that it is ready and that it stops, and no program of a stage inherits anything.
func TestServeActivated(t *testing.T) {
	binary := self(t)
	for _, portable := range []bool{false, true} {
		udp := bind(t)
		at := udp.LocalAddr().String()
		client, err := net.Dial("udp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if _, err := client.Write([]byte("early")); err != nil {
			t.Fatal(err)
		}
		manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer manager.Close()
		args := []string{at, "--stage", "exec:/bin/sh -c 'cat; ls -l /proc/self/fd | grep -c socket:; echo $LISTEN_FDS$LISTEN_PID'"}
		sockets := []*os.File{fileOf(t, udp)}
		if portable {
			args = append(args, "--portable")
		} else {
			unix, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			sockets = append(sockets, fileOf(t, unix))
		}
		cmd := activated(t, binary, fmt.Sprintf("LISTEN_FDS=%d LISTEN_FDNAMES=one:two", len(sockets)), sockets, args...)
		cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+manager.LocalAddr().String())
		var errs bytes.Buffer
		cmd.Stderr = &errs
		start(t, cmd)
		told(t, manager, "READY=1", &errs)
		p := make([]byte, 100)
		_ = client.SetReadDeadline(time.Now().Add(patience))
		n, err := client.Read(p)
		if got := string(p[:n]); err != nil || got != "early0\n\n" {
			t.Errorf("%q, %v: %s", got, err, errs.String())
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		told(t, manager, "STOPPING=1", &errs)
		exitsWith(t, cmd, 0)
	}
}

func told(t *testing.T, manager *net.UnixConn, want string, errs fmt.Stringer) {
	t.Helper()
	p := make([]byte, 100)
	_ = manager.SetReadDeadline(time.Now().Add(patience))
	if n, err := manager.Read(p); err != nil || string(p[:n]) != want {
		t.Fatalf("the manager was told %q, %v, not %q: %s", p[:n], err, want, errs.String())
	}
}

func TestServeActivatedWrong(t *testing.T) {
	binary := self(t)
	stream, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	udp := bind(t)
	for _, c := range []struct {
		environment string
		file        *os.File
		words       string
		args        []string
	}{
		{"LISTEN_FDS=1 LISTEN_FDNAMES=web", fileOf(t, stream), `descriptor 3 ("web") cannot be served: it is a socket of AF_INET SOCK_STREAM`, nil},
		{"LISTEN_FDS=1", null, "not a socket", nil},
		{"LISTEN_FDS=many", null, "no number of descriptors", nil},
		{"LISTEN_FDS=1", fileOf(t, udp), "leave --takeover out", []string{"--takeover", filepath.Join(t.TempDir(), "x")}},
	} {
		cmd := activated(t, binary, c.environment, []*os.File{c.file}, c.args...)
		out, err := cmd.CombinedOutput()
		if err == nil || cmd.ProcessState.ExitCode() != exitError || !strings.Contains(string(out), c.words) {
			t.Errorf("%v: %q, want %q", err, out, c.words)
		}
	}
}

// A path that no server left, and sockets that nobody here would serve.
func TestServeTakeoverWrong(t *testing.T) {
	binary := self(t)
	path := filepath.Join(t.TempDir(), "takeover")
	running := mustServe(t, binary, "127.0.0.1:0", "127.0.0.2:0", "--takeover", path)
	other := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		words string
	}{
		{[]string{"127.0.0.1:0", "--takeover", path}, "serves 127.0.0.2"},
		{[]string{"127.0.0.1:0", "127.0.0.2:0", "--shards", "2", "--takeover", path}, "start as many shards"},
		{[]string{"127.0.0.1:0", "--takeover", other}, "no socket"},
		{[]string{"127.0.0.1:0", "--takeover", path, "--portable"}, "portable"},
	} {
		s, err := startServe(t, binary, c.args...)
		if err == nil {
			t.Errorf("%v: it serves", c.args)
			continue
		}
		exitsWith(t, s.cmd, exitError)
		if got := s.stderr.String(); !strings.Contains(got, c.words) {
			t.Errorf("%q, want %q", got, c.words)
		}
	}
	load := startWork(t, running.at)
	load.progress(t, 1)
}

// The same with systemd's own tool, which starts the server when the first datagram comes: that one is answered too.
func TestServeSocketActivate(t *testing.T) {
	testnet.Need(t, "systemd-socket-activate")
	at := closedPort(t)
	cmd := exec.Command("systemd-socket-activate", "--datagram", "--listen", at, self(t), "serve", "--quiet")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	start(t, cmd)
	client, err := net.Dial("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	p := make([]byte, 16)
	for end := time.Now().Add(patience); ; {
		_, _ = client.Write([]byte("hello"))
		_ = client.SetReadDeadline(time.Now().Add(patience))
		n, err := client.Read(p)
		if err == nil {
			if string(p[:n]) != "HELLO" {
				t.Errorf("%q", p[:n])
			}
			break
		}
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Now().After(end) { // refused: it does not listen yet
			t.Fatalf("%v: %s", err, errs.String())
		}
		time.Sleep(time.Millisecond)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	exitsWith(t, cmd, 0)
}
