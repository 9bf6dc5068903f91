package ledger

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dgram"
)

// StreamConfig says what a Stream watches for, and how much it may hold.
type StreamConfig struct {
	Side      Side
	Types     []Type // which of request, reply, fate and notice are wanted; none: all four
	Payload   int    // copy at most so many bytes of each payload; 0: all
	PerSecond int    // leave out all but so many datagrams' events in a second; 0: no such bound
	Events    int    // so many may wait for Write; 0: 8,192
	Bytes     int    // and so many bytes of their payloads, at least 64 KiB; 0: 4 MiB
}

const (
	defaultEvents = 8192
	defaultBytes  = 4 << 20
	leastBytes    = 64 << 10
)

// Stream turns datagrams into events for a function that may be slow or fail: it is a [dgram.Tap], and one Stream may watch several Conns of
// the same side. What it watches never waits for it. Events for which there is no room are left out and counted: Header.Omitted of
// the next event says how many, Omitted how many in all.
//
// When the function fails (stdout was closed, say) the Stream goes silent: it leaves out everything from then on.
type Stream struct {
	cfg   StreamConfig
	wants [len(kindTypes)]bool // by kind
	write func([]Event) error

	silent  atomic.Bool   // the function failed, or Close was called
	full    atomic.Bool   // no room until the writer takes what there is
	omitted atomic.Uint64 // in all
	gap     atomic.Uint64 // since the last event that was kept

	mu      sync.Mutex // never held while write runs
	room    sync.Cond  // there is some again
	filling *backlog
	second  time.Time // begin of the second that PerSecond is about
	used    int       // events kept in it
	err     error

	wake chan struct{} // the writer has something to do
	done chan struct{} // the writer has ended
}

var _ dgram.Tap = (*Stream)(nil)

// backlog is what waits for the writer. Payloads are behind one another in bytes.
type backlog struct {
	records []record
	bytes   []byte
}

// kind is the type of a datagram's event, as a number that is quick to look up.
type kind uint8

const (
	nothing kind = iota // makes no event
	request
	reply
	fate
	notice
)

var kindTypes = [...]Type{"", TypeRequest, TypeReply, TypeFate, TypeNotice}

// record is a datagram's event in the making: copying it costs the datagram's way as little as can be.
type record struct {
	kind    kind
	time    time.Time
	omitted uint64
	slot    dgram.Datagram // without its Data
	payload []byte         // in the backlog's bytes
	size    int            // of the whole payload
	event   Event          // one that was published: everything else but omitted is then unused
}

// NewStream returns a Stream that calls write, on a goroutine of its own, with the events that have gathered. They and their payloads are
// valid until write returns. Close ends the goroutine.
func NewStream(cfg StreamConfig, write func([]Event) error) *Stream {
	if cfg.Events <= 0 {
		cfg.Events = defaultEvents
	}
	if cfg.Bytes <= 0 {
		cfg.Bytes = defaultBytes
	}
	cfg.Bytes = max(cfg.Bytes, leastBytes)
	s := &Stream{cfg: cfg, write: write, filling: new(backlog), wake: make(chan struct{}, 1), done: make(chan struct{})}
	for k := request; k <= notice; k++ {
		s.wants[k] = len(cfg.Types) == 0 || slices.Contains(cfg.Types, kindTypes[k])
	}
	s.room.L = &s.mu
	go s.run()
	return s
}

// Omitted returns how many events were left out so far.
func (s *Stream) Omitted() uint64 { return s.omitted.Load() }

// Err returns why the Stream went silent: the error of the write function, or nil.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Publish adds an event that is not about a datagram passing by: it is not left out but waits for room. It sets the event's Time if that is
// zero; the event must not be changed afterwards. On a silent Stream it is counted as omitted.
func (s *Stream) Publish(e Event) {
	h := e.Head()
	if h.Time.IsZero() {
		h.Time = time.Now()
	}
	s.mu.Lock()
	for len(s.filling.records) >= s.cfg.Events && !s.silent.Load() {
		s.room.Wait()
	}
	if s.silent.Load() {
		s.mu.Unlock()
		s.omit(1)
		return
	}
	s.filling.records = append(s.filling.records, record{event: e, omitted: s.gap.Swap(0)})
	s.mu.Unlock()
	s.signal()
}

// Close writes what has gathered and ends the Stream; what comes afterwards is left out. It waits for the write function until ctx ends. The
// error is the write function's, or ctx's.
func (s *Stream) Close(ctx context.Context) error {
	s.mu.Lock()
	s.silent.Store(true)
	s.room.Broadcast()
	s.mu.Unlock()
	s.signal()
	select {
	case <-s.done:
		return s.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Stream) omit(n int) {
	s.omitted.Add(uint64(n))
	s.gap.Add(uint64(n))
}

// run is the writer.
func (s *Stream) run() {
	defer close(s.done)
	spare := new(backlog)
	var events []Event
	var datagrams []DatagramEvent
	for range s.wake {
		// Silence is looked at first: what was kept before it is then in the backlog.
		last := s.silent.Load()
		b := s.swap(spare)
		events, datagrams = b.events(events[:0], datagrams[:0])
		if err := s.tryWrite(events); err != nil {
			s.fail(err, len(events))
			return
		}
		b.clear()
		spare = b
		if last {
			return
		}
	}
}

func (s *Stream) tryWrite(events []Event) error {
	if len(events) == 0 {
		return nil
	}
	return s.write(events)
}

func (s *Stream) swap(spare *backlog) *backlog {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.filling
	s.filling = spare
	s.full.Store(false)
	s.room.Broadcast()
	return b
}

// fail makes the stream silent: what was to be written, and what waits, is left out.
func (s *Stream) fail(err error, unwritten int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent.Store(true)
	s.err = errors.Join(s.err, err)
	s.omit(unwritten + len(s.filling.records))
	s.filling = new(backlog)
	s.room.Broadcast()
}

// events makes events of the records, in the memory given.
func (b *backlog) events(events []Event, datagrams []DatagramEvent) ([]Event, []DatagramEvent) {
	if cap(datagrams) < len(b.records) { // growing it midway would move the events that events points to
		datagrams = make([]DatagramEvent, 0, len(b.records))
	}
	for i := range b.records {
		r := &b.records[i]
		e := r.event
		if e == nil {
			datagrams = append(datagrams, r.datagram())
			e = &datagrams[len(datagrams)-1]
		}
		e.Head().Omitted += r.omitted // of a published one may say something already
		events = append(events, e)
	}
	return events, datagrams
}

func (b *backlog) clear() {
	clear(b.records)
	b.records, b.bytes = b.records[:0], b.bytes[:0]
}
