package sock

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"dgram/internal/testnet"
)

// When Go's runtime stops the world (for the garbage collector, or to set something on all threads) at the very moment at which a thread goes into a
// receive that blocks, it waits for that thread: nothing may block for long, or a server without traffic stands still.
func TestStoppingTheWorldWaitsForNoDatagram(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		testnet.Missing(t, "two processors, for a race between two threads")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range runtime.NumCPU() { // somebody for whom the kernel takes the processor away, at any point
		busy := exec.CommandContext(ctx, "sh", "-c", "while :; do :; done")
		if err := busy.Start(); err != nil {
			t.Fatal(err)
		}
		defer busy.Wait()
		defer cancel()
	}
	server, client, to := blockingPair(t)
	var received atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := server.NewReceiver(ReceiverConfig{Messages: 8, Size: 64})
		for {
			switch n, err := r.Recv(); {
			case err == nil:
				received.Add(int64(n))
			case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, ErrClosed):
				return
			}
		}
	}()
	var stats runtime.MemStats
	longest := time.Duration(0)
	for began := time.Now(); time.Since(began) < 1500*time.Millisecond && longest < time.Second; {
		if _, err := client.SendTo([]byte("x"), 0, InetAddr{to}); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			since := time.Now()
			runtime.ReadMemStats(&stats) // stops the world
			longest = max(longest, time.Since(since))
		}
	}
	if longest > time.Second {
		t.Errorf("the world took %v to stop: it waited for a receive", longest)
	}
	if err := server.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	<-done
	t.Logf("%d received, longest stop %v", received.Load(), longest)
}
