package server

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dgram"
	"dgram/stage"
)

// load asks a server, a few datagrams at a time, until it is stopped: what is on its way never fills a buffer, so nothing may be lost.
type load struct {
	stop chan struct{}
	done chan error
	sent atomic.Uint64
}

const loadWindow = 32

func newLoad(t *testing.T, c net.Conn) *load {
	l := &load{stop: make(chan struct{}), done: make(chan error, 1)}
	go func() { l.done <- l.run(c) }()
	return l
}

// run sends a window of numbered datagrams and waits for all their replies, which may come in any order.
func (l *load) run(c net.Conn) error {
	var p [64]byte
	for number := uint64(0); ; {
		select {
		case <-l.stop:
			return nil
		default:
		}
		first := number
		for range loadWindow {
			binary.BigEndian.PutUint64(p[:], number)
			if _, err := c.Write(p[:8]); err != nil {
				return err
			}
			number++
		}
		l.sent.Store(number)
		seen := 0
		for missing := ^uint64(0) >> (64 - loadWindow); missing != 0; seen++ {
			_ = c.SetReadDeadline(time.Now().Add(patience))
			n, err := c.Read(p[:])
			if err != nil {
				return err
			}
			at := binary.BigEndian.Uint64(p[:]) - first
			if n != 8 || at >= loadWindow || missing&(1<<at) == 0 {
				return errors.New("a reply that was not asked for, or came twice")
			}
			missing &^= 1 << at
		}
	}
}

// end stops the load and returns how many datagrams were sent, each of which was answered.
func (l *load) end(t *testing.T) uint64 {
	t.Helper()
	close(l.stop)
	if err := <-l.done; err != nil {
		t.Fatalf("after %d datagrams: %v", l.sent.Load(), err)
	}
	return l.sent.Load()
}

func echoConfig(address, path string, shards int) Config {
	return Config{Address: address, Shards: shards, Takeover: path, Reply: func(p []byte) []byte { return p }}
}

// client is connected to a server on any network.
func client(t *testing.T, e dgram.Endpoint) net.Conn {
	t.Helper()
	if e.Network().IP() {
		return dial(t, asked(e))
	}
	own := filepath.Join(t.TempDir(), "c")
	c, err := net.DialUnix("unixgram", &net.UnixAddr{Name: own, Net: "unixgram"}, &net.UnixAddr{Name: e.Path(), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Servers follow each other under load, with nothing lost, and each counts what it received.
func TestTakeover(t *testing.T) {
	for name, c := range map[string]struct {
		address string
		shards  int
	}{
		"udp": {"127.0.0.1:0", 1}, "everywhere": {"*:0", 1}, "shards": {"127.0.0.1:0", 3}, "unix": {"unixgram:" + filepath.Join(t.TempDir(), "s"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "door")
			cfg := echoConfig(c.address, path, c.shards)
			running := start(t, cfg)
			at := running.Endpoint()
			work := newLoad(t, client(t, at))
			answered := uint64(0)
			for range 20 {
				next := start(t, cfg)
				waitFor(t, running)
				if next.Endpoint() != at || next.Predecessor() != os.Getpid() || running.Successor() != os.Getpid() {
					t.Error(next.Endpoint(), next.Predecessor(), running.Successor())
				}
				answered += balanced(t, running)
				running = next
			}
			sent := work.end(t)
			shutdown(t, running)
			if answered += balanced(t, running); answered != sent {
				t.Errorf("%d sent, %d answered", sent, answered)
			}
			for _, p := range []string{path, at.Path()} {
				if _, err := os.Lstat(p); p != "" && !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s is left: %v", p, err)
				}
			}
		})
	}
}

func waitFor(t *testing.T, s *Server) {
	t.Helper()
	select {
	case <-s.Done():
	case <-time.After(patience):
		t.Fatal("it did not end")
	}
}

// balanced returns how many datagrams the server answered: all that it received.
func balanced(t *testing.T, s *Server) uint64 {
	t.Helper()
	sum := s.Summary()
	if err := sum.Balance(); err != nil || sum.Answered != sum.Received || sum.Drops.Count != 0 {
		t.Errorf("%v: %s", err, sum)
	}
	return sum.Answered
}

// What is on the way to a handler when another server takes over is answered by the one that received it.
func TestTakeoverAnswersWhatIsHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door")
	held, release := make(chan struct{}), make(chan struct{})
	first := start(t, Config{Address: "127.0.0.1:0", Takeover: path, Handler: stage.HandlerFunc(
		func(_ context.Context, _ stage.Context, request dgram.Datagram) ([]byte, error) {
			close(held)
			<-release
			return request.Data, nil
		})})
	c := dial(t, first.Endpoint())
	if _, err := c.Write([]byte("held")); err != nil {
		t.Fatal(err)
	}
	<-held
	second := start(t, echoConfig("127.0.0.1:0", path, 1))
	close(release)
	if n, err := c.Read(replies[:]); err != nil || string(replies[:n]) != "held" {
		t.Errorf("%q, %v", replies[:n], err)
	}
	waitFor(t, first)
	if got := ask(t, c, []byte("new")); string(got) != "new" {
		t.Errorf("%q", got)
	}
	shutdown(t, second)
	if balanced(t, first) != 1 || second.Summary().Answered != 1 {
		t.Error(first.Summary(), second.Summary())
	}
}

// Whoever cannot serve all that is served takes nothing, and the server that runs goes on.
func TestTakeoverRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door")
	first := start(t, Config{Addresses: []string{"127.0.0.1:0", "127.0.0.2:0"}, Shards: 2, Takeover: path})
	all := first.Endpoints()
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cfg   Config
		words string
	}{
		{Config{Address: all[0].String(), Shards: 2, Takeover: path}, "serves " + all[1].String() + " too"},
		{Config{Endpoints: all, Takeover: path}, "has 2 sockets"},
		{Config{Endpoints: all, Shards: 2, Takeover: path, Options: dgram.Options{Portable: true}}, "portable"},
		{Config{Endpoints: all, Shards: 2, Takeover: path, Inherited: []int{3}}, "set one of them"},
		{Config{Endpoints: append([]dgram.Endpoint{dgram.MustParseEndpoint("192.0.2.77:1")}, all...), Shards: 2, Takeover: path}, "no interface"},
		{Config{Endpoints: all, Shards: 2, Takeover: plain}, "no socket"},
		{Config{Endpoints: all, Shards: 2, Takeover: filepath.Join(t.TempDir(), "no", "folder")}, "no such file"},
	} {
		s, err := Start(t.Context(), c.cfg)
		if err == nil {
			shutdown(t, s)
		}
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%v, want %q in it", err, c.words)
		}
	}
	for _, e := range all {
		if got := ask(t, dial(t, e), []byte("x")); string(got) != "X" {
			t.Errorf("%q", got)
		}
	}
	if first.Successor() != 0 || first.stopped() {
		t.Error("it stopped")
	}
}

// More addresses may come with the new server.
func TestTakeoverWithOneMoreAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door")
	first := start(t, echoConfig("127.0.0.1:0", path, 1))
	second := start(t, Config{Addresses: []string{"127.0.0.1:0", "127.0.0.2:0"}, Takeover: path})
	waitFor(t, first)
	for _, e := range second.Endpoints() {
		if got := ask(t, dial(t, e), []byte("x")); string(got) != "X" {
			t.Errorf("%s: %q", e, got)
		}
	}
}

// A shutdown and a takeover at the same time: one of them comes about, whole.
func TestTakeoverMeetsShutdown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door")
	for i := range 20 {
		first := start(t, echoConfig("127.0.0.1:0", path, 1))
		at := first.Endpoint()
		go func() {
			time.Sleep(time.Duration(i) * 100 * time.Microsecond) // anywhere in the takeover
			_ = first.Shutdown(context.Background())
		}()
		second, err := Start(t.Context(), Config{Endpoints: []dgram.Endpoint{at}, Takeover: path})
		waitFor(t, first)
		if err != nil {
			continue
		}
		if got := ask(t, dial(t, at), []byte("x")); string(got) != "X" {
			t.Errorf("%q", got)
		}
		shutdown(t, second)
	}
}

// Each server counts what the socket dropped while it was the server's.
func TestTakeoverDividesDrops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door")
	cfg := echoConfig("127.0.0.1:0", path, 1)
	cfg.Options.ReceiveBuffer = 4096
	entered, release := make(chan struct{}, 1), make(chan struct{})
	cfg.Reply = func(p []byte) []byte {
		if string(p) == "wait" {
			entered <- struct{}{}
			<-release
		}
		return nil
	}
	first := start(t, cfg)
	c := dial(t, first.Endpoint())
	overflow := func() {
		_, _ = c.Write([]byte("wait"))
		<-entered
		for range 500 {
			_, _ = c.Write([]byte("too many"))
		}
		release <- struct{}{}
	}
	overflow()
	second := start(t, cfg)
	waitFor(t, first)
	one, two := first.Summary(), second.Summary()
	if one.Drops.Count == 0 || two.Drops.Count != 0 {
		t.Errorf("%v, then %v", one.Drops, two.Drops)
	}
	overflow()
	shutdown(t, second)
	two = second.Summary()
	if two.Drops.Count == 0 || one.Received+two.Received+one.Drops.Count+two.Drops.Count != 1002 {
		t.Errorf("of 1002: %s\n%s", one, two)
	}
}

// Sockets that a parent opened are served as they are.
func TestInherited(t *testing.T) {
	given, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer given.Close()
	file, err := given.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	copied := func() int {
		fd, err := syscall.Dup(descriptor(file))
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	at := given.LocalAddr().String()
	for _, cfg := range []Config{{}, {Address: at}, {Address: "127.0.0.2:0"}, {Options: dgram.Options{Portable: true}}} {
		cfg.Inherited = []int{copied()}
		s, err := Start(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, dial(t, dgram.MustParseEndpoint(at)), []byte("x")); string(got) != "X" {
			t.Errorf("%q", got)
		}
		want := 1
		if cfg.Address == "127.0.0.2:0" {
			want = 2
		}
		if len(s.Endpoints()) != want {
			t.Error(s.Endpoints())
		}
		shutdown(t, s)
	}
}

// Heavy flows, for which receive offload is turned on, go on through takeovers: no train of datagrams is taken for one.
func TestTakeoverWithOffload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door")
	cfg := echoConfig("127.0.0.1:0", path, 1)
	running := start(t, cfg)
	c, err := dgram.DialEndpoint(running.Endpoint(), dgram.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	out, in := c.NewBatch(loadWindow), c.NewBatch(loadWindow)
	on := 0
	for range 15 {
		for range 200 {
			train(t, c, out, in)
		}
		if running.Caps()[0].GRO {
			on++
		}
		next := start(t, cfg)
		if next.Caps()[0].GRO != running.Caps()[0].GRO {
			t.Error("offload is on for one of two that receive from a socket")
		}
		train(t, c, out, in)
		waitFor(t, running)
		balanced(t, running)
		running = next
	}
	if on == 0 {
		t.Error("offload was never on: nothing was tried")
	}
}

// train sends a window of datagrams in one message and waits for a reply to each.
func train(t *testing.T, c dgram.Conn, out, in *dgram.Batch) {
	t.Helper()
	out.Reset()
	for i := range loadWindow {
		out.Add(dgram.Endpoint{}, binary.BigEndian.AppendUint64(nil, uint64(i))) // each another, or the loop guard takes it for an echo
	}
	if err := c.Send(out); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	for got := 0; got < loadWindow; got += len(in.Datagrams) {
		if err := c.Recv(in); err != nil {
			t.Fatalf("after %d of %d: %v", got, loadWindow, err)
		}
		for i := range in.Datagrams {
			if n := len(in.Datagrams[i].Data); n != 8 {
				t.Fatalf("a reply of %d bytes", n)
			}
		}
	}
}
