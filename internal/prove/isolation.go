//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"dgram/internal/testnet"
)

// leastUser is who a server becomes.
const leastUser = "nobody"

// proveIsolation is promise 8: a server has no rights, its programs get nothing but what they need, and none of them outlives its time.
func proveIsolation(p *proof) {
	w := newWorld(p)
	p.step("rights", w.rights)
	p.step("programs", func() { w.programs(w.count(100_000, 300)) })
	p.step("systemd", w.unit)
}

// rights starts a server as root on a port of root's and looks at what it has left (proc_pid_status(5)), in every thread.
func (w *world) rights() {
	w.Helper()
	at := netip.AddrPortFrom(serverAddr, 53)
	s := w.start(w.server, at, "serve", at.String(), "--json", "--quiet", "--user", leastUser)
	if !w.newProber(probeAddr, s.addr).ask("rights") {
		w.Error("a server that has given up its rights does not answer")
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.pid()))
	if err != nil || len(tasks) == 0 {
		w.Fatalf("there is no process %d: %v", s.pid(), err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that has just ended
		}
		w.harmless(string(text))
	}
	s.stop()
	w.sentf("a server started by root on port 53, with --user %s", leastUser)
	w.seenf("in each of %d threads no capability, no new privileges, another user, system calls filtered", len(tasks))
}

// harmless checks the status of one thread.
func (w *world) harmless(status string) {
	w.Helper()
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		switch {
		case strings.HasPrefix(name, "Cap") && strings.Trim(fields[0], "0") != "",
			(name == "Uid" || name == "Gid") && strings.Contains(" "+strings.Join(fields, " ")+" ", " 0 "),
			name == "Groups" && strings.Contains(" "+strings.Join(fields, " ")+" ", " 0 "),
			name == "NoNewPrivs" && fields[0] != "1",
			name == "Seccomp" && fields[0] != "2":
			w.Errorf("a thread of the server has %s", strings.Join(strings.Fields(line), " "))
		}
	}
}

// A program whose reply is as long as the request, and one that starts another which never ends: the mark in its arguments tells what is left.
func honest() string   { return "exec:cat" }
func stubborn() string { return fmt.Sprintf("exec:sh -c 'sleep 61%05d & cat'", os.Getpid()%100000) }
func endless() string  { return fmt.Sprintf("exec:sleep 62%05d", os.Getpid()%100000) }

// programs has n payloads answered by programs, and looks for what is left of these when the server has ended, and when it has not.
func (w *world) programs(n int) {
	w.Helper()
	var answered uint64
	for _, c := range []struct {
		spec string
		n    int
	}{{honest(), n}, {stubborn(), n / 50}} {
		s := w.serve(serverAddr, append(w.unguarded(), "--stage", c.spec)...)
		t := w.newTeller(w.client, 1, s.addr, clientAddr)
		t.largest = len(small)
		for i := range c.n {
			t.send(1, fmt.Appendf(nil, "payload %d", i)) // each another, or the loop guard would see an echo of its own replies
			if i%64 == 63 {
				w.eventually("programs answer", time.Minute, func() bool { return t.tried-t.received.Load() < 256 })
			}
		}
		w.eventually("all programs have answered", time.Minute, func() bool { return t.received.Load() == t.tried })
		w.orphans(c.spec, s, "after all answers")
		a := s.stop()
		w.orphans(c.spec, s, "after the server's end")
		answered += a.Answered
		t.close()
	}
	w.sentf("%d payloads to programs, some of which leave others behind", answered)
	w.seenf("0 processes left over")
	w.deadline()
}

// deadline ends a server whose programs never end: they are killed.
func (w *world) deadline() {
	w.Helper()
	s := w.serve(serverAddr, append(w.unguarded(), "--drain", "100ms", "--stage", endless())...)
	t := w.newTeller(w.client, 1, s.addr, clientAddr)
	t.send(20, small)
	w.eventually("programs run", patience, func() bool { return len(running(endless(), s)) > 0 })
	a := s.stop()
	w.orphans(endless(), s, "after the end of a server whose programs do not end")
	if a.Answered != 0 || a.Dropped["shutdown"] == 0 {
		w.Errorf("programs that do not end: answered %d, dropped: %s", a.Answered, names(a.Dropped))
	}
	t.close()
}

// orphans waits a moment for the kernel to clear up, and then finds no process of that stage.
func (w *world) orphans(spec string, s *served, when string) {
	w.Helper()
	var left []string
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if left = running(spec, s); len(left) == 0 {
			return
		}
	}
	w.Errorf("%s: %d processes are left over %s: %s", spec, len(left), when, left[0])
}

// running lists the processes that a stage has started: children of the server, and those whose arguments say so.
func running(spec string, s *served) (all []string) {
	parent := strconv.Itoa(s.pid())
	mark := ""
	if fields := regexp.MustCompile(`sleep (6\d+)`).FindStringSubmatch(spec); fields != nil {
		mark = fields[1]
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, _ := os.ReadFile(name)
		arguments, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cmdline"))
		_, after, _ := strings.Cut(string(text), ") ") // after the name, which may have spaces: state, parent (proc_pid_stat(5))
		f := strings.Fields(after)
		if len(f) < 2 || bytes.Contains(arguments, []byte("exec:")) { // the server's own arguments have the mark too
			continue
		}
		if f[1] == parent || mark != "" && bytes.Contains(arguments, []byte(mark)) {
			all = append(all, strings.ReplaceAll(string(arguments), "\x00", " ")+" ("+f[0]+")")
		}
	}
	return all
}

// unit asks systemd what it thinks of the unit.
func (w *world) unit() {
	w.Helper()
	testnet.Need(w, "systemd-analyze")
	root := strings.TrimSpace(w.run(nil, "go", "list", "-m", "-f", "{{.Dir}}"))
	out, _ := exec.CommandContext(w.Context(), "systemd-analyze", "security", "--offline=true", "--no-pager", filepath.Join(root, "dist", "systemd", "dgram.service")).CombinedOutput()
	found := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
	if found == nil {
		w.Fatalf("systemd-analyze said nothing about the exposure: %s", out)
	}
	exposure, _ := strconv.ParseFloat(string(found[1]), 64)
	if exposure > 1.5 {
		w.Errorf("systemd-analyze gives the unit an exposure of %.1f, more than 1.5", exposure)
	}
	w.seenf("systemd's exposure of the unit is %.1f", exposure)
}
