package sock

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

// blockingPair is batchPair with a receiving socket outside Go's poller.
func blockingPair(t testing.TB) (receiving, sending *Socket, to netip.AddrPort) {
	receiving, sending, to = batchPair(t, "127.0.0.1:0")
	if err := receiving.BlockThreads(); err != nil {
		t.Fatal(err)
	}
	return receiving, sending, to
}

// Whenever the deadline or Close comes, before, while or after the receiver goes into the kernel, it wakes the receiver.
func TestBlockedReceiverWakes(t *testing.T) {
	for range 200 {
		receiving, _, _ := blockingPair(t)
		r := receiving.NewReceiver(ReceiverConfig{Messages: 2, Size: 100})
		woken := make(chan error)
		go func() {
			_, err := r.Recv()
			_ = receiving.SetReadDeadline(time.Time{})
			woken <- err
			_, err = r.Recv()
			woken <- err
		}()
		spin(rand.IntN(20000))
		_ = receiving.SetReadDeadline(time.Now().Add(time.Duration(rand.IntN(300)) * time.Microsecond))
		if err := <-woken; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("at the deadline: ", err)
		}
		spin(rand.IntN(20000))
		if err := receiving.Close(); err != nil {
			t.Error(err)
		}
		if err := <-woken; !errors.Is(err, net.ErrClosed) {
			t.Fatal("after Close: ", err)
		}
	}
}

var spun int

// spin passes a little time without giving the processor away.
func spin(n int) {
	for i := range n {
		spun += i
	}
}

// Past its deadline the socket still gives what is queued, and it goes on after a new deadline.
func TestBlockedReceiverDrains(t *testing.T) {
	receiving, sending, to := blockingPair(t)
	w, r := sending.NewSender(8), receiving.NewReceiver(ReceiverConfig{Messages: 2, Size: 100})
	send := func() {
		w.Reset()
		for i := range 8 {
			w.AddInet(to, netip.Addr{}, 0, payload(i, 10+i))
		}
		sendAll(t, w)
	}
	for _, deadline := range []time.Time{time.Unix(1, 0), time.Now().Add(time.Minute), {}} {
		send()
		if err := receiving.SetReadDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < 8; {
			n, err := r.Recv()
			if err != nil {
				t.Fatalf("deadline %v, after %d: %v", deadline, got, err)
			}
			for i := range n {
				if len(r.Data(i)) != 10+got {
					t.Errorf("datagram %d has %d bytes", got, len(r.Data(i)))
				}
				got++
			}
		}
	}
}

// Other goroutines run while a receiver is inside the kernel, and nothing is allocated for a batch.
func TestBlockedReceiverDoesNotAllocate(t *testing.T) {
	receiving, sending, to := blockingPair(t)
	if err := sending.BlockThreads(); err != nil {
		t.Fatal(err)
	}
	w, r := sending.NewSender(1), receiving.NewReceiver(ReceiverConfig{Messages: 4, Size: 100})
	w.AddInet(to, netip.Addr{}, 0, payload(0, 10))
	if n := testing.AllocsPerRun(200, func() {
		sendAll(t, w)
		if _, err := r.Recv(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a datagram", n)
	}
}
