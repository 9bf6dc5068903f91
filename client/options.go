package client

import (
	"math/rand/v2"
	"time"

	"dgram"
)

// Options say how a Client asks. The zero value asks as RFC 8085, Section 3.1.1 would have it: one exchange at a time, one second for
// the first answer, twice as long after each attempt, three attempts.
type Options struct {
	// Timeout is how long the first attempt of an exchange waits for its answer; the second waits twice as long, and so on, up to a
	// minute. A wait that another attempt follows is changed by up to a tenth at random, so that clients that began together do not
	// go on together. Default 1 s.
	Timeout time.Duration
	// Tries is how many attempts an exchange has, at each address of the peer. Default 3.
	Tries int
	// Window is how many exchanges may be outstanding at once; Start waits for a place. Default 1.
	Window int
	// FreshSocket sends each attempt from a socket of its own, so that what arrives tells by itself which attempt it answers. By
	// default all attempts are one flow.
	FreshSocket bool
	// RetryRefused goes on after a refusal until the tries are used up. By default a refusal, which is certain knowledge that nothing
	// listens there now, ends the exchange at once.
	RetryRefused bool
	// AnyPeer takes an answer from any address for the right one. It is understood for multicast groups and for 255.255.255.255; set
	// it for a subnet's broadcast address.
	AnyPeer bool
	// Collect, if not 0, ends each exchange so long after its first attempt and not before, and gathers every reply until then. Once a
	// reply is there no further attempt is made. Leave Window at 1: the second reply to one request looks like the first to the next.
	Collect time.Duration
	// Linger is how long after an exchange ends a late or duplicate reply to it is still listened for: by Finish, and by the
	// sockets of FreshSocket. Default 0.
	Linger time.Duration
	// Match says how a reply finds its exchange. The zero Match is MatchAuto.
	Match Match
	// Remember is how many ended exchanges of a flow are remembered, to know late and duplicate replies. Default 64.
	Remember int
	// Seed makes the random part of waiting repeatable; 0 takes a new one each time.
	Seed uint64
	// Dgram are the options of the sockets.
	Dgram dgram.Options
	// Taps watch every socket of the Client.
	Taps []dgram.Tap
	// Observer, if not nil, is told what happens, as it happens. It is called on one goroutine of its own, and must not call Close or
	// Finish. When it is slower than what it observes, events are left out and counted ([ledger.Summary].Omitted).
	Observer func(Event)
	// Open opens the socket for a peer, in place of [dgram.DialEndpoint] with Dgram.
	Open func(peer dgram.Endpoint) (dgram.Conn, error)
}

const (
	defaultTimeout  = time.Second
	defaultTries    = 3
	defaultRemember = 64
	longestWait     = time.Minute // RFC 6298, Section 2.5: a maximum, if there is one, of at least 60 s
)

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Tries <= 0 {
		o.Tries = defaultTries
	}
	if o.Window <= 0 {
		o.Window = 1
	}
	if o.Remember <= 0 {
		o.Remember = defaultRemember
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	if o.Open == nil {
		sockets := o.Dgram
		o.Open = func(peer dgram.Endpoint) (dgram.Conn, error) { return dgram.DialEndpoint(peer, sockets) }
	}
	return o
}

// backoff is how long the attempt of a round (from 0) waits, before chance has its part.
func (o *Options) backoff(round int) time.Duration {
	d := o.Timeout
	for ; round > 0 && d < longestWait; round-- {
		d *= 2
	}
	return max(min(d, longestWait), o.Timeout)
}
