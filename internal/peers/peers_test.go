//go:build linux

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"dgram/internal/testnet"
)

func needTools(t *testing.T) tools {
	t.Helper()
	if testing.Short() {
		t.Skip("builds every server and the load: left out with -short")
	}
	testnet.Need(t, "cc", "taskset")
	built, err := build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(built.remove)
	return built
}

// Everything builds, and every server that the machine has a tool for answers a load rightly: else the comparison would compare nothing.
func TestEveryServerAnswers(t *testing.T) {
	built := needTools(t)
	if runtime.NumCPU() < 2 {
		testnet.Missing(t, "two processors")
	}
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			if _, err := exec.LookPath(s.needs); err != nil {
				t.Skipf("no %s: the comparison does without", s.needs)
			}
			for _, flags := range loads(s.name) {
				answers(t, built, s, flags)
			}
		})
	}
}

// loads of every form for our own and the references; for others one datagram at a time.
func loads(server string) []string {
	if strings.HasPrefix(server, "C ") || server == ours || server == oursSpin {
		return []string{"--size 5 --flows 3 --window 4", "--size mixed --flows 2 --window 3 --block", "--size 1400 --window 64 --gso --gro"}
	}
	return []string{"--size 64 --flows 1 --window 1 --timeout 1"}
}

func answers(t *testing.T, built tools, s server, flags string) {
	t.Helper()
	p, err := start(t.Context(), built, s)
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	l, _, err := load(t.Context(), built, p, words(flags), 0.1)
	if err != nil {
		t.Fatal(err)
	}
	if l.Replies == 0 || l.Wrong > 0 {
		t.Errorf("%s: %+v", flags, l)
	}
	if u := p.usage(); u.cpu <= 0 || u.rss <= 0 {
		t.Errorf("%s: usage %+v", flags, u)
	}
}

// A load that took wrong replies for right ones would prove nothing.
func TestLoadSeesWrongReplies(t *testing.T) {
	built := needTools(t)
	const liar = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2])))
n = 0
while True:
    data, peer = s.recvfrom(65535)
    up = bytearray(data.upper())
    if data != b'ready?':
        n += 1
        kind = n % 6
        if kind == 1: up[-1] ^= 1
        elif kind == 2: up = up[:-1]
        elif kind == 3: up[0] = ord('Z')
        elif kind == 4: up[9] ^= 3
        elif kind == 5: up = bytearray(data)
    s.sendto(up, peer)
`
	testnet.Need(t, "python3")
	if err := os.WriteFile(built.path("liar.py"), []byte(liar), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := start(t.Context(), built, server{"liar", "python3", "python3 {dir}/liar.py {host} {port}"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	l, _, err := load(t.Context(), built, p, words("--size 40 --window 6 --timeout 0.02"), 0.3)
	if err != nil {
		t.Fatal(err)
	}
	if l.Wrong < 5 || l.Replies == 0 || l.Replies > l.Wrong {
		t.Errorf("of six replies one is right: %+v", l)
	}
}

func TestAServerThatCannotBeHadIsLeftOut(t *testing.T) {
	c := newComparison(options{passes: 1, seconds: 0.1, foreign: 100}, tools{t.TempDir()}, nil)
	s := scenario{"none", words("--size 64"), mmsg, []string{mmsg}} // nothing was built
	if wrong := c.pass(context.Background(), s, 1); wrong != "nothing ran" || !strings.Contains(c.leftOut[mmsg], "did not start") {
		t.Errorf("%q, left out: %q", wrong, c.leftOut)
	}
}

func TestPassIsClean(t *testing.T) {
	quiet := measurement{Server: "a", CacheLine: 100, Apart: 1}
	moved, disturbed, far := quiet, quiet, quiet
	moved.Apart, disturbed.Foreign, far.CacheLine = 2, 0.5, 250
	for _, c := range []struct {
		pass []measurement
		want string
	}{
		{[]measurement{quiet, quiet}, ""},
		{[]measurement{quiet, moved}, "moved"},
		{[]measurement{disturbed, quiet}, "something else used 50 %"},
		{[]measurement{quiet, far}, "100 to 250 ns"},
		{nil, "nothing ran"},
	} {
		if got := unclean(c.pass, 0.13); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%v: %q, want %q", c.pass, got, c.want)
		}
	}
}

// Three passes near, two far, one unclean: ratios are taken of the three.
func TestTable(t *testing.T) {
	s := scenario{"a case", words("--size 64"), mmsg, []string{mmsg, ours, gro}}
	c := &comparison{cases: []scenario{s}, leftOut: map[string]string{node: "not there"}}
	for pass, ns := range []float64{100, 110, 105, 260, 270, 101} {
		for i, name := range s.servers[:2] {
			l := loaded{P50: 4, P99: 8}
			c.runs = append(c.runs, measurement{Case: s.name, Server: name, Pass: pass, Clean: pass != 5, CacheLine: ns, CPU: 2,
				Rate: float64(1000 + pass*100*i + int(ns)), loaded: l})
		}
	}
	got := c.markdown()
	for _, want := range []string{
		"Left out: naive Node (not there).",
		"| a case | C mmsg | 1.09 (1.00–1.18) | 1.00 (1.00–1.00) |",
		"clean passes: 3; a cache line goes there and back in 105 ns",
		"| C mmsg | 1105 | 1 | 2.000 | 1 | 4.0 | 1 | 8.0 | 1 | 0 | 0 | 0 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "| C gro |") {
		t.Error("a row without a run")
	}
}

func TestInsert(t *testing.T) {
	name := filepath.Join(t.TempDir(), "doc.md")
	for i, c := range []struct{ before, want string }{
		{"head\n", "head\n" + beginMark + "new\n" + endMark},
		{"head\n" + beginMark + "old\n" + endMark + "tail\n", "head\n" + beginMark + "new\n" + endMark + "tail\n"},
		{"head\n" + beginMark + "old\n", ""},
	} {
		if err := os.WriteFile(name, []byte(c.before), 0o600); err != nil {
			t.Fatal(err)
		}
		err := insert(name, "new\n")
		got, _ := os.ReadFile(name)
		if (err != nil) != (c.want == "") || (err == nil && string(got) != c.want) {
			t.Errorf("%d: %q, %v", i, got, err)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("%v: %v", c.values, got)
		}
	}
}
