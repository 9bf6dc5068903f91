package sock

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dgram/internal/testnet"
)

func needRaw(t testing.TB) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		testnet.Missing(t, "CAP_NET_RAW: run it as root")
	}
	unix.Close(fd)
}

func needIPv6(t testing.TB) {
	t.Helper()
	s, err := New(INET6, DGRAM, 0)
	if err == nil {
		err = s.Bind(inet("[::1]:0"))
		s.Close()
	}
	if err != nil {
		testnet.Missing(t, "IPv6 on loopback")
	}
}

func needPython(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		testnet.Missing(t, "python3")
	}
	return path
}

// open opens a socket that is closed when the test ends.
func open(t testing.TB, family Family, typ Type, proto Proto) *Socket {
	t.Helper()
	s, err := New(family, typ, proto)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// bound opens a socket that is bound to a.
func bound(t testing.TB, family Family, typ Type, a Addr) *Socket {
	t.Helper()
	s := open(t, family, typ, 0)
	if err := s.Bind(a); err != nil {
		t.Fatal(err)
	}
	return s
}

func local(t testing.TB, s *Socket) Addr {
	t.Helper()
	a, err := s.Local()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// anyAddr is an address of a family at which the kernel chooses the rest.
func anyAddr(family Family) Addr {
	switch family {
	case INET:
		return inet("127.0.0.1:0")
	case INET6:
		return inet("[::1]:0")
	case PACKET:
		return PacketAddr{Interface: "lo", Proto: uint16(EtherAll)}
	}
	return UnixAddr{}
}

// joined opens two sockets that are connected to each other.
func joined(t testing.TB, family Family, typ Type) (a, b *Socket) {
	t.Helper()
	if typ == DGRAM {
		a, b = bound(t, family, typ, anyAddr(family)), bound(t, family, typ, anyAddr(family))
		for _, ends := range [][2]*Socket{{a, b}, {b, a}} {
			if err := ends[0].Connect(local(t, ends[1])); err != nil {
				t.Fatal(err)
			}
		}
		return a, b
	}
	listener := bound(t, family, typ, anyAddr(family))
	if err := listener.Listen(1); err != nil {
		t.Fatal(err)
	}
	a = open(t, family, typ, 0)
	if err := a.Connect(local(t, listener)); err != nil {
		t.Fatal(err)
	}
	b, _, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return a, b
}

// eventually asks again and again, at most for ten seconds, until a condition
// holds that nothing tells of.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatal("never came: " + what)
}

// waiting reports whether a goroutine waits for the poller inside a function.
func waiting(function string) bool {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, g := range strings.Split(string(stacks), "\n\n") {
		head, _, _ := strings.Cut(g, "\n")
		if strings.Contains(head, "[IO wait") && strings.Contains(g, "sock.(*Socket)."+function+"(") {
			return true
		}
	}
	return false
}
