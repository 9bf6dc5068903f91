package dgram_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dgram"
)

// give returns a descriptor that shares the socket of c, as another process would have it.
func give(t *testing.T, c dgram.Conn) int {
	t.Helper()
	file, err := c.(dgram.Giver).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func listening(t *testing.T, address string, o dgram.Options) dgram.Conn {
	t.Helper()
	c, err := dgram.ListenEndpoint(dgram.MustParseEndpoint(address), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// A socket goes from Conn to Conn with what is queued on it: the first closes, the second answers.
func TestListenFDTakesWhatIsQueued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0", "udp6://[::]:0", "unixgram://" + path, "@dgram-given"} {
		for _, o := range []dgram.Options{{}, {Blocking: true}, {Portable: true}} {
			if o.Portable && !strings.Contains(address, ":0") {
				continue
			}
			t.Run(address, func(t *testing.T) {
				first := listening(t, address, dgram.Options{Blocking: o.Blocking})
				at := first.Local()
				client, err := dgram.DialEndpoint(reachable(at), dgram.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				out := client.NewBatch(3)
				for range 3 {
					out.Add(dgram.Endpoint{}, []byte("hello"))
				}
				if err := client.Send(out); err != nil {
					t.Fatal(err)
				}
				second, err := dgram.ListenFD(give(t, first), o)
				if err != nil {
					t.Fatal(err)
				}
				first.(dgram.Giver).Disown()
				if err := first.Close(); err != nil {
					t.Fatal(err)
				}
				if got := second.Local(); !got.Same(at) {
					t.Errorf("it listens on %v, not on %v", got, at)
				}
				answerThree(t, second, client)
				if err := second.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// reachable is where a wildcard is reached.
func reachable(e dgram.Endpoint) dgram.Endpoint {
	if !e.Network().IP() || !e.Addr().IsUnspecified() {
		return e
	}
	host := "[::1]:0"
	if e.Addr().Is4() {
		host = "127.0.0.1:0"
	}
	return dgram.MustParseEndpoint(host).WithPort(e.Port())
}

func answerThree(t *testing.T, server, client dgram.Conn) {
	t.Helper()
	_ = server.SetReadDeadline(time.Now().Add(10 * time.Second))
	_ = client.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := server.NewBatch(8)
	for got := 0; got < 3; got += len(b.Datagrams) {
		if err := server.Recv(b); err != nil {
			t.Fatal(err)
		}
		if err := server.Send(b); err != nil || b.Datagrams[0].Fate != dgram.Answered {
			t.Fatal(err, b.Datagrams[0])
		}
	}
	b = client.NewBatch(8)
	for got := 0; got < 3; got += len(b.Datagrams) {
		if err := client.Recv(b); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Datagrams[0].Data, []byte("hello")) {
			t.Fatalf("%q", b.Datagrams[0].Data)
		}
	}
}

func TestListenFDRefuses(t *testing.T) {
	stream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	streamFile, err := stream.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	unbound, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	streamFD, err := syscall.Dup(int(streamFile.Fd()))
	streamFile.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fd    int
		words string
	}{
		{streamFD, "SOCK_STREAM: only UDP and unix datagram sockets"}, {int(null.Fd()), "not a socket"},
		{1 << 20, "is not open"}, {unbound, "bound to no address"},
	} {
		conn, err := dgram.ListenFD(c.fd, dgram.Options{Blocking: true})
		if err == nil || conn != nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%v, want %q in it", err, c.words)
		}
	}
	if _, err := null.Stat(); err != nil {
		t.Error("what is no socket was closed:", err)
	}
}

// What the first owner set the socket to stays: the path until it is told otherwise, and the size of the buffer.
func TestListenFDKeeps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first := listening(t, "unixgram://"+path, dgram.Options{ReceiveBuffer: 1 << 17})
	granted := first.Caps().ReceiveBuffer
	second, err := dgram.ListenFD(give(t, first), dgram.Options{ReceiveBuffer: 1 << 12})
	if err != nil {
		t.Fatal(err)
	}
	if got := second.Caps().ReceiveBuffer; got != granted {
		t.Errorf("the buffer went from %d to %d bytes", granted, got)
	}
	if g := second.(dgram.Giver); g.OwnsPath() {
		t.Error("it owns the path, and was not asked to")
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	third, err := dgram.ListenFD(give(t, first), dgram.Options{OwnPath: true})
	if err != nil {
		t.Fatal(err)
	}
	first.(dgram.Giver).Disown()
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error("the path is gone:", err)
	}
	if err := third.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the path is still there:", err)
	}
}
