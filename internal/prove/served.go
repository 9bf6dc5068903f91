//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dgram/internal/testnet"
	"dgram/ledger"
)

// served is a dgram that serves in a namespace, as a process of its own.
type served struct {
	p      *proof
	cmd    *exec.Cmd
	addr   netip.AddrPort
	ended  chan struct{}
	lines  *bufio.Reader
	pipe   *os.File
	stderr *os.File
}

// serve starts `dgram serve ADDRESS --json --quiet ARGS` in the server's namespace and waits until it is ready.
func (w *world) serve(addr netip.Addr, args ...string) *served {
	w.Helper()
	at := netip.AddrPortFrom(addr, servePort)
	return w.start(w.server, at, append([]string{"serve", at.String(), "--json", "--quiet"}, args...)...)
}

func (w *world) start(n *testnet.NS, at netip.AddrPort, args ...string) *served {
	w.Helper()
	r, pipe, err := os.Pipe()
	if err != nil {
		w.Fatal(err)
	}
	s := &served{p: w.proof, addr: at, ended: make(chan struct{}), lines: bufio.NewReader(r), pipe: r}
	if s.stderr, err = os.CreateTemp(w.TempDir(), "stderr"); err != nil {
		w.Fatal(err)
	}
	s.cmd = n.Command(w.Context(), w.dgram, args...)
	s.cmd.Stdout, s.cmd.Stderr = pipe, s.stderr
	err = s.cmd.Start()
	pipe.Close()
	if err != nil {
		w.Fatal(err)
	}
	go func() { _ = s.cmd.Wait(); close(s.ended) }()
	w.Cleanup(s.kill)
	_ = r.SetReadDeadline(time.Now().Add(20 * time.Second))
	line, err := s.lines.ReadString('\n')
	if err != nil {
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // has a Go program say where it is
		select {
		case <-s.ended:
		case <-time.After(2 * time.Second):
		}
		w.Fatalf("dgram %s (process %d) was never ready: %v: %s", strings.Join(args, " "), s.pid(), err, s.said())
	}
	_ = r.SetReadDeadline(time.Time{})
	if event, err := ledger.Unmarshal([]byte(line)); err == nil {
		if ready, ok := event.(*ledger.ReadyEvent); ok {
			s.addr, _ = netip.ParseAddrPort(strings.TrimPrefix(ready.Addresses[0], "udp://"))
		}
	}
	return s
}

func (s *served) pid() int { return s.cmd.Process.Pid }

func (s *served) said() string {
	text, _ := os.ReadFile(s.stderr.Name())
	return string(text)
}

// signal sends it a signal.
func (s *served) signal(sig syscall.Signal) {
	s.p.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.p.Fatalf("signal %v to process %d: %v: %s", sig, s.pid(), err, s.said())
	}
}

// stop terminates it and returns its account.
func (s *served) stop() *ledger.SummaryEvent {
	s.p.Helper()
	s.signal(syscall.SIGTERM)
	a := s.account()
	s.awaitEnd()
	return a
}

// account is what it prints at its end.
func (s *served) account() (account *ledger.SummaryEvent) {
	s.p.Helper()
	_ = s.pipe.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			break
		}
		if event, err := ledger.Unmarshal([]byte(line)); err == nil {
			if e, ok := event.(*ledger.SummaryEvent); ok {
				account = e
			}
		}
	}
	if account == nil {
		s.p.Fatalf("it ended without an account: %s", s.said())
	}
	return account
}

func (s *served) awaitEnd() {
	s.p.Helper()
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		s.p.Fatalf("process %d did not end", s.pid())
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.p.Errorf("it ended with %v: %s", s.cmd.ProcessState, s.said())
	}
}

func (s *served) kill() {
	_ = s.cmd.Process.Kill() // by its pid; one that has ended is left alone
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second):
	}
	s.pipe.Close()
	s.stderr.Close()
}

// alive fails the proof if the process has ended.
func (s *served) alive(after string) {
	s.p.Helper()
	select {
	case <-s.ended:
		s.p.Fatalf("after %s process %d has ended: %v: %s", after, s.pid(), s.cmd.ProcessState, s.said())
	default:
	}
}

// standsStill reports whether every thread is stopped (proc_pid_stat(5), state T).
func (s *served) standsStill() bool {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.pid()))
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if _, after, _ := strings.Cut(string(text), ") "); err == nil && !strings.HasPrefix(after, "T") {
			return false
		}
	}
	return len(tasks) > 0
}

// memory is what it holds, and the most that it has held, in bytes (proc_pid_status(5): VmRSS, VmHWM).
func (s *served) memory() (now, most int64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid()))
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			now = n << 10
		case "VmHWM":
			most = n << 10
		}
	}
	return now, most
}

// prober asks a server whether it still answers.
type prober struct {
	p    *proof
	conn *net.UDPConn
	sent uint64 // datagrams
}

// newProber opens a socket in the client's namespace, bound to from.
func (w *world) newProber(from netip.Addr, to netip.AddrPort) *prober {
	w.Helper()
	b := &prober{p: w.proof}
	var err error
	w.client.Do(func() {
		b.conn, err = net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), net.UDPAddrFromAddrPort(to))
	})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { b.conn.Close() })
	return b
}

// patience bounds the wait for a probe's answer: a server that is busy with what was sent before is no stopped one.
const patience = 15 * time.Second

// ask sends a probe and waits for its answer, again and again for a while, and reports whether it came.
func (b *prober) ask(text string) bool {
	want := []byte(strings.ToUpper(text))
	reply := make([]byte, 2048)
	for began := time.Now(); time.Since(began) < patience; {
		b.sent++
		_, _ = b.conn.Write([]byte(text)) // what fails is sent again
		_ = b.conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		for {
			n, err := b.conn.Read(reply)
			if err != nil {
				break
			}
			if bytes.Equal(reply[:n], want) {
				return true
			}
		}
	}
	return false
}
