package client

import (
	"bytes"
	"context"
	"net"
	"syscall"
	"time"

	"dgram"
	"dgram/ledger"
)

// Exchange is one request with all its attempts. Wait for Done before reading its fields; from then on they never change.
type Exchange struct {
	Number   uint64         // of the exchanges of this Client, from 1
	Request  []byte         // a copy of the payload
	Peer     dgram.Endpoint // who was asked: the one that answered, else the one that the last attempt went to
	Verdict  Verdict        // how it ended
	Attempts []Attempt      // in the order in which they were made
	Replies  []Reply        // one; with Collect all, in the order of their arrival; none where it was not Answered
	Omitted  int            // replies past what Collect keeps (16 MiB): matched, but not in Replies
	// Strangers are the answers that came from addresses that were not asked while it was outstanding: the first 16. With several
	// exchanges outstanding it is a guess whom a stranger meant.
	Strangers []Reply
	Start     time.Time // of the first attempt
	End       time.Time

	client    *Client
	done      chan struct{}
	stop      func() bool // ends the watch on the context
	cause     error       // see Error.Cause
	route     route
	deadline  time.Time // when something is due; see timers.go
	place     int       // in the client's timers, -1 when not there
	claims    []*claim
	claim1    claim // the first claim, attempt and reply need no memory of their own
	claims1   [1]*claim
	attempt1  [1]Attempt
	reply1    [1]Reply
	collected int                   // bytes that Replies take
	seen      map[replyKey]struct{} // the Replies, with Collect
	inWindow  bool                  // it holds a place there
	making    bool                  // an attempt is about to be made
	sending   bool                  // Send has not returned for the last attempt
	overdue   bool                  // the deadline came meanwhile
}

// Attempt is one datagram that was sent for an exchange.
type Attempt struct {
	Number int            // from 1
	ID     uint64         // of the datagram (dgram.Datagram.ID); 0 if no socket could be opened for it
	Peer   dgram.Endpoint // where it went
	Local  dgram.Endpoint // the socket that it left from
	Sent   time.Time      // when it was handed to the system
	Fate   dgram.Fate     // Answered, Superseded, Refused, Unreachable, Silent or Failed; Pending until then
	Err    syscall.Errno  // behind Refused, Unreachable and Failed, where known

	flow    *flow // nil once the exchange has ended
	address int   // which of the peer's
}

// Reply is a datagram that was received.
type Reply struct {
	ID         uint64         // of the datagram
	Data       []byte         // a copy of the payload
	Peer       dgram.Endpoint // who sent it
	Local      dgram.Endpoint // where it arrived
	Received   time.Time      // when this program had it
	KernelTime time.Time      // when the system had it (Options.Dgram.Timestamps), else zero
	TTL, TOS   uint8          // of its IP header (Options.Dgram.Headers), else 0
	Interface  int32          // index of the interface that it arrived on, where known
	Truncated  bool           // it was longer than the buffer and has lost its end

	// Attempt is the number of the attempt that it is taken to answer, and RTT the time since then.
	Attempt int
	RTT     time.Duration
	// Ambiguous says that it may answer another attempt just as well, because plain payloads do not tell (Karn's problem: RFC 6298,
	// Section 3). Attempt is then the last that it can be, and RTT the shortest; LongestRTT is counted from the first one.
	Ambiguous  bool
	LongestRTT time.Duration
	Pairing    Pairing // how it was given to its exchange
}

// Done is closed when the exchange has its verdict.
func (e *Exchange) Done() <-chan struct{} { return e.done }

// Reply returns the first reply, nil where there is none.
func (e *Exchange) Reply() *Reply {
	if len(e.Replies) == 0 {
		return nil
	}
	return &e.Replies[0]
}

// Err returns nil for an exchange that was Answered, and an *Error for any other.
func (e *Exchange) Err() error {
	if e.Verdict == Answered {
		return nil
	}
	err := &Error{Verdict: e.Verdict, Peer: e.Peer, Attempts: len(e.Attempts), Size: len(e.Request), Cause: e.cause}
	if !e.Start.IsZero() {
		err.Waited = e.End.Sub(e.Start)
	}
	if len(e.Strangers) > 0 {
		err.Stranger = e.Strangers[0].Peer
	}
	return err
}

// Event returns the exchange as an event of the schema dgram.event/1. It shares the reply's memory.
func (e *Exchange) Event() *ledger.ExchangeEvent {
	ev := &ledger.ExchangeEvent{Header: ledger.Header{Type: ledger.TypeExchange, Time: e.End},
		Number: e.Number, Verdict: e.Verdict.String(), Attempts: len(e.Attempts), Peer: e.Peer.String()}
	if n := len(e.Attempts); n > 0 {
		ev.Request = e.Attempts[n-1].ID
	}
	if r := e.Reply(); r != nil {
		if r.Attempt > 0 {
			ev.Request = e.Attempts[r.Attempt-1].ID
		}
		ev.Reply, ev.Size, ev.Payload = r.ID, len(r.Data), r.Data
		ev.RTT = float64(r.RTT) / float64(time.Microsecond)
		if !r.Peer.Same(e.Peer) {
			ev.ReplyOf = r.Peer.String()
		}
	}
	if err := e.Err(); err != nil {
		ev.Error = err.Error()
	}
	return ev
}

// Call sends request and returns the payload of the reply. The error is an *Error.
func (c *Client) Call(ctx context.Context, request []byte) ([]byte, error) {
	e := c.Do(ctx, request)
	if err := e.Err(); err != nil {
		return nil, err
	}
	return e.Replies[0].Data, nil
}

// Do is Start, and waits until the exchange has ended.
func (c *Client) Do(ctx context.Context, request []byte) *Exchange {
	e := c.Start(ctx, request)
	<-e.done
	return e
}

// Start waits for a place in the Window, sends the first attempt and returns; the rest goes on by itself. It copies request. When ctx ends
// before the exchange does, the verdict is Interrupted.
func (c *Client) Start(ctx context.Context, request []byte) *Exchange {
	e := &Exchange{Number: c.lastNumber.Add(1), Request: bytes.Clone(request), client: c, done: make(chan struct{}), place: -1}
	e.Attempts, e.Replies = e.attempt1[:0], e.reply1[:0]
	if e.Request == nil {
		e.Request = []byte{}
	}
	err := c.enter(ctx)
	c.mu.Lock()
	e.inWindow = err == nil
	e.route = c.newRoute()
	e.Peer = c.peers[e.route.addresses[0]]
	switch {
	case err != nil:
		e.end(Interrupted, err)
	case c.closed:
		e.end(Interrupted, net.ErrClosed)
	default:
		if ctx.Done() != nil {
			e.stop = context.AfterFunc(ctx, func() { c.interrupt(e, context.Cause(ctx)) })
		}
		e.advance()
	}
	c.unlock()
	return e
}

// enter takes a place in the window.
func (c *Client) enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-c.closing:
		return net.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Client) interrupt(e *Exchange, cause error) {
	c.mu.Lock()
	defer c.unlock()
	e.end(Interrupted, cause)
}
