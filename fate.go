package dgram

import (
	"fmt"
	"sync"
)

// Fate is how a datagram ended. Every datagram that is sent or received ends in exactly one; the zero value says that it has none yet.
//
// On the side that serves, each received datagram ends Answered, Ignored, Dropped (with a [Reason]) or Failed (with an errno), and is
// Pending while a handler or a delay holds it. On the side that calls, each attempt ends Answered, Superseded, Refused, Unreachable,
// Silent or Failed and is Pending while in flight, and each received datagram is Matched, Late, Duplicate or Stray.
type Fate uint8

// The fates.
const (
	Undecided   Fate = iota // has no fate yet
	Pending                 // held by a handler or a delay, or in flight
	Answered                // its reply went out (server), or came in (client)
	Ignored                 // no reply was wanted: a rule or a handler said so
	Dropped                 // stopped on purpose; the Reason says why
	Failed                  // the system would not send it; Err says why
	Superseded              // another attempt of the same exchange was answered
	Refused                 // nothing listens there (ICMP port unreachable)
	Unreachable             // no way there (another ICMP error, or no route)
	Silent                  // nobody answered in time
	Matched                 // a reply that answers an attempt
	Late                    // a reply to an attempt that had been given up
	Duplicate               // a further reply to an attempt that was answered
	Stray                   // from an address that was not asked
	numFates
)

// NumFates is the number of fates, for arrays that are indexed by Fate.
const NumFates = int(numFates)

var fateNames = [NumFates]string{"undecided", "pending", "answered", "ignored", "dropped", "failed", "superseded", "refused",
	"unreachable", "silent", "matched", "late", "duplicate", "stray"}

// String returns the fate's name as the event schema dgram.event/1 writes it.
func (f Fate) String() string {
	if int(f) < NumFates {
		return fateNames[f]
	}
	return fmt.Sprintf("fate(%d)", uint8(f))
}

// Reason says why a datagram was Dropped. Those below are dgram's own; [NewReason] makes more.
type Reason uint8

// The reasons that dgram gives by itself.
const (
	NoReason        Reason = iota
	ReasonBusy             // a handler's queue, or the scheduler's memory, was full
	ReasonTooBig           // the reply would not fit a datagram
	ReasonNoAddress        // the sender has no address to reply to (an unnamed unix socket, source port 0)
	ReasonLoss             // the loss fault took it
	ReasonHandler          // the handler failed: it ended with an error, or its program did
	ReasonTimeout          // the handler took longer than it may
	ReasonShutdown         // the server stopped before the reply was ready
	ReasonSource           // no client has such a source address or port
	ReasonLimit            // its address, or the prefix of that, sends more than is answered
	ReasonLoop             // it is one of many in a row that equal our own last reply
	ReasonAmplify          // the reply would be larger than the request, to another machine
	firstNewReason
)

// MaxReasons bounds how many reasons there can be, so that counters can be arrays.
const MaxReasons = 64

var reasons = struct {
	sync.RWMutex
	names []string
}{names: []string{"", "busy", "too big", "no return address", "loss", "handler", "timeout", "shutdown",
	"source", "limit", "loop", "amplify"}}

// NewReason returns the reason with that name, making it where it is new. Call it once, when the program starts: a stage keeps the
// result in a package variable. It panics if name is empty or there are already MaxReasons.
func NewReason(name string) Reason {
	reasons.Lock()
	defer reasons.Unlock()
	for i, n := range reasons.names[1:] {
		if n == name {
			return Reason(i + 1)
		}
	}
	if name == "" || len(reasons.names) == MaxReasons {
		panic("dgram.NewReason: " + fmt.Sprintf("%q: empty, or the table of %d is full", name, MaxReasons))
	}
	reasons.names = append(reasons.names, name)
	return Reason(len(reasons.names) - 1)
}

// String returns the reason's name as the event schema writes it, and "" for NoReason.
func (r Reason) String() string {
	reasons.RLock()
	defer reasons.RUnlock()
	if int(r) < len(reasons.names) {
		return reasons.names[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}
