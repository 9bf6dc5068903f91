package ledger

import (
	"errors"
	"syscall"
	"time"

	"dgram"
)

// Schema is the name and version of the event schema, the first field of every event. Fields are only ever added to it; docs/event-schema.md
// describes them.
const Schema = "dgram.event/1"

// Type is the type of an event.
type Type string

// The types of events.
const (
	TypeReady    Type = "ready"    // what serves can be sent to: ReadyEvent
	TypeRequest  Type = "request"  // a request: received by a server, sent by a client: DatagramEvent
	TypeReply    Type = "reply"    // a reply: sent by a server, received by a client: DatagramEvent
	TypeFate     Type = "fate"     // how a datagram ended that has no reply event to say so: DatagramEvent
	TypeNotice   Type = "notice"   // the network's report on a datagram that was sent: DatagramEvent
	TypeExchange Type = "exchange" // a client's request with all its attempts: ExchangeEvent
	TypeSummary  Type = "summary"  // the account: SummaryEvent
	TypeError    Type = "error"    // something that went wrong beside the datagrams: ErrorEvent

	// Of dgram watch, which writes them itself; Unmarshal does not know them.
	TypePacket  Type = "packet"  // a packet that passed
	TypeSettled Type = "settled" // what became known of a packet later
	TypeCapture Type = "capture" // the summary of a capture
)

// Event is one of ReadyEvent, DatagramEvent, ExchangeEvent, SummaryEvent and ErrorEvent, by pointer.
type Event interface{ Head() *Header }

// Header is what every event begins with. Who makes an event fills Type, and Time where it knows better than now.
type Header struct {
	Schema  string    `json:"schema"`            // Schema
	Type    Type      `json:"type"`              //
	Time    time.Time `json:"time"`              // RFC 3339 with nanoseconds
	Omitted uint64    `json:"omitted,omitempty"` // so many events were left out just before this one
}

// Head returns the header itself, which makes whatever embeds it an Event.
func (h *Header) Head() *Header { return h }

// ReadyEvent says that a server can be sent to.
type ReadyEvent struct {
	Header
	Addresses []string `json:"addresses"`           // as URLs, with the ports that the system chose
	Shards    int      `json:"shards"`              // sockets for each address
	Stages    []string `json:"stages"`              // specs, in order
	Transport string   `json:"transport,omitempty"` // dgram.Caps.Transport
}

// DatagramEvent is about one datagram: a request, a reply, a fate or a notice.
type DatagramEvent struct {
	Header
	ID        uint64  `json:"id"`                  // its number in this process, 0 if unknown
	Re        uint64  `json:"re,omitempty"`        // the number of the request that it answers
	Peer      string  `json:"peer,omitempty"`      // the other end
	Local     string  `json:"local,omitempty"`     // our end, where known
	Interface int32   `json:"interface,omitempty"` // index of the interface that it arrived on, where known
	Size      int     `json:"size"`                // of the payload, bytes
	Payload   Payload `json:"payload,omitzero"`    // of a fate: none; shorter than Size where the Stream copies no more
	Truncated bool    `json:"truncated,omitempty"` // it arrived without its end
	Copy      bool    `json:"copy,omitempty"`      // an extra copy of a reply
	Fate      string  `json:"fate,omitempty"`      // dgram.Fate
	Reason    string  `json:"reason,omitempty"`    // of the fate dropped
	Errno     string  `json:"errno,omitempty"`     // of the fates failed, refused and unreachable: ErrnoName
}

// ExchangeEvent is how a client's request ended, after all its attempts.
type ExchangeEvent struct {
	Header
	Number   uint64  `json:"number"`             // of the exchange in this process, from 1
	Verdict  string  `json:"verdict"`            // answered, silent, refused, unreachable, stranger, too big, failed, interrupted
	Attempts int     `json:"attempts"`           // how many were made
	Peer     string  `json:"peer"`               // who was asked
	RTT      float64 `json:"rtt_us,omitempty"`   // from the answered attempt to its reply, microseconds
	Request  uint64  `json:"request,omitempty"`  // number of the attempt that was answered, else of the last one
	Reply    uint64  `json:"reply,omitempty"`    // number of the reply
	ReplyOf  string  `json:"reply_of,omitempty"` // who sent the reply, where it was not Peer
	Size     int     `json:"size,omitempty"`     // of the reply, bytes
	Payload  Payload `json:"payload,omitzero"`   // of the reply
	Error    string  `json:"error,omitempty"`    // in words, what went wrong
}

// SummaryEvent carries the account.
type SummaryEvent struct {
	Header
	Summary
	Balanced bool      `json:"balanced"`       // Summary.Balance found nothing, for the whole and for each
	Each     []Summary `json:"each,omitempty"` // the account of each socket, where there are several
}

// ErrorEvent is something that went wrong beside the datagrams: an address that cannot be listened on, receiving that fails.
type ErrorEvent struct {
	Header
	Op       string `json:"op,omitempty"`       // what was being done: dgram.OpError.Op
	Endpoint string `json:"endpoint,omitempty"` // to what
	Error    string `json:"error"`              // in words
	Errno    string `json:"errno,omitempty"`    // ErrnoName, where there is one
}

// NewSummaryEvent returns the event of a summary and, where there are several, of the accounts that it is the sum of.
func NewSummaryEvent(s Summary, each ...Summary) *SummaryEvent {
	e := &SummaryEvent{Header: Header{Type: TypeSummary}, Summary: s, Balanced: s.Balance() == nil}
	if len(each) < 2 {
		return e
	}
	for _, one := range each {
		e.Balanced = e.Balanced && one.Balance() == nil
	}
	e.Each = each
	return e
}

// NewErrorEvent returns the event of an error; what was being done, to which endpoint, and the errno are taken from it where it has them.
func NewErrorEvent(err error) *ErrorEvent {
	e := &ErrorEvent{Header: Header{Type: TypeError}, Error: err.Error()}
	var op *dgram.OpError
	if errors.As(err, &op) {
		e.Op, e.Endpoint = op.Op, op.Endpoint
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		e.Errno = ErrnoName(errno)
	}
	return e
}

// name writes an endpoint, and nothing for none.
func name(e dgram.Endpoint) string {
	if !e.IsValid() {
		return ""
	}
	return e.String()
}
