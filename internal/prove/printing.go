//go:build linux

package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"dgram/internal/testpty"
	"dgram/sock"
)

// nasty are payloads that a terminal would obey, or that pretend to be a line of ours.
func nasty(seed uint64, n int) (all [][]byte) {
	for b := range 256 {
		all = append(all, []byte{byte(b)}, []byte{'a', byte(b), 'b'})
	}
	for _, text := range []string{
		"\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\x1bP+q\x1b\\", "\u009b31m", "\u202eevil\u202c", "\u2066\u2069\u200e\u200f\u061c", "\ufeff\u200b\u2028\u2029\u0085",
		"ok\nready 127.0.0.1:1", "ok\r\nreceived 1 = answered 1", "\x00\x00", "\xc3\x28\xff\xfe", "\xed\xa0\x80", "\U000e0001\U000e0041", strings.Repeat("\x1b[A", 100), "\x7f\b\b\b",
	} {
		all = append(all, []byte(text))
	}
	random := rand.New(rand.NewPCG(seed, 71))
	for range n {
		b := make([]byte, random.IntN(60))
		fill(random, b)
		all = append(all, b)
	}
	return all
}

// unprintable finds the first thing in what was printed that is neither printable nor the end of a line.
func unprintable(out []byte) string {
	for line := range bytes.Lines(out) {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		for rest := line; len(rest) > 0; {
			r, n := utf8.DecodeRune(rest)
			if r == utf8.RuneError && n == 1 || !unicode.IsPrint(r) {
				return string(line)
			}
			rest = rest[n:]
		}
	}
	return ""
}

// provePrint is promise 7: whatever comes from the network, no byte of it reaches a terminal or a log line but as printable text.
func provePrint(p *proof) {
	dgram, dir := program(p), p.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		p.Fatal(err)
	}
	payloads := nasty(p.seed, p.count(5000, 300))
	t := &printer{proof: p, dgram: dgram, dir: dir}
	p.step("what serve prints", func() { t.serves(payloads) })
	p.step("what call prints", func() { t.calls(payloads[:p.count(len(payloads), 540)]) })
	p.step("names", t.names)
	p.step("--raw", t.raw)
	p.sentf("%d payloads as request and as reply, unix paths and host names that give orders to a terminal", len(payloads))
	p.seenf("%d bytes printed, all of them printable; --raw refuses a terminal unless forced", t.printed)
}

type printer struct {
	*proof
	dgram, dir string
	printed    int
}

// check looks at what a program printed.
func (t *printer) check(what string, out []byte) {
	t.Helper()
	t.printed += len(out)
	if line := unprintable(out); line != "" {
		t.Errorf("%s printed %q", what, line)
	}
}

// serves sends each payload from a socket whose own name is one, to a server that shows each, in text and as JSON.
func (t *printer) serves(payloads [][]byte) {
	t.Helper()
	for _, flag := range []string{"--stage=echo", "--json"} {
		path := filepath.Join(t.dir, "serve\x1b[31m\n\u202e"+flag)
		var out bytes.Buffer
		cmd, ready := t.start(&out, "serve", "unixgram:"+path, flag)
		<-ready
		s, err := sock.New(sock.UNIX, sock.DGRAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Bind(sock.UnixAddr{Name: filepath.Join(t.dir, "peer\x1b]0;x\x07"+flag)}); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		for _, payload := range payloads {
			_ = s.SetDeadline(time.Now().Add(patience))
			if _, err := s.SendTo(payload, 0, sock.UnixAddr{Name: path}); err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.Recv(b, 0); err != nil {
				t.Fatalf("no answer to %q: %v", payload, err)
			}
		}
		_ = s.Close()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		t.check("serve "+flag, out.Bytes())
	}
}

// start starts dgram; ready is closed when it has printed its first line.
func (t *printer) start(out *bytes.Buffer, args ...string) (cmd *exec.Cmd, ready chan struct{}) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), t.dgram, args...)
	w := &firstLine{to: out, ready: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, w.ready
}

type firstLine struct {
	mu    sync.Mutex
	to    *bytes.Buffer
	ready chan struct{}
	once  sync.Once
}

func (w *firstLine) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if bytes.Contains(p, []byte("ready")) {
		w.once.Do(func() { close(w.ready) })
	}
	return w.to.Write(p)
}

// calls gets each payload as a reply, on a terminal, and in a pipe in the forms that are for people and logs; as text a pipe gets them as they came.
func (t *printer) calls(payloads [][]byte) {
	t.Helper()
	path := filepath.Join(t.dir, "replies")
	s, err := sock.New(sock.UNIX, sock.DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(sock.UnixAddr{Name: path}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	go func() {
		b := make([]byte, 100)
		for i := 0; ; i++ {
			_, from, _, err := s.RecvFrom(b, 0)
			if err != nil {
				return
			}
			_, _ = s.SendTo(payloads[i%len(payloads)], 0, from)
		}
	}()
	args := []string{"call", "unixgram:" + path, "--window", "1"}
	lines := strings.Repeat("next\n", len(payloads))
	for _, output := range []string{"json", "hex"} {
		out, err := t.command(lines, append(args, "--output", output)...)
		if t.check("call --output "+output, out); err != nil {
			t.Errorf("call: %v", err)
		}
	}
	x := testpty.OpenRaw(t, 80)
	cmd := exec.CommandContext(t.Context(), t.dgram, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(lines), x.Slave, x.Slave
	if err := cmd.Run(); err != nil {
		t.Errorf("call on a terminal: %v", err)
	}
	t.check("call on a terminal", withoutColours(x.Printed()))
}

// withoutColours takes away the colours that are ours: whatever escape sequence remains is not.
func withoutColours(out []byte) []byte {
	for _, sequence := range []string{"\x1b[0m", "\x1b[m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[39m", "\x1b[22m", "\x1b[K", "\r"} {
		out = bytes.ReplaceAll(out, []byte(sequence), nil)
	}
	return out
}

func (t *printer) command(stdin string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.dgram, args...)
	cmd.Stdin = strings.NewReader(stdin)
	return cmd.CombinedOutput()
}

// names gives orders to a terminal where a name is wanted; what is said about them is safe too.
func (t *printer) names() {
	t.Helper()
	for _, name := range []string{"\x1b[2Jhost:1", "\u202ehost:1", "ho\nst:1", "\u009b:1", "\xff\xfe:1", "unixgram:/no\x1b[31m/such\n/path", "[fe80::1%\x1b[31m]:1", "host:\x1b[31m"} {
		for _, args := range [][]string{{"call", name, "x", "--tries", "1"}, {"serve", name}, {"serve", "--stage", name}, {"serve", "127.0.0.1:0", "--takeover", "/no/such/" + name}, {"call", ":", "--input", name}, {name}} {
			out, err := t.command("", args...)
			if t.check(strings.Join(args, " "), out); err == nil {
				t.Errorf("%q was taken", args)
			}
		}
	}
}

// raw is refused a terminal, and says so; with --force it is not.
func (t *printer) raw() {
	t.Helper()
	path := filepath.Join(t.dir, "raw")
	var out bytes.Buffer
	_, ready := t.start(&out, "serve", "unixgram:"+path, "--stage", "echo")
	<-ready
	for _, c := range []struct {
		force   bool
		printed bool
	}{{false, false}, {true, true}} {
		x := testpty.OpenRaw(t, 80)
		args := []string{"call", "unixgram:" + path, "--raw", "\x1b[31mred"}
		if c.force {
			args = append(args, "--force")
		}
		cmd := exec.CommandContext(t.Context(), t.dgram, args...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(""), x.Slave, x.Slave
		err := cmd.Run()
		got := bytes.Contains(withoutColours(x.Printed()), []byte("\x1b[31mred")) || err == nil
		if got != c.printed {
			t.Errorf("--raw on a terminal, forced %v: %v", c.force, err)
		}
	}
}
