package sockets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"dgram/internal/testnet"
	"dgram/sock"
)

// opened is what testdata/open.py says of a socket that it holds.
type opened struct {
	FD, Family, Type, Proto int
	Inherited               bool
}

// holdSockets starts open.py, which holds sockets of many kinds until the test ends.
func holdSockets(t *testing.T, seed int64) (pid int, held []opened) {
	t.Helper()
	testnet.Need(t, "python3")
	cmd := exec.Command("python3", "testdata/open.py", fmt.Sprint(seed), t.TempDir())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	})
	if err := json.NewDecoder(out).Decode(&held); err != nil {
		t.Fatalf("open.py told nothing: %v", err)
	}
	return cmd.Process.Pid, held
}

func TestOfAgreesWithItsOwner(t *testing.T) {
	pid, held := holdSockets(t, rand.Int64())
	r, err := Of(pid)
	if err != nil {
		t.Fatal(err)
	}
	byFD := map[int]Socket{}
	for _, s := range r.Sockets {
		byFD[s.FD] = s
	}
	if len(byFD) != len(held) || r.Partial != 0 {
		t.Errorf("%d sockets (%d in part), want %d", len(byFD), r.Partial, len(held))
	}
	for _, h := range held {
		s := byFD[h.FD]
		// Of a packet socket Python keeps the protocol in network order; it is 0 here.
		if int(s.Family) != h.Family || int(s.Type) != h.Type || h.Proto != 0 && int(s.Proto) != h.Proto {
			t.Errorf("fd %d is %v %v %v, Python says %+v", h.FD, s.Family, s.Type, s.Proto, h)
		}
		if !s.CloseOnExecKnown || s.CloseOnExec == h.Inherited {
			t.Errorf("fd %d: close-on-exec %v, inherited %v", h.FD, s.CloseOnExec, h.Inherited)
		}
		if s.Nonblock || s.Command != "python3" || !s.Copied {
			t.Errorf("fd %d: %+v", h.FD, s)
		}
	}
}

// What ss says of a socket.
var (
	ssOwner  = regexp.MustCompile(`pid=(\d+),fd=(\d+)`)
	ssMemory = regexp.MustCompile(`skmem:\(r(\d+),rb(\d+),t(\d+),tb(\d+),.*,d(\d+)\)`)
	ssInode  = regexp.MustCompile(`ino:(\d+) sk:`)
)

func TestOfAgreesWithSs(t *testing.T) {
	testnet.Need(t, "ss")
	pid, _ := holdSockets(t, rand.Int64())
	text, err := exec.Command("ss", "-OHanpem").Output() // its complaint about what this kernel lacks is no error
	if err != nil && len(text) == 0 {
		t.Fatal(err)
	}
	byFD := map[int]Socket{}
	r, err := Of(pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Sockets {
		byFD[s.FD] = s
	}
	for line := range strings.Lines(string(text)) {
		m := ssOwner.FindStringSubmatch(line)
		if m == nil || m[1] != strconv.Itoa(pid) {
			continue
		}
		fd, _ := strconv.Atoi(m[2])
		compareWithSs(t, byFD[fd], line)
		delete(byFD, fd)
	}
	for _, s := range byFD {
		if a, ok := s.Local.(sock.InetAddr); !ok || a.Port() != 0 { // ss finds only what is bound
			t.Errorf("ss does not show %+v", s)
		}
	}
}

func compareWithSs(t *testing.T, s Socket, line string) {
	t.Helper()
	f := strings.Fields(line)
	if strings.HasSuffix(f[0], "raw") {
		return // it hears all ICMP of this machine: what waits changes meanwhile
	}
	in, _ := strconv.ParseInt(f[2], 10, 64)
	out, _ := strconv.ParseInt(f[3], 10, 64)
	unixSocket := s.Family == sock.UNIX
	switch {
	case s.State == Listening:
	case unixSocket || s.Type == sock.STREAM:
		if in != s.Queue || out != s.Unsent {
			t.Errorf("fd %d: %d in, %d out, ss: %s", s.FD, s.Queue, s.Unsent, line)
		}
	case in != s.ReceiveCharged || out != s.SendCharged:
		t.Errorf("fd %d: %d in, %d out, ss: %s", s.FD, s.ReceiveCharged, s.SendCharged, line)
	}
	if m := ssMemory.FindStringSubmatch(line); m != nil {
		got := fmt.Sprint(s.ReceiveCharged, s.ReceiveBuffer, s.SendCharged, s.SendBuffer, s.Drops)
		if want := strings.Join(m[1:], " "); got != want {
			t.Errorf("fd %d: memory %s, ss: %s", s.FD, got, want)
		}
	}
	if m := ssInode.FindStringSubmatch(line); m != nil && m[1] != fmt.Sprint(s.Inode) {
		t.Errorf("fd %d: inode %d, ss: %s", s.FD, s.Inode, m[1])
	}
	if unixSocket {
		if name := s.Local.String(); name != "" && !strings.Contains(line, " "+name+" ") {
			t.Errorf("fd %d: %q is not in %q", s.FD, name, line)
		}
		return
	}
	if local, peer := ssAddress(s.Local), ssAddress(s.Peer); local != f[4] || peer != f[5] && s.Peer != nil {
		t.Errorf("fd %d: %s %s, ss: %s", s.FD, local, peer, line)
	}
}

// ssAddress is an address as ss writes it: "*" for the wildcard of a socket that hears IPv4 and IPv6.
func ssAddress(a sock.Addr) string {
	inet, ok := a.(sock.InetAddr)
	if !ok {
		return ""
	}
	if inet.Addr() == netip.IPv6Unspecified() {
		return fmt.Sprintf("*:%d", inet.Port())
	}
	return inet.String()
}

// Without the right to copy descriptors there is less to tell, and what there is is the same.
func TestWithoutTheRightToTrace(t *testing.T) {
	pid, held := holdSockets(t, rand.Int64())
	whole, err := Of(pid)
	if err != nil {
		t.Fatal(err)
	}
	l := newLook(proc)
	l.open = func(int) (inspector, error) { return nil, syscall.EPERM }
	part, err := l.of(pid)
	if err != nil {
		t.Fatal(err)
	}
	if part.Partial != len(held) || len(part.Sockets) != len(held) {
		t.Fatalf("%d sockets, %d of them in part, want all %d", len(part.Sockets), part.Partial, len(held))
	}
	for i, s := range part.Sockets {
		w := whole.Sockets[i]
		if s.Family == 0 {
			if _, bound := w.Local.(sock.InetAddr); !bound || w.Local.(sock.InetAddr).Port() != 0 {
				t.Errorf("/proc/net should tell about %+v", w)
			}
			continue // not bound: no file of /proc/net has it
		}
		if s.Family != w.Family || s.Type != w.Type || s.State != w.State && w.Family != sock.UNIX || s.CloseOnExec != w.CloseOnExec || s.FD != w.FD {
			t.Errorf("in part %+v\nwhole   %+v", s, w)
		}
		if w.Family == sock.INET || w.Family == sock.INET6 {
			if s.Local != w.Local || s.Peer != w.Peer || s.Drops >= 0 && s.Drops != w.Drops && w.Type != sock.RAW {
				t.Errorf("in part %+v\nwhole   %+v", s, w)
			}
		}
		if w.Family == sock.UNIX && s.Local != w.Local {
			t.Errorf("in part %v, whole %v", s.Local, w.Local)
		}
	}
}

// asNobody is set in the copy of this program that runs as nobody.
const asNobody = "SOCKETS_TEST_AS_NOBODY"

func TestMain(m *testing.M) {
	if pid, err := strconv.Atoi(os.Getenv(asNobody)); err == nil {
		_, err := Of(pid)
		all, allErr := All()
		own := 0
		for _, s := range all.Sockets {
			if s.PID == pid {
				own++
			}
		}
		fmt.Printf("denied=%v others=%v own=%d err=%v\n", errors.Is(err, fs.ErrPermission), len(all.Denied) > 0, own, allErr)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestAsAnotherUser(t *testing.T) {
	testnet.Need(t, testnet.Namespaces) // that is: root
	pid, _ := holdSockets(t, 1)
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "sockets")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	program := filepath.Join(folder, "test")
	if err := errors.Join(os.Chmod(folder, 0o755), os.WriteFile(program, self, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Dir, cmd.Env = "/", []string{asNobody + "=" + strconv.Itoa(pid)}
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if want := "denied=true others=true own=0 err=<nil>\n"; err != nil || string(out) != want {
		t.Errorf("as nobody: %q, %v, want %q", out, err, want)
	}
}

func TestOfNobody(t *testing.T) {
	if _, err := Of(1 << 30); !errors.Is(err, ErrNoProcess) {
		t.Errorf("of no process: %v", err)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if id, _ := strconv.Atoi(thread.Name()); id != os.Getpid() {
			if _, err := Of(id); err == nil || !strings.Contains(err.Error(), "thread of process") {
				t.Errorf("of a thread: %v", err)
			}
			break
		}
	}
	pids, err := Named(Command(os.Getpid()))
	if err != nil || len(pids) == 0 {
		t.Errorf("this process is called %q and is not found: %v, %v", Command(os.Getpid()), pids, err)
	}
}
