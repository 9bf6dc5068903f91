package stage

import (
	"sync"
	"time"
)

// scheduler holds things until their time. It has no goroutine and no clock: who drives it asks when to come back.
type scheduler[T any] struct {
	heap  []scheduled[T]
	order uint64
}

// scheduled is ordered by time, and among equals by when it was added.
type scheduled[T any] struct {
	due   time.Time
	order uint64
	what  T
}

func (a *scheduled[T]) before(b *scheduled[T]) bool {
	if a.due.Equal(b.due) {
		return a.order < b.order
	}
	return a.due.Before(b.due)
}

func (s *scheduler[T]) add(due time.Time, what T) {
	s.heap = append(s.heap, scheduled[T]{due, s.order, what})
	s.order++
	for i := len(s.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !s.heap[i].before(&s.heap[parent]) {
			break
		}
		s.heap[i], s.heap[parent] = s.heap[parent], s.heap[i]
		i = parent
	}
}

// next returns when the first thing is due; ok is false if there is none.
func (s *scheduler[T]) next() (due time.Time, ok bool) {
	if len(s.heap) == 0 {
		return time.Time{}, false
	}
	return s.heap[0].due, true
}

// take returns the first thing if it is due by now.
func (s *scheduler[T]) take(now time.Time) (what T, ok bool) {
	if len(s.heap) == 0 || s.heap[0].due.After(now) {
		return what, false
	}
	return s.pop(), true
}

func (s *scheduler[T]) pop() T {
	first := s.heap[0].what
	last := len(s.heap) - 1
	s.heap[0] = s.heap[last]
	s.heap[last] = scheduled[T]{} // let go of what it holds
	s.heap = s.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if s.heap[child].before(&s.heap[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		s.heap[i], s.heap[least] = s.heap[least], s.heap[i]
		i = least
	}
}

// budget bounds what is held, in number and in bytes, and tells when nothing is.
type budget struct {
	mu              sync.Mutex
	count, maxCount int
	bytes, maxBytes int
	closed          bool
	idle            []chan struct{} // to be closed when count is 0
}

// entryBytes is what one held datagram costs beyond its payload, about.
const entryBytes = 512

// take asks for room for one datagram of n bytes. open is false after close.
func (b *budget) take(n int) (ok, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false, false
	}
	if b.count == b.maxCount || b.bytes+n+entryBytes > b.maxBytes {
		return false, true
	}
	b.count++
	b.bytes += n + entryBytes
	return true, true
}

// change asks for one datagram's room to grow or shrink.
func (b *budget) change(from, to int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if to > from && b.bytes+to-from > b.maxBytes {
		return false
	}
	b.bytes += to - from
	return true
}

// give returns the room of one datagram of n bytes.
func (b *budget) give(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count--
	b.bytes -= n + entryBytes
	if b.count == 0 {
		for _, c := range b.idle {
			close(c)
		}
		b.idle = nil
	}
}

// close refuses everything from now on.
func (b *budget) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

func (b *budget) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count == 0
}

// whenIdle returns a channel that is closed once nothing is held.
func (b *budget) whenIdle() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := make(chan struct{})
	if b.count == 0 {
		close(c)
	} else {
		b.idle = append(b.idle, c)
	}
	return c
}
