package handover

import (
	"encoding/json"
	"errors"
	"fmt"
)

// protocol is the first field of each message. Processes that differ in it do not understand each other.
const protocol = "takeover/1"

const (
	maxMessage = 64 << 10 // bytes of one message
	perMessage = 64       // descriptors of one message; the kernel takes 253 (unix(7), SCM_RIGHTS)
	maxSockets = 4096     // descriptors of one handover
)

// Socket is one socket on its way to another process.
type Socket struct {
	FD       int    `json:"-"`
	Drops    uint64 `json:"drops,omitempty"`     // datagrams that it had dropped for a full buffer when it was offered
	GRO      bool   `json:"gro,omitempty"`       // receive offload is on
	OwnsPath bool   `json:"owns_path,omitempty"` // whoever has it last removes the path of this unix socket
}

// message is what either side says.
type message struct {
	Protocol string   `json:"dgram"`
	Type     kind     `json:"type"`
	Reason   string   `json:"reason,omitempty"`  // of a refusal
	Total    int      `json:"total,omitempty"`   // of an offer: the sockets of all its messages together
	Sockets  []Socket `json:"sockets,omitempty"` // of an offer: those whose descriptors come with this message
}

type kind string

const (
	ask    kind = "ask"    // the new process: what have you got?
	offer  kind = "offer"  // the old one: these sockets
	refuse kind = "refuse" // the old one: nothing, and why
	taken  kind = "taken"  // the new one: they are mine
)

func (m message) encode() []byte {
	m.Protocol = protocol
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers always have a JSON form
	}
	return text
}

var errMessage = errors.New("not a message of a takeover")

// decode reads a message and holds it to the bounds.
func decode(text []byte) (message, error) {
	var m message
	if len(text) > maxMessage {
		return m, fmt.Errorf("%w: longer than %d bytes", errMessage, maxMessage)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return message{}, fmt.Errorf("%w: %w", errMessage, err)
	}
	switch {
	case m.Protocol != protocol:
		return message{}, fmt.Errorf("%w: the other side speaks %.40q, this one %q", errMessage, m.Protocol, protocol)
	case m.Type != ask && m.Type != offer && m.Type != refuse && m.Type != taken:
		return message{}, fmt.Errorf("%w: type %.40q", errMessage, m.Type)
	case m.Type == offer && (m.Total < 1 || m.Total > maxSockets || len(m.Sockets) < 1 || len(m.Sockets) > perMessage || len(m.Sockets) > m.Total):
		return message{}, fmt.Errorf("%w: an offer of %d sockets of %d", errMessage, len(m.Sockets), m.Total)
	case m.Type != offer && len(m.Sockets) > 0:
		return message{}, fmt.Errorf("%w: sockets in a message that is no offer", errMessage)
	}
	return m, nil
}

// offers divides sockets among messages.
func offers(all []Socket) (messages []message) {
	for start := 0; start < len(all); start += perMessage {
		messages = append(messages, message{Type: offer, Total: len(all), Sockets: all[start:min(start+perMessage, len(all))]})
	}
	return messages
}
