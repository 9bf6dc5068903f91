package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dgram/internal/testnet"
	"dgram/sock"
)

// What a recording in silence finds waiting in more than half of its buffer is recorded first, every packet of it, and the account says how many
// were not looked at.
func TestWatchRecordsFirst(t *testing.T) {
	testnet.Need(t, testnet.Namespaces)
	left, _ := testnet.Pair(t, "192.168.3.2/24", "192.168.3.8/24")
	var from, listener *sock.Socket // who never reads
	var err, err2 error
	left.Do(func() {
		from, err = sock.New(sock.INET, sock.DGRAM, 0)
		listener, err2 = sock.New(sock.INET, sock.DGRAM, 0)
	})
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	defer listener.Close()
	to := sock.InetAddr{AddrPort: netip.MustParseAddrPort("127.0.0.1:9")}
	if err := listener.Bind(to); err != nil {
		t.Fatal(err)
	}
	const sent = 14000 // some 200 bytes of the buffer each: two thirds of it
	for _, filter := range []string{"", "udp dst port 9", "udp[8] != 0x58"} {
		t.Run(filter, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "all.pcapng")
			args := []string{"watch", "lo", "--quiet", "--json", "--write", file, "--buffer", "4MiB", "--count", fmt.Sprint(sent), "--duration", "1m", filter}
			watcher := left.Command(t.Context(), self(t), args...)
			var said bytes.Buffer
			ready := &lookFor{text: "watching", found: make(chan struct{})}
			watcher.Stdout, watcher.Stderr = &said, ready
			start(t, watcher)
			<-ready.found
			if err := watcher.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			stopped(t, watcher.Process.Pid)
			var want []string
			for i := range sent {
				want = append(want, fmt.Sprintf("%040d", i))
				if _, err := from.SendTo([]byte(want[i]), 0, to); err != nil {
					t.Fatal(err)
				}
			}
			if err := watcher.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			exitsWith(t, watcher, 0)
			var summary struct {
				Packets, Shown, Unpaired, Drops uint64
				Protocols                       map[string]uint64
			}
			if err := json.Unmarshal(said.Bytes(), &summary); err != nil {
				t.Fatalf("%s: %v", said.Bytes(), err)
			}
			if got := payloads(t, file); summary.Drops != 0 || !slices.Equal(got, want) {
				t.Fatalf("%d packets, %d sent, %d dropped", len(got), len(want), summary.Drops)
			}
			looked := uint64(0)
			for _, n := range summary.Protocols {
				looked += n
			}
			mayWait := filter != "udp[8] != 0x58" // the kernel lets all of UDP through, so each has to be looked at
			if summary.Packets != sent || summary.Shown != sent || looked+summary.Unpaired != sent || (summary.Unpaired > 0) != mayWait {
				t.Errorf("%d packets, %d shown, %d looked at, %d not", summary.Packets, summary.Shown, looked, summary.Unpaired)
			}
		})
	}
}

// stopped waits until all threads of a process stand still.
func stopped(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if !slices.ContainsFunc(ofThreads(t, pid, "stat"), func(stat string) bool { return !strings.Contains(stat, ") T ") }) {
			return
		}
	}
	t.Fatalf("process %d does not stop", pid)
}
