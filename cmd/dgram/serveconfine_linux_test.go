package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dgram/internal/testnet"
)

// statusOf returns the fields of every thread of a process, as the kernel tells them (proc_pid_status(5)).
func statusOf(t *testing.T, pid int) (threads []map[string]string) {
	t.Helper()
	for _, text := range ofThreads(t, pid, "status") {
		fields := map[string]string{}
		for line := range strings.Lines(text) {
			name, value, _ := strings.Cut(line, ":")
			fields[name] = strings.TrimSpace(value)
		}
		threads = append(threads, fields)
	}
	return threads
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		testnet.Missing(t, "root: only root can become somebody else")
	}
}

const noCapability = "0000000000000000"

// What a server holds of its rights is what the kernel says, of each of its threads.
func TestServeIsConfined(t *testing.T) {
	for name, c := range map[string]struct {
		root  bool
		flags []string
		want  map[string]string
		says  string
	}{
		"by default":      {false, nil, map[string]string{"NoNewPrivs": "1", "Seccomp": "2", "CapEff": noCapability, "CapPrm": noCapability}, "confined: "},
		"shards":          {false, []string{"--shards", "4"}, map[string]string{"NoNewPrivs": "1", "Seccomp": "2"}, "system calls (seccomp"},
		"off":             {false, []string{"--confine", "off"}, map[string]string{"NoNewPrivs": "0", "Seccomp": "0"}, "--confine off: whoever finds a flaw"},
		"with a program":  {false, []string{"--stage", "exec:cat"}, map[string]string{"NoNewPrivs": "1", "Seccomp": "0"}, "--confine off lets them write"},
		"another user":    {true, []string{"--user", "nobody"}, user("65534", noCapability), "user nobody, no capabilities"},
		"and group":       {true, []string{"--user", "65534:65534", "--shards", "3"}, user("65534", noCapability), "user 65534:65534"},
		"and a program":   {true, []string{"--user", "nobody", "--stage", "exec:cat"}, user("65534", noCapability), "user nobody"},
		"and no files":    {true, []string{"--user", "nobody", "--confine", "off"}, map[string]string{"CapEff": noCapability, "CapBnd": noCapability, "Seccomp": "0"}, "user nobody"},
		"the portable":    {false, []string{"--portable"}, map[string]string{"Seccomp": "2"}, "seccomp"},
		"with a delay":    {false, []string{"--stage", "upper", "--stage", "delay:1ms"}, map[string]string{"Seccomp": "2"}, "seccomp"},
		"with its number": {false, []string{"--metrics", "0"}, map[string]string{"Seccomp": "2"}, "seccomp"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.root {
				needRoot(t)
			}
			s := serveWith(t, exec.Command(self(t), append([]string{"serve", "127.0.0.1:0", "--verbose", "--quiet"}, c.flags...)...))
			for range 3 {
				if r := runCall(t, "", s.addr, "hello"); r.code != 0 || !strings.EqualFold(r.out, "hello\n") {
					t.Errorf("it answers %+v", r)
				}
			}
			for _, fields := range statusOf(t, s.cmd.Process.Pid) {
				for name, want := range c.want {
					if fields[name] != want {
						t.Errorf("thread %s: %s is %q, want %q", fields["Pid"], name, fields[name], want)
					}
				}
			}
			if _, stderr := s.stop(t); !strings.Contains(stderr, c.says) || !strings.Contains(stderr, "received   3 = answered 3") {
				t.Errorf("it says %q, want %q", stderr, c.says)
			}
		})
	}
}

func user(id, capabilities string) map[string]string {
	ids := strings.Join([]string{id, id, id, id}, "\t")
	return map[string]string{"Uid": ids, "Gid": ids, "Groups": "", "NoNewPrivs": "1",
		"CapInh": capabilities, "CapPrm": capabilities, "CapEff": capabilities, "CapBnd": capabilities, "CapAmb": capabilities}
}

// A confined server removes its own socket when it ends, and replies to those that have names.
func TestConfinedServeKeepsItsPath(t *testing.T) {
	dir, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	s := serveWith(t, exec.Command(self(t), "serve", "unixgram:"+path, "--quiet"))
	runCall(t, "", "unixgram:"+path, "hello").want(t, 0, "HELLO\n")
	s.stop(t)
	if _, err := os.Lstat(path); err == nil {
		t.Error("its socket is still there")
	}
}
