package sock

import (
	"runtime"
	"testing"

	"pgregory.net/rapid"
)

// However many threads wait, one processor is left for the rest of the program, and closing gives back what was held.
func TestHoldersLeaveAProcessor(t *testing.T) {
	if n := holders.n.Load(); n != 0 {
		t.Fatalf("%d processors are held before anything was opened", n)
	}
	sockets := make([]*Socket, runtime.GOMAXPROCS(0)+2)
	stopped := make(chan error)
	for i := range sockets {
		receiving, sending, to := blockingPair(t)
		sockets[i] = receiving
		got := make(chan error)
		go func() {
			r := receiving.NewReceiver(ReceiverConfig{Messages: 2, Size: 100})
			_, err := r.Recv()
			got <- err
			_, err = r.Recv()
			stopped <- err
		}()
		if _, err := sending.SendTo([]byte("x"), 0, InetAddr{to}); err != nil {
			t.Fatal(err)
		}
		if err := <-got; err != nil {
			t.Fatal(err)
		}
	}
	if n := int(holders.n.Load()); n != runtime.GOMAXPROCS(0)-1 {
		t.Errorf("%d of %d processors are held", n, runtime.GOMAXPROCS(0))
	}
	for _, s := range sockets {
		s.Close()
		<-stopped
	}
	if n := holders.n.Load(); n != 0 {
		t.Errorf("%d processors are still held after Close", n)
	}
}

// A thread that keeps its processor does not keep the world from stopping.
func TestHoldersLetTheWorldStop(t *testing.T) {
	receiving, sending, to := blockingPair(t)
	stopped := make(chan int)
	go func() {
		r := receiving.NewReceiver(ReceiverConfig{Messages: 2, Size: 100})
		for total := 0; ; {
			n, err := r.Recv()
			if total += n; err != nil {
				stopped <- total
				return
			}
		}
	}()
	const rounds = 100
	for range rounds {
		if _, err := sending.SendTo([]byte("x"), 0, InetAddr{to}); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
	}
	receiving.Close()
	if total := <-stopped; total > rounds {
		t.Errorf("%d datagrams arrived, %d were sent", total, rounds)
	}
}

// Whatever comes, a call is given all the room again after at most aloneRun of them, and at once after one that found more than one datagram.
func TestAloneGivesRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a alone
		const all = 64
		small, found := 0, 0
		for range 200 {
			room := a.room(all)
			if room != all {
				if small++; small > aloneRun || found > 1 {
					t.Fatalf("%d calls in a row with room for %d, after %d datagrams", small, room, found)
				}
			} else {
				small = 0
			}
			found = rapid.IntRange(1, room).Draw(t, "found")
			a.took(found)
		}
	})
}
