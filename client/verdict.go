package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"dgram"
)

// Verdict is how an exchange ended. Every exchange ends in exactly one.
type Verdict uint8

// The verdicts.
const (
	Outstanding Verdict = iota // not ended yet
	Answered                   // the peer replied
	Silent                     // nobody answered in time
	Refused                    // nothing listens there (ICMP port unreachable)
	Unreachable                // no way there (another ICMP error, or no route)
	Stranger                   // only an address that was not asked answered
	TooBig                     // the system would not send so long a datagram (EMSGSIZE, send(2))
	Failed                     // the system would not send at all, or the socket could not be opened
	Interrupted                // the context ended, or the Client was closed, before anything else was known
	numVerdicts
)

var verdictNames = [numVerdicts]string{"outstanding", "answered", "silent", "refused", "unreachable", "stranger", "too big", "failed",
	"interrupted"}

// String returns the verdict in words.
func (v Verdict) String() string {
	if v < numVerdicts {
		return verdictNames[v]
	}
	return fmt.Sprintf("verdict(%d)", uint8(v))
}

// What the error of an exchange that was not Answered wraps, for [errors.Is].
var (
	ErrSilent      = errors.New("nobody answered")
	ErrRefused     = errors.New("refused: nothing listens there")
	ErrUnreachable = errors.New("unreachable: there is no way to that address")
	ErrStranger    = errors.New("only an address that was not asked answered")
	ErrTooBig      = errors.New("too big to send as one datagram")
	ErrFailed      = errors.New("could not be sent")
	ErrInterrupted = errors.New("interrupted before there was an answer")
)

var verdictErrors = [numVerdicts]error{Silent: ErrSilent, Refused: ErrRefused, Unreachable: ErrUnreachable, Stranger: ErrStranger,
	TooBig: ErrTooBig, Failed: ErrFailed, Interrupted: ErrInterrupted}

// Error says why an exchange has no answer. It wraps the sentinel of its Verdict (ErrSilent and so on), and the system's error where there
// is one: a syscall.Errno, an error of opening the socket, or the cause of the context's end.
type Error struct {
	Verdict  Verdict
	Peer     dgram.Endpoint // the address that the verdict is about
	Attempts int            // that were made
	Size     int            // of the request, bytes
	Waited   time.Duration  // from the first attempt to the end
	Stranger dgram.Endpoint // who answered instead, if anybody did
	Cause    error          // nil where there is none
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "call %s: ", e.Peer)
	switch e.Verdict {
	case Silent:
		fmt.Fprintf(&b, "%v %s in %s", ErrSilent, attempts(e.Attempts), e.Waited.Round(time.Millisecond))
	case Stranger:
		fmt.Fprintf(&b, "%v: %s (%s in %s)", ErrStranger, e.Stranger, attempts(e.Attempts), e.Waited.Round(time.Millisecond))
	case TooBig:
		fmt.Fprintf(&b, "%d bytes are %v", e.Size, ErrTooBig)
	default:
		fmt.Fprint(&b, e.sentinel())
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	return b.String()
}

// Unwrap returns the verdict's sentinel and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.sentinel()}
	}
	return []error{e.sentinel(), e.Cause}
}

func (e *Error) sentinel() error {
	if e.Verdict < numVerdicts && verdictErrors[e.Verdict] != nil {
		return verdictErrors[e.Verdict]
	}
	return ErrFailed
}

func attempts(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}
