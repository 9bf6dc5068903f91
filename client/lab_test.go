package client_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"dgram"
	"dgram/client"
	"dgram/dgramtest"
)

// lab is a network in memory with a client on it, for use inside a synctest bubble.
type lab struct {
	*testing.T
	net    *dgramtest.Network
	client *client.Client

	mu     sync.Mutex
	events []client.Event
}

const serverAddress = "192.0.2.1:12345"

// newLab makes a network that follows rule, and a client of serverAddress.
func newLab(t *testing.T, rule func(dgramtest.Packet) dgramtest.Verdict, o client.Options) *lab {
	return newLabWith(t, dgramtest.NewNetwork(dgramtest.Links(rule)), o, serverAddress)
}

func newLabWith(t *testing.T, n *dgramtest.Network, o client.Options, addresses ...string) *lab {
	t.Helper()
	l := &lab{T: t, net: n}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Open == nil {
		o.Open = func(peer dgram.Endpoint) (dgram.Conn, error) { return n.DialEndpoint(peer, o.Dgram) }
	}
	o.Observer = l.observe
	var peers []dgram.Endpoint
	for _, a := range addresses {
		peers = append(peers, dgramtest.Endpoint(a))
	}
	c, err := client.Open(o, peers...)
	if err != nil {
		t.Fatal(err)
	}
	l.client = c
	t.Cleanup(func() { c.Close() })
	return l
}

func (l *lab) observe(ev client.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, ev)
}

// fates counts the events of each fate.
func (l *lab) fates() map[dgram.Fate]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := map[dgram.Fate]int{}
	for _, ev := range l.events {
		m[ev.Fate]++
	}
	return m
}

// serve answers at an address with what reply makes of a request; nil is no reply.
func (l *lab) serve(address string, reply func([]byte) []byte) {
	l.Helper()
	conn, err := l.net.Listen(address)
	if err != nil {
		l.Fatal(err)
	}
	dgramtest.Serve(l.T, conn, reply)
}

func (l *lab) do(payload string) *client.Exchange {
	return l.client.Do(context.Background(), []byte(payload))
}

func (l *lab) start(payload string) *client.Exchange {
	return l.client.Start(context.Background(), []byte(payload))
}

// verdict fails the test unless the exchange ended so, and its parts agree with that.
func (l *lab) verdict(e *client.Exchange, want client.Verdict) {
	l.Helper()
	<-e.Done()
	if e.Verdict != want {
		l.Errorf("exchange %q: %v (%v), want %v", e.Request, e.Verdict, e.Err(), want)
	}
	if err := check(e); err != "" {
		l.Errorf("exchange %q: %s", e.Request, err)
	}
}

// reply fails the test unless the exchange was answered with that.
func (l *lab) reply(e *client.Exchange, want string) *client.Reply {
	l.Helper()
	l.verdict(e, client.Answered)
	r := e.Reply()
	if r == nil {
		l.Fatalf("exchange %q has no reply", e.Request)
	}
	if string(r.Data) != want {
		l.Errorf("exchange %q: reply %q, want %q", e.Request, r.Data, want)
	}
	return r
}

// check says what in an ended exchange contradicts itself.
func check(e *client.Exchange) string {
	answered := 0
	for i, a := range e.Attempts {
		switch {
		case a.Fate == dgram.Pending || a.Fate == dgram.Undecided:
			return "an attempt has no fate"
		case a.Number != i+1:
			return "the attempts are not numbered in order"
		case a.Fate == dgram.Answered:
			answered++
		}
	}
	switch {
	case (e.Verdict == client.Answered) != (len(e.Replies) > 0):
		return "Answered and Replies disagree"
	case (e.Verdict == client.Answered) != (e.Err() == nil):
		return "Answered and Err disagree"
	case (e.Verdict == client.Answered) != (answered == 1):
		return "Answered and the attempts' fates disagree"
	case e.Verdict == client.Outstanding:
		return "it has no verdict"
	}
	return ""
}

// balance fails the test unless the books balance and hold these counts.
func (l *lab) balance(want counts) {
	l.Helper()
	s := l.client.Summary()
	if err := s.Balance(); err != nil {
		l.Error(err)
	}
	got := counts{s.Attempts, s.Answered, s.Superseded, s.Silent, s.Refused, s.Matched, s.Late, s.Duplicate, s.Stray}
	if got != want {
		l.Errorf("account %+v, want %+v", got, want)
	}
}

type counts struct{ attempts, answered, superseded, silent, refused, matched, late, duplicate, stray uint64 }

func upper(p []byte) []byte { return bytes.ToUpper(p) }

func mute([]byte) []byte { return nil }

// toServer limits a rule to what goes to the server, toClient to what comes from there.
func toServer(rule func(dgramtest.Packet) dgramtest.Verdict) func(dgramtest.Packet) dgramtest.Verdict {
	return func(p dgramtest.Packet) dgramtest.Verdict {
		if p.To == dgramtest.Endpoint(serverAddress) {
			return rule(p)
		}
		return dgramtest.Verdict{}
	}
}

func toClient(rule func(dgramtest.Packet) dgramtest.Verdict) func(dgramtest.Packet) dgramtest.Verdict {
	return func(p dgramtest.Packet) dgramtest.Verdict {
		if p.From == dgramtest.Endpoint(serverAddress) {
			return rule(p)
		}
		return dgramtest.Verdict{}
	}
}

// near fails the test unless d is within a tenth of want: what chance may do to a wait.
func (l *lab) near(what string, d, want time.Duration) {
	l.Helper()
	if slack := want / 10; d < want-slack || d > want+slack {
		l.Errorf("%s: %v, want %v ±10%%", what, d, want)
	}
}
