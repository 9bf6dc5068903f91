package testnet

import (
	"bufio"
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	leftAddresses  = "192.168.3.2/24 fd00:3::2/64"
	rightAddresses = "192.168.3.8/24 fd00:3::8/64"
)

func TestPairCarriesDatagrams(t *testing.T) {
	left, right := Pair(t, leftAddresses, rightAddresses)
	for _, c := range []struct{ name, server, client string }{
		{"IPv4", "192.168.3.8", "192.168.3.2"},
		{"IPv6", "fd00:3::8", "fd00:3::2"},
		{"loopback", "127.0.0.1", "127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := left
			if c.server == c.client {
				from = right
			}
			server := listen(t, right, c.server)
			client := listen(t, from, c.client)
			exchange(t, client, server)
		})
	}
}

// listen opens a UDP socket in the namespace, on a port that the kernel chooses.
func listen(t *testing.T, n *NS, address string) *net.UDPConn {
	t.Helper()
	var conn *net.UDPConn
	var err error
	n.Do(func() {
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 0)))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	return conn
}

// exchange sends one datagram to the server and one back, and looks at where each came from.
func exchange(t *testing.T, client, server *net.UDPConn) {
	t.Helper()
	hop(t, client, server, "there")
	hop(t, server, client, "and back")
}

func hop(t *testing.T, from, to *net.UDPConn, text string) {
	t.Helper()
	if _, err := from.WriteTo([]byte(text), to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 64)
	n, peer, err := to.ReadFrom(buffer)
	if err != nil {
		t.Fatal(err)
	}
	if string(buffer[:n]) != text || peer.String() != from.LocalAddr().String() {
		t.Fatalf("got %q from %v, want %q from %v", buffer[:n], peer, text, from.LocalAddr())
	}
}

func TestCommandAndTheSeed(t *testing.T) {
	Need(t, "python3", "ip")
	left, right := Pair(t, leftAddresses, rightAddresses)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	server := right.Command(ctx, "python3", "../../testdata/seed/server.py", "192.168.3.8")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("the server's first line is %q, not ready: %v", lines.Text(), lines.Err())
	}

	client := left.Command(ctx, "python3", "../../testdata/seed/client.py", "192.168.3.8")
	client.Stdin = strings.NewReader("hello\n\nstraße 你好\n")
	client.Env = append(os.Environ(), "PYTHONUTF8=1")
	got, err := client.CombinedOutput()
	if want := "HELLO\n\nSTRAßE 你好\n"; err != nil || string(got) != want {
		t.Fatalf("the client printed %q, want %q: %v", got, want, err)
	}
}

func TestNamespacesAreRemoved(t *testing.T) {
	before := inode(t)
	var names []string
	t.Run("pair", func(t *testing.T) {
		left, right := Pair(t, "192.168.3.2/24", "192.168.3.8/24")
		names = append(names, left.Name, right.Name)
		left.Do(func() {
			if inode(t) == before {
				t.Error("Do ran outside the namespace")
			}
		})
	})
	if len(names) == 0 {
		t.Skip("no namespaces were made, so none can remain")
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join("/run/netns", name)); !os.IsNotExist(err) {
			t.Errorf("network namespace %s is still there: %v", name, err)
		}
	}
	if inode(t) != before {
		t.Error("the test's own thread changed its namespace")
	}
}

// inode identifies the network namespace of the thread that asks.
func inode(t *testing.T) string {
	t.Helper()
	name, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return name
}
