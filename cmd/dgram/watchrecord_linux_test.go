package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
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
	var want []string
	for i := range sent {
		want = append(want, fmt.Sprintf("%040d", i))
	}
	for _, filter := range []string{"", "udp dst port 9", "udp[8] != 0x58"} {
		t.Run(filter, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "all.pcapng")
			args := []string{"watch", "lo", "--quiet", "--json", "--write", file, "--buffer", "4MiB", "--count", fmt.Sprint(sent), "--duration", "10s", filter}
			var summary recorded
			// The kernel closes a block of the buffer 10 ms after its first packet, full or not: where sending took longer than there are blocks for, it
			// had to drop some, and said so.
			for range 5 {
				summary = recordStill(t, left.Command(t.Context(), self(t), args...), func() { sendFast(t, from, to.AddrPort, want) })
				if summary.Drops == 0 {
					break
				}
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

type recorded struct {
	Packets, Shown, Unpaired, Drops uint64
	Protocols                       map[string]uint64
}

// recordStill runs a watcher that stands still while send sends.
func recordStill(t *testing.T, watcher *exec.Cmd, send func()) (summary recorded) {
	t.Helper()
	var said bytes.Buffer
	ready := &lookFor{text: "watching", found: make(chan struct{})}
	watcher.Stdout, watcher.Stderr = &said, ready
	start(t, watcher)
	<-ready.found
	if err := watcher.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped(t, watcher.Process.Pid)
	send()
	if err := watcher.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	exitsWith(t, watcher, 0)
	if err := json.Unmarshal(said.Bytes(), &summary); err != nil {
		t.Fatalf("%s: %v", said.Bytes(), err)
	}
	return summary
}

// sendFast sends many in each call: a part of the buffer that has something is closed after a moment, full or not, and there are only so many.
func sendFast(t *testing.T, from *sock.Socket, to netip.AddrPort, payloads []string) {
	t.Helper()
	out := from.NewSender(250)
	for some := range slices.Chunk(payloads, 250) {
		out.Reset()
		for _, p := range some {
			out.AddInet(to, netip.Addr{}, 0, []byte(p))
		}
		for sent := 0; sent < len(some); {
			n, err := out.Send(sent, true)
			if err != nil {
				t.Fatal(err)
			}
			sent += n
		}
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
