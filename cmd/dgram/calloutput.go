package main

import (
	"bytes"
	"encoding/hex"

	"dgram/client"
	"dgram/internal/terminal"
	"dgram/ledger"
)

// report writes the outcome of a request: its replies to stdout, what went wrong to stderr.
func (c *call) report(a asked) {
	c.outcomes.add(a)
	c.explained.flush()
	if c.events != nil {
		c.publish(a)
	} else {
		c.write(a)
	}
	for _, line := range c.explain(a) {
		c.say("%s", line)
	}
}

// publish adds the event of the whole exchange to those of its datagrams.
func (c *call) publish(a asked) {
	if a.exchange != nil {
		c.events.Publish(a.exchange.Event())
		return
	}
	event := &ledger.ErrorEvent{Header: ledger.Header{Type: ledger.TypeError}, Op: "call", Endpoint: c.client.Peer().String()}
	event.Error = c.unsendable(a.request)
	c.events.Publish(event)
}

// write writes the replies, one a line. Where stdin gave lines, what has no reply is an empty line, so that lines stay aligned.
func (c *call) write(a asked) {
	var out []byte
	if a.exchange != nil {
		for i := range a.exchange.Replies {
			out = c.appendReply(out, &a.exchange.Replies[i])
		}
	}
	if len(out) == 0 && c.mode == fromLines {
		out = []byte("\n")
	}
	if len(out) > 0 {
		_, _ = c.stdout.Write(out) // its Err is looked at
	}
}

func (c *call) appendReply(out []byte, r *client.Reply) []byte {
	if c.raw {
		return append(out, r.Data...)
	}
	if c.collect > 0 {
		out = append(append(out, terminal.EscapeString(r.Peer.String())...), '\t')
	}
	return append(c.appendPayload(out, r.Data), '\n')
}

func (c *call) appendPayload(out, data []byte) []byte {
	switch {
	case c.output.value == "hex":
		return hex.AppendEncode(out, data)
	case c.onTerminal:
		return terminal.AppendEscape(out, data)
	case c.mode == fromLines || c.collect > 0:
		return append(out, bytes.ReplaceAll(data, []byte("\n"), []byte(`\n`))...)
	}
	return append(out, data...)
}
