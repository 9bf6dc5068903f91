package sock

import (
	"runtime"
	"testing"
	"time"
)

// A stamp is of when the datagram came to its socket, however late it is taken, and of that one alone.
func TestStampIsOfWhenItCame(t *testing.T) {
	f, server := fleet(t, 2, FleetConfig{Messages: 1, Size: 100, Sweep: true})
	type window struct{ from, to time.Time }
	came := make([][]window, f.Len())
	for i := range f.Len() {
		if err := f.Socket(int32(i)).KeepStamps(); err != nil {
			t.Fatal(err)
		}
	}
	send := func(i int32) window {
		s := f.Socket(i)
		to, err := s.Local()
		if err != nil {
			t.Fatal(err)
		}
		before, from := held(t, s), time.Now()
		if _, err := server.SendTo([]byte("x"), 0, to); err != nil {
			t.Fatal(err)
		}
		for held(t, s) == before && time.Since(from) < 10*time.Second {
			runtime.Gosched()
		}
		return window{from, time.Now()}
	}
	take := func(i int32) time.Time {
		f.Forget()
		f.Ask(i, 1)
		f.Look()
		if _, n, _, errno := f.Took(0); n != 1 || errno != 0 {
			t.Fatal(n, errno)
		}
		at := f.Stamp(i)
		if at == 0 {
			t.Error("no stamp")
		}
		return time.Unix(0, at)
	}
	// The kernel begins to stamp a moment after it was first asked to: until then the time is that of asking.
	for begin := time.Now(); ; {
		if w := send(0); !take(0).After(w.to) {
			break
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatal("nothing is stamped when it comes")
		}
	}
	for range 3 {
		for i := range f.Len() {
			came[i] = append(came[i], send(int32(i)))
		}
	}
	for k := range 3 {
		for i := range f.Len() {
			w, at := came[i][k], take(int32(i))
			if at.Before(w.from) || at.After(w.to) {
				t.Errorf("datagram %d of socket %d: %v, it came between %v and %v", k, i, at, w.from, w.to)
			}
		}
	}
}

// held is how many bytes the kernel holds for s.
func held(t *testing.T, s *Socket) uint32 {
	t.Helper()
	n, err := s.MemoryQueued()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
