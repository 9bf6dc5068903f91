package client

import (
	"errors"
	"net"
	"slices"
	"syscall"
	"time"

	"dgram"
)

// attempt makes the attempt that advance decided on. It runs without the client's lock.
func (c *Client) attempt(t task) {
	f, err := c.flowFor(t.address)
	if err != nil {
		c.unopened(t, err)
		return
	}
	f.send(t.exchange)
}

// unopened notes an attempt for which there was no socket.
func (c *Client) unopened(t task, err error) {
	e := t.exchange
	c.mu.Lock()
	defer c.unlock()
	if e.Verdict != Outstanding {
		return
	}
	if c.closed {
		e.end(Interrupted, net.ErrClosed)
		return
	}
	now := time.Now()
	e.begin(now, c.peers[t.address])
	e.cause = err
	a := Attempt{Number: len(e.Attempts) + 1, Peer: e.Peer, Sent: now, Fate: dgram.Failed, address: t.address}
	errors.As(err, &a.Err)
	e.Attempts = append(e.Attempts, a)
	e.wait(now)
	e.setback(&e.Attempts[len(e.Attempts)-1])
}

// send sends the exchange's request once.
func (f *flow) send(e *Exchange) {
	f.sendMu.Lock()
	f.out.Reset()
	d := f.out.Append()
	d.Peer, d.Data = f.peer, e.Request[:len(e.Request):len(e.Request)]
	f.out.Number()
	registered := f.register(e, d.ID)
	if registered {
		_ = f.conn.Send(f.out) // the slot's fate says it all: on error it is Failed
	}
	fate, errno := d.Fate, d.Err
	f.sendMu.Unlock()
	if registered {
		f.sent(e, fate, errno)
	}
}

// register enters an attempt before it is sent, so that an answer finds it however quick it is. False: the exchange has ended.
func (f *flow) register(e *Exchange, id uint64) bool {
	c := f.client
	c.mu.Lock()
	defer c.unlock()
	if e.Verdict != Outstanding {
		if f.fresh {
			c.leave(f, e.End)
		}
		return false
	}
	now := time.Now()
	e.begin(now, f.peer)
	e.sending = true
	e.Attempts = append(e.Attempts, Attempt{Number: len(e.Attempts) + 1, ID: id, Peer: f.peer, Local: f.local, Sent: now,
		Fate: dgram.Pending, flow: f, address: f.address})
	e.claimOn(f).sent++
	e.wait(now)
	c.observe(Event{Fate: dgram.Pending, Exchange: e.Number, Attempt: e.Attempts[len(e.Attempts)-1]})
	return true
}

// begin notes when an exchange began and where it goes now.
func (e *Exchange) begin(now time.Time, peer dgram.Endpoint) {
	if e.Start.IsZero() {
		e.Start = now
	}
	e.Peer, e.making = peer, false
}

// claimOn returns the exchange's claim on a flow, making it where there is none.
func (e *Exchange) claimOn(f *flow) *claim {
	for _, cl := range e.claims {
		if cl.flow == f {
			return cl
		}
	}
	var cl *claim
	if e.claims == nil {
		e.claims, cl = e.claims1[:0], &e.claim1
	} else {
		cl = &claim{}
	}
	*cl = claim{exchange: e, flow: f, number: e.Number, request: e.Request}
	e.claims = append(e.claims, cl)
	f.open = append(f.open, cl)
	return cl
}

// sent takes note of how the sending ended.
func (f *flow) sent(e *Exchange, fate dgram.Fate, errno syscall.Errno) {
	c := f.client
	c.mu.Lock()
	defer c.unlock()
	e.sending = false
	a := &e.Attempts[len(e.Attempts)-1]
	switch {
	case fate != dgram.Pending:
		f.unsent(e, a, fate, errno)
	case a.Fate != dgram.Pending:
		e.tell(a) // it was settled while Send had not returned
	}
	if e.Verdict != Outstanding {
		e.finish()
		return
	}
	e.resume(a)
}

// resume does what had to wait until the attempt was sent.
func (e *Exchange) resume(a *Attempt) {
	if a.Fate == dgram.Pending {
		e.goOn()
	} else {
		e.setback(a)
	}
	if e.overdue && e.Verdict == Outstanding && !e.making {
		e.due(time.Now())
	}
	e.overdue = false
}

// unsent gives an attempt that the system would not send its fate. The account had it from Send.
func (f *flow) unsent(e *Exchange, a *Attempt, fate dgram.Fate, errno syscall.Errno) {
	a.Fate, a.Err = fate, errno
	f.client.observe(Event{Fate: fate, Exchange: e.Number, Attempt: *a})
	i := slices.IndexFunc(e.claims, func(cl *claim) bool { return cl.flow == f })
	if i < 0 {
		return
	}
	cl := e.claims[i]
	if cl.sent--; cl.sent == 0 {
		e.claims = slices.Delete(e.claims, i, i+1)
		cl.retire(e)
	}
}

// lastPending returns the last attempt on a flow that is still in flight, nil for none.
func (e *Exchange) lastPending(f *flow) *Attempt {
	for i := len(e.Attempts) - 1; i >= 0; i-- {
		if a := &e.Attempts[i]; a.flow == f && a.Fate == dgram.Pending {
			return a
		}
	}
	return nil
}
