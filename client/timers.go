package client

import (
	"container/heap"
	"time"
)

// timers holds the outstanding exchanges, the one that is due next first: one heap and one timer serve them all.
type timers []*Exchange

// never is the deadline of an exchange whose attempt is being made.
var never = time.Unix(1<<40, 0)

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].deadline.Before(t[j].deadline) }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].place, t[j].place = i, j
}

// Push is for package heap.
func (t *timers) Push(x any) {
	e := x.(*Exchange)
	e.place = len(*t)
	*t = append(*t, e)
}

// Pop is for package heap.
func (t *timers) Pop() any {
	last := len(*t) - 1
	e := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	e.place = -1
	return e
}

// schedule sets an exchange's deadline.
func (c *Client) schedule(e *Exchange, at time.Time) {
	e.deadline = at
	if e.place < 0 {
		heap.Push(&c.timers, e)
	} else {
		heap.Fix(&c.timers, e.place)
	}
	c.arm()
}

func (c *Client) unschedule(e *Exchange) {
	if e.place >= 0 {
		heap.Remove(&c.timers, e.place)
	}
}

// arm makes the timer ring for what is due first. It never puts off a ring: one that comes too early costs less than setting the timer
// for each exchange would.
func (c *Client) arm() {
	first := never
	if len(c.timers) > 0 {
		first = c.timers[0].deadline
	}
	if len(c.lingering) > 0 && c.lingering[0].until.Before(first) {
		first = c.lingering[0].until
	}
	if c.closed || !first.Before(never) || !c.armed.IsZero() && !first.Before(c.armed) {
		return
	}
	c.armed = first
	if d := time.Until(first); c.timer == nil {
		c.timer = time.AfterFunc(d, c.ring)
	} else {
		c.timer.Reset(d)
	}
}

// ring does what is due.
func (c *Client) ring() {
	c.mu.Lock()
	defer c.unlock()
	if c.closed {
		return
	}
	now := time.Now()
	c.armed = time.Time{}
	for len(c.timers) > 0 && !c.timers[0].deadline.After(now) {
		c.timers[0].due(now)
	}
	c.dismiss(now)
	c.arm()
}
