package main

import (
	"sync/atomic"
	"time"

	"dgram"
	"dgram/internal/watchscreen"
	"dgram/wire"
	"dgram/wire/app"
	"dgram/wire/pair"
)

// pairing asks a Tracker which packets belong together, and tells a shower what becomes known later.
type pairing struct {
	tracker  *pair.Tracker
	patience time.Duration
	show     func() shower
	now      int64 // of the capture
	flows    atomic.Uint64
	silent   atomic.Uint64
}

func newPairing(patience time.Duration, show func() shower) *pairing {
	x := &pairing{patience: patience, show: show}
	x.tracker = pair.New(pair.Config{Timeout: patience, OnSettled: x.settled})
	return x
}

func (x *pairing) add(p *wire.Packet, m *app.Message) pair.Note {
	x.now = max(x.now, p.Time)
	n := x.tracker.Add(p, m)
	x.flows.Store(x.tracker.Flows())
	return n
}

// tick tells the time where no packet does.
func (x *pairing) tick(now int64) {
	x.now = max(x.now, now)
	x.tracker.Tick(now)
}

func (x *pairing) settled(s pair.Settled) {
	if s.Fate == dgram.Silent {
		x.silent.Add(1)
	}
	if show := x.show(); show != nil {
		show.settled(settlement{Settled: s, at: x.now, patience: x.patience})
	}
}

// settlement is what became of a request, and when that was known.
type settlement struct {
	pair.Settled
	at       int64
	patience time.Duration
}

// roleMarks are the marks of roles. A request is waiting until something settles it.
var roleMarks = map[pair.Role]watchscreen.Mark{
	pair.Request: watchscreen.MarkWaiting, pair.Retry: watchscreen.MarkRetry, pair.Reply: watchscreen.MarkReply,
	pair.Further: watchscreen.MarkFurther, pair.Duplicate: watchscreen.MarkDuplicate, pair.Late: watchscreen.MarkLate,
	pair.Stray: watchscreen.MarkStray, pair.Unasked: watchscreen.MarkUnasked, pair.Refusal: watchscreen.MarkReport,
	pair.OneWay: watchscreen.MarkOneWay,
}

var fateMarks = map[dgram.Fate]watchscreen.Mark{
	dgram.Answered: watchscreen.MarkAnswered, dgram.Superseded: watchscreen.MarkSuperseded, dgram.Refused: watchscreen.MarkRefused,
	dgram.Unreachable: watchscreen.MarkUnreachable, dgram.Silent: watchscreen.MarkUnanswered, dgram.Ignored: watchscreen.MarkOneWay,
}

// noteOf is what the screen and a line of text say of a note.
func noteOf(n pair.Note) watchscreen.Note {
	return watchscreen.Note{Mark: marksByRole[n.Role], Peer: n.Re, RTT: n.RTT}
}

// marksByRole is roleMarks for every packet.
var marksByRole = func() (all [256]watchscreen.Mark) {
	for role, mark := range roleMarks {
		all[role] = mark
	}
	return all
}()

func (s *settlement) note() watchscreen.Note {
	return watchscreen.Note{Mark: fateMarks[s.Fate], Peer: s.By, RTT: s.RTT}
}
