package confine

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"

	"dgram/internal/testnet"
)

// A process cannot be set free again, so each case runs in a process of its own: this test binary, told by the variable which one.
const caseVariable = "DGRAM_CONFINE_CASE"

func TestMain(m *testing.M) {
	name := os.Getenv(caseVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	if problems := cases[name].run(); len(problems) > 0 {
		fmt.Println(strings.Join(problems, "\n"))
		os.Exit(1)
	}
	os.Exit(0)
}

// confinedCase is a process's life: what it confines itself to, and what must hold then.
type confinedCase struct {
	root bool // it has to begin as root
	plan func() Plan
	want func(x *inside)
}

var cases = map[string]confinedCase{
	"server":       {plan: func() Plan { return Plan{Read: []string{folder("read")}, Write: []string{folder("write")}} }, want: isServer},
	"user":         {root: true, plan: func() Plan { return Plan{User: &nobody, Write: []string{folder("write")}} }, want: isUser},
	"programs":     {plan: func() Plan { return Plan{Programs: true} }, want: runsPrograms},
	"userprograms": {root: true, plan: func() Plan { return Plan{Programs: true, User: &nobody} }, want: runsProgramsAsUser},
}

var nobody = User{Name: "nobody", UID: 65534, GID: 65534}

func folder(name string) string { return filepath.Join(os.Getenv("DGRAM_CONFINE_DIR"), name) }

func TestApply(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.root && os.Geteuid() != 0 {
				testnet.Missing(t, "root: only root can become somebody else")
			}
			dir := t.TempDir()
			for _, sub := range []string{"read", "write", "other"} {
				if err := os.MkdirAll(filepath.Join(dir, sub), 0o777); err != nil {
					t.Fatal(err)
				}
				_ = os.Chmod(filepath.Join(dir, sub), 0o777)
				if err := os.WriteFile(filepath.Join(dir, sub, "file"), []byte("text"), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
				_ = os.Chmod(d, 0o755) // nobody has to get there
			}
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), caseVariable+"="+name, "DGRAM_CONFINE_DIR="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// inside collects what is wrong in the confined process.
type inside struct {
	report   Report
	before   *net.UDPConn // open since before
	problems []string
}

func (x *inside) errorf(format string, args ...any) {
	x.problems = append(x.problems, fmt.Sprintf(format, args...))
}

func (c confinedCase) run() []string {
	x := new(inside)
	defer time.AfterFunc(time.Minute, func() { panic("a confined process hangs") }).Stop()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return []string{err.Error()}
	}
	x.before = conn
	release := threads(20) // they exist when it happens
	x.report, err = Apply(c.plan())
	if err != nil {
		return []string{err.Error()}
	}
	threads(40)() // more than there were
	release()
	if len(x.report.Missing) > 0 {
		fmt.Println(x.report)
	}
	c.want(x)
	return x.problems
}

// threads makes n threads, which stay until they are released.
func threads(n int) (release func()) {
	var there, gone sync.WaitGroup
	stay := make(chan struct{})
	for range n {
		there.Add(1)
		gone.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			there.Done()
			<-stay
		})
	}
	there.Wait()
	return func() { close(stay); gone.Wait() }
}

func (x *inside) refused(what string, err error) {
	if !errors.Is(err, os.ErrPermission) {
		x.errorf("%s: %v, want it refused", what, err)
	}
}

func (x *inside) allowed(what string, err error) {
	if err != nil {
		x.errorf("%s: %v", what, err)
	}
}

// everyThread checks a field of each thread's status.
func (x *inside) everyThread(field, want string) {
	x.allowed(field, eachThread(func(status map[string]string) error {
		if status[field] != want {
			return fmt.Errorf("has %s %q, want %q", field, status[field], want)
		}
		return nil
	}))
}

func read(name string) error {
	_, err := os.ReadFile(name)
	return err
}

func isServer(x *inside) {
	x.filesAreConfined()
	x.callsAreConfined()
	x.stillServes()
	x.everyThread("NoNewPrivs", "1")
	x.everyThread("CapEff", "0000000000000000")
	if !x.report.NoCapabilities && os.Geteuid() == 0 {
		x.errorf("the report says that there are capabilities: %v", x.report)
	}
}

func (x *inside) filesAreConfined() {
	if x.report.Landlock == 0 {
		fmt.Println("no landlock here:", x.report)
		return
	}
	x.allowed("read what may be read", read(folder("read/file")))
	x.allowed("read what may be written", read(folder("write/file")))
	x.allowed("write", os.WriteFile(folder("write/new"), nil, 0o600))
	x.allowed("remove", os.Remove(folder("write/new")))
	x.refused("write where it may read", os.WriteFile(folder("read/new"), nil, 0o600))
	x.refused("remove where it may read", os.Remove(folder("read/file")))
	for _, name := range []string{folder("other/file"), "/etc/passwd", "/proc/1/status"} {
		x.refused("read "+name, read(name))
	}
	x.refused("truncate", os.Truncate(folder("other/file"), 0))
}

func (x *inside) callsAreConfined() {
	if !seccomp.Supported() {
		fmt.Println("no seccomp here:", x.report)
		return
	}
	x.everyThread("Seccomp", "2")
	x.refused("start a program", exec.Command("/bin/true").Run())
	for name, family := range map[string][2]int{"TCP": {unix.AF_INET, unix.SOCK_STREAM}, "raw": {unix.AF_INET, unix.SOCK_RAW}, "packet": {unix.AF_PACKET, unix.SOCK_DGRAM}} {
		_, err := unix.Socket(family[0], family[1]|unix.SOCK_CLOEXEC, 0)
		x.refused("a socket of "+name, err)
	}
	x.refused("signal another process", unix.Kill(os.Getppid(), 0))
	_, _, errno := unix.Syscall(unix.SYS_PTRACE, unix.PTRACE_ATTACH, uintptr(os.Getppid()), 0)
	x.refused("trace", errno)
	x.refused("mount", unix.Mount("none", "/mnt", "tmpfs", 0, ""))
	x.allowed("a signal to itself", unix.Kill(os.Getpid(), 0))
	if _, _, errno := unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0); errno != unix.ENOSYS {
		x.errorf("clone3: %v, and not as if the kernel did not know it", errno)
	}
	_, _, errno = unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	x.refused("a new process", errno)
	_, _, errno = unix.Syscall(unix.SYS_BPF, 0, 0, 0)
	x.refused("bpf", errno)
}

func (x *inside) stillServes() {
	client, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		x.errorf("a new UDP socket: %v", err)
		return
	}
	_ = x.before.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = client.WriteTo([]byte("hello"), x.before.LocalAddr())
	x.allowed("send", err)
	_, _, err = x.before.ReadFrom(make([]byte, 16))
	x.allowed("receive", err)
	_, err = net.Interfaces()
	x.allowed("interfaces", err)
	x.allowed("a signal to itself", unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGURG))
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	x.allowed("socketpair", err)
	if err == nil {
		x.allowed("pass a descriptor on", unix.Sendmsg(pair[0], []byte{1}, unix.UnixRights(0), nil, 0))
	}
}

func isUser(x *inside) {
	x.ownFilesOnly()
	x.stillServes()
	x.hasNoRights()
	if !x.report.NoCapabilities || x.report.User != "nobody" {
		x.errorf("the report says %v", x.report)
	}
}

func (x *inside) ownFilesOnly() {
	x.allowed("write", os.WriteFile(folder("write/new"), nil, 0o600))
	x.refused("read /etc/shadow", read("/etc/shadow"))
}

func (x *inside) hasNoRights() {
	for field, want := range map[string]string{"Uid": "65534\t65534\t65534\t65534", "Gid": "65534\t65534\t65534\t65534", "Groups": "", "NoNewPrivs": "1"} {
		x.everyThread(field, want)
	}
	for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
		x.everyThread(set, "0000000000000000")
	}
	x.refused("become root again", syscall.Setuid(0))
	x.refused("become root's group again", syscall.Setgid(0))
	x.refused("groups again", syscall.Setgroups([]int{0}))
}

func runsPrograms(x *inside) {
	out, err := exec.Command("sh", "-c", "cat /proc/self/status && cat /etc/passwd >/dev/null").CombinedOutput()
	if err != nil || parseStatus(string(out))["NoNewPrivs"] != "1" {
		x.errorf("a program: %v\n%s", err, out)
	}
	if x.report.Calls != 0 {
		x.errorf("programs are filtered: %v", x.report)
	}
	if x.report.Landlock > 0 {
		home := "/" + filepath.Base(folder("dgram-confine-test"))
		if out, err := exec.Command("sh", "-c", `: >"$1"`, "sh", home).CombinedOutput(); err == nil {
			_ = os.Remove(home)
			x.errorf("a program writes to %s: %s", home, out)
		}
	}
	if out, err := exec.Command("sh", "-c", `f=/tmp/dgram-confine-test-$$ && : >"$f" && rm "$f"`).CombinedOutput(); err != nil {
		x.errorf("a program cannot use /tmp: %v %s", err, out)
	}
	x.stillServes()
}

func runsProgramsAsUser(x *inside) {
	runsPrograms(x)
	x.hasNoRights()
	out, err := exec.Command("cat", "/proc/self/status").Output()
	status := parseStatus(string(out))
	if err := errors.Join(err, hasNoCapability(status), isAccount(status, nobody)); err != nil {
		x.errorf("a program: %v", err)
	}
}

// A user that is not root is told so, and the process keeps what it had.
func TestBecomeWantsRoot(t *testing.T) {
	refused := make(chan error)
	go func() {
		runtime.LockOSThread() // and the thread ends with the goroutine: rights are a thread's
		if os.Geteuid() == 0 {
			if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(nobody.UID), uintptr(nobody.UID), uintptr(nobody.UID)); errno != 0 {
				refused <- errno
				return
			}
		}
		_, err := Apply(Plan{User: &nobody})
		refused <- err
	}()
	if err := <-refused; err == nil || !strings.Contains(err.Error(), "only root") {
		t.Error(err)
	}
}

func callOfAnyProcessor(name string) bool {
	for _, processor := range []*arch.Info{arch.X86_64, arch.AARCH64, arch.I386, arch.ARM} {
		if _, ok := processor.SyscallNames[name]; ok {
			return true
		}
	}
	return false
}

// Every name of the list is a system call of some processor: a slip of the pen would take a call away in silence.
func TestCallsAreKnown(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range calls {
		if seen[name] {
			t.Errorf("%s is there twice", name)
		}
		seen[name] = true
		if !callOfAnyProcessor(name) {
			t.Errorf("there is no system call %q", name)
		}
	}
	for _, name := range strings.Fields("execve execveat ptrace mount bpf clone3 fork vfork setuid capset io_uring_setup userfaultfd perf_event_open process_vm_writev unshare setns chroot") {
		if seen[name] {
			t.Errorf("%s is allowed", name)
		}
	}
}
