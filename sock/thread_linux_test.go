package sock

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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
	for i := range 200 {
		receiving, _, _ := blockingPair(t)
		r := receiving.NewReceiver(ReceiverConfig{Messages: 2, Size: 100, Spin: i%4 == 3})
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
	for _, spin := range []bool{false, true} {
		t.Run(fmt.Sprintf("spin=%v", spin), func(t *testing.T) { receiverDrains(t, spin) })
	}
}

func receiverDrains(t *testing.T, spin bool) {
	receiving, sending, to := blockingPair(t)
	w, r := sending.NewSender(8), receiving.NewReceiver(ReceiverConfig{Messages: 2, Size: 100, Spin: spin})
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

// Whoever shares a socket can make it nonblocking and blocking again at any time: the receiver waits as before, and takes no processor for it.
func TestBlockedReceiverSharesItsSocket(t *testing.T) {
	receiving, sending, to := blockingPair(t)
	other, err := receiving.File()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	w, r := sending.NewSender(1), receiving.NewReceiver(ReceiverConfig{Messages: 2, Size: 100})
	w.AddInet(to, netip.Addr{}, 0, payload(0, 10))
	got := make(chan error)
	go func() {
		for {
			_, err := r.Recv()
			if got <- err; err != nil {
				return
			}
		}
	}()
	for i := range 20 {
		setNonblock(t, other, i%2 == 0)
		sendAll(t, w) // wakes it out of the way that it waited in before
		if err := <-got; err != nil {
			t.Fatal(err)
		}
	}
	setNonblock(t, other, true)
	sendAll(t, w)
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	before := receiving.thread.entries.Load()
	time.Sleep(20 * time.Millisecond)
	if n := receiving.thread.entries.Load() - before; n > 10 {
		t.Errorf("went into the kernel %d times while nothing came", n)
	}
	if err := receiving.Close(); err != nil {
		t.Error(err)
	}
	if err := <-got; !errors.Is(err, net.ErrClosed) {
		t.Error("after Close: ", err)
	}
}

func setNonblock(t *testing.T, f *os.File, on bool) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if controlErr := raw.Control(func(fd uintptr) { err = unix.SetNonblock(int(fd), on) }); controlErr != nil || err != nil {
		t.Fatal(controlErr, err)
	}
}

// A descriptor that another process receives from keeps what is shared: it was blocking, and it never is nonblocking, not for a moment.
func TestFromFDBlocking(t *testing.T) {
	receiving, sending, to := blockingPair(t)
	f, err := receiving.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	copied, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	second, err := FromFDBlocking(copied)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if second.Family() != INET || second.Type() != DGRAM || second.Proto() != ProtoUDP {
		t.Error(second.Family(), second.Type(), second.Proto())
	}
	if flags, err := unix.FcntlInt(uintptr(copied), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Error("not close-on-exec", err)
	}
	if flags, err := unix.FcntlInt(uintptr(copied), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Error("nonblocking", err)
	}
	w, r := sending.NewSender(1), second.NewReceiver(ReceiverConfig{Messages: 2, Size: 100})
	w.AddInet(to, netip.Addr{}, 0, payload(0, 10))
	sendAll(t, w)
	if n, err := r.Recv(); n != 1 || err != nil {
		t.Error(n, err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, err := FromFDBlocking(int(null.Fd())); !errors.Is(err, unix.ENOTSOCK) {
		t.Error(err)
	}
}
