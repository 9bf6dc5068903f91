package server

import (
	"errors"
	"time"

	"dgram"
	"dgram/stage"
)

// Config says what to serve, and where. Its zero value serves the plan "upper" on 127.0.0.1:12345.
type Config struct {
	// Address, Addresses and Endpoints are where to listen, all of them at once; none of them means 127.0.0.1:12345. Addresses are read by
	// dgram.ParseAddress; without a host they mean 127.0.0.1. A name is listened on at each of its addresses that this machine has.
	// Port 0 lets the system choose.
	Address   string
	Addresses []string
	Endpoints []dgram.Endpoint

	// Inherited are descriptors of sockets that are open already, bound to their addresses, as systemd hands them over (sd_listen_fds(3)); Start
	// owns them (dgram.ListenFD). They are served beside the addresses above; an address that one of them has is not opened
	// again. With Inherited and no address, there is no other.
	Inherited []int
	// Takeover is the path at which servers that follow each other meet; "" is none. The one that starts takes the sockets of the one that
	// runs, which stops receiving, answers what it has taken, and ends: nothing that the system has queued is lost, and each counts what
	// it received. Both are asked to serve the same addresses by as many shards; further addresses may come with the new one. Where the new one
	// fails before it is ready, the old one goes on. Linux only.
	Takeover string

	// Plan, Reply and Handler say what is done to a datagram: at most one of them is set. With none, the plan is "upper".
	Plan *stage.Plan
	// Reply makes the reply on the goroutine that receives, so it must be quick, and with several sockets it runs on several
	// goroutines at once. Nil is no reply, an empty slice an empty datagram. It may change request and return it, or a part of it, but
	// keep neither.
	Reply func(request []byte) []byte
	// Handler makes the reply on a worker of its own, and may take its time.
	Handler stage.Handler

	// Options are those of every socket. Start sets ReusePort where Shards asks for it; Blocking: a server has few sockets, and
	// its goroutines do nothing but receive; AutoGRO, if it is nil; and Segments, where every stage of the plan takes them.
	Options dgram.Options
	// Shards is how many sockets share each address, each with a goroutine of its own (SO_REUSEPORT, socket(7)); 0 is 1. The system
	// spreads flows over them: a flow stays in order, and stays with one shard. More than one is for load over what one processor can
	// serve. It is 1 unless asked for because sockets that share a port no longer notice that another program of the same
	// user has joined them, and because few flows spread unevenly. A unix socket always has one.
	Shards int
	// Batch is how many datagrams one system call receives at most; 0 is 64.
	Batch int
	// Guards say what is not answered, so that the server can face strangers. The zero value has all of them; they leave what comes from this
	// machine alone, but for loops. Start fills in Own. Line.Guards, where set, stand in for them.
	Guards stage.GuardConfig
	// Line bounds what handlers and delays hold. Its Seed is that of the faults; Start sets Sequence and Direction.
	Line stage.LineOptions
	// Count, if not 0, stops the server when it has received so many datagrams, and answered them. With one socket it receives no more than
	// that; with several, or with receive offload, the last batches may bring some more, which are answered too.
	Count uint64
	// Drain is how long a shutdown may take; 0 is 5 s. What is still held then is Dropped, for ReasonShutdown.
	Drain time.Duration

	// Opened is called by Start when every socket is open, and before the first datagram is read from any: here the process gives up what it
	// needed to open them. What arrives meanwhile waits in the system's queue. Its error ends Start: the sockets are closed, also those that
	// were taken over. Nil does nothing.
	Opened func(*Server) error
	// Taps makes the taps of each socket; it is called once for each. The account of the server is there without asking.
	Taps func(dgram.Conn) []dgram.Tap
	// OnError is told each failure of receiving, on the goroutine that receives; nil: only the summary tells (ReceiveErrors).
	OnError func(error)
	// Listen opens a socket; nil is dgram.ListenEndpoint. The in-memory network of dgramtest has another.
	Listen func(dgram.Endpoint, dgram.Options) (dgram.Conn, error)
}

const (
	defaultBatch = 64
	defaultDrain = 5 * time.Second
	defaultHost  = "127.0.0.1"
)

func (c Config) withDefaults() (Config, error) {
	if err := c.plan(); err != nil {
		return c, err
	}
	if c.Address == "" && len(c.Addresses) == 0 && len(c.Endpoints) == 0 && len(c.Inherited) == 0 {
		c.Address = defaultHost
	}
	if c.Address != "" {
		c.Addresses = append([]string{c.Address}, c.Addresses...)
	}
	if c.Shards <= 0 {
		c.Shards = 1
	}
	if c.Batch <= 0 {
		c.Batch = defaultBatch
	}
	if c.Drain <= 0 {
		c.Drain = defaultDrain
	}
	c.Options.Blocking = true
	c.Options.Segments = c.Plan.Segments() && c.Count == 0
	if c.Options.AutoGRO == nil {
		c.Options.AutoGRO = func(bool) {}
	}
	if c.Listen == nil {
		c.Listen = dgram.ListenEndpoint
	}
	c.unfragmented()
	if c.Opened == nil {
		c.Opened = func(*Server) error { return nil }
	}
	if c.Taps == nil {
		c.Taps = func(dgram.Conn) []dgram.Tap { return nil }
	}
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	return c, nil
}

// plan makes a Plan of whichever of Plan, Reply and Handler is set.
func (c *Config) plan() error {
	set := 0
	for _, is := range []bool{c.Plan != nil, c.Reply != nil, c.Handler != nil} {
		if is {
			set++
		}
	}
	switch {
	case set > 1:
		return errors.New("server: Plan, Reply and Handler: set one of them")
	case c.Reply != nil:
		step := stage.Func("reply", replyStage(c.Reply))
		step.Needs = stage.NeedNothing
		c.Plan = stage.NewPlan(step)
	case c.Handler != nil:
		c.Plan = stage.NewPlan(stage.Handle("handler", c.Handler))
	case c.Plan == nil:
		c.Plan = stage.MustParse("upper")
	}
	return nil
}

func replyStage(reply func([]byte) []byte) stage.StageFunc {
	return func(_ *stage.Context, d *dgram.Datagram, e *stage.Effect) {
		p := reply(d.Data)
		switch {
		case p == nil:
			e.Ignore = true
		case !d.SetData(p):
			e.Drop = dgram.ReasonTooBig
		}
	}
}
