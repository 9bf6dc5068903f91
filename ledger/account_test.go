package ledger

import (
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"dgram"
)

// batch makes a batch of slots as they are, for taps to look at.
func batch(slots ...dgram.Datagram) *dgram.Batch {
	b := dgram.NewBatch(len(slots), nil)
	b.Datagrams = append(b.Datagrams, slots...)
	return b
}

var peer = dgram.MustParseEndpoint("192.0.2.1:4000")

func TestServerAccount(t *testing.T) {
	a := NewAccount(Serving)
	data := []byte("abcde")
	a.Received(batch(
		dgram.Datagram{ID: 1, Data: data}, dgram.Datagram{ID: 2, Data: data, Truncated: true}, dgram.Datagram{ID: 3},
		dgram.Datagram{ID: 4, Data: data}, dgram.Datagram{ID: 5, Data: data},
		dgram.Datagram{ID: 6, Data: data, Fate: dgram.Refused, Err: syscall.ECONNREFUSED},
	))
	a.Settled(batch(
		dgram.Datagram{ID: 7, Re: 1, Data: data, Fate: dgram.Answered}, dgram.Datagram{ID: 2, Fate: dgram.Dropped, Reason: dgram.ReasonLoss},
		dgram.Datagram{ID: 8, Re: 3, Fate: dgram.Failed, Err: syscall.EMSGSIZE}, dgram.Datagram{ID: 4, Fate: dgram.Pending},
		dgram.Datagram{ID: 5, Fate: dgram.Ignored}, dgram.Datagram{ID: 6, Data: data, Fate: dgram.Refused},
	))
	s := a.Summary()
	if err := s.Balance(); err != nil {
		t.Error(err)
	}
	if s.Received != 5 || s.ReceivedBytes != 20 || s.Truncated != 1 || s.Notices != 1 || s.Pending != 1 || s.Answered != 1 ||
		s.Ignored != 1 || s.Dropped["loss"] != 1 || s.Failed["EMSGSIZE"] != 1 || s.Sent != 1 || s.SentBytes != 5 {
		t.Errorf("%+v", s)
	}

	a.Settled(batch(
		dgram.Datagram{ID: 9, Re: 4, Data: data, Fate: dgram.Answered, Deferred: true},
		dgram.Datagram{ID: 10, Re: 4, Data: data, Fate: dgram.Answered, Deferred: true, Copy: true},
		dgram.Datagram{ID: 11, Re: 4, Data: data, Fate: dgram.Failed, Err: syscall.ENOBUFS, Deferred: true, Copy: true},
	))
	s = a.Summary()
	if err := s.Balance(); err != nil {
		t.Error(err)
	}
	if s.Answered != 2 || s.Pending != 0 || s.Copies != 1 || s.CopiesFailed != 1 || s.Sent != 3 || len(s.Failed) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestClientAccount(t *testing.T) {
	a := NewAccount(Calling)
	a.Settled(batch(
		dgram.Datagram{ID: 1, Data: []byte("x"), Fate: dgram.Pending}, dgram.Datagram{ID: 2, Fate: dgram.Pending},
		dgram.Datagram{ID: 3, Fate: dgram.Pending}, dgram.Datagram{ID: 4, Fate: dgram.Failed, Err: syscall.ENETUNREACH},
	))
	if s := a.Summary(); s.Pending != 3 || s.Attempts != 4 || s.Sent != 3 || s.Balance() != nil {
		t.Errorf("in flight: %+v: %v", s, s.Balance())
	}
	a.Received(batch(dgram.Datagram{ID: 5}, dgram.Datagram{ID: 6}, dgram.Datagram{ID: 7}, dgram.Datagram{ID: 8}))
	for id, f := range map[uint64]dgram.Fate{1: dgram.Answered, 2: dgram.Superseded, 3: dgram.Silent,
		5: dgram.Matched, 6: dgram.Duplicate, 7: dgram.Late, 8: dgram.Stray} {
		a.Late(id, f)
	}
	s := a.Summary()
	if err := s.Balance(); err != nil || s.Pending != 0 || s.Matched != 1 || s.Stray != 1 {
		t.Errorf("%+v: %v", s, err)
	}
}

// Whatever happens to datagrams, in whatever order, the account of a server balances after each batch.
func TestServerAccountBalances(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := NewAccount(Serving)
		var held []uint64
		var want Summary
		fates := rapid.SampledFrom([]dgram.Fate{dgram.Answered, dgram.Ignored, dgram.Dropped, dgram.Failed, dgram.Pending})
		for range rapid.IntRange(1, 20).Draw(t, "batches") {
			var in, out []dgram.Datagram
			for range rapid.IntRange(0, 8).Draw(t, "slots") {
				id := dgram.NextIDs(1)
				in = append(in, dgram.Datagram{ID: id})
				d := dgram.Datagram{ID: id, Fate: fates.Draw(t, "fate"), Reason: dgram.Reason(rapid.IntRange(0, 7).Draw(t, "reason"))}
				if d.Fate == dgram.Answered || d.Fate == dgram.Failed {
					d.ID, d.Re = id+1000, id
				}
				if d.Fate == dgram.Pending {
					held = append(held, id)
				}
				out = append(out, d)
			}
			want.Received += uint64(len(in))
			for len(held) > 0 && rapid.Bool().Draw(t, "settle") {
				f := fates.Filter(func(f dgram.Fate) bool { return f != dgram.Pending }).Draw(t, "late")
				if rapid.Bool().Draw(t, "unsent") {
					a.Late(held[0], f)
				} else {
					out = append(out, dgram.Datagram{Re: held[0], Fate: f, Deferred: true}, dgram.Datagram{Re: held[0], Fate: f, Copy: true})
				}
				held = held[1:]
			}
			a.Received(batch(in...))
			a.Settled(batch(out...))
			s := a.Summary()
			if err := s.Balance(); err != nil || s.Received != want.Received || s.Pending != int64(len(held)) {
				t.Fatalf("%v; %+v; %d held", err, s, len(held))
			}
		}
	})
}

func TestAccountIsReadWhileItCounts(t *testing.T) {
	a := NewAccount(Serving)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 500 {
				a.Received(batch(dgram.Datagram{ID: 1}, dgram.Datagram{ID: 2}))
				a.Settled(batch(dgram.Datagram{Re: 1, Fate: dgram.Answered}, dgram.Datagram{Re: 2, Fate: dgram.Failed, Err: syscall.EPERM}))
				_ = a.Summary().String()
			}
		})
	}
	wg.Wait()
	if s := a.Summary(); s.Balance() != nil || s.Received != 2000 || s.Failed["EPERM"] != 1000 {
		t.Errorf("%+v", s)
	}
}

func TestAccountAllocatesNothing(t *testing.T) {
	a := NewAccount(Serving)
	in := batch(dgram.Datagram{ID: 1}, dgram.Datagram{ID: 2}, dgram.Datagram{ID: 3})
	out := batch(dgram.Datagram{Re: 1, Fate: dgram.Answered}, dgram.Datagram{ID: 2, Fate: dgram.Dropped, Reason: dgram.ReasonLoss},
		dgram.Datagram{Re: 3, Fate: dgram.Failed, Err: syscall.EMSGSIZE})
	a.Settled(out) // the first failure of a kind makes its entry
	if n := testing.AllocsPerRun(100, func() { a.Received(in); a.Settled(out); a.Late(2, dgram.Dropped) }); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

func TestBalanceSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		s    Summary
		want string
	}{
		{Summary{Side: "server", Received: 1000, Answered: 990}, "received   1,000 = answered 990, 10 too few"},
		{Summary{Side: "server", Received: 5, Answered: 6}, "1 too many"},
		{Summary{Side: "client", Attempts: 3, Pending: 1}, "attempts   3 = in flight 1, 2 too few"},
		{Summary{Side: "client", Received: 1, Stray: 3}, "received   1 = stray 3, 2 too many"},
	} {
		err := c.s.Balance()
		if err == nil || !errors.Is(err, ErrUnbalanced) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want ...%s", c.s, err, c.want)
		}
	}
}

func BenchmarkAccount(b *testing.B) {
	a := NewAccount(Serving)
	slots := make([]dgram.Datagram, 64)
	out := make([]dgram.Datagram, 64)
	for i := range out {
		out[i] = dgram.Datagram{Re: 1, Fate: dgram.Answered}
	}
	in, settled := batch(slots...), batch(out...)
	b.ReportAllocs()
	for b.Loop() {
		a.Received(in)
		a.Settled(settled)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*64), "ns/datagram")
}
