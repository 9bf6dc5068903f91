package stage

import (
	"time"

	"dgram"
)

// run is the lane's goroutine. It ends when the lane is shut and nothing is held.
func (a *lane) run() {
	defer close(a.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	shut := a.base.Done()
	for {
		a.takeInbox()
		now := time.Now()
		for h, ok := a.delays.take(now); ok; h, ok = a.delays.take(now) {
			a.finish(h)
		}
		if shut == nil {
			a.settleAll()
		}
		a.flush()
		if due, ok := a.delays.next(); ok {
			timer.Reset(time.Until(due))
		}
		if shut == nil && a.budget.empty() {
			return
		}
		select {
		case <-a.wake:
		case <-timer.C:
		case <-shut:
			shut = nil
		}
	}
}

func (a *lane) takeInbox() {
	a.mu.Lock()
	arrived := a.inbox
	a.inbox = nil
	a.mu.Unlock()
	for _, h := range arrived {
		switch {
		case !h.ready:
			a.finish(h)
		case a.base.Err() != nil:
			a.end(h, dgram.ReasonShutdown)
		default:
			a.delays.add(h.due, h)
		}
	}
}

// settleAll ends what waits for a worker or for its time: the lane is shut.
func (a *lane) settleAll() {
	for len(a.delays.heap) > 0 {
		a.end(a.delays.pop(), dgram.ReasonShutdown)
	}
	for {
		select {
		case h := <-a.jobs:
			a.queued.Add(-1)
			a.end(h, dgram.ReasonShutdown)
		default:
			return
		}
	}
}

// end drops h for a reason that no stage gave.
func (a *lane) end(h *held, reason dgram.Reason) {
	h.eff.Drop, h.eff.Ignore = reason, false
	a.finish(h)
}

// finish takes h as far as it goes now: to its fate, into the batch to be sent, to the next handler or into a delay.
func (a *lane) finish(h *held) {
	d := a.slot(h)
	if h.eff.Drop == dgram.NoReason && !h.eff.Ignore && !h.ready {
		if a.apply(h, d) {
			a.unslot()
			return
		}
	}
	if !stopped(d, &h.eff) && a.out.admit(d, &h.asked, true) {
		a.out.leave(a.batch, len(a.batch.Datagrams)-1, &h.asked, h.eff.Extra)
	}
	h.datagram.Data = nil
	a.sent = append(a.sent, h)
}

// apply runs the stages after h's handler over d, and reports whether h goes on waiting.
func (a *lane) apply(h *held, d *dgram.Datagram) bool {
	next := a.pipe.Run(&h.ctx, d, &h.eff, h.step+1)
	if h.eff.Drop != dgram.NoReason || h.eff.Ignore || d.Fate != dgram.Undecided || !a.out.admit(d, &h.asked, next < 0) {
		return false
	}
	if next < 0 && h.eff.Delay <= 0 {
		return false
	}
	if reason := a.wait(h, d, next); reason != dgram.NoReason {
		d.DropFor(reason)
		return false
	}
	return true
}

// wait lets h wait once more: for the handler of that step, or, if it is negative, for its time.
func (a *lane) wait(h *held, d *dgram.Datagram, handler int) dgram.Reason {
	switch {
	case a.base.Err() != nil:
		return dgram.ReasonShutdown
	case handler >= 0 && !a.promise():
		return dgram.ReasonBusy
	case !a.budget.change(h.size, len(d.Data)):
		if handler >= 0 {
			a.queued.Add(-1)
		}
		return dgram.ReasonBusy
	}
	h.size = len(d.Data)
	h.datagram.Data = append(make([]byte, 0, len(d.Data)), d.Data...)
	if handler >= 0 {
		h.step = handler
		a.jobs <- h // never blocks: promise kept a place
		return dgram.NoReason
	}
	h.ready, h.due = true, time.Now().Add(h.eff.Delay)
	a.delays.add(h.due, h)
	return dgram.NoReason
}

// blank stands for the bytes of a datagram that was dropped: as many as it had, and nobody reads them. Never written to.
var blank [dgram.MaxPayload]byte

// slot adds h to the batch, which is sent first if it is full. A datagram that was dropped keeps its size and not its bytes: a handler that
// overstayed may still be writing in them.
func (a *lane) slot(h *held) *dgram.Datagram {
	payload, dropped := h.datagram.Data, h.eff.Drop != dgram.NoReason || h.eff.Ignore
	if dropped {
		payload = nil
	}
	if a.used == laneBatch {
		a.flush()
	}
	d := a.batch.Add(h.datagram.Peer, payload)
	if d == nil {
		a.flush()
		d = a.batch.Add(h.datagram.Peer, payload)
	}
	if dropped {
		n := min(h.size, len(blank))
		d.Data = blank[:n:n]
	}
	a.used++
	address(d, &h.datagram)
	d.ID, d.Deferred = h.datagram.ID, true
	return d
}

// unslot takes back the last slot.
func (a *lane) unslot() { a.batch.Datagrams = a.batch.Datagrams[:len(a.batch.Datagrams)-1] }

// flush sends the batch. An error is that of a closed Conn, which has made each slot Failed; whoever receives from it sees it too.
func (a *lane) flush() {
	if len(a.batch.Datagrams) > 0 {
		_ = a.out.send(a.batch)
	}
	for i, h := range a.sent {
		a.budget.give(h.size)
		a.sent[i] = nil
	}
	a.sent, a.used = a.sent[:0], 0
	a.batch.Reset()
}
