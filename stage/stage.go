package stage

import (
	"context"
	"errors"
	"time"

	"dgram"
)

// Stage does one thing to a datagram: a guard stops it, a transform changes its bytes, a fault asks for an Effect. Apply never sleeps,
// starts a goroutine or sends; what has to wait is a Handler. A Stage is used by one goroutine at a time: each shard has its own.
type Stage interface {
	Apply(*Context, *dgram.Datagram, *Effect)
}

// StageFunc lets a function be a Stage.
type StageFunc func(*Context, *dgram.Datagram, *Effect)

// Apply calls f.
func (f StageFunc) Apply(c *Context, d *dgram.Datagram, e *Effect) { f(c, d, e) }

// ErrIgnore is the error by which a Handler says that there is to be no reply: the request is Ignored.
var ErrIgnore = errors.New("no reply is wanted")

// ErrTooBig is the error by which a Handler says that its reply would not fit a datagram: the request is Dropped, ReasonTooBig.
var ErrTooBig = errors.New("the reply is larger than a datagram")

// Handler makes a reply and may take its time: it runs on a worker of its own, behind a bounded queue. request is a copy that it may
// keep; the reply is its own. ErrIgnore as the error means that there is to be no reply.
type Handler interface {
	Handle(ctx context.Context, c Context, request dgram.Datagram) (reply []byte, err error)
}

// HandlerFunc lets a function be a Handler.
type HandlerFunc func(ctx context.Context, c Context, request dgram.Datagram) (reply []byte, err error)

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, c Context, request dgram.Datagram) ([]byte, error) {
	return f(ctx, c, request)
}

// Context tells a stage where a datagram stands. Faults are pure functions of Seed, Flow, Direction and Index.
type Context struct {
	Seed      uint64    // of the whole run; the same seed gives the same faults
	Flow      uint64    // a number made of the peer's and our address, the same for the flow's whole life
	Index     uint64    // the datagram's number in its flow and direction, from 0; 0 where no stage asks for it
	Sequence  uint64    // the datagram's number at this server, over all shards, from 1; 0 where no stage asks for it
	Direction Direction // which way it goes
	Now       time.Time // when its batch was received
}

// Direction is which way a datagram goes.
type Direction uint8

// The directions.
const (
	Request Direction = iota // from the client
	Reply                    // to the client
)

// String returns "request" or "reply".
func (d Direction) String() string {
	if d == Reply {
		return "reply"
	}
	return "request"
}

// Effect is what a stage asks for beyond changing bytes. The zero Effect asks for nothing.
type Effect struct {
	Drop    dgram.Reason  // stop it here, for this reason
	Ignore  bool          // stop it here: no reply is wanted
	Decided bool          // the reply stands: transforms, rules and handlers that follow are passed over, guards and faults are not
	Delay   time.Duration // hold the reply back for so long; the delays of several stages add up
	Extra   int           // send so many extra copies of the reply, MaxExtra at most
}

// MaxExtra bounds the extra copies of one reply.
const MaxExtra = 16
