package client

import (
	"bytes"
	"slices"
	"time"

	"dgram"
)

// claim is what one exchange may still receive on one flow. When the exchange has ended the flow keeps a copy for a while, to know
// late and duplicate replies.
type claim struct {
	exchange *Exchange // nil once it has ended
	flow     *flow
	number   uint64 // of the exchange
	request  []byte
	sent     int // attempts on this flow that an answer could come to
	replies  int // that came
	retired  time.Time
}

// owed is how many attempts have not been answered.
func (cl *claim) owed() int { return max(cl.sent-cl.replies, 0) }

// worn reports whether the exchange has ended and had every answer twice.
func (cl *claim) worn() bool { return cl.exchange == nil && cl.replies >= 2*cl.sent }

// forgetAfter is how long an unanswered attempt is reckoned with: a datagram that has been on its way for longer is gone (RFC 793,
// Section 3.3: a maximum segment lifetime of two minutes).
const forgetAfter = 2 * time.Minute

// retire takes the claim of an exchange that has ended into the flow's memory.
func (cl *claim) retire(e *Exchange) {
	f := cl.flow
	if i := slices.Index(f.open, cl); i >= 0 {
		f.open = slices.Delete(f.open, i, i+1)
	}
	if cl.sent > 0 {
		old := *cl
		old.exchange, old.retired = nil, e.End
		f.past.add(old, e.client.options.Remember)
	}
	if f.fresh {
		e.client.leave(f, e.End)
	}
}

// memory is a ring of the claims of the exchanges that ended last.
type memory struct {
	ring []claim
	next int // the place to be overwritten, which is the oldest once the ring is full
	owed int // claims in ring with attempts unanswered
}

func (m *memory) add(cl claim, limit int) {
	if cl.owed() > 0 {
		m.owed++
	}
	if len(m.ring) < limit {
		m.ring = append(m.ring, cl)
		return
	}
	if m.ring[m.next].owed() > 0 {
		m.owed--
	}
	m.ring[m.next] = cl
	m.next = (m.next + 1) % limit
}

// fit is what a claim's request must be for a reply to be its own.
type fit struct {
	accept func(request, reply []byte) bool // nil takes all
	reply  []byte
}

func (t fit) takes(cl *claim) bool { return t.accept == nil || t.accept(cl.request, t.reply) }

// owing returns the oldest claim with attempts unanswered that the reply fits, nil for none.
func (m *memory) owing(t fit, now time.Time) *claim {
	if m.owed == 0 {
		return nil
	}
	for i := range m.ring {
		cl := &m.ring[(m.next+i)%len(m.ring)]
		if cl.owed() > 0 && now.Sub(cl.retired) < forgetAfter && t.takes(cl) {
			return cl
		}
	}
	return nil
}

// latest returns the claim that ended last of those that the reply fits.
func (m *memory) latest(t fit) *claim {
	for i := len(m.ring) - 1; i >= 0; i-- {
		cl := &m.ring[(m.next+i)%len(m.ring)]
		if t.takes(cl) {
			return cl
		}
	}
	return nil
}

// further counts a reply to an exchange that has ended, and says what it is: more replies than attempts mean that one of them came
// twice; up to there each may answer an attempt that had been given up.
func (m *memory) further(cl *claim) dgram.Fate {
	owed := cl.owed()
	cl.replies++
	if owed == 0 {
		return dgram.Duplicate
	}
	if cl.owed() == 0 {
		m.owed--
	}
	return dgram.Late
}

// habit is what a flow has learned of its peer where content and order are both gone by: whether the content of replies tells.
type habit struct {
	telling int    // replies in a row, each unlike the one before, that content gave to an outstanding exchange
	last    []byte // the request that the latest of them answered
}

// learn takes note of a reply that was given to an outstanding exchange, by content or not.
func (h *habit) learn(request []byte, byContent bool) {
	switch {
	case !byContent:
		*h = habit{}
	case h.last == nil || !bytes.Equal(h.last, request):
		h.telling, h.last = h.telling+1, request
	}
}

// known says that two replies or more have told: a server that says the same to everybody does not get there.
func (h *habit) known() bool { return h.telling >= 2 }

// pair finds the claim that a datagram from the right address answers. It is nil where the datagram answers nothing that was asked, and
// its exchange is nil where that has ended.
func (f *flow) pair(data []byte, now time.Time) (*claim, Pairing) {
	m := f.client.options.Match
	if m.Accept != nil {
		cl, how := f.choose(fit{m.Accept, data}, now)
		switch {
		case cl == nil:
		case cl.exchange != nil:
			f.habit.learn(cl.request, true)
			return cl, how
		case !m.Order || len(f.open) == 0 || f.habit.known() || !cl.worn():
			return cl, how
		}
	}
	if !m.Order {
		return nil, PairedOrder
	}
	cl, how := f.choose(fit{}, now)
	if cl != nil && cl.exchange != nil {
		f.habit.learn(nil, false)
	}
	return cl, how
}

// choose prefers the oldest that is outstanding, then the oldest that ended with attempts unanswered, then the last that ended.
func (f *flow) choose(t fit, now time.Time) (*claim, Pairing) {
	var found *claim
	count := 0
	for _, cl := range f.open {
		if cl.sent == 0 || !t.takes(cl) {
			continue
		}
		if count++; count > 1 {
			break
		}
		found = cl
	}
	owing := f.past.owing(t, now)
	switch {
	case found == nil && owing != nil:
		return owing, PairedOrder
	case found == nil:
		return f.past.latest(t), PairedOrder
	case count > 1 || owing != nil:
		return found, PairedOrder
	case t.accept == nil || len(f.open) == 1 && f.past.owing(fit{}, now) == nil:
		return found, PairedOnly
	}
	return found, PairedContent
}
