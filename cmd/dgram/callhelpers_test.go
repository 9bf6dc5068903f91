package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dgram/dgramtest"
	"dgram/internal/testnet"
)

// ran is what a run of the program left.
type ran struct {
	code     int
	out, err string
}

// runCall runs the verb in this process, with stdin as its standard input.
func runCall(t testing.TB, stdin string, args ...string) ran {
	t.Helper()
	var out, err bytes.Buffer
	code := run(t.Context(), append([]string{"call"}, args...), strings.NewReader(stdin), &out, &err)
	return ran{code, out.String(), err.String()}
}

// want compares the code and stdout, and looks for words in stderr; no words stand for an empty stderr.
func (r ran) want(t testing.TB, code int, out string, words ...string) {
	t.Helper()
	if r.code != code || r.out != out {
		t.Errorf("exit code %d, stdout %q; want %d, %q (stderr %q)", r.code, r.out, code, out, r.err)
	}
	if len(words) == 0 && r.err != "" {
		t.Errorf("stderr says %q, want nothing", r.err)
	}
	for _, w := range words {
		if !strings.Contains(r.err, w) {
			t.Errorf("stderr says %q, want %q in it", r.err, w)
		}
	}
}

// self returns a path by which this test binary is the program dgram.
func self(t testing.TB) string {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dgram")
	if err := os.Symlink(binary, path); err != nil {
		testnet.Missing(t, fmt.Sprint("symbolic links: ", err))
	}
	return path
}

// upper is what the upper-case server does to a datagram: ASCII letters, on raw bytes.
func upper(p []byte) []byte {
	for i, c := range p {
		if 'a' <= c && c <= 'z' {
			p[i] = c - 'a' + 'A'
		}
	}
	return p
}

// upperServer starts one, and returns its address as it is typed.
func upperServer(t testing.TB) string { return dgramtest.NewServer(t, upper).String() }

// silentServer receives, and never answers.
func silentServer(t testing.TB) string {
	return dgramtest.NewServer(t, func([]byte) []byte { return nil }).String()
}

// closedPort returns an address on which nothing listens.
func closedPort(t testing.TB) string {
	conn := bind(t)
	conn.Close()
	return conn.LocalAddr().String()
}

// bind returns a plain socket on the loopback, for servers that misbehave.
func bind(t testing.TB) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// misbehave answers what conn receives as answer does, until the test ends.
func misbehave(t testing.TB, conn *net.UDPConn, answer func(request []byte, from net.Addr)) string {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 65535)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			answer(bytes.Clone(buffer[:n]), from)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return conn.LocalAddr().String()
}

// strangerServer answers from another socket than was asked, and returns the addresses of both.
func strangerServer(t testing.TB) (asked, stranger string) {
	t.Helper()
	other := bind(t)
	asked = misbehave(t, bind(t), func(request []byte, from net.Addr) { _, _ = other.WriteTo(upper(request), from) })
	return asked, other.LocalAddr().String()
}

// start starts the program in a process of its own, which the end of the test ends.
func start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
}
