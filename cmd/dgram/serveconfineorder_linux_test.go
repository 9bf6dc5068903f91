package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dgram/internal/testnet"
)

// Rights are dropped before the first datagram is read, in each way of getting sockets.
func TestConfinedBeforeTheFirstDatagram(t *testing.T) {
	testnet.Need(t, "strace")
	for name, flags := range map[string][]string{"opened": nil, "shards": {"--shards", "3"}, "takeover": {"--takeover", filepath.Join(t.TempDir(), "door")}} {
		t.Run(name, func(t *testing.T) {
			trace := filepath.Join(t.TempDir(), "trace")
			// With -D the server is the process that the test knows, and its tracer ends with it.
			args := append([]string{"-D", "-f", "-o", trace, "-e", "trace=seccomp,recvmmsg", self(t), "serve", "127.0.0.1:0", "--quiet"}, flags...)
			s := serveWith(t, exec.Command("strace", args...))
			c, err := net.Dial("udp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(make([]byte, 9)); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(trace)
			if err != nil {
				t.Fatal(err)
			}
			confined, read := strings.Index(string(text), "SECCOMP_SET_MODE_FILTER"), strings.Index(string(text), "recvmmsg(")
			if confined < 0 || read < confined {
				t.Errorf("confined at %d, read at %d of\n%s", confined, read, text)
			}
		})
	}
}
