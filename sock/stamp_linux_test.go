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
	for range 3 {
		for i := range f.Len() {
			to, err := f.Socket(int32(i)).Local()
			if err != nil {
				t.Fatal(err)
			}
			before := held(t, f.Socket(int32(i)))
			w := window{from: time.Now()}
			if _, err := server.SendTo([]byte("x"), 0, to); err != nil {
				t.Fatal(err)
			}
			for held(t, f.Socket(int32(i))) == before && time.Since(w.from) < 10*time.Second {
				runtime.Gosched()
			}
			w.to = time.Now()
			came[i] = append(came[i], w)
		}
	}
	for k := range 3 {
		for i := range f.Len() {
			if n, errno := f.Recv(int32(i), 1); n != 1 || errno != 0 {
				t.Fatal(n, errno)
			}
			at, ok := f.Stamp(int32(i))
			if w := came[i][k]; !ok || at.Before(w.from.Round(0)) || at.After(w.to.Round(0)) {
				t.Errorf("datagram %d of socket %d: %v %v, it came between %v and %v", k, i, at, ok, w.from, w.to)
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
