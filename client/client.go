package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"dgram"
	"dgram/ledger"
)

// Client asks one peer, which may have several addresses. Any number of goroutines may use it.
type Client struct {
	options Options // with its defaults filled in; never changed after

	peers      []dgram.Endpoint
	every      []int // the places in peers
	account    *ledger.Account
	slots      chan struct{} // the Window: a place in it is an element
	closing    chan struct{} // closed by Close
	lastNumber atomic.Uint64
	running    sync.WaitGroup // receiving goroutines
	watched    chan struct{}  // closed when the Observer has seen everything
	opening    sync.Mutex     // held while a shared flow is opened

	mu           sync.Mutex
	closed       bool
	flows        []*flow // for each address the one that is shared, nil where there is none yet
	fresh        map[*flow]struct{}
	lingering    []*flow // fresh ones whose exchange has ended, the one to be closed next first
	answered     []int   // the address that has answered; nil before
	timers       timers
	timer        *time.Timer
	armed        time.Time // when the timer rings, zero if not
	chance       *rand.Rand
	sockets      int         // opened so far
	drops        dgram.Drops // of those that are closed
	events       chan Event  // nil without an Observer
	eventsClosed bool
	omitted      uint64

	// What unlock does once the lock is given up.
	again  []task
	doomed []dgram.Conn
}

// Dial returns a Client for an address as [dgram.ParseAddress] reads it; without a host it is 127.0.0.1. A name may stand for several
// addresses: until one of them has answered, attempts go to them in turn, in the system's order, and a refusal at one leads to the next at
// once; from the first answer on all goes to the one that gave it.
func Dial(ctx context.Context, address string, o Options) (*Client, error) {
	a, err := dgram.ParseAddress(address, "127.0.0.1")
	if err != nil {
		return nil, &dgram.OpError{Op: "dial", Endpoint: address, Err: err}
	}
	peers, err := dgram.Resolve(ctx, a)
	if err != nil {
		return nil, err
	}
	return Open(o, peers...)
}

// Call asks the server at address once, as a Client with the zero Options does, and returns its reply. To ask more than once, Dial.
func Call(ctx context.Context, address string, payload []byte) ([]byte, error) {
	c, err := Dial(ctx, address, Options{})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Call(ctx, payload)
}

// Open returns a Client for a peer that has these addresses. The socket for the first that has one is opened at once.
func Open(o Options, peers ...dgram.Endpoint) (*Client, error) {
	c, err := newClient(o, peers)
	if err != nil {
		return nil, err
	}
	var errs []error
	for i := range c.peers {
		if _, err = c.sharedFlow(i); err == nil {
			return c, nil
		}
		errs = append(errs, err)
	}
	_ = c.Close()
	return nil, errors.Join(errs...)
}

// New returns a Client that asks peer through conn, which is the Client's from then on. Sockets for FreshSocket come from Options.Open.
func New(conn dgram.Conn, peer dgram.Endpoint, o Options) (*Client, error) {
	c, err := newClient(o, []dgram.Endpoint{peer})
	if err != nil {
		return nil, err
	}
	if _, err := c.adopt(conn, 0, false); err != nil {
		return nil, err
	}
	return c, nil
}

func newClient(o Options, peers []dgram.Endpoint) (*Client, error) {
	if len(peers) == 0 || !peers[0].IsValid() {
		return nil, fmt.Errorf("call: %w: there is nobody to ask", dgram.ErrAddress)
	}
	peers = peers[:min(len(peers), maxAddresses)]
	o = o.withDefaults()
	o.Match = o.Match.orAuto()
	c := &Client{options: o, flows: make([]*flow, len(peers)), fresh: map[*flow]struct{}{}, account: ledger.NewAccount(ledger.Calling),
		slots: make(chan struct{}, o.Window), closing: make(chan struct{}), chance: rand.New(rand.NewPCG(o.Seed, 0))}
	for i, p := range peers {
		c.peers = append(c.peers, reachable(p))
		c.every = append(c.every, i)
	}
	c.drops.Known = true
	if o.Observer != nil {
		c.events, c.watched = make(chan Event, eventQueue), make(chan struct{})
		go c.watch(o.Observer)
	}
	return c, nil
}

// reachable is the address that answers where the unspecified one is asked: the system sends that to itself (ip(7), INADDR_ANY).
func reachable(p dgram.Endpoint) dgram.Endpoint {
	if !p.Addr().IsUnspecified() {
		return p
	}
	local := netip.IPv6Loopback()
	if p.Addr().Is4() {
		local = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return dgram.IPEndpoint(p.Network(), netip.AddrPortFrom(local, p.Port()))
}

// Peer is who is asked: the address that has answered, else the first.
func (c *Client) Peer() dgram.Endpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.answered) > 0 {
		return c.peers[c.answered[0]]
	}
	return c.peers[0]
}

// Local is the address that requests leave from, the zero Endpoint where no socket is open; with FreshSocket each attempt has another.
func (c *Client) Local() dgram.Endpoint {
	if conn := c.conn(); conn != nil {
		return conn.Local()
	}
	return dgram.Endpoint{}
}

// Caps says what the sockets can do and see.
func (c *Client) Caps() dgram.Caps {
	if conn := c.conn(); conn != nil {
		return conn.Caps()
	}
	return dgram.Caps{}
}

func (c *Client) conn() dgram.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range c.flows {
		if f != nil && (len(c.answered) == 0 || c.answered[0] == i) {
			return f.conn
		}
	}
	return nil
}

// newRoute begins with every address, or with the one that has answered.
func (c *Client) newRoute() route {
	r := route{addresses: c.every, tries: c.options.Tries, at: -1}
	if c.answered != nil {
		r.addresses = c.answered
	}
	return r
}

// settleOn remembers which address answers.
func (c *Client) settleOn(address int) {
	if c.answered == nil {
		c.answered = c.every[address : address+1 : address+1]
	}
}

// task is an attempt that is to be made.
type task struct {
	exchange *Exchange
	address  int
}

// unlock gives up the lock and then does what was decided under it.
func (c *Client) unlock() {
	again, doomed := c.again, c.doomed
	c.again, c.doomed = nil, nil
	c.mu.Unlock()
	for _, conn := range doomed {
		_ = conn.Close()
	}
	for _, t := range again {
		c.attempt(t)
	}
}

// Summary returns the account of everything that the Client sent and received. At a quiet moment it balances ([ledger.Summary.Balance]).
func (c *Client) Summary() ledger.Summary {
	s := c.account.Summary()
	c.mu.Lock()
	defer c.mu.Unlock()
	drops := c.drops
	for _, f := range c.openFlows() {
		drops = addDrops(drops, f.conn.Drops())
	}
	s.SetDrops(drops)
	s.Sockets, s.Omitted = c.sockets, c.omitted
	return s
}

func addDrops(a, b dgram.Drops) dgram.Drops {
	return dgram.Drops{Count: a.Count + b.Count, Known: a.Known && b.Known, AtLeast: a.AtLeast || b.AtLeast}
}

// Finish waits until every exchange that was started has ended, then for Linger, so that late and duplicate replies are seen, and closes
// the Client. Start nothing after it. When ctx ends it closes at once and returns the cause.
func (c *Client) Finish(ctx context.Context) error {
	err := c.drain(ctx)
	if closeErr := c.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (c *Client) drain(ctx context.Context) error {
	for range cap(c.slots) {
		select {
		case c.slots <- struct{}{}:
		case <-c.closing:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if c.options.Linger <= 0 {
		return nil
	}
	linger := time.NewTimer(c.options.Linger)
	defer linger.Stop()
	select {
	case <-linger.C:
	case <-c.closing:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// Close ends every outstanding exchange as Interrupted, closes the sockets, and returns when the Observer has seen everything. A second
// Close returns net.ErrClosed.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	c.closed = true
	close(c.closing)
	if c.timer != nil {
		c.timer.Stop()
	}
	for len(c.timers) > 0 {
		c.timers[0].end(Interrupted, net.ErrClosed)
	}
	for _, f := range c.openFlows() {
		c.discard(f)
	}
	c.unlock()
	c.running.Wait()
	c.closeEvents()
	return nil
}

// closeEvents ends the Observer's goroutine when nothing can happen any more.
func (c *Client) closeEvents() {
	if c.events == nil {
		return
	}
	c.mu.Lock()
	c.eventsClosed = true
	close(c.events)
	c.mu.Unlock()
	<-c.watched
}
