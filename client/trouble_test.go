package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dgram"
	"dgram/client"
	"dgram/dgramtest"
)

// troubled is a Conn whose calls can be made slow, or to fail.
type troubled struct {
	dgram.Conn
	before, after time.Duration // how long Send takes, before and after the datagram is on its way
	fail          syscall.Errno
	recv          error
}

func (c *troubled) Send(b *dgram.Batch) error {
	time.Sleep(c.before)
	if c.fail != 0 {
		b.Number()
		for i := range b.Datagrams {
			b.Datagrams[i].Fate, b.Datagrams[i].Err = dgram.Failed, c.fail
		}
		return nil
	}
	err := c.Conn.Send(b)
	time.Sleep(c.after)
	return err
}

func (c *troubled) Recv(b *dgram.Batch) error {
	if c.recv != nil {
		time.Sleep(time.Millisecond)
		return c.recv
	}
	return c.Conn.Recv(b)
}

func newTroubledLab(t *testing.T, conn *troubled, o client.Options) *lab {
	n := dgramtest.NewNetwork()
	o.Open = func(peer dgram.Endpoint) (dgram.Conn, error) {
		inner, err := n.DialEndpoint(peer, dgram.Options{})
		conn.Conn = inner
		return conn, err
	}
	return newLabWith(t, n, o, serverAddress)
}

func TestSlowSend(t *testing.T) {
	for _, test := range []struct {
		name   string
		conn   troubled
		serves bool
		want   client.Verdict
		counts counts
	}{
		{"the reply is there before Send returns", troubled{after: 500 * time.Millisecond}, true, client.Answered,
			counts{attempts: 1, answered: 1, matched: 1}},
		{"the refusal is there before Send returns", troubled{after: 500 * time.Millisecond}, false, client.Refused,
			counts{attempts: 1, refused: 1}},
		{"the time is up before Send returns", troubled{before: 1500 * time.Millisecond}, true, client.Answered,
			counts{attempts: 2, answered: 1, superseded: 1, matched: 1, late: 1}},
		{"Send is slow to fail", troubled{before: 1500 * time.Millisecond, fail: syscall.EPERM}, true, client.Failed, counts{attempts: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := test.conn
				l := newTroubledLab(t, &conn, client.Options{Tries: 2})
				if test.serves {
					l.serve(serverAddress, upper)
				}
				l.verdict(l.do("x"), test.want)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				l.balance(test.counts)
			})
		})
	}
}

func TestInterruptedWhileSending(t *testing.T) {
	for _, fail := range []syscall.Errno{0, syscall.EPERM} {
		synctest.Test(t, func(t *testing.T) {
			l := newTroubledLab(t, &troubled{before: time.Second, fail: fail}, client.Options{Timeout: time.Minute})
			l.serve(serverAddress, mute)
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			e := l.client.Do(ctx, []byte("x"))
			l.verdict(e, client.Interrupted)
			if e.Attempts[0].Err != fail {
				t.Errorf("attempt: %+v", e.Attempts[0])
			}
			if err := l.client.Summary().Balance(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReceivingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTroubledLab(t, &troubled{recv: syscall.EIO}, client.Options{})
		l.serve(serverAddress, upper)
		for range 2 {
			e := l.do("x")
			l.verdict(e, client.Failed)
			if !errors.Is(e.Err(), syscall.EIO) {
				t.Error(e.Err())
			}
		}
		if n := l.client.Summary().ReceiveErrors; n == 0 {
			t.Error("no error of receiving was counted")
		}
	})
}

func TestSlowObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := dgramtest.NewNetwork()
		conn, err := n.Dial(serverAddress)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		c, err := client.New(conn, dgramtest.Endpoint(serverAddress), client.Options{Observer: func(client.Event) {
			seen++
			time.Sleep(time.Second)
		}})
		if err != nil {
			t.Fatal(err)
		}
		server, err := n.Listen(serverAddress)
		if err != nil {
			t.Fatal(err)
		}
		dgramtest.Serve(t, server, upper)
		begin := time.Now()
		for range 1000 {
			if _, err := c.Call(context.Background(), []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(begin) != 0 {
			t.Errorf("the observer held the exchanges up for %v", time.Since(begin))
		}
		c.Close()
		if omitted := c.Summary().Omitted; omitted == 0 || seen+int(omitted) != 3000 {
			t.Errorf("%d events seen and %d left out, want 3,000 in all", seen, omitted)
		}
	})
}

func TestLingeringSocketsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := dgramtest.NewNetwork()
		var open atomic.Int64
		l := newLabWith(t, n, client.Options{FreshSocket: true, Linger: time.Hour, Open: func(peer dgram.Endpoint) (dgram.Conn, error) {
			conn, err := n.DialEndpoint(peer, dgram.Options{})
			open.Add(1)
			return counted{conn, &open}, err
		}}, serverAddress)
		l.serve(serverAddress, upper)
		for range 300 {
			l.reply(l.do("x"), "X")
		}
		if open.Load() > 70 {
			t.Errorf("%d sockets are open", open.Load())
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if open.Load() != 1 { // the one for what every attempt has in common
			t.Errorf("%d sockets are open after they have lingered, want 1", open.Load())
		}
	})
}

// counted counts its Close.
type counted struct {
	dgram.Conn
	open *atomic.Int64
}

func (c counted) Close() error {
	c.open.Add(-1)
	return c.Conn.Close()
}

func TestErrorTexts(t *testing.T) {
	peer, stranger := dgramtest.Endpoint("192.0.2.1:7"), dgramtest.Endpoint("192.0.2.2:7")
	for _, test := range []struct {
		err  client.Error
		want string
	}{
		{client.Error{Verdict: client.Silent, Attempts: 3, Waited: 7 * time.Second}, "nobody answered 3 attempts in 7s"},
		{client.Error{Verdict: client.Silent, Attempts: 1, Waited: time.Second}, "nobody answered 1 attempt in 1s"},
		{client.Error{Verdict: client.Refused}, "refused: nothing listens there"},
		{client.Error{Verdict: client.Unreachable, Cause: syscall.EHOSTUNREACH}, "unreachable: there is no way to that address: no route to host"},
		{client.Error{Verdict: client.Stranger, Stranger: stranger, Attempts: 2, Waited: time.Second},
			"only an address that was not asked answered: 192.0.2.2:7 (2 attempts in 1s)"},
		{client.Error{Verdict: client.TooBig, Size: 65508, Cause: syscall.EMSGSIZE}, "65508 bytes are too big to send as one datagram: message too long"},
		{client.Error{Verdict: client.Failed, Cause: syscall.EPERM}, "could not be sent: operation not permitted"},
		{client.Error{Verdict: client.Interrupted, Cause: context.Canceled}, "interrupted before there was an answer: context canceled"},
	} {
		test.err.Peer = peer
		want := "call 192.0.2.1:7: " + test.want
		if got := test.err.Error(); got != want && test.err.Cause == nil || !strings.HasPrefix(got, want[:len(want)/2]) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if s := client.Verdict(200).String() + client.Stranger.String(); s != "verdict(200)stranger" {
		t.Error(s)
	}
}

func TestEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, toServer(func(dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{Delay: 2 * time.Millisecond} }), client.Options{})
		l.serve(serverAddress, upper)
		ev := l.do("x").Event()
		if ev.Verdict != "answered" || ev.RTT != 2000 || string(ev.Payload) != "X" || ev.Request == 0 || ev.Reply == 0 || ev.Number != 1 {
			t.Errorf("%+v", ev)
		}
		if _, err := json.Marshal(ev); err != nil {
			t.Error(err)
		}
		l.client.Close()
		if ev := l.do("y").Event(); ev.Verdict != "interrupted" || ev.Error == "" || ev.Attempts != 0 {
			t.Errorf("%+v", ev)
		}
	})
}
