package sock

import (
	"bytes"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// fleet returns n sockets connected to a server, and the server.
func fleet(t *testing.T, n int, c FleetConfig) (*Fleet, *Socket) {
	t.Helper()
	server := open(t, INET, DGRAM, 0)
	if err := server.Bind(inet("127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	at, err := server.Local()
	if err != nil {
		t.Fatal(err)
	}
	var sockets []*Socket
	for range n {
		s, err := New(INET, DGRAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Set(IPRecvErr, 1); err != nil {
			t.Fatal(err)
		}
		if err := s.Connect(at); err != nil {
			t.Fatal(err)
		}
		sockets = append(sockets, s)
	}
	f, err := NewFleet(sockets, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, server
}

// Each of many sockets gets the answers to what was sent by it, one datagram or several, with a list of the readable ones and by sweeping.
func TestFleet(t *testing.T) {
	for _, sweep := range []bool{false, true} {
		for _, control := range []bool{false, true} {
			const flows, each = 7, 3
			f, server := fleet(t, flows, FleetConfig{Messages: 8, Size: 100, Control: control, Sweep: sweep})
			want := map[string]int32{}
			for i := range int32(flows) {
				f.Reset()
				for k := range each {
					p := []byte{byte('a' + i), byte('0' + k)}
					want[string(p)] = i
					f.Add(netip.AddrPort{}, p)
				}
				for from := 0; from < f.Added(); {
					n, errno := f.Send(i, from)
					if errno != 0 {
						t.Fatal(errno)
					}
					from += n
				}
			}
			buf := make([]byte, 100)
			for range flows * each {
				n, from, _, err := server.RecvFrom(buf, 0)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := server.SendTo(buf[:n], 0, from); err != nil {
					t.Fatal(err)
				}
			}
			for round := 0; len(want) > 0 && round < 1000; round++ {
				for _, i := range f.Ready(10 * time.Millisecond) {
					limit := 1 + round%2 // by the call for one datagram, and by the other
					n, errno := f.Recv(i, limit)
					if errno != 0 {
						t.Fatal(errno)
					}
					if n == limit {
						f.Again(i)
					}
					for j := range n {
						if got, ok := want[string(f.Data(j))]; !ok || got != i {
							t.Errorf("socket %d received %q", i, f.Data(j))
						}
						delete(want, string(f.Data(j)))
					}
				}
			}
			if len(want) > 0 {
				t.Errorf("sweep %v, control %v: never arrived: %v", sweep, control, want)
			}
		}
	}
}

func TestFleetSeesRefusals(t *testing.T) {
	f, server := fleet(t, 2, FleetConfig{Messages: 4, Size: 100})
	server.Close()
	f.Reset()
	f.Add(netip.AddrPort{}, []byte("anybody?"))
	if _, errno := f.Send(1, 0); errno != 0 {
		t.Fatal(errno)
	}
	for range 100 {
		if ready := f.Ready(10 * time.Millisecond); len(ready) > 0 {
			i := ready[0]
			if _, errno := f.Recv(i, 0); errno != syscall.ECONNREFUSED || i != 1 {
				t.Fatalf("socket %d: %v", i, errno)
			}
			q, err := f.Socket(i).ReadErrorQueue(make([]byte, 100))
			if err != nil || !bytes.Equal(q.Data, []byte("anybody?")) {
				t.Fatalf("%q %v", q.Data, err)
			}
			return
		}
	}
	t.Fatal("no refusal was seen")
}

func TestFleetWaitsAndAllocatesNothing(t *testing.T) {
	for _, sweep := range []bool{false, true} {
		f, _ := fleet(t, 3, FleetConfig{Messages: 4, Size: 100, Sweep: sweep})
		begin := time.Now()
		f.Ready(20 * time.Millisecond)
		if took := time.Since(begin); took < 15*time.Millisecond {
			t.Errorf("it waited for %v", took)
		}
		payload := []byte("x")
		if n := testing.AllocsPerRun(100, func() {
			f.Reset()
			f.Add(netip.AddrPort{}, payload)
			f.Send(0, 0)
			for _, i := range f.Ready(0) {
				f.Recv(i, 0)
			}
		}); n != 0 {
			t.Errorf("%g allocations a round", n)
		}
	}
}
