package client

import "dgram"

// Event is something that happened to an attempt or to a received datagram.
type Event struct {
	// Fate is Pending for an attempt that is being sent, and Answered, Superseded, Refused, Unreachable, Silent or Failed for one that ended
	// so: Attempt is then set. It is Matched, Late, Duplicate or Stray for a datagram that was received: Reply is then set, and shares
	// its Data with the exchange.
	Fate     dgram.Fate
	Exchange uint64 // number of the exchange that it is about, 0 where none is known
	Attempt  Attempt
	Reply    Reply
}

// Received reports whether the event is about a datagram that was received, and not about an attempt.
func (ev *Event) Received() bool { return ev.Fate >= dgram.Matched }

// eventQueue is how many events wait for a slow Observer before events are left out.
const eventQueue = 1024

// observe hands an event to the Observer's goroutine, and never waits for it. The client's lock is held.
func (c *Client) observe(ev Event) {
	if c.events == nil || c.eventsClosed {
		return
	}
	ev.Attempt.flow = nil
	select {
	case c.events <- ev:
	default:
		c.omitted++
	}
}

func (c *Client) watch(observer func(Event)) {
	defer close(c.watched)
	for ev := range c.events {
		observer(ev)
	}
}
