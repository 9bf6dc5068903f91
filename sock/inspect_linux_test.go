package sock

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"dgram/internal/testnet"
)

func TestInspect(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0) // blocking, and inherited
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	p, err := OpenProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	name, _ := unix.Getsockname(fd)
	if err := unix.Sendto(fd, []byte("hello"), 0, name); err != nil {
		t.Fatal(err)
	}
	before := [2]int{flags(t, fd, unix.F_GETFL), flags(t, fd, unix.F_GETFD)}
	for range 2 { // the second look sees what the first left behind: nothing
		i, err := p.Inspect(fd)
		if err != nil {
			t.Fatal(err)
		}
		if i.Family != INET || i.Type != DGRAM || i.Proto != ProtoUDP || i.Peer != nil || i.Listening || i.Nonblock {
			t.Errorf("%+v", i)
		}
		if !i.Memory || i.ReceiveBuffer == 0 || i.ReceiveCharged == 0 || i.Queue != 5 || i.Drops != 0 {
			t.Errorf("%+v, want one datagram of 5 bytes", i)
		}
		if len(i.Options) != 1 || i.Options[0].Name != "SO_REUSEADDR" {
			t.Errorf("options %+v", i.Options)
		}
	}
	if after := [2]int{flags(t, fd, unix.F_GETFL), flags(t, fd, unix.F_GETFD)}; after != before {
		t.Errorf("the flags were %v and are %v", before, after)
	}
}

// A socket that nothing was set on has no option worth telling, of whichever kind it is.
func TestInspectNew(t *testing.T) {
	p, err := OpenProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, kind := range [][2]int{{unix.AF_INET, unix.SOCK_DGRAM}, {unix.AF_INET6, unix.SOCK_DGRAM}, {unix.AF_INET, unix.SOCK_STREAM}, {unix.AF_UNIX, unix.SOCK_DGRAM},
		{unix.AF_UNIX, unix.SOCK_SEQPACKET}, {unix.AF_INET6, unix.SOCK_STREAM}, {unix.AF_NETLINK, unix.SOCK_RAW}} {
		fd, err := unix.Socket(kind[0], kind[1], 0)
		if err != nil {
			continue
		}
		i, err := p.Inspect(fd)
		if err != nil || len(i.Options) != 0 || int(i.Family) != kind[0] || int(i.Type) != kind[1] {
			t.Errorf("%v: %+v, %v", kind, i, err)
		}
		unix.Close(fd)
	}
}

func flags(t *testing.T, fd, which int) int {
	t.Helper()
	n, err := unix.FcntlInt(uintptr(fd), which, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestInspectWhatIsNone(t *testing.T) {
	p, err := OpenProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Inspect(1 << 20); !errors.Is(err, unix.EBADF) {
		t.Errorf("no descriptor: %v", err)
	}
	file, err := os.Open("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := p.Inspect(int(file.Fd())); !errors.Is(err, unix.ENOTSOCK) {
		t.Errorf("a file: %v", err)
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		testnet.Missing(t, err.Error())
	}
	gone, err := OpenProcess(child.Process.Pid)
	_ = child.Process.Kill()
	_ = child.Wait()
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	if _, err := gone.Inspect(0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("of a process that is gone: %v", err)
	}
	if _, err := OpenProcess(child.Process.Pid); err == nil {
		t.Error("a process that is gone was opened")
	}
}
