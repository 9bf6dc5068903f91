package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"dgram"
	"dgram/client"
	"dgram/internal/terminal"
)

// excerptBytes is how much of a payload is shown within a sentence.
const excerptBytes = 64

// explain says what there is to say about an outcome beside the reply, a line each.
func (c *call) explain(a asked) (lines []string) {
	prefix := c.prefix(a)
	say := func(format string, args ...any) { lines = append(lines, prefix+fmt.Sprintf(format, args...)) }
	e := a.exchange
	if e == nil {
		say("%s", c.unsendable(a.request))
		return lines
	}
	for i := range e.Replies {
		if r := &e.Replies[i]; r.Truncated {
			say("the reply from %s was cut to %d bytes: --buffer 65535 takes it whole", place(r.Peer), len(r.Data))
		}
	}
	if e.Omitted > 0 {
		say("%d more replies came than can be kept", e.Omitted)
	}
	switch e.Verdict {
	case client.Answered:
		if n := e.Reply().Attempt; n > 1 && c.talkative {
			say("answered after %s", tries(len(e.Attempts)))
		}
	case client.Interrupted:
		say("no answer from %s yet, after %s in %s", place(e.Peer), tries(len(e.Attempts)), span(e.End.Sub(e.Start)))
	default:
		say("%s", c.whatWentWrong(e))
	}
	return lines
}

// prefix tells the outcomes of several requests apart.
func (c *call) prefix(a asked) string {
	switch {
	case c.mode == fromLines:
		return fmt.Sprintf("line %d: ", a.line)
	case c.mode == fromPrompt && a.exchange != nil && a.exchange.Verdict != client.Answered:
		return fmt.Sprintf("%q: ", terminal.Excerpt(a.data, excerptBytes))
	}
	return ""
}

// unsendable says why there was nothing to send.
func (c *call) unsendable(r request) string {
	if r.err != nil {
		return r.err.Error()
	}
	return c.tooBig(r.size, c.client.Peer())
}

func (c *call) whatWentWrong(e *client.Exchange) string {
	peer := place(e.Peer)
	var cause error
	var err *client.Error
	if errors.As(e.Err(), &err) {
		cause = err.Cause
	}
	switch e.Verdict {
	case client.Silent:
		return fmt.Sprintf("no answer from %s after %s in %s: %s%s", peer, tries(len(e.Attempts)), span(e.End.Sub(e.Start)),
			silenceAdvice(e.Peer), c.blind())
	case client.Refused:
		return fmt.Sprintf("nothing listens on %s: start a server there with `%s`", ended(e, dgram.Refused), serveCommand(e.Peer))
	case client.Unreachable:
		return fmt.Sprintf("no way to %s%s: check the address, and the route to it", ended(e, dgram.Unreachable), because(cause))
	case client.Stranger:
		return fmt.Sprintf("%s did not answer in %s, but %s, which was not asked, did: a server with several addresses has to answer from the one asked",
			peer, span(e.End.Sub(e.Start)), strangers(e))
	case client.TooBig:
		return c.tooBig(len(e.Request), e.Peer)
	}
	return fmt.Sprintf("could not send to %s%s%s", peer, because(cause), sendAdvice(cause))
}

// ended names the addresses at which attempts ended so; a name may have several.
func ended(e *client.Exchange, fate dgram.Fate) string {
	var all []string
	for i := range e.Attempts {
		if peer := place(e.Attempts[i].Peer); e.Attempts[i].Fate == fate && !slices.Contains(all, peer) {
			all = append(all, peer)
		}
	}
	if len(all) == 0 {
		return place(e.Peer)
	}
	return strings.Join(all, " or ")
}

func because(cause error) string {
	if cause == nil {
		return ""
	}
	return ": " + cause.Error()
}

// blind says what a socket that does not see refusals could not tell.
func (c *call) blind() string {
	if c.client.Caps().SeesRefusals {
		return ""
	}
	return " (these sockets do not show refusals: perhaps nothing listens there)"
}

func silenceAdvice(peer dgram.Endpoint) string {
	switch {
	case !peer.Network().IP():
		return "is the server there stuck?"
	case peer.Addr().IsLoopback():
		return fmt.Sprintf("is a server running there? start one with `%s`", serveCommand(peer))
	}
	return fmt.Sprintf("is a server running there, and does every firewall on the way let UDP port %d through?", peer.Port())
}

// serveCommand is what starts a server that the same call would reach.
func serveCommand(peer dgram.Endpoint) string {
	if peer.String() == fmt.Sprintf("127.0.0.1:%d", dgram.DefaultPort) {
		return "dgram serve"
	}
	return "dgram serve " + quoted([]string{peer.String()})
}

func strangers(e *client.Exchange) string {
	var who []string
	for i := range e.Strangers {
		if s := place(e.Strangers[i].Peer); len(who) == 0 || who[len(who)-1] != s {
			who = append(who, s)
		}
	}
	return strings.Join(who, ", ")
}

// maxPayload6 is the largest UDP payload over IPv6: 65,535 less 8 of UDP header (RFC 8200, Section 3: the length leaves out the IP header).
const maxPayload6 = 65527

func (c *call) tooBig(size int, peer dgram.Endpoint) string {
	limit, over := dgram.MaxPayload, "over IPv4 "
	switch {
	case !peer.Network().IP():
		return fmt.Sprintf("too big: the system does not take %d bytes as one datagram for %s", size, place(peer))
	case peer.Addr().Is6():
		limit, over = maxPayload6, "over IPv6 "
	}
	if c.df && size <= limit {
		return fmt.Sprintf("too big: %d bytes do not fit the path to %s in one piece, and --df forbids to fragment (Ethernet carries 1472 over IPv4, 1452 over IPv6)",
			size, place(peer))
	}
	if size <= limit {
		return fmt.Sprintf("too big: the system does not take %d bytes as one datagram for %s", size, place(peer))
	}
	return fmt.Sprintf("too big: %d bytes; a datagram %sholds at most %d", size, over, limit)
}

func sendAdvice(cause error) string {
	switch {
	case errors.Is(cause, syscall.EACCES):
		return ": a firewall here forbids it, or the address is one of broadcast: then say --broadcast"
	case errors.Is(cause, syscall.EPERM):
		return ": a firewall here forbids it"
	}
	return ""
}

// observe is told by the client what happens beside the outcomes.
func (c *call) observe(ev client.Event) {
	r := &ev.Reply
	switch {
	case ev.Fate == dgram.Late:
		c.say("late: %s answered when it was given up: %s", place(r.Peer), excerpt(r))
	case ev.Fate == dgram.Duplicate:
		c.say("duplicate: %s answered once more: %s", place(r.Peer), excerpt(r))
	case ev.Fate == dgram.Stray:
		c.say("stranger: %s was not asked, and sent: %s", place(r.Peer), excerpt(r))
	case ev.Fate == dgram.Pending && ev.Attempt.Number > 1 && c.talkative && c.mode != fromLines:
		c.say("no answer yet: asking %s again (attempt %d)", place(ev.Attempt.Peer), ev.Attempt.Number)
	}
}

func excerpt(r *client.Reply) string { return `"` + terminal.Excerpt(r.Data, excerptBytes) + `"` }

// place writes an endpoint; a unix path may hold anything.
func place(e dgram.Endpoint) string { return terminal.EscapeString(e.String()) }

func tries(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", n)
}

// span writes a time as a person says it: 7 s, 1.5 s, 300 ms, 0.21 ms.
func span(d time.Duration) string {
	switch {
	case d >= 9950*time.Millisecond:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}
