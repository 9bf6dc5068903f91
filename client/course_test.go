package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"dgram"
	"dgram/client"
	"dgram/dgramtest"
)

func TestAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, func(dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{Delay: 10 * time.Millisecond} },
			client.Options{Dgram: dgram.Options{Headers: true}})
		l.serve(serverAddress, upper)
		r := l.reply(l.do("hello"), "HELLO")
		if r.RTT != 20*time.Millisecond || r.Ambiguous || r.Pairing != client.PairedOnly || r.Attempt != 1 || r.TTL != 64 {
			t.Errorf("reply: %+v", r)
		}
		l.reply(l.do(""), "")
		l.balance(counts{attempts: 2, answered: 2, matched: 2})
	})
}

func TestSilentDoublesItsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil, client.Options{Tries: 5})
		l.serve(serverAddress, mute)
		e := l.do("x")
		l.verdict(e, client.Silent)
		if len(e.Attempts) != 5 {
			t.Fatalf("%d attempts, want 5", len(e.Attempts))
		}
		changed := false
		for i := 1; i < 5; i++ {
			wait, want := e.Attempts[i].Sent.Sub(e.Attempts[i-1].Sent), time.Second<<(i-1)
			l.near("wait", wait, want)
			changed = changed || wait != want
		}
		if !changed {
			t.Error("chance changed no wait")
		}
		if last := e.End.Sub(e.Attempts[4].Sent); last != 16*time.Second {
			t.Errorf("the last wait, which no attempt follows, is %v, want 16s", last)
		}
		if !errors.Is(e.Err(), client.ErrSilent) {
			t.Errorf("Err: %v", e.Err())
		}
		l.balance(counts{attempts: 5, silent: 5})
	})
}

func TestLongWaitsHaveABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil, client.Options{Tries: 10})
		l.serve(serverAddress, mute)
		e := l.do("x")
		l.near("wait", e.Attempts[9].Sent.Sub(e.Attempts[8].Sent), time.Minute)
	})
}

func TestSeedRepeatsTheWaits(t *testing.T) {
	run := func(t *testing.T, seed uint64) (d time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, nil, client.Options{Seed: seed})
			l.serve(serverAddress, mute)
			e := l.do("x")
			d = e.End.Sub(e.Start)
		})
		return d
	}
	if a, b, c := run(t, 1), run(t, 1), run(t, 2); a != b || a == c {
		t.Errorf("seeds 1, 1 and 2 waited %v, %v and %v", a, b, c)
	}
}

func TestSecondAttemptAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, toServer(func(p dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{Drop: p.Index == 0} }), client.Options{})
		l.serve(serverAddress, upper)
		e := l.do("x")
		r := l.reply(e, "X")
		if !r.Ambiguous || r.Attempt != 2 || r.RTT != 0 {
			t.Errorf("reply: %+v", r)
		}
		l.near("longest RTT", r.LongestRTT, time.Second)
		if e.Attempts[0].Fate != dgram.Superseded || e.Attempts[1].Fate != dgram.Answered {
			t.Errorf("attempts: %+v", e.Attempts)
		}
		l.balance(counts{attempts: 2, answered: 1, superseded: 1, matched: 1})
	})
}

func TestFreshSocketsTellAttemptsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := toServer(func(dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{Delay: 1500 * time.Millisecond} })
		l := newLab(t, slow, client.Options{FreshSocket: true, Linger: 5 * time.Second})
		l.serve(serverAddress, upper)
		e := l.do("x")
		r := l.reply(e, "X")
		if r.Ambiguous || r.Attempt != 1 || r.RTT != 1500*time.Millisecond {
			t.Errorf("reply: %+v", r)
		}
		if e.Attempts[0].Local == e.Attempts[1].Local {
			t.Error("both attempts left from one socket")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		l.balance(counts{attempts: 2, answered: 1, superseded: 1, matched: 1, late: 1})
	})
}

func TestLateReply(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			slow := toClient(func(dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{Delay: 3 * time.Second} })
			l := newLab(t, slow, client.Options{Tries: 1, FreshSocket: fresh, Linger: 4 * time.Second})
			l.serve(serverAddress, upper)
			l.verdict(l.do("x"), client.Silent)
			if err := l.client.Finish(context.Background()); err != nil {
				t.Error(err)
			}
			l.balance(counts{attempts: 1, silent: 1, late: 1})
			if n := l.fates()[dgram.Late]; n != 1 {
				t.Errorf("the observer was told of %d late replies, want 1", n)
			}
		})
	}
}

func TestDuplicateReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, toClient(func(dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{Copies: 2} }), client.Options{})
		l.serve(serverAddress, upper)
		l.reply(l.do("x"), "X")
		synctest.Wait()
		l.balance(counts{attempts: 1, answered: 1, matched: 1, duplicate: 2})
	})
}

// More replies than attempts are needed before one of them is certain to be a copy.
func TestFurtherReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil, client.Options{})
		l.serve(serverAddress, mute)
		e := l.start("x")
		time.Sleep(1500 * time.Millisecond) // two attempts are out
		answer, err := l.net.ListenEndpoint(dgramtest.Endpoint("192.0.2.9:1"), dgram.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Close()
		l.net.SetRule(func(dgramtest.Packet) dgramtest.Verdict {
			return dgramtest.Verdict{From: dgramtest.Endpoint(serverAddress), Copies: 2}
		})
		b := answer.NewBatch(1)
		b.Add(l.client.Local(), []byte("X"))
		if err := answer.Send(b); err != nil {
			t.Fatal(err)
		}
		l.reply(e, "X")
		synctest.Wait()
		l.balance(counts{attempts: 2, answered: 1, superseded: 1, matched: 1, late: 1, duplicate: 1})
	})
}

func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil, client.Options{})
		begin := time.Now()
		e := l.do("x")
		l.verdict(e, client.Refused)
		if time.Since(begin) != 0 || len(e.Attempts) != 1 || e.Attempts[0].Err != syscall.ECONNREFUSED {
			t.Errorf("after %v, attempts %+v", time.Since(begin), e.Attempts)
		}
		l.serve(serverAddress, upper)
		l.reply(l.do("x"), "X") // the refusal does not touch what follows
		l.balance(counts{attempts: 2, answered: 1, refused: 1, matched: 1})
	})
}

func TestRetryRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil, client.Options{RetryRefused: true})
		e := l.do("x")
		l.verdict(e, client.Refused)
		if len(e.Attempts) != 3 {
			t.Errorf("%d attempts, want 3", len(e.Attempts))
		}
		l.near("time taken", e.End.Sub(e.Start), 3*time.Second)
		e = l.start("y")
		time.Sleep(500 * time.Millisecond)
		l.serve(serverAddress, upper)
		if r := l.reply(e, "Y"); r.Attempt != 2 || r.Ambiguous {
			t.Errorf("reply: %+v", r)
		}
		l.balance(counts{attempts: 5, answered: 1, refused: 4, matched: 1})
	})
}

// A refusal belongs to the exchange whose payload it quotes, not to the oldest.
func TestRefusalFindsItsExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, toServer(func(p dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{Refuse: string(p.Data) == "two"} }),
			client.Options{Window: 3})
		l.serve(serverAddress, mute)
		one, two, three := l.start("one"), l.start("two"), l.start("three")
		l.verdict(two, client.Refused)
		l.verdict(one, client.Silent)
		l.verdict(three, client.Silent)
	})
}

func TestSendingFails(t *testing.T) {
	for _, test := range []struct {
		err      syscall.Errno
		want     client.Verdict
		is       error
		attempts int
	}{
		{syscall.EMSGSIZE, client.TooBig, client.ErrTooBig, 1},
		{syscall.ENETUNREACH, client.Unreachable, client.ErrUnreachable, 1},
		{syscall.EHOSTUNREACH, client.Unreachable, client.ErrUnreachable, 1},
		{syscall.ECONNREFUSED, client.Refused, client.ErrRefused, 1},
		{syscall.EPERM, client.Failed, client.ErrFailed, 1},
		{syscall.ENOBUFS, client.Failed, client.ErrFailed, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, toServer(func(dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{Err: test.err} }), client.Options{})
			l.serve(serverAddress, upper)
			e := l.do("x")
			l.verdict(e, test.want)
			if err := e.Err(); !errors.Is(err, test.is) || len(e.Attempts) != test.attempts || e.Attempts[0].Err != test.err {
				t.Errorf("%v: %v after %+v", test.err, err, e.Attempts)
			}
			if test.want != client.Refused && !errors.Is(e.Err(), test.err) {
				t.Errorf("%v does not wrap %v", e.Err(), test.err)
			}
			if err := l.client.Summary().Balance(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A device queue that is full for a moment is like a loss.
func TestPassingFailureIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, toServer(func(p dgramtest.Packet) dgramtest.Verdict {
			if p.Index == 0 {
				return dgramtest.Verdict{Err: syscall.ENOBUFS}
			}
			return dgramtest.Verdict{}
		}), client.Options{})
		l.serve(serverAddress, upper)
		if r := l.reply(l.do("x"), "X"); r.Attempt != 2 || r.Ambiguous {
			t.Errorf("reply: %+v", r) // the first attempt was never sent, so it cannot be the one
		}
	})
}

func TestStranger(t *testing.T) {
	stranger := dgramtest.Endpoint("192.0.2.99:9")
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, toClient(func(dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{From: stranger} }), client.Options{})
		l.serve(serverAddress, upper)
		e := l.do("x")
		l.verdict(e, client.Stranger)
		if len(e.Strangers) != 3 || e.Strangers[0].Peer != stranger || string(e.Strangers[0].Data) != "X" {
			t.Errorf("strangers: %+v", e.Strangers)
		}
		var failure *client.Error
		if !errors.As(e.Err(), &failure) || failure.Stranger != stranger {
			t.Errorf("Err: %v", e.Err())
		}
		l.balance(counts{attempts: 3, silent: 3, stray: 3})

		l.net.SetRule(toClient(func(p dgramtest.Packet) dgramtest.Verdict {
			if p.Index == 3 {
				return dgramtest.Verdict{From: stranger}
			}
			return dgramtest.Verdict{}
		}))
		e = l.do("y")
		l.reply(e, "Y")
		if len(e.Strangers) != 1 {
			t.Errorf("strangers: %+v", e.Strangers)
		}
	})
}

func TestAnyPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		elsewhere := dgramtest.Endpoint("192.0.2.99:9")
		l := newLab(t, toClient(func(dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{From: elsewhere} }),
			client.Options{AnyPeer: true})
		l.serve(serverAddress, upper)
		if r := l.reply(l.do("x"), "X"); r.Peer != elsewhere {
			t.Errorf("reply from %v", r.Peer)
		}
	})
}

func TestCollect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := dgramtest.NewNetwork()
		l := newLabWith(t, n, client.Options{Collect: 2 * time.Second}, "239.1.1.1:7")
		for i, address := range []string{"192.0.2.1:7", "192.0.2.2:7", "192.0.2.3:7"} {
			group, err := dgram.ParseAddress("239.1.1.1", "")
			if err != nil {
				t.Fatal(err)
			}
			conn, err := n.ListenEndpoint(dgramtest.Endpoint(address), dgram.Options{Join: []dgram.Address{group}})
			if err != nil {
				t.Fatal(err)
			}
			dgramtest.Serve(t, conn, func(p []byte) []byte { return append(p, byte('1'+i)) })
		}
		e := l.do("who")
		l.verdict(e, client.Answered)
		peers := map[dgram.Endpoint]string{}
		for _, r := range e.Replies {
			peers[r.Peer] = string(r.Data)
		}
		if len(peers) != 3 || len(e.Replies) != 3 || e.End.Sub(e.Start) != 2*time.Second {
			t.Errorf("replies %v after %v", peers, e.End.Sub(e.Start))
		}
		l.balance(counts{attempts: 1, answered: 1, matched: 3})
	})
}

// Empty replies take memory too, and a flood of them no time that grows with its square.
func TestCollectIsBounded(t *testing.T) {
	const floods, each = 1250, 64
	synctest.Test(t, func(t *testing.T) {
		strangers := func(p dgramtest.Packet) dgramtest.Verdict {
			address := fmt.Sprintf("192.0.3.%d:%d", 1+p.Index/60000, 1+p.Index%60000)
			return dgramtest.Verdict{From: dgramtest.Endpoint(address)}
		}
		l := newLab(t, toClient(strangers), client.Options{AnyPeer: true, Collect: 10 * time.Second})
		conn, err := l.net.Listen(serverAddress)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			b := conn.NewBatch(each)
			if conn.Recv(b) != nil || len(b.Datagrams) == 0 {
				return
			}
			asker := b.Datagrams[0].Peer
			for range floods {
				b.Reset()
				for range each {
					b.Add(asker, nil)
				}
				_ = conn.Send(b)
				time.Sleep(time.Millisecond)
			}
		}()
		e := l.do("who")
		l.verdict(e, client.Answered)
		if most := (16 << 20) / int(unsafe.Sizeof(client.Reply{})); len(e.Replies) > most || len(e.Replies)+e.Omitted != floods*each {
			t.Errorf("%d replies kept, %d not, of %d; at most %d may be", len(e.Replies), e.Omitted, floods*each, most)
		}
	})
}

func TestCollectAsksAgainWhileNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, toServer(func(p dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{Drop: p.Index < 1} }),
			client.Options{Collect: 10 * time.Second, Tries: 8})
		l.net.SetRule(func(p dgramtest.Packet) dgramtest.Verdict {
			if p.To == dgramtest.Endpoint(serverAddress) {
				return dgramtest.Verdict{Drop: p.Index < 1}
			}
			return dgramtest.Verdict{Copies: 1}
		})
		l.serve(serverAddress, upper)
		e := l.do("x")
		l.verdict(e, client.Answered)
		if len(e.Attempts) != 2 || len(e.Replies) != 1 || e.End.Sub(e.Start) != 10*time.Second {
			t.Errorf("%d attempts, %d replies, %v", len(e.Attempts), len(e.Replies), e.End.Sub(e.Start))
		}
		l.balance(counts{attempts: 2, answered: 1, superseded: 1, matched: 1, duplicate: 1})
	})
}

func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil, client.Options{})
		l.serve(serverAddress, mute)
		ctx, cancel := context.WithCancelCause(context.Background())
		e := l.client.Start(ctx, []byte("x"))
		waits := make(chan *client.Exchange)
		go func() { waits <- l.client.Do(ctx, []byte("waits for the window")) }()
		synctest.Wait()
		reason := errors.New("changed my mind")
		cancel(reason)
		l.verdict(e, client.Interrupted)
		w := <-waits
		l.verdict(w, client.Interrupted)
		if !errors.Is(e.Err(), reason) || !errors.Is(e.Err(), client.ErrInterrupted) || len(w.Attempts) != 0 {
			t.Errorf("%v; %d attempts", e.Err(), len(w.Attempts))
		}
		l.balance(counts{attempts: 1, silent: 1})
	})
}

func TestCloseWakesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil, client.Options{Window: 2})
		l.serve(serverAddress, mute)
		a, b := l.start("a"), l.start("b")
		waits := make(chan *client.Exchange)
		go func() { waits <- l.do("c") }()
		synctest.Wait()
		if err := l.client.Close(); err != nil {
			t.Error(err)
		}
		for _, e := range []*client.Exchange{a, b, <-waits, l.do("d")} {
			l.verdict(e, client.Interrupted)
			if !errors.Is(e.Err(), net.ErrClosed) {
				t.Errorf("%s: %v", e.Request, e.Err())
			}
		}
		if err := l.client.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second Close: %v", err)
		}
		l.balance(counts{attempts: 2, silent: 2})
	})
}

func TestFinishWaitsForWhatIsOutstanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := toServer(func(dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{Delay: 500 * time.Millisecond} })
		l := newLab(t, slow, client.Options{Window: 4})
		l.serve(serverAddress, upper)
		a, b := l.start("a"), l.start("b")
		if err := l.client.Finish(context.Background()); err != nil {
			t.Error(err)
		}
		l.reply(a, "A")
		l.reply(b, "B")
	})
}

func TestFinishObeysItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil, client.Options{})
		l.serve(serverAddress, mute)
		e := l.start("a")
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		if err := l.client.Finish(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		l.verdict(e, client.Interrupted)
	})
}

func TestFallback(t *testing.T) {
	addresses := []string{"[2001:db8::1]:7", "192.0.2.1:7"}
	for _, test := range []struct {
		name     string
		first    func([]byte) []byte // nil: nothing listens there
		second   func([]byte) []byte
		want     client.Verdict
		attempts int
	}{
		{"the first refuses", nil, upper, client.Answered, 2},
		{"the first is silent", mute, upper, client.Answered, 2},
		{"the first answers", upper, upper, client.Answered, 1},
		{"both refuse", nil, nil, client.Refused, 2},
		{"both are silent", mute, mute, client.Silent, 6},
		{"refused and silent", nil, mute, client.Silent, 4},
		{"silent and refused", mute, nil, client.Silent, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLabWith(t, dgramtest.NewNetwork(), client.Options{}, addresses...)
				for i, reply := range []func([]byte) []byte{test.first, test.second} {
					if reply != nil {
						l.serve(addresses[i], reply)
					}
				}
				e := l.do("x")
				l.verdict(e, test.want)
				if len(e.Attempts) != test.attempts {
					t.Errorf("%d attempts, want %d", len(e.Attempts), test.attempts)
				}
				if test.want != client.Answered {
					return
				}
				again := l.do("y")
				l.reply(again, "Y")
				if len(again.Attempts) != 1 || again.Peer != e.Peer || l.client.Peer() != e.Peer {
					t.Errorf("the second exchange went to %v, the first was answered by %v", again.Attempts, e.Peer)
				}
				if err := l.client.Summary().Balance(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestSocketCannotBeOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := dgramtest.NewNetwork()
		full := false
		l := newLabWith(t, n, client.Options{FreshSocket: true, Tries: 2, Open: func(peer dgram.Endpoint) (dgram.Conn, error) {
			if full {
				return nil, &dgram.OpError{Op: "dial", Endpoint: peer.String(), Err: syscall.EMFILE}
			}
			return n.DialEndpoint(peer, dgram.Options{})
		}}, serverAddress)
		full = true
		e := l.do("x")
		l.verdict(e, client.Failed)
		if !errors.Is(e.Err(), syscall.EMFILE) {
			t.Error(e.Err())
		}
		full = false
		l.serve(serverAddress, upper)
		l.reply(l.do("y"), "Y")
	})
}
