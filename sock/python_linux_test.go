package sock

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// pythonPeer answers in upper case: to three datagrams, or to what one
// connection brings. It is an implementation of the same calls that is not
// ours. It prints its address, then what it took our address for.
const pythonPeer = `
import socket, sys
family, kind, where = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
s = socket.socket(family, kind, 0)
s.settimeout(20)
if family == socket.AF_UNIX:
    s.bind("\0" + where[1:] if where.startswith("@") else where)
else:
    s.bind((where, 0))
name = s.getsockname()
if kind != socket.SOCK_DGRAM:
    s.listen(1)
print(where if family == socket.AF_UNIX else ("[%s]:%d" if family == socket.AF_INET6 else "%s:%d") % name[:2], flush=True)
if kind != socket.SOCK_DGRAM:
    s, peer = s.accept()
    s.settimeout(20)
for i in range(3):
    if kind == socket.SOCK_DGRAM:
        data, peer = s.recvfrom(100)
        s.sendto(data.upper(), peer)
    else:
        data = s.recv(100)
        s.sendall(data.upper())
if isinstance(peer, bytes):
    peer = "@" + peer[1:].decode()
elif isinstance(peer, tuple):
    peer = ("[%s]:%d" if family == socket.AF_INET6 else "%s:%d") % peer[:2]
print(peer, flush=True)
`

func TestPythonPeer(t *testing.T) {
	python := needPython(t)
	needIPv6(t)
	for i, tt := range []struct {
		family Family
		typ    Type
		where  string
	}{
		{INET, DGRAM, "127.0.0.1"}, {INET, STREAM, "127.0.0.1"},
		{INET6, DGRAM, "::1"}, {INET6, STREAM, "::1"},
		{UNIX, DGRAM, "path"}, {UNIX, STREAM, "path"}, {UNIX, SEQPACKET, "path"},
		{UNIX, DGRAM, "@name"}, {UNIX, SEQPACKET, "@name"},
	} {
		t.Run(fmt.Sprintf("%v %v %s", tt.family, tt.typ, tt.where), func(t *testing.T) {
			where := tt.where
			switch where {
			case "path":
				where = t.TempDir() + "/peer.sock"
			case "@name":
				where = fmt.Sprintf("@dgram-python-%d-%d", os.Getpid(), i)
			}
			peer := exec.Command(python, "-c", pythonPeer, fmt.Sprint(int(tt.family)), fmt.Sprint(int(tt.typ)), where)
			peer.Stderr = os.Stderr
			talkToPython(t, peer, tt.family, tt.typ)
		})
	}
}

func talkToPython(t *testing.T, peer *exec.Cmd, family Family, typ Type) {
	out, err := peer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = peer.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Process.Kill(); peer.Wait() })
	var to, seen string
	if _, err = fmt.Fscanln(out, &to); err != nil {
		t.Fatal(err)
	}
	addr, err := ParseAddr(family, to)
	if err != nil {
		t.Fatal(err)
	}
	s := bound(t, family, typ, anyAddr(family))
	s.SetDeadline(time.Now().Add(20 * time.Second))
	if typ != DGRAM {
		if err = s.Connect(addr); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Peer(); err != nil || got != addr {
			t.Errorf("peer %v, %v; want %v", got, err, addr)
		}
	}
	exchange(t, s, typ, addr)
	if _, err = fmt.Fscanln(out, &seen); err != nil || seen != local(t, s).String() {
		t.Errorf("python saw us as %q (%v), we are %q", seen, err, local(t, s))
	}
}

// exchange sends three messages and wants each back in upper case.
func exchange(t *testing.T, s *Socket, typ Type, addr Addr) {
	t.Helper()
	buffer := make([]byte, 100)
	to := addr
	if typ != DGRAM {
		to = nil
	}
	for _, message := range []string{"hello", "\x00\xff\xfe bytes", strings.Repeat("long ", 20)} {
		if _, err := s.SendTo([]byte(message), 0, to); err != nil {
			t.Fatal(err)
		}
		n, from, _, err := s.RecvFrom(buffer, 0)
		if want := upperASCII(message); err != nil || string(buffer[:n]) != want {
			t.Fatalf("%q was answered %q, %v; want %q", message, buffer[:n], err, want)
		}
		if typ == DGRAM && from != addr {
			t.Errorf("answer from %v, want %v", from, addr)
		}
	}
}

// upperASCII is Python's bytes.upper.
func upperASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}
