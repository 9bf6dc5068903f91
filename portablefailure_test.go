package dgram

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestRecvErrors tells an error that passes from one that ends Recv, and bounds how often the first may come.
func TestRecvErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &portableConn{done: make(chan struct{})}
		start, failures := time.Now(), 0
		for i := range maxRecvFailures {
			if err := c.recvError(os.NewSyscallError("recvmsg", syscall.ENOBUFS), &failures); err != nil {
				t.Fatalf("failure %d ended Recv: %v", i, err)
			}
		}
		if took := time.Since(start); took < time.Second || took > 5*time.Second {
			t.Errorf("%d failures in a row took %v", maxRecvFailures, took)
		}
		var op *OpError
		err := c.recvError(&net.OpError{Err: os.NewSyscallError("recvmsg", syscall.ENOBUFS)}, &failures)
		if !errors.Is(err, syscall.ENOBUFS) || !errors.As(err, &op) || op.Op != "receive" {
			t.Errorf("one more: %v", err)
		}

		close(c.done) // Close ends the pause
		start, failures = time.Now(), 0
		if err := c.recvError(syscall.ENOBUFS, &failures); err != nil || time.Since(start) > 0 {
			t.Errorf("%v, after %v", err, time.Since(start))
		}
		for _, cause := range []error{net.ErrClosed, os.ErrDeadlineExceeded} {
			if err := c.recvError(&net.OpError{Err: cause}, &failures); !errors.Is(err, cause) {
				t.Errorf("%v became %v", cause, err)
			}
		}
	})
}

// TestReports keeps what sends found out until Recv asks, a few at a time, and gives the deadline back with the last.
func TestReports(t *testing.T) {
	conn, err := dialPortable(MustParseEndpoint("127.0.0.1:9"), Options{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := conn.(*portableConn)
	for range maxReports + 10 {
		c.reports.add(c.socket, syscall.ECONNREFUSED)
	}
	c.reports.add(c.socket, syscall.EHOSTUNREACH)
	if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	b := c.NewBatch(100)
	got := 0
	for ; c.Recv(b) == nil; got += len(b.Datagrams) {
		for _, d := range b.Datagrams {
			if d.Fate != Refused || d.Peer != c.remote || d.ID == 0 {
				t.Fatalf("notice %v about %v", d.Fate, d.Peer)
			}
		}
	}
	if got != maxReports {
		t.Errorf("%d notices, not %d", got, maxReports)
	}
	if reportFate(syscall.EHOSTUNREACH) != Unreachable || reportFate(syscall.ENOBUFS) != Undecided {
		t.Error("errnos have the wrong fates")
	}
}

// TestReportWakes lets a read that would wait find out that a send has something to report.
func TestReportWakes(t *testing.T) {
	conn, err := dialPortable(MustParseEndpoint("127.0.0.1:9"), Options{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := conn.(*portableConn)
	const patience = 5 * time.Second
	start := time.Now()
	if err := c.SetReadDeadline(start.Add(patience)); err != nil {
		t.Fatal(err)
	}
	c.reports.add(c.socket, syscall.ECONNREFUSED)
	if err := newPortableMemory().receive(c.socket); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) >= patience {
		t.Errorf("%v, after %v", err, time.Since(start))
	}
	if err := c.Recv(c.NewBatch(1)); err != nil {
		t.Error(err)
	}
}

// TestSources chooses the source of a reply only where there is something to choose.
func TestSources(t *testing.T) {
	here, there := netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")
	s := sources{choose: true, known: true, broadcasts: broadcastAddrs()}
	for _, from := range []string{"0.0.0.0", "239.1.2.3", "255.255.255.255", "::1"} {
		if m, err := s.control(netip.MustParseAddr(from), there); m != nil || err != nil {
			t.Errorf("from %s: %v, %v", from, m, err)
		}
	}
	if m, err := s.control(netip.Addr{}, there); m != nil || err != nil {
		t.Errorf("from nowhere: %v, %v", m, err)
	}
	if runtime.GOOS != "windows" {
		first, err := s.control(here, there)
		if len(first) == 0 || err != nil {
			t.Fatalf("from %v: %v, %v", here, first, err)
		}
		if n := testing.AllocsPerRun(10, func() { s.control(here, there) }); n != 0 {
			t.Errorf("the same source again: %v allocations", n)
		}
	}
	s.known = false
	if _, err := s.control(here, there); !errors.Is(err, syscall.EOPNOTSUPP) {
		t.Errorf("where the system cannot be told: %v", err)
	}
	s.choose = false
	if m, err := s.control(here, there); m != nil || err != nil {
		t.Errorf("of a socket bound to one address: %v, %v", m, err)
	}
}

func TestNoIPv6(t *testing.T) {
	if !noIPv6(&net.OpError{Err: os.NewSyscallError("socket", syscall.EAFNOSUPPORT)}) || noIPv6(os.NewSyscallError("bind", syscall.EADDRINUSE)) {
		t.Error("a host without IPv6 is taken for another, or another for it")
	}
}

func TestShrink(t *testing.T) {
	granted := 0
	shrink(4<<20, func(n int) error {
		if n > 1<<20 {
			return syscall.ENOBUFS
		}
		granted = n
		return nil
	})
	if granted != 1<<20 {
		t.Errorf("%d bytes", granted)
	}
}

func TestUnsupportedOptions(t *testing.T) {
	for _, err := range []error{named("x", ErrUnsupported), named("x", errors.New("not implemented")), named("x", unknownOption)} {
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("%v does not wrap ErrUnsupported", err)
		}
	}
	if err := named("x", syscall.EPERM); errors.Is(err, ErrUnsupported) || !errors.Is(err, syscall.EPERM) {
		t.Errorf("%v", err)
	}
	for _, o := range []Options{
		{Interface: "no-such-interface"},
		{Join: []Address{{Network: UDP4, Host: "192.0.2.1"}}},
		{Join: []Address{{Network: UDP4, Host: "ff02::1"}}},
		{Join: []Address{{Network: UDP4, Host: "239.1.2.3%no-such-interface"}}},
		{TTL: 1000},
	} {
		o.Portable = true
		if c, err := ListenEndpoint(MustParseEndpoint("udp4://0.0.0.0:0"), o); err == nil {
			c.Close()
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestPortableAllocatesNothing(t *testing.T) {
	o := Options{Portable: true}
	server, err := ListenEndpoint(MustParseEndpoint("127.0.0.1:0"), o)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := DialEndpoint(server.Local(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	in, out, payload := server.NewBatch(1), client.NewBatch(1), make([]byte, 100)
	exchange := func() {
		out.Reset()
		out.Add(Endpoint{}, payload)
		if client.Send(out) != nil || server.Recv(in) != nil || server.Send(in) != nil || client.Recv(out) != nil {
			t.Fatal("an exchange failed")
		}
	}
	exchange()
	if n := testing.AllocsPerRun(100, exchange); n != 0 {
		t.Errorf("%v allocations an exchange", n)
	}
}
