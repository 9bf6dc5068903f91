package testnet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// link is the name that the veth device has in both namespaces.
const link = "veth0"

// linkTimeout bounds the wait for the kernel to call the link up.
const linkTimeout = 5 * time.Second

// counter tells apart the namespaces that one test process makes.
var counter atomic.Int64

// NS is one network namespace, made by Pair and removed when its test ends.
type NS struct {
	Name string // as ip-netns(8) knows it
	Link string // the device that leads to the other namespace

	t testing.TB
}

// Pair makes two network namespaces joined by a veth pair. left and right are the addresses of the two ends with
// their prefix lengths, several of them separated by spaces ("192.168.3.2/24 fd00::2/64"). The loopback devices are
// up, and both ends carry datagrams when Pair returns. The namespaces lose their names when the test ends; one that a
// process or an open socket still holds lives on until that is gone, so end those first.
func Pair(t testing.TB, left, right string) (*NS, *NS) {
	t.Helper()
	Need(t, Namespaces)
	l, r := newNS(t), newNS(t)
	run(t, "ip", "-n", l.Name, "link", "add", link, "type", "veth", "peer", "name", link, "netns", r.Name)
	l.raise(left)
	r.raise(right)
	l.awaitLink()
	r.awaitLink()
	return l, r
}

// Command is a command that runs in the namespace when it is started. It is ip-netns(8) exec, which replaces itself
// by the program: the process that the Cmd holds is the program's own. Cancelling ctx kills it.
func (n *NS) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", n.Name, name}, args...)...)
}

// Do runs f on a thread that is in the namespace, and returns when f has. Sockets that f opens stay in the namespace
// for as long as they are open, whoever uses them; goroutines that f starts run outside it. When f ends the test
// (t.Fatal), Do ends it too. setns(2).
func (n *NS) Do(f func()) {
	n.t.Helper()
	var err error
	finished := false
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The lock is never taken back, so the runtime ends the thread together with this goroutine and nothing
		// else ever runs on it. The main thread cannot be ended, hence the way home as well.
		runtime.LockOSThread()
		var home *os.File
		if home, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return
		}
		defer func() { _ = enter(home); _ = home.Close() }()
		var there *os.File
		if there, err = os.Open(filepath.Join("/run/netns", n.Name)); err != nil {
			return
		}
		defer func() { _ = there.Close() }()
		if err = enter(there); err != nil {
			return
		}
		f()
		finished = true
	}()
	<-done
	if err != nil {
		n.t.Fatalf("entering network namespace %s: %v", n.Name, err)
	}
	if !finished {
		n.t.FailNow()
	}
}

// setns holds the number of setns(2), which package syscall does not name on every architecture.
var setns = map[string]uintptr{"amd64": 308, "arm64": 268, "riscv64": 268, "loong64": 268, "386": 346, "arm": 375}

// enter moves the calling thread into the network namespace that file names.
func enter(file *os.File) error {
	number, known := setns[runtime.GOARCH]
	if !known {
		return fmt.Errorf("the number of setns(2) on %s is not known here", runtime.GOARCH)
	}
	if _, _, errno := syscall.RawSyscall(number, file.Fd(), syscall.CLONE_NEWNET, 0); errno != 0 {
		return os.NewSyscallError("setns", errno)
	}
	return nil
}

func newNS(t testing.TB) *NS {
	t.Helper()
	n := &NS{Name: fmt.Sprintf("dgram-%d-%d", os.Getpid(), counter.Add(1)), Link: link, t: t}
	run(t, "ip", "netns", "add", n.Name)
	t.Cleanup(func() { run(t, "ip", "netns", "del", n.Name) })
	n.Do(func() {
		// Without this an IPv6 address is of no use for its first second or two, while the kernel looks for
		// duplicates of it. A kernel without IPv6 has no such file.
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0)
	})
	return n
}

// raise gives the end of the link its addresses and brings it and the loopback up.
func (n *NS) raise(addresses string) {
	n.t.Helper()
	for _, address := range strings.Fields(addresses) {
		run(n.t, "ip", "-n", n.Name, "address", "add", address, "dev", link)
	}
	run(n.t, "ip", "-n", n.Name, "link", "set", "lo", "up")
	run(n.t, "ip", "-n", n.Name, "link", "set", link, "up")
}

// awaitLink returns when the kernel has seen the carrier, which it does a moment after both ends are up.
func (n *NS) awaitLink() {
	n.t.Helper()
	for deadline := time.Now().Add(linkTimeout); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if strings.Contains(run(n.t, "ip", "-n", n.Name, "-o", "link", "show", link), "state UP") {
			return
		}
	}
	n.t.Fatalf("device %s in network namespace %s was not up after %v", link, n.Name, linkTimeout)
}

// namespacesWork tries it once, because neither being root nor having ip(8) is enough in a container.
var namespacesWork = sync.OnceValue(func() bool {
	name := fmt.Sprintf("dgram-%d-probe", os.Getpid())
	if exec.Command("ip", "netns", "add", name).Run() != nil {
		return false
	}
	return exec.Command("ip", "netns", "del", name).Run() == nil
})

// run runs a command that has to succeed and returns what it printed.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
