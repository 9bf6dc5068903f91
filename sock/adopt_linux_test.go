package sock

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFromFDDetects(t *testing.T) {
	type kind struct {
		family Family
		typ    Type
		proto  Proto
	}
	tests := []struct {
		open func() (int, error)
		want kind
		raw  bool // needs CAP_NET_RAW
	}{
		{func() (int, error) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			unix.Close(fds[1])
			return fds[0], err
		}, kind{UNIX, DGRAM, 0}, false},
		{func() (int, error) { return unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0) }, kind{UNIX, SEQPACKET, 0}, false},
		{func() (int, error) { return unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0) }, kind{INET, DGRAM, ProtoUDP}, false},
		{func() (int, error) { return unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0) }, kind{INET, STREAM, ProtoTCP}, false},
		{func() (int, error) { return unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM, 0) }, kind{INET6, DGRAM, ProtoUDP}, false},
		{func() (int, error) { return unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) }, kind{INET, RAW, ProtoICMP}, true},
		{func() (int, error) { return unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0) }, kind{PACKET, RAW, 0}, true},
	}
	for _, tt := range tests {
		if tt.raw {
			needRaw(t)
		}
		fd, err := tt.open()
		if err != nil {
			t.Fatal(err)
		}
		s, err := FromFD(fd)
		if err != nil {
			unix.Close(fd)
			t.Errorf("%v: %v", tt.want, err)
			continue
		}
		if got := (kind{s.Family(), s.Type(), s.Proto()}); got != tt.want {
			t.Errorf("detected %v, want %v", got, tt.want)
		}
		checkFlags(t, s)
		s.Close()
	}
}

// checkFlags proves that a socket is close-on-exec and nonblocking.
func checkFlags(t *testing.T, s *Socket) {
	t.Helper()
	err := s.control(func(fd uintptr) {
		if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%v %v is not close-on-exec (%v)", s.Family(), s.Type(), err)
		}
		if flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
			t.Errorf("%v %v is not nonblocking (%v)", s.Family(), s.Type(), err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func TestFromFDAsBelieves(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s, err := FromFDAs(fd, INET6, STREAM, 99)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Family() != INET6 || s.Type() != STREAM || s.Proto() != 99 {
		t.Errorf("%v %v %v", s.Family(), s.Type(), s.Proto())
	}
}

func TestFromFDRefuses(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(epoll)
	directory, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close()

	tests := []struct {
		fd    int
		errno error
		want  string
	}{
		{int(file.Fd()), unix.ENOTSOCK, "is a regular file, not a socket"},
		{int(directory.Fd()), unix.ENOTSOCK, "is a directory, not a socket"},
		{int(reader.Fd()), unix.ENOTSOCK, "is a pipe, not a socket"},
		{epoll, unix.ENOTSOCK, "anon_inode:[eventpoll]"},
		{987654, unix.EBADF, "fd 987654 is not open"},
		{-1, unix.EBADF, "fd -1 is not open"},
	}
	for _, tt := range tests {
		before, _ := unix.FcntlInt(uintptr(tt.fd), unix.F_GETFL, 0)
		_, err := FromFD(tt.fd)
		if !errors.Is(err, tt.errno) || !strings.Contains(fmt.Sprint(err), tt.want) {
			t.Errorf("fd %d: %v; want %v and %q", tt.fd, err, tt.errno, tt.want)
		}
		if after, _ := unix.FcntlInt(uintptr(tt.fd), unix.F_GETFL, 0); before != after {
			t.Errorf("fd %d: flags were %#x and are %#x", tt.fd, before, after)
		}
	}
}

// A descriptor that this process already uses elsewhere cannot be waited for
// twice. Refusing it must leave its owner in peace.
func TestFromFDOfAnotherOwner(t *testing.T) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { _, err = FromFD(int(fd)) })
	if err == nil || !strings.Contains(err.Error(), "already belongs to a file or connection of this process") {
		t.Fatalf("got %v", err)
	}
	if _, err = conn.WriteTo([]byte("still here"), conn.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 20)
	if n, _, err := conn.ReadFrom(b); err != nil || string(b[:n]) != "still here" {
		t.Errorf("%q, %v", b[:n], err)
	}
}

// A child process holds none of our sockets, however they came to be, but the
// one that is handed to it; that one shows that the child sees what it holds.
func TestCloseOnExec(t *testing.T) {
	if os.Getenv("SOCK_TEST_LIST_SOCKETS") != "" {
		listSockets()
		os.Exit(0)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]*Socket{
		"datagram": open(t, INET, DGRAM, 0), "unix": open(t, UNIX, SEQPACKET, 0), "handed on": open(t, UNIX, DGRAM, 0),
	}
	held["connected"], held["accepted"] = joined(t, INET, STREAM)
	for i, fd := range fds {
		s, err := FromFD(fd)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		held[fmt.Sprintf("taken over %d", i)] = s
	}
	file, err := held["handed on"].File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	child := exec.Command(os.Args[0], "-test.run=^TestCloseOnExec$")
	child.Env = append(os.Environ(), "SOCK_TEST_LIST_SOCKETS=1")
	child.ExtraFiles = []*os.File{file}
	out, err := child.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range held {
		checkFlags(t, s)
		if seen := strings.Contains(string(out), inode(t, s)+"\n"); seen != (name == "handed on") {
			t.Errorf("child holds the %s socket: %v\n%s", name, seen, out)
		}
	}
}

func listSockets() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	names, _ := filepath.Glob("/proc/self/fd/*")
	for _, name := range names {
		if link, err := os.Readlink(name); err == nil {
			fmt.Fprintln(out, link)
		}
	}
}

// inode is how /proc names the socket: "socket:[4711]".
func inode(t *testing.T, s *Socket) (link string) {
	t.Helper()
	err := s.control(func(fd uintptr) { link, _ = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)) })
	if err != nil || !strings.HasPrefix(link, "socket:[") {
		t.Fatalf("%q, %v", link, err)
	}
	return link
}
