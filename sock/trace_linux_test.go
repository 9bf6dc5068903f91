package sock

import (
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
	"time"

	"dgram/internal/testnet"
)

// calls is a Tracer that keeps what it is told.
type calls struct {
	mu   sync.Mutex
	all  []*Call
	full bool
	left int
}

func (c *calls) Place() func(*Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.full {
		c.left++
		return nil
	}
	at := len(c.all)
	c.all = append(c.all, nil)
	return func(call *Call) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all[at] = call
	}
}

// of returns the calls about a descriptor, by name.
func (c *calls) of(fd int) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.all {
		if call.FD == fd || call.Name == "socket" && call.Result == fd {
			names = append(names, call.Name)
		}
	}
	return names
}

func trace(t *testing.T) *calls {
	c := &calls{}
	SetTracer(c)
	t.Cleanup(func() { SetTracer(nil) })
	return c
}

func TestTracerIsToldOfEachCall(t *testing.T) {
	told := trace(t)
	s, err := New(INET, DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := s.fd
	if err := s.Bind(InetAddr{netip.MustParseAddrPort("127.0.0.1:0")}); err != nil {
		t.Fatal(err)
	}
	local, err := s.Local()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SendTo([]byte(strings.Repeat("x", 40)), 0, local); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if _, _, _, err := s.RecvFrom(buf, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"socket", "bind", "getsockname", "sendto", "recvmsg", "close"}
	if got := told.of(fd); !slices.Equal(got, want) {
		t.Fatalf("told of %q, want %q", got, want)
	}
	sent, received := told.all[3], told.all[4]
	if v := sent.Messages[0].Vectors[0]; string(v.Data) != strings.Repeat("x", TracedBytes) || v.Size != 40 || sent.Result != 40 || sent.Addr != local {
		t.Errorf("sent: %+v", sent)
	}
	if m := received.Messages[0]; m.Vectors[0].Room != 10 || m.Vectors[0].Size != 10 || m.Flags != TRUNC || m.Addr != local {
		t.Errorf("received: %+v", received)
	}
}

func TestTracerOfConnections(t *testing.T) {
	told := trace(t)
	listener, err := New(UNIX, SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := listener.Bind(UnixAddr{}); err != nil {
		t.Fatal(err)
	}
	if err := listener.Listen(3); err != nil {
		t.Fatal(err)
	}
	at, _ := listener.Local()
	client, err := New(UNIX, SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Connect(at); err != nil {
		t.Fatal(err)
	}
	accepted, _, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if err := accepted.Shutdown(SHUTWR); err != nil {
		t.Fatal(err)
	}
	if got := told.of(listener.fd); !slices.Equal(got[4:], []string{"bind", "listen", "getsockname", "accept4"}) {
		t.Errorf("the listener: %q", got)
	}
	if got := told.of(client.fd); got[len(got)-1] != "connect" {
		t.Errorf("the client: %q", got)
	}
	if got := told.of(accepted.fd); !slices.Equal(got, []string{"shutdown"}) {
		t.Errorf("the accepted: %q", got)
	}
}

// A tracer that has no room costs the server little: the call is not even described.
func TestTracerWithoutRoom(t *testing.T) {
	told := trace(t)
	told.full = true
	s, err := New(INET, DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if len(told.all) != 0 || told.left != 2 {
		t.Errorf("told of %d calls, %d left out, want 2", len(told.all), told.left)
	}
}

// Without a tracer nothing is allocated, also when there has been one, and turning it on and off under way is safe.
func TestTracingCostsNothingWhenOff(t *testing.T) {
	_, client, to := blockingPair(t)
	w, data := client.NewSender(1), []byte("x")
	send := func() {
		w.Reset()
		w.AddInet(to, netip.Addr{}, 0, data)
		if _, err := w.Send(0, false); err != nil {
			t.Fatal(err)
		}
	}
	trace(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			SetTracer(&calls{})
			SetTracer(nil)
		}
	}()
	for began := time.Now(); time.Since(began) < 20*time.Millisecond; {
		send()
	}
	<-done
	if n := testing.AllocsPerRun(100, send); n != 0 && !raceDetector {
		t.Errorf("%v allocations a send", n)
	}
}

// Every option that has a variable has a name that can be found by its numbers.
func TestEveryOptionHasItsName(t *testing.T) {
	for _, file := range []string{"options_linux.go", "tracenames_linux.go", "packet_linux.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`= Opt\{"(\w+)"`).FindAllStringSubmatch(string(source), -1) {
			if !slices.ContainsFunc(knownOptions, func(o Opt) bool { return o.Name == m[1] }) {
				t.Errorf("%s is not among the known options", m[1])
			}
		}
	}
	for _, o := range knownOptions {
		if got := NameOpt(o.Level, o.Code); got != o {
			t.Errorf("%v and %v have the same numbers", o, got)
		}
	}
}

// Of a copy of another process's descriptor the first call says what it is a copy of.
func TestTracerOfAnotherProcessesSocket(t *testing.T) {
	s, err := New(INET, DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := OpenProcess(os.Getpid())
	if err != nil {
		testnet.Missing(t, err.Error())
	}
	defer p.Close()
	told := trace(t)
	if _, err := p.Inspect(s.fd); err != nil {
		testnet.Missing(t, err.Error())
	}
	first, last := told.all[0], told.all[len(told.all)-1]
	if first.Option != SODomain || first.Process != os.Getpid() || first.CopyOf != s.fd || first.FD == s.fd {
		t.Errorf("the first call: %+v", first)
	}
	if last.Name != "close" || last.FD != first.FD {
		t.Errorf("the last call: %+v", last)
	}
	for _, c := range told.all[1:] {
		if c.CopyOf != -1 || c.Process != 0 {
			t.Errorf("told again that it is a copy: %+v", c)
		}
	}
}

// What --explain costs while it is off, beside the cheapest of the calls that it would tell of: a receive that finds nothing.
func BenchmarkTracingOff(b *testing.B) {
	b.Run("place", func(b *testing.B) {
		wanted := 0
		for b.Loop() {
			if put := place(); put != nil {
				wanted++
			}
		}
		if wanted > 0 {
			b.Fatal("tracing is on")
		}
	})
	b.Run("an empty receive", func(b *testing.B) {
		s := open(b, INET, DGRAM, 0)
		r := s.NewReceiver(ReceiverConfig{Messages: 1, Size: 100})
		if err := s.control(func(fd uintptr) {
			for b.Loop() {
				r.receive(fd, unix.MSG_DONTWAIT, false)
			}
		}); err != nil || r.err != unix.EAGAIN {
			b.Fatal(err, r.err)
		}
	})
}
