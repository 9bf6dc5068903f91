package handover

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dgram/internal/testnet"
)

// house is a door with sockets behind it.
type house struct {
	*Door
	path          string
	offered, kept atomic.Int32
	left          chan struct{}
}

func open(t *testing.T, n int) *house {
	t.Helper()
	h := &house{path: filepath.Join(t.TempDir(), "door"), left: make(chan struct{})}
	d, err := NewDoor(h.path)
	if err != nil {
		t.Fatal(err)
	}
	h.Door = d
	if err := d.Open(h.offer(t, n), func() { close(h.left) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Shut(); d.Close() })
	return h
}

// offer gives n copies of one socket.
func (h *house) offer(t *testing.T, n int) Offer {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(pair[:]) })
	return func() ([]Socket, func(bool), error) {
		h.offered.Add(1)
		all := make([]Socket, n)
		for i := range all {
			all[i] = Socket{FD: pair[0], Drops: uint64(i), GRO: i%2 == 1}
		}
		return all, func(taken bool) {
			if !taken {
				h.kept.Add(1)
			}
		}, nil
	}
}

func TestTake(t *testing.T) {
	for _, n := range []int{1, 64, 65, 300} {
		h := open(t, n)
		if info, err := os.Lstat(h.path); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info.Mode(), err)
		}
		v, err := Call(h.path)
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Sockets) != n || v.PID != os.Getpid() {
			t.Fatal(len(v.Sockets), v.PID)
		}
		for i, s := range v.Sockets {
			kind, err := syscall.GetsockoptInt(s.FD, syscall.SOL_SOCKET, syscall.SO_TYPE)
			if err != nil || kind != syscall.SOCK_DGRAM || s.Drops != uint64(i) || s.GRO != (i%2 == 1) {
				t.Fatal(i, s, kind, err)
			}
		}
		CloseSockets(v.Sockets)
		if err := v.Take(); err != nil {
			t.Fatal(err)
		}
		<-h.left
		if !h.Shut() || h.Successor() != os.Getpid() || h.kept.Load() != 0 {
			t.Error("it was not taken")
		}
		h.Close()
		v.Left()
		v.Close()
	}
}

// A visitor that goes without taking, at any point, changes nothing.
func TestVisitorsWhoLeave(t *testing.T) {
	h := open(t, 2)
	for range 5 {
		v, err := Call(h.path)
		if err != nil {
			t.Fatal(err)
		}
		CloseSockets(v.Sockets)
		v.Close()
	}
	conn := rawVisitor(t, h.path)
	conn.Close()
	v, err := Call(h.path) // after the last of them was seen out
	if err != nil {
		t.Fatal(err)
	}
	CloseSockets(v.Sockets)
	v.Close()
	if h.Shut() || h.kept.Load() != 6 {
		t.Error(h.kept.Load())
	}
}

// Taking and giving up at the same time: both sides come to the same end.
func TestTakeMeetsShut(t *testing.T) {
	both := [2]int{}
	for range 200 {
		h := open(t, 1)
		v, err := Call(h.path)
		if err != nil {
			t.Fatal(err)
		}
		CloseSockets(v.Sockets)
		took := make(chan bool)
		ready := make(chan struct{})
		go func() {
			close(ready)
			dally()
			took <- v.Take() == nil
		}()
		<-ready
		dally()
		shut := h.Shut()
		mine := <-took
		if shut != mine {
			t.Fatalf("the visitor says %v, the door %v", mine, shut)
		}
		if mine {
			both[1]++
		} else {
			both[0]++
		}
		h.Close()
		v.Close()
	}
	t.Logf("%d given up, %d taken", both[0], both[1])
}

// dally passes up to 30 µs.
func dally() {
	for began, wait := time.Now(), time.Duration(rand.IntN(30))*time.Microsecond; time.Since(began) < wait; {
		runtime.Gosched()
	}
}

func rawVisitor(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// Nothing that a visitor says, and no descriptor that it brings, does anything to the door: the next one is let in, and no descriptor stays.
func TestHostileVisitors(t *testing.T) {
	h := open(t, 2)
	before := openFiles(t)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 4))
		conn := rawVisitor(t, h.path)
		for range 1 + r.IntN(4) {
			text, rights := hostile(r), []byte(nil)
			if r.IntN(2) == 0 {
				rights = syscall.UnixRights(int(null.Fd()), int(null.Fd()))
			}
			if _, _, err := conn.WriteMsgUnix(text, rights, nil); err != nil {
				break
			}
		}
		conn.Close()
	}
	v, err := Call(h.path)
	if err != nil {
		t.Fatal(err)
	}
	CloseSockets(v.Sockets)
	v.Close()
	if after := openFiles(t); after > before+3 {
		t.Errorf("%d files are open, %d were", after, before)
	}
	if h.Successor() != 0 {
		t.Error("it was taken")
	}
}

// hostile is a message that was not meant, but never one that takes.
func hostile(r *rand.Rand) []byte {
	switch r.IntN(6) {
	case 0:
		return message{Type: ask}.encode()
	case 1:
		return message{Type: offer, Total: 1, Sockets: make([]Socket, 1)}.encode()
	case 2:
		return bytes.Repeat([]byte{'{'}, r.IntN(2*maxMessage))
	case 3:
		return []byte(fmt.Sprintf(`{"dgram":%q,"type":"ask","total":%d}`, protocol, r.Int64()))
	case 4:
		return nil
	}
	p := make([]byte, r.IntN(300))
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

func openFiles(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// A visitor that says nothing does not keep the next one out for ever.
func TestSilentVisitor(t *testing.T) {
	h := open(t, 1)
	silent := rawVisitor(t, h.path)
	defer silent.Close()
	began := time.Now()
	v, err := Call(h.path)
	if err != nil {
		t.Fatal(err)
	}
	CloseSockets(v.Sockets)
	v.Close()
	if took := time.Since(began); took > askTimeout+time.Second {
		t.Error("it took", took)
	}
}

// impostors are servers that a visitor meets at the path.
func TestHostileDoors(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	one := syscall.UnixRights(int(null.Fd()))
	for name, c := range map[string]struct {
		text   []byte
		rights []byte
		words  string
	}{
		"nothing":       {nil, nil, "offered no sockets"},
		"noise":         {[]byte("\x00\xff"), nil, "not a message"},
		"too few":       {message{Type: offer, Total: 2, Sockets: make([]Socket, 2)}.encode(), one, "1 descriptors for 2"},
		"too many":      {message{Type: taken}.encode(), one, "1 descriptors for 0"},
		"refusal":       {message{Type: refuse, Reason: "\x1b[31mno"}.encode(), nil, `\x1b[31mno`},
		"another total": {message{Type: taken}.encode(), nil, "not a message"},
		"long":          {bytes.Repeat([]byte("["), maxMessage+1), nil, "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "door")
			listener, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				if conn, err := listener.AcceptUnix(); err == nil {
					if c.text != nil {
						_, _, _ = conn.WriteMsgUnix(c.text, c.rights, nil)
					}
					_, _ = conn.Read(make([]byte, 10))
					conn.Close()
				}
			}()
			before := openFiles(t)
			v, err := Call(path)
			if v != nil || err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v, want %q", err, c.words)
			}
			if after := openFiles(t); after > before+1 { // the door's own end
				t.Errorf("%d files are open, %d were", after, before)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door")
	if v, err := Call(path); v != nil || err != nil {
		t.Error(v, err)
	}
	h := open(t, 1)
	_ = h.listener.Close() // as a process that was killed leaves it
	if v, err := Call(h.path); v != nil || err != nil {
		t.Error(v, err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDoor(path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Error(err)
	}
	stream := filepath.Join(t.TempDir(), "stream")
	listener, err := net.Listen("unix", stream)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if _, err := Call(stream); !errors.Is(err, syscall.EPROTOTYPE) {
		t.Error(err)
	}
}

// TestStranger starts this test binary again as another user, who visits.
func TestStranger(t *testing.T) {
	if path := os.Getenv("DGRAM_TEST_VISIT"); path != "" {
		_, err := Call(path)
		fmt.Println("VISIT:", err)
		return
	}
	if os.Getuid() != 0 {
		testnet.Missing(t, "root: only root can become somebody else")
	}
	h := open(t, 1)
	// Every other user could connect, if the mode were all that keeps them out.
	for dir := filepath.Dir(h.path); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(filepath.Dir(h.path), "test")
	copyFile(t, binary)
	visit := func() string {
		cmd := exec.Command(binary, "-test.run=^TestStranger$")
		cmd.Env = append(os.Environ(), "DGRAM_TEST_VISIT="+h.path)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatal(err, string(out))
		}
		return string(out)
	}
	if out := visit(); !strings.Contains(out, "permission denied") {
		t.Error(out)
	}
	if err := os.Chmod(h.path, 0o666); err != nil {
		t.Fatal(err)
	}
	if out := visit(); !strings.Contains(out, "offered no sockets") || h.offered.Load() != 0 {
		t.Error(out, h.offered.Load())
	}
}

func copyFile(t *testing.T, to string) {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, self, 0o755); err != nil {
		t.Fatal(strconv.Quote(to), err)
	}
}
