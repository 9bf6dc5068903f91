package explain

import (
	"dgram/ledger"
	"dgram/sock"
)

// Event makes the event of a call: explanation is what an Explainer said of it.
func Event(c *sock.Call, explanation string, missed int) *ledger.CallEvent {
	e := &ledger.CallEvent{
		Header: ledger.Header{Type: ledger.TypeCall, Time: c.Time, Omitted: uint64(missed)},
		Call:   Line(c), Explanation: explanation, Name: c.Name, FD: c.FD, Result: c.Result, Batch: c.Batch,
	}
	if c.Errno != 0 {
		e.Errno = ledger.ErrnoName(c.Errno)
	}
	if c.Name == "socket" {
		e.Family, e.SocketType, e.Protocol = c.Family.String(), typeAndFlags(c), protocol(c)
	}
	if c.Addr != nil {
		e.Address, e.AddressSize = c.Addr.String(), c.AddrLen
	}
	if c.Option.Code != 0 || c.Option.Name != "" {
		e.Level, e.Option, e.Value = c.Option.LevelName(), optionName(c.Option), optionValue(c)
	}
	if c.Messages == nil && c.Batch == 0 {
		return e
	}
	e.Flags = c.Flags.String()
	if c.Errno != 0 && c.Name == "recvmsg" {
		return e
	}
	for i := range c.Messages {
		e.Messages = append(e.Messages, eventMessage(&c.Messages[i]))
	}
	return e
}

func eventMessage(m *sock.Message) ledger.CallMessage {
	out := ledger.CallMessage{Size: m.Moved}
	if m.Addr != nil {
		out.Address = m.Addr.String()
	}
	whole := true
	for _, v := range m.Vectors {
		out.Room += v.Room
		if whole && len(out.Payload) < sock.TracedBytes {
			out.Payload = append(out.Payload, v.Data...)
		}
		whole = whole && len(v.Data) == v.Size
	}
	out.Payload = out.Payload[:min(len(out.Payload), sock.TracedBytes)]
	for _, c := range m.Control {
		out.Control = append(out.Control, optionName(c.Option))
	}
	if m.Flags != 0 {
		out.Flags = m.Flags.String()
	}
	return out
}

// Events is a function for Start that publishes each call as an event, explained in a language. Nothing is left out but what was missed; of
// calls missed at the end, an event without a call tells.
func Events(l Language, publish func(ledger.Event)) func(*sock.Call, int) {
	e := New(l)
	return func(c *sock.Call, missed int) {
		switch {
		case c != nil:
			publish(Event(c, e.Explain(c), missed))
		case missed > 0:
			publish(&ledger.CallEvent{Header: ledger.Header{Type: ledger.TypeCall, Omitted: uint64(missed)}, Explanation: e.phrase("not shown", "n", count(missed)), FD: -1})
		}
	}
}

// Untraceable says that sockets of package net are not seen.
func Untraceable(l Language) string { return phrases["portable"].in(l) }

// NoSocket says that what is done takes no socket.
func NoSocket(l Language) string { return phrases["no socket"].in(l) }
