package pair

import (
	"fmt"
	"time"

	"dgram"
)

// A Role is what a packet does in the conversation that it belongs to.
type Role uint8

// The roles.
const (
	None      Role = iota // takes no part: neither UDP nor a unix datagram nor ICMP that asks, answers or reports; a fragment
	Request               // asks
	Retry                 // asks again what was not answered: Re is the first time
	Reply                 // answers Re
	Further               // one more reply to Re, other than the first: of another host that was asked, or of one that has more to say
	Duplicate             // the reply to Re once more
	Late                  // answers Re, which had been given up
	Stray                 // seems to answer Re, but comes from where nobody was asked
	Unasked               // a reply, but nothing was seen that it answers
	Refusal               // an ICMP error about Re
	OneWay                // of a flow where nobody ever answers
	Data                  // neither asks nor answers: both sides keep sending
	numRoles
)

var roleNames = [numRoles]string{"", "request", "retry", "reply", "further", "duplicate", "late", "stray", "unasked", "refusal", "one-way", "data"}

// String is the role in a word; none for None.
func (r Role) String() string {
	if r < numRoles {
		return roleNames[r]
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// MarshalText is String, for JSON.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// A Note is what Add says of a packet.
type Note struct {
	Role Role
	// Fate is the packet's as far as it is known. A request's is Pending until Settled says more; that of Reply and Further is Matched, of
	// Duplicate, Late and Stray the one of that name; a Refusal has that of the request, Refused or Unreachable; OneWay has Ignored.
	Fate dgram.Fate
	// Count is, of a Retry, which attempt it is (2: the first retry); of a Reply, a Further or a Late one, which reply to Re.
	Count uint32
	// Re is the number (Packet.No) of the request that it is about; of a Retry, of the first attempt. 0: not known.
	Re uint64
	// RTT is the time since the request; since the latest attempt where there were several. It is 0 where times are not known, and where
	// the capture has the reply before the request.
	RTT time.Duration
	// Ambiguous says that there were several attempts, so that the reply may answer an earlier one, with a longer round trip.
	Ambiguous bool
}

// Settled is what became of a request.
type Settled struct {
	// No is the request's number.
	No uint64
	// Fate is Answered; Superseded (a later attempt was answered); Refused or Unreachable; Silent (nobody answered in time); Ignored
	// (nobody did, and nobody usually does: a flow that is one-way, a question to a group); or Undecided where the request had to
	// be forgotten, because there was no room for it.
	Fate dgram.Fate
	// By is the number of the packet that settled it, 0 where time did.
	By uint64
	// RTT is the time until that packet.
	RTT time.Duration
}
