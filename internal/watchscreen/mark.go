package watchscreen

import (
	"time"

	"dgram/wire/app"
)

// A Mark says in one character what became of a packet. What asks for attention stands out in colour too.
type Mark uint8

// The marks.
const (
	MarkNone        Mark = iota // nothing is known of it
	MarkOneWay                  // of a flow where nobody answers
	MarkWaiting                 // a request whose answer may still come
	MarkAnswered                // a request that was answered
	MarkReply                   // an answer
	MarkFurther                 // one more answer, of another host or with more to say
	MarkUnasked                 // an answer to what passed before the capture, perhaps
	MarkRetry                   // a request that was sent before
	MarkSuperseded              // a request whose retry was answered
	MarkUnanswered              // a request that nobody answered in time
	MarkRefused                 // a request to where nobody listens: ICMP says so
	MarkUnreachable             // a request that did not get there: ICMP says so
	MarkReport                  // the ICMP message that says so
	MarkLate                    // an answer after its request was given up
	MarkDuplicate               // an answer that came before
	MarkStray                   // an answer from where nobody was asked
	marks
)

// What each mark looks like and means.
var markTable = [marks]struct {
	sign    string
	name    string
	meaning string
	trouble bool
}{
	MarkNone:        {" ", "", "", false},
	MarkOneWay:      {".", "one-way", "nobody answers there, and nobody has to", false},
	MarkWaiting:     {"?", "waiting", "a request: its answer may still come", false},
	MarkAnswered:    {">", "answered", "a request, and the number of its answer", false},
	MarkReply:       {"<", "reply", "an answer, the number of its request, the round trip", false},
	MarkFurther:     {"&", "further", "one more answer to a request", false},
	MarkUnasked:     {"-", "unasked", "an answer, and no request was seen", false},
	MarkRetry:       {"+", "retry", "a request that was sent before", true},
	MarkSuperseded:  {"/", "superseded", "a request whose retry was answered", true},
	MarkUnanswered:  {"!", "unanswered", "a request that nobody answered in time", true},
	MarkRefused:     {"X", "refused", "a request to where nobody listens (ICMP)", true},
	MarkUnreachable: {"U", "unreachable", "a request that did not get there (ICMP)", true},
	MarkReport:      {"x", "report", "the ICMP message that says so", true},
	MarkLate:        {"L", "late", "an answer after its request was given up", true},
	MarkDuplicate:   {"D", "duplicate", "an answer that came before", true},
	MarkStray:       {"~", "stray", "an answer from where nobody was asked", true},
}

// Sign is the mark as one printable ASCII character.
func (m Mark) Sign() string { return markTable[m%marks].sign }

// String is the mark's name, empty for MarkNone.
func (m Mark) String() string { return markTable[m%marks].name }

// Trouble reports whether a person who looks for trouble wants to see the packet.
func (m Mark) Trouble() bool { return markTable[m%marks].trouble }

// A Note is what is known of a packet beyond its bytes. It may change after the packet came.
type Note struct {
	Mark Mark
	// Peer is the number of the packet that it belongs with: of a reply its request, of a request its reply; 0: none.
	Peer uint64
	// RTT is the round trip from the request to the reply, where it is known.
	RTT time.Duration
	// Spoken is the protocol that the packet was found to speak in its flow; app.Unread: what it says itself.
	Spoken app.Protocol
}
