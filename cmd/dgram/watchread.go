package main

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"dgram/wire"
	"dgram/wire/app"
	"dgram/wire/capture"
	"dgram/wire/pair"
)

// sighting is one packet on its way to whoever shows it. Its bytes are good until the next one.
type sighting struct {
	frame   wire.Frame
	packet  wire.Packet // put together, where the frame was the last piece
	whole   []byte      // the IP datagram, if it was
	message app.Message
	note    pair.Note
	owner   string // escaped
}

// shower shows packets. One goroutine calls it.
type shower interface {
	packet(s *sighting)
	// settled says what became of a request that was shown before.
	settled(s settlement)
}

// lookout reads packets, pairs them, records them, and hands those that match to a shower.
type lookout struct {
	*watchFlags
	watched
	source wire.Source
	live   *capture.Live // the source, if it is one
	parts  wire.Reassembler
	pairs  *pairing
	record *recording
	owners *owners
	show   shower
	tell   func(string) // a note to the person
	broken func() bool  // nobody takes what is shown any more

	now      sighting
	begun    time.Time
	lastIdle int64
	span     watchSpan
	stopping atomic.Bool
	counts   watchCounts
	unpaired uint64                           // recorded, and not looked at
	known    atomic.Pointer[[]wire.Interface] // of the source, for other goroutines
	ended    endings
}

// watchSpan is the time from the first packet to the last, and how many bytes there were.
type watchSpan struct {
	first, last int64
	bytes       uint64
}

// watchCounts are read by the screen while the lookout counts.
type watchCounts struct{ read, shown, drops atomic.Uint64 }

func newLookout(f *watchFlags, what watched, source wire.Source) (*lookout, error) {
	w := &lookout{watchFlags: f, watched: what, source: source, begun: time.Now(), tell: func(string) {}, broken: func() bool { return false }}
	w.learn()
	w.live, _ = source.(*capture.Live)
	w.pairs = newPairing(f.patience, func() shower { return w.show })
	if w.live != nil && !f.quiet { // nobody looks at them then, and to find one costs as much as to pair the packet
		w.owners = newOwners()
	}
	var err error
	if f.write != "" {
		w.record, err = newRecording(f.write, what.live, source)
	}
	return w, err
}

// learn takes over which interfaces the source has: it may have got more.
func (w *lookout) learn() {
	known := slices.Clone(w.source.Interfaces())
	w.known.Store(&known)
}

func (s *watchSpan) add(f *wire.Frame) {
	if s.first == 0 {
		s.first = f.Time
	}
	s.last = max(s.last, f.Time)
	s.bytes += uint64(max(f.Length, 0))
}

// open opens what is to be watched. The filter of a live capture works in the kernel.
func (f *watchFlags) open(what watched) (wire.Source, error) {
	if !what.live {
		return openFile(what.file)
	}
	c := capture.Config{Interfaces: what.interfaces, Promiscuous: f.promiscuous, Snaplen: int(f.snaplen), Buffer: int(f.buffer)}
	if what.filter != nil {
		c.Filter = what.filter.CompileLive
	}
	return capture.Open(c)
}

// stop ends the reading soon, from another goroutine.
func (w *lookout) stop() {
	w.stopping.Store(true)
	switch source := w.source.(type) {
	case *capture.Live:
		_ = source.Stop() // then nothing more comes, whatever went wrong
	case *pipeSource:
		source.stop()
	}
}

// turn is how often what waits for time is looked at: requests that stay unanswered, a file's buffer.
const turn = 100 * time.Millisecond

// read is the whole work, until the source ends, enough was seen, or stop.
func (w *lookout) read() error {
	for (w.count == 0 || w.counts.shown.Load() < w.count) && !w.broken() {
		if w.stopping.Load() && w.live == nil {
			return nil
		}
		err := w.source.Next(&w.now.frame)
		switch {
		case err == nil:
			if err = w.take(); err != nil {
				return err
			}
		case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF), w.stopping.Load():
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			if err := w.idle(time.Now().UnixNano()); err != nil {
				return err
			}
		case errors.Is(err, capture.ErrDown), errors.Is(err, capture.ErrGone):
			w.tell(err.Error())
		default:
			return err
		}
	}
	return nil
}

// take is what happens to a packet.
func (w *lookout) take() error {
	s := &w.now
	if w.live != nil && s.frame.Time-w.lastIdle > int64(turn) {
		if err := w.idle(s.frame.Time); err != nil {
			return err
		}
	}
	if s.frame.Interface >= len(*w.known.Load()) {
		w.learn()
	}
	if w.recordsFirst() {
		return w.onlyRecord()
	}
	wire.Decode(&s.frame, &s.packet)
	s.whole = nil
	if s.packet.Fragment && w.parts.Add(&s.packet) {
		s.whole = s.packet.Network
	}
	matches := w.filter == nil || w.filter.Match(&s.frame, &s.packet)
	// A kernel's filter lets pass what it cannot decide, and that is nobody's business unless it may be a piece of something. In a file every
	// packet has its number.
	passes := matches || w.live != nil && s.packet.Fragment
	if !passes && w.live != nil {
		return nil
	}
	s.packet.No = w.counts.read.Add(1)
	if w.record != nil && passes {
		if err := w.record.add(&s.frame); err != nil {
			return err
		}
	}
	if !matches {
		return nil
	}
	w.counts.shown.Add(1)
	w.span.add(&s.frame)
	app.Read(&s.packet, &s.message)
	s.note = w.pairs.add(&s.packet, &s.message)
	s.owner = w.owners.of(&s.packet)
	if w.show != nil {
		w.show.packet(s)
	}
	return nil
}

// idle does what waits for time, and says when to do it again.
func (w *lookout) idle(now int64) error {
	w.lastIdle = now
	w.pairs.tick(now)
	if w.live != nil {
		w.counts.drops.Store(w.live.Drops())
		_ = w.live.SetDeadline(time.Now().Add(turn)) // a closed source says so itself
	}
	if w.record != nil {
		return w.record.flush()
	}
	return nil
}

// close ends source and file. What cannot be written to the file is the error.
func (w *lookout) close() error {
	drops := w.source.Drops()
	w.source.Close()
	w.owners.close()
	if w.record == nil {
		return nil
	}
	return w.record.close(drops)
}
