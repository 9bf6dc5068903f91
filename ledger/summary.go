package ledger

import (
	"errors"
	"fmt"
	"time"

	"dgram"
)

// Summary is an account at one moment: of one Conn, or (after Add) of several. It is the body of the summary event of dgram.event/1.
type Summary struct {
	Side    string        `json:"side"`            // "server" or "client"
	Elapsed time.Duration `json:"elapsed_ns"`      // since the account was opened
	Sockets int           `json:"sockets"`         // how many accounts are added up here
	Local   string        `json:"local,omitempty"` // where the sockets are bound, if they are all bound to one address

	Received      uint64 `json:"received"`                 // datagrams that arrived
	ReceivedBytes uint64 `json:"received_bytes"`           // their payloads
	Sent          uint64 `json:"sent"`                     // datagrams that the system took, extra copies included
	SentBytes     uint64 `json:"sent_bytes"`               // their payloads
	Truncated     uint64 `json:"truncated,omitempty"`      // received ones that had lost their end
	Notices       uint64 `json:"notices,omitempty"`        // the network's reports on datagrams sent
	ReceiveErrors uint64 `json:"receive_errors,omitempty"` // times that receiving failed and was tried again

	// Where the received datagrams of a server, and the attempts of a client, ended.
	Answered uint64            `json:"answered"`
	Pending  int64             `json:"pending"`          // held by a handler or a delay; of a client: in flight
	Failed   map[string]uint64 `json:"failed,omitempty"` // by the errno's name

	// A server's alone.
	Ignored      uint64            `json:"ignored,omitempty"`
	Dropped      map[string]uint64 `json:"dropped,omitempty"`       // by reason
	Copies       uint64            `json:"copies,omitempty"`        // extra copies of replies sent
	CopiesFailed uint64            `json:"copies_failed,omitempty"` // and not sent

	// A client's alone: its attempts, and what it received.
	Attempts    uint64 `json:"attempts,omitempty"`
	Superseded  uint64 `json:"superseded,omitempty"`
	Refused     uint64 `json:"refused,omitempty"`
	Unreachable uint64 `json:"unreachable,omitempty"`
	Silent      uint64 `json:"silent,omitempty"`
	Matched     uint64 `json:"matched,omitempty"`
	Late        uint64 `json:"late,omitempty"`
	Duplicate   uint64 `json:"duplicate,omitempty"`
	Stray       uint64 `json:"stray,omitempty"`

	// Drops is what the system dropped before it could be received; whoever has the Conn sets it ([dgram.Conn].Drops).
	Drops Drops `json:"system_drops"`
	// Omitted is how many events a Stream left out, so as not to hold up what it watched.
	Omitted uint64 `json:"events_omitted,omitempty"`
}

// Drops is [dgram.Drops] as an event carries it.
type Drops struct {
	Count   uint64 `json:"count"`
	Known   bool   `json:"known"`              // false: the system does not tell
	AtLeast bool   `json:"at_least,omitempty"` // there may have been more
}

// Summary returns the account as it stands. While datagrams are moving its parts may be a batch apart.
func (a *Account) Summary() Summary {
	fate := func(f dgram.Fate) uint64 { return a.fates[f].Load() }
	return Summary{
		Side: a.side.String(), Elapsed: time.Since(a.start), Sockets: 1,
		Received: a.received.Load(), ReceivedBytes: a.receivedBytes.Load(),
		Sent: a.sent.Load(), SentBytes: a.sentBytes.Load(),
		Truncated: a.truncated.Load(), Notices: a.notices.Load(), ReceiveErrors: a.receiveErrors.Load(),
		Answered: fate(dgram.Answered), Pending: max(a.pending.Load(), 0), Failed: a.failures(),
		Ignored: fate(dgram.Ignored), Dropped: a.drops(),
		Copies: a.copies.Load(), CopiesFailed: a.copiesFailed.Load(),
		Attempts: a.attempts.Load(), Superseded: fate(dgram.Superseded),
		Refused: fate(dgram.Refused), Unreachable: fate(dgram.Unreachable), Silent: fate(dgram.Silent),
		Matched: fate(dgram.Matched), Late: fate(dgram.Late), Duplicate: fate(dgram.Duplicate), Stray: fate(dgram.Stray),
	}
}

func (a *Account) drops() map[string]uint64 {
	var m map[string]uint64
	for r := range a.dropped {
		n := a.dropped[r].Load()
		if n == 0 {
			continue
		}
		if m == nil {
			m = make(map[string]uint64)
		}
		m[reasonName(dgram.Reason(r))] = n
	}
	return m
}

// reasonName is never empty: it is a key.
func reasonName(r dgram.Reason) string {
	if r == dgram.NoReason {
		return "no reason given"
	}
	return r.String()
}

func (a *Account) failures() map[string]uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	var m map[string]uint64
	for errno, n := range a.failed {
		if m == nil {
			m = make(map[string]uint64)
		}
		m[ErrnoName(errno)] += n
	}
	return m
}

// SetDrops records what a Conn says that the system dropped.
func (s *Summary) SetDrops(d dgram.Drops) { s.Drops = Drops(d) }

// Add adds o to s: counts are summed, the longer time stays. Only summaries of the same side add up.
func (s *Summary) Add(o Summary) {
	switch {
	case s.Sockets == 0:
		s.Side, s.Local, s.Drops.Known = o.Side, o.Local, true
	case s.Local != o.Local:
		s.Local = ""
	}
	s.Elapsed = max(s.Elapsed, o.Elapsed)
	s.Sockets += o.Sockets
	s.Pending += o.Pending
	into, from := s.counters(), o.counters()
	for i := range into {
		*into[i] += *from[i]
	}
	s.Failed = merge(s.Failed, o.Failed)
	s.Dropped = merge(s.Dropped, o.Dropped)
	s.Drops.Known = s.Drops.Known && o.Drops.Known
	s.Drops.AtLeast = s.Drops.AtLeast || o.Drops.AtLeast
}

// counters lists every plain sum of a Summary, so that Add cannot forget one in the middle of a line.
func (s *Summary) counters() []*uint64 {
	return []*uint64{
		&s.Received, &s.ReceivedBytes, &s.Sent, &s.SentBytes, &s.Truncated, &s.Notices, &s.ReceiveErrors,
		&s.Answered, &s.Ignored, &s.Copies, &s.CopiesFailed,
		&s.Attempts, &s.Superseded, &s.Refused, &s.Unreachable, &s.Silent,
		&s.Matched, &s.Late, &s.Duplicate, &s.Stray,
		&s.Drops.Count, &s.Omitted,
	}
}

// merge never writes to a map that another Summary may share.
func merge(a, b map[string]uint64) map[string]uint64 {
	if len(b) == 0 {
		return a
	}
	m := make(map[string]uint64, len(a)+len(b))
	for k, n := range a {
		m[k] = n
	}
	for k, n := range b {
		m[k] += n
	}
	return m
}

// ErrUnbalanced is wrapped by the error of Balance.
var ErrUnbalanced = errors.New("the account does not balance")

// Balance checks the identities that hold at any quiet moment, when no batch is on its way:
//
//	server: received = answered + ignored + sum(dropped) + sum(failed) + pending
//	client: attempts = answered + superseded + refused + unreachable + silent + sum(failed) + pending
//	        received = matched + late + duplicate + stray
//
// The error wraps ErrUnbalanced and says which identity fails, and by how much.
func (s Summary) Balance() error {
	var errs []error
	for _, id := range s.identities() {
		if err := id.check(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// identity is one equation of the account: a whole and its parts, in words.
type identity struct {
	name  string
	whole uint64
	parts []part
}

type part struct {
	name, note string // note: the reason or errno
	n          uint64
}

func (s *Summary) identities() []identity {
	if s.Side == Serving.String() {
		parts := []part{{"answered", "", s.Answered}, {"ignored", "", s.Ignored}}
		parts = append(parts, byName("dropped", s.Dropped)...)
		parts = append(parts, byName("failed", s.Failed)...)
		return []identity{{"received", s.Received, append(parts, part{"pending", "", uint64(s.Pending)})}}
	}
	attempts := []part{{"answered", "", s.Answered}, {"superseded", "", s.Superseded}, {"refused", "", s.Refused},
		{"unreachable", "", s.Unreachable}, {"silent", "", s.Silent}}
	attempts = append(attempts, byName("failed", s.Failed)...)
	return []identity{
		{"attempts", s.Attempts, append(attempts, part{"in flight", "", uint64(s.Pending)})},
		{"received", s.Received, []part{{"matched", "", s.Matched}, {"late", "", s.Late},
			{"duplicate", "", s.Duplicate}, {"stray", "", s.Stray}}},
	}
}

func (id identity) check() error {
	var sum uint64
	for _, p := range id.parts {
		sum += p.n
	}
	switch {
	case sum < id.whole:
		return fmt.Errorf("%w: %s, %d too few", ErrUnbalanced, id, id.whole-sum)
	case sum > id.whole:
		return fmt.Errorf("%w: %s, %d too many", ErrUnbalanced, id, sum-id.whole)
	}
	return nil
}
