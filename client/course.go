package client

import (
	"syscall"
	"time"

	"dgram"
)

// This file is the course of an exchange: what makes it go on, wait and end. All of it runs with the client's lock held.

// advance makes the next attempt, or ends the exchange where there is none left. The attempt itself is made without the lock.
func (e *Exchange) advance() {
	if !e.route.next() {
		e.end(e.evidence(), nil)
		return
	}
	e.client.schedule(e, never)
	e.making = true
	e.client.again = append(e.client.again, task{e, e.route.address()})
}

// due is called when the exchange's deadline has come.
func (e *Exchange) due(now time.Time) {
	collect := e.client.options.Collect
	switch {
	case e.sending:
		e.overdue = true
		e.client.schedule(e, never)
	case collect > 0 && !now.Before(e.Start.Add(collect)):
		e.end(e.evidence(), nil)
	case collect > 0 && (len(e.Replies) > 0 || !e.route.more()):
		e.client.schedule(e, e.Start.Add(collect))
	default:
		e.advance()
	}
}

// wait sets the deadline that follows an attempt.
func (e *Exchange) wait(now time.Time) {
	c := e.client
	d := c.options.backoff(e.route.round)
	if e.route.more() {
		d += time.Duration((c.chance.Float64()*2 - 1) * jitter * float64(d))
	}
	at := now.Add(d)
	if end := e.Start.Add(c.options.Collect); c.options.Collect > 0 && (at.After(end) || len(e.Replies) > 0) {
		at = end
	}
	c.schedule(e, at)
}

// jitter is the part of a wait that chance may add or take away.
const jitter = 0.1

// setback is what follows when an attempt ended before its time without an answer.
func (e *Exchange) setback(a *Attempt) {
	switch {
	case e.Verdict != Outstanding || len(e.Replies) > 0:
		return
	case isTooBig(a.Err):
		e.end(TooBig, a.Err)
		return
	case a.Fate == dgram.Failed && isPassing(a.Err):
		return // like a loss: the next attempt comes when its time has come
	case !e.client.options.RetryRefused || a.Fate == dgram.Failed:
		e.route.close(a.address)
	case e.route.more():
		return
	}
	e.goOn()
}

// goOn makes the next attempt at once where no other can be answered any more. While one is being made or sent it waits for that.
func (e *Exchange) goOn() {
	if !e.making && !e.sending && !e.inFlight() {
		e.advance()
	}
}

// inFlight reports whether an answer can still come from an address that is not given up.
func (e *Exchange) inFlight() bool {
	for i := range e.Attempts {
		if a := &e.Attempts[i]; a.Fate == dgram.Pending && e.route.open(a.address) {
			return true
		}
	}
	return false
}

// evidence is the verdict that the attempts amount to. With several addresses, one that is still open says more than those that refused:
// that is where the server may be.
func (e *Exchange) evidence() Verdict {
	if len(e.Replies) > 0 {
		return Answered
	}
	var open, all [numVerdicts]bool
	for i := range e.Attempts {
		a := &e.Attempts[i]
		all[a.verdict()] = true
		open[a.verdict()] = open[a.verdict()] || e.route.open(a.address)
	}
	for _, saw := range [...][numVerdicts]bool{open, all} {
		switch {
		case saw[Refused]:
			return Refused
		case saw[Unreachable]:
			return Unreachable
		case saw[Silent] && len(e.Strangers) > 0:
			return Stranger
		case saw[Silent]:
			return Silent
		}
	}
	return Failed
}

// verdict is what an attempt says for itself.
func (a *Attempt) verdict() Verdict {
	switch {
	case a.Fate == dgram.Refused || isRefusal(a.Err):
		return Refused
	case a.Fate == dgram.Unreachable || isNoWay(a.Err):
		return Unreachable
	case a.Fate == dgram.Failed:
		return Failed
	}
	return Silent
}

// end gives the exchange its verdict. It does nothing a second time.
func (e *Exchange) end(v Verdict, cause error) {
	if e.Verdict != Outstanding {
		return
	}
	if v == Interrupted && len(e.Replies) > 0 { // Collect was cut short
		v, cause = Answered, nil
	}
	e.Verdict, e.End = v, time.Now()
	e.setCause(cause)
	e.client.unschedule(e)
	for _, cl := range e.claims {
		cl.retire(e)
	}
	if !e.sending {
		e.finish()
	}
}

// setCause looks for the error behind a verdict that has one.
func (e *Exchange) setCause(cause error) {
	trouble := e.cause
	e.cause = cause
	if cause != nil || e.Verdict != Failed && e.Verdict != Unreachable {
		return
	}
	for i := range e.Attempts {
		if a := &e.Attempts[i]; a.Err != 0 && a.verdict() == e.Verdict {
			e.cause = a.Err
		}
	}
	if e.cause == nil {
		e.cause = trouble
	}
}

// finish lets go of the exchange: no attempt of it is being sent any more.
func (e *Exchange) finish() {
	rest := dgram.Silent
	if e.Verdict == Answered {
		rest = dgram.Superseded
	}
	for i := range e.Attempts {
		a := &e.Attempts[i]
		if a.Fate == dgram.Pending {
			e.settle(a, rest, 0)
		}
		a.flow = nil
	}
	e.claims, e.claims1, e.claim1, e.seen = nil, [1]*claim{}, claim{}, nil
	if e.stop != nil {
		e.stop()
	}
	if e.inWindow {
		<-e.client.slots
	}
	close(e.done)
}

// settle gives an attempt its fate and tells it. Of one that is still being sent it is told when Send has returned, and can have counted it.
func (e *Exchange) settle(a *Attempt, f dgram.Fate, errno syscall.Errno) {
	a.Fate, a.Err = f, errno
	if !e.sending || a != &e.Attempts[len(e.Attempts)-1] {
		e.tell(a)
	}
}

func (e *Exchange) tell(a *Attempt) {
	dgram.TellLate(a.flow.conn, a.ID, a.Fate)
	e.client.observe(Event{Fate: a.Fate, Exchange: e.Number, Attempt: *a})
}
