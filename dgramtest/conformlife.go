package dgramtest

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"dgram"
)

// testClose closes sockets around the moment at which another goroutine begins to receive.
func testClose(t *testing.T, s suite) {
	for range 50 {
		c := s.listen(t, s.loopback(t))
		started, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			b := c.NewBatch(1)
			close(started)
			ended <- c.Recv(b)
		}()
		<-started
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !dgram.IsClosed(err) {
			t.Fatalf("Recv ended with %v, which does not say that the socket was closed", err)
		}
	}
}

func testClosed(t *testing.T, s suite) {
	server, client := s.pair(t)
	b := client.NewBatch(3)
	for range 3 {
		b.Add(server.Local(), []byte("x"))
	}
	b.Datagrams[1].DropFor(dgram.ReasonLoss)
	client.Close()
	if err := client.Send(b); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Send: %v", err)
	}
	for i, want := range []dgram.Fate{dgram.Failed, dgram.Dropped, dgram.Failed} {
		if d := b.Datagrams[i]; d.Fate != want {
			t.Errorf("slot %d: %v", i, d.Fate)
		}
	}
	if err := client.Recv(client.NewBatch(1)); !dgram.IsClosed(err) {
		t.Errorf("Recv: %v", err)
	}
	if again := s.listen(t, server.Local(), func(*dgram.Options) { server.Close() }); again.Local() != server.Local() {
		t.Errorf("%v was not free after Close", server.Local())
	}
}

func testDeadlines(t *testing.T, s suite) {
	server, client := s.pair(t)
	b := server.NewBatch(1)
	set := func(at time.Time) {
		t.Helper()
		if err := server.SetReadDeadline(at); err != nil {
			t.Fatal(err)
		}
	}
	set(time.Now().Add(-time.Hour))
	if err := server.Recv(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a deadline that is past: %v", err)
	}
	const wait = 20 * time.Millisecond
	start := time.Now()
	set(start.Add(wait))
	if err := server.Recv(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a deadline to come: %v", err)
	}
	if took := time.Since(start); took < wait {
		t.Errorf("Recv gave up after %v of %v", took, wait)
	}
	set(time.Time{})
	client.mustSend(dgram.Endpoint{}, []byte("in time"))
	server.expect([]byte("in time"))
}

func testDeadlineWakes(t *testing.T, s suite) {
	for range 20 {
		c := s.listen(t, s.loopback(t))
		started, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			b := c.NewBatch(1)
			close(started)
			ended <- c.Recv(b)
		}()
		<-started
		if err := c.SetReadDeadline(time.Now().Add(-1)); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Recv ended with %v", err)
		}
	}
}

// testTimes looks whether Caps tells the truth about receive times.
func testTimes(t *testing.T, s suite) {
	server, client := s.pair(t, func(o *dgram.Options) { o.Timestamps = true })
	before := time.Now()
	client.mustSend(dgram.Endpoint{}, []byte("when"))
	d := server.recvOne()
	if !server.Caps().Timestamps {
		if !d.Time.IsZero() {
			t.Errorf("the time is %v, though Caps says that there is none", d.Time)
		}
		return
	}
	const slack = 100 * time.Millisecond // the kernel's clock and the program's tick apart
	if d.Time.Before(before.Add(-slack)) || d.Time.After(time.Now().Add(slack)) {
		t.Errorf("sent at %v, received at %v", before, d.Time)
	}
}

// soon is when a test gives up waiting for what may not come.
func soon() time.Time { return time.Now().Add(50 * time.Millisecond) }
