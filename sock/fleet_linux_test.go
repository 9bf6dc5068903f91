package sock

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
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
					n, errno := f.SendBy(i, from)
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
					f.Forget()
					f.Ask(i, limit)
					if made := f.Look(); made != 1 {
						t.Fatalf("%d looks", made)
					}
					first, n, _, errno := f.Took(0)
					if errno != 0 {
						t.Fatal(errno)
					}
					if n == limit {
						f.Again(i)
					}
					for j := first; j < first+n; j++ {
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

// Whatever is sent and asked for in series, in posts and looks of any size, with a tracer or without, comes where it belongs, whole
// and once, and in the order in which it was sent; the counter never goes back.
func TestFleetInSeries(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		const flows, most = 5, 16
		control := rapid.Bool().Draw(r, "control")
		f, server := fleet(t, flows, FleetConfig{Messages: most, Size: 100, Control: control, Sweep: true})
		defer server.Close()
		defer f.Close()
		if rapid.Bool().Draw(r, "traced") {
			told := &calls{}
			SetTracer(told)
			defer func() {
				SetTracer(nil)
				for _, c := range told.all {
					if strings.HasPrefix(c.Name, "send") && (len(c.Messages) == 0 || len(c.Messages[0].Vectors) != 1 || c.Messages[0].Vectors[0].Size == 0) {
						r.Fatalf("it was told of %+v", *c)
					}
				}
			}()
		}
		var sent [flows][]string
		f.Reset()
		begin := Ticks()
		counts := rapid.SliceOfN(rapid.IntRange(1, 4), 1, 4).Draw(r, "posts")
		start := rapid.Int32Range(0, flows-1).Draw(r, "socket")
		for k, n := range counts {
			i := (start + int32(k)) % flows
			from := f.Added()
			for m := range n {
				p := fmt.Sprintf("%d/%d/%d", i, k, m)
				sent[i] = append(sent[i], p)
				if n == 1 && k%2 == 0 {
					f.PostOne(i, []byte(p))
				} else {
					f.Add(netip.AddrPort{}, []byte(p))
				}
			}
			if f.Added() > from {
				f.Post(i, from)
			}
		}
		f.Send()
		before := begin
		for k := range counts {
			n, ticks, errno := f.Sent(k)
			if errno == 0 && n > 0 && n < counts[k] {
				r.Skip("an emulator's sendmmsg ends where a signal comes") // Linux' own does not
			}
			if n != counts[k] || errno != 0 || ticks < before {
				r.Fatalf("post %d of %d messages: %d, %v, at %d after %d", k, counts[k], n, errno, ticks, before)
			}
			before = ticks
		}
		buf := make([]byte, 100)
		for i := range sent {
			for range sent[i] {
				n, from, _, err := server.RecvFrom(buf, 0)
				if err != nil {
					r.Fatal(err)
				}
				if _, err := server.SendTo(buf[:n], 0, from); err != nil {
					r.Fatal(err)
				}
			}
		}
		for round := 0; round < 100; round++ {
			f.Forget()
			var asked []int32
			for f.Left() > 0 && len(asked) < 2*flows {
				i, limit := rapid.Int32Range(0, flows-1).Draw(r, "look"), rapid.IntRange(1, f.Left()).Draw(r, "limit")
				f.Ask(i, limit)
				asked = append(asked, i)
			}
			hit := false
			for k := range f.Look() {
				i := asked[k]
				first, n, ticks, errno := f.Took(k)
				if errno != 0 || ticks < before {
					r.Fatalf("look %d: %v at %d after %d", k, errno, ticks, before)
				}
				before = ticks
				if hit && n == 0 && k+1 != f.asked.made {
					r.Fatal("it went on behind a look in vain")
				}
				hit = hit || n > 0
				for j := first; j < first+n; j++ {
					if len(sent[i]) == 0 || string(f.Data(j)) != sent[i][0] {
						r.Fatalf("socket %d got %q, not %q", i, f.Data(j), sent[i])
					}
					sent[i] = sent[i][1:]
				}
			}
		}
		f.Forget()
		for i := range sent { // what chance did not look for
			for len(sent[i]) > 0 {
				f.Ask(int32(i), 1)
				f.Look()
				if first, n, _, _ := f.Took(0); n != 1 || string(f.Data(first)) != sent[i][0] {
					r.Fatalf("socket %d lacks %q", i, sent[i])
				}
				sent[i] = sent[i][1:]
				f.Forget()
			}
		}
	})
}

// A datagram that is longer than its buffer, with each call that receives.
func TestFleetCutsWhatIsTooLong(t *testing.T) {
	for _, control := range []bool{false, true} {
		for limit := 1; limit <= 2; limit++ {
			f, server := fleet(t, 1, FleetConfig{Messages: 4, Size: 10, Control: control})
			f.PostOne(0, []byte("hello, who is there?"))
			f.Send()
			buf := make([]byte, 100)
			n, from, _, err := server.RecvFrom(buf, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := server.SendTo(buf[:n], 0, from); err != nil {
				t.Fatal(err)
			}
			f.Ask(0, limit)
			f.Look()
			if first, n, _, _ := f.Took(0); n != 1 || string(f.Data(first)) != "hello, who" {
				t.Errorf("control %v, limit %d: %d: %q", control, limit, n, f.Data(first))
			}
		}
	}
}

// What the kernel does not take is told for that post alone, and the others go.
func TestFleetTellsOfEachPost(t *testing.T) {
	f, server := fleet(t, 2, FleetConfig{Messages: 4, Size: 100})
	f.PostOne(0, make([]byte, 70000))
	f.PostOne(1, []byte("this one goes"))
	f.Send()
	if n, _, errno := f.Sent(0); n != 0 || errno != syscall.EMSGSIZE {
		t.Errorf("%d %v", n, errno)
	}
	if n, _, errno := f.Sent(1); n != 1 || errno != 0 {
		t.Errorf("%d %v", n, errno)
	}
	buf := make([]byte, 100)
	if n, _, _, err := server.RecvFrom(buf, 0); err != nil || string(buf[:n]) != "this one goes" {
		t.Errorf("%q %v", buf[:n], err)
	}
}

func TestFleetSeesRefusals(t *testing.T) {
	f, server := fleet(t, 2, FleetConfig{Messages: 4, Size: 100})
	server.Close()
	f.Reset()
	f.Add(netip.AddrPort{}, []byte("anybody?"))
	if _, errno := f.SendBy(1, 0); errno != 0 {
		t.Fatal(errno)
	}
	for range 100 {
		if ready := f.Ready(10 * time.Millisecond); len(ready) > 0 {
			i := ready[0]
			f.Ask(i, 1)
			f.Look()
			if _, _, _, errno := f.Took(0); errno != syscall.ECONNREFUSED || i != 1 {
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
			f.Post(0, 0)
			f.PostOne(1, payload)
			f.Send()
			f.Forget()
			for _, i := range f.Ready(0) {
				f.Ask(i, 1)
			}
			f.Look()
		}); n != 0 {
			t.Errorf("%g allocations a round", n)
		}
	}
}
