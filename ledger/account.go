package ledger

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"dgram"
)

// Side says which end of the exchanges an Account is about. The two ends have different identities: see [Summary.Balance].
type Side uint8

// The sides.
const (
	Serving Side = iota // receives requests, sends replies
	Calling             // sends attempts, receives replies
)

// String returns "server" or "client", as the event schema writes it.
func (s Side) String() string {
	if s == Calling {
		return "client"
	}
	return "server"
}

// Account counts what became of every datagram of one Conn. It is a [dgram.Tap]: give it to [dgram.WithTaps], one Account for each Conn, and
// [dgram.TellLate] what settles without being sent. A batch costs it a few atomic additions and no allocation; Summary may be
// called at any time, from any goroutine.
//
// On the side that calls, TellLate brings the fate of each attempt that was in flight (Answered, Superseded, Refused, Unreachable,
// Silent, Failed) under the attempt's number, and that of each received datagram (Matched, Late, Duplicate, Stray) under its own.
type Account struct {
	side  Side
	start time.Time

	received, receivedBytes atomic.Uint64
	sent, sentBytes         atomic.Uint64
	attempts                atomic.Uint64
	truncated, notices      atomic.Uint64
	copies, copiesFailed    atomic.Uint64
	receiveErrors           atomic.Uint64
	pending                 atomic.Int64
	fates                   [dgram.NumFates]atomic.Uint64
	dropped                 [dgram.MaxReasons]atomic.Uint64

	mu     sync.Mutex // failures are rare enough for a map behind a lock
	failed map[syscall.Errno]uint64
}

var _ dgram.Tap = (*Account)(nil)

// NewAccount returns an empty account whose elapsed time begins now.
func NewAccount(side Side) *Account {
	return &Account{side: side, start: time.Now(), failed: make(map[syscall.Errno]uint64)}
}

// Received counts a batch of arrivals and notices.
func (a *Account) Received(b *dgram.Batch) {
	var n, bytes, truncated, notices uint64
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		if d.Notice() {
			notices++
			continue
		}
		n += uint64(d.Count())
		bytes += uint64(len(d.Data))
		if d.Truncated {
			truncated++
		}
	}
	add(&a.received, n)
	add(&a.receivedBytes, bytes)
	add(&a.truncated, truncated)
	add(&a.notices, notices)
}

// Sending does nothing: what counts is how the sending ended.
func (a *Account) Sending(*dgram.Batch) {}

// Settled counts the fates of a batch.
func (a *Account) Settled(b *dgram.Batch) {
	var t tally
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		switch {
		case a.side == Calling:
			a.attempt(&t, d)
		case isNotice(d):
		case d.Copy:
			a.extra(&t, d)
		default:
			a.settle(&t, d)
		}
	}
	a.post(&t)
}

// Late counts a fate that came without a sending. On the side that calls, that of a received datagram moves nothing that was in flight.
func (a *Account) Late(_ uint64, f dgram.Fate) {
	switch f {
	case dgram.Undecided, dgram.Pending:
		return
	case dgram.Matched, dgram.Late, dgram.Duplicate, dgram.Stray:
	case dgram.Failed:
		a.pending.Add(-1)
		a.fail(0, 1)
	case dgram.Dropped:
		a.pending.Add(-1)
		a.dropped[dgram.NoReason].Add(1)
	default:
		a.pending.Add(-1)
	}
	a.fates[f].Add(1)
}

// ReceiveFailed counts an error of Recv that was neither the end nor a deadline.
func (a *Account) ReceiveFailed() { a.receiveErrors.Add(1) }

// tally collects a batch, so that the shared counters are touched once for all its slots.
type tally struct {
	fates                [dgram.NumFates]uint64
	dropped              [dgram.MaxReasons]uint64
	anyDropped           bool
	sent, sentBytes      uint64
	copies, copiesFailed uint64
	attempts             uint64
	pending              int64
}

// isNotice tells a report that came with the requests from a reply that the system would not take: the reply has its request in Re.
func isNotice(d *dgram.Datagram) bool {
	return d.Fate == dgram.Refused || d.Fate == dgram.Unreachable || d.Fate == dgram.Failed && d.Re == 0
}

func (a *Account) settle(t *tally, d *dgram.Datagram) {
	n := uint64(d.Count())
	if d.Deferred {
		t.pending -= int64(n)
	}
	switch d.Fate {
	case dgram.Pending:
		t.pending += int64(n)
		return
	case dgram.Answered:
		t.sent += n
		t.sentBytes += uint64(len(d.Data))
	case dgram.Dropped:
		t.dropped[d.Reason%dgram.MaxReasons] += n
		t.anyDropped = true
	case dgram.Failed:
		a.fail(d.Err, n)
	}
	t.fates[d.Fate] += n
}

func (a *Account) extra(t *tally, d *dgram.Datagram) {
	if d.Fate != dgram.Answered {
		t.copiesFailed++
		return
	}
	t.copies++
	t.sent++
	t.sentBytes += uint64(len(d.Data))
}

func (a *Account) attempt(t *tally, d *dgram.Datagram) {
	t.attempts++
	if d.Fate != dgram.Pending {
		t.fates[d.Fate]++
		if d.Fate == dgram.Failed {
			a.fail(d.Err, 1)
		}
		return
	}
	t.pending++
	t.sent++
	t.sentBytes += uint64(len(d.Data))
}

func (a *Account) post(t *tally) {
	add(&a.sent, t.sent)
	add(&a.sentBytes, t.sentBytes)
	add(&a.copies, t.copies)
	add(&a.copiesFailed, t.copiesFailed)
	add(&a.attempts, t.attempts)
	if t.pending != 0 {
		a.pending.Add(t.pending)
	}
	for f := range t.fates {
		add(&a.fates[f], t.fates[f])
	}
	if !t.anyDropped {
		return
	}
	for r := range t.dropped {
		add(&a.dropped[r], t.dropped[r])
	}
}

func (a *Account) fail(errno syscall.Errno, n uint64) {
	a.mu.Lock()
	a.failed[errno] += n
	a.mu.Unlock()
}

func add(c *atomic.Uint64, n uint64) {
	if n != 0 {
		c.Add(n)
	}
}
