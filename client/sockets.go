package client

import (
	"net"
	"time"

	"dgram"
)

// flowFor returns the flow that an attempt at an address goes out on. It is called without the lock.
func (c *Client) flowFor(address int) (*flow, error) {
	if c.options.FreshSocket {
		return c.newFlow(address, true)
	}
	return c.sharedFlow(address)
}

func (c *Client) sharedFlow(address int) (*flow, error) {
	c.opening.Lock()
	defer c.opening.Unlock()
	c.mu.Lock()
	f := c.flows[address]
	var broken error
	if f != nil {
		broken = f.broken
	}
	c.mu.Unlock()
	if f == nil {
		return c.newFlow(address, false)
	}
	return f, broken
}

func (c *Client) newFlow(address int, fresh bool) (*flow, error) {
	conn, err := c.options.Open(c.peers[address])
	if err != nil {
		return nil, err
	}
	return c.adopt(conn, address, fresh)
}

// adopt makes a flow of a socket and begins to receive.
func (c *Client) adopt(conn dgram.Conn, address int, fresh bool) (*flow, error) {
	conn = dgram.WithTaps(conn, append([]dgram.Tap{c.account}, c.options.Taps...)...)
	peer := c.peers[address]
	f := &flow{client: c, conn: conn, local: conn.Local(), address: address, peer: peer, fresh: fresh, out: conn.NewBatch(1),
		anyPeer: c.options.AnyPeer || isMany(peer)}
	c.mu.Lock()
	defer c.unlock()
	if c.closed {
		c.doomed = append(c.doomed, conn)
		return nil, net.ErrClosed
	}
	if fresh {
		c.fresh[f] = struct{}{}
	} else {
		c.flows[address] = f
	}
	c.sockets++
	c.running.Add(1)
	go f.receive()
	return f, nil
}

// isMany reports whether several may answer what is sent there: a multicast group, or every host of the link (RFC 919, Section 7).
func isMany(e dgram.Endpoint) bool {
	a := e.Addr()
	return a.IsMulticast() || a.Is4() && a.As4() == [4]byte{255, 255, 255, 255}
}

func (c *Client) openFlows() []*flow {
	var open []*flow
	for _, f := range c.flows {
		if f != nil {
			open = append(open, f)
		}
	}
	for f := range c.fresh {
		open = append(open, f)
	}
	return open
}

// discard closes a flow, once the lock is given up.
func (c *Client) discard(f *flow) {
	if f.fresh {
		delete(c.fresh, f)
	} else {
		c.flows[f.address] = nil
	}
	c.drops = addDrops(c.drops, f.conn.Drops())
	c.doomed = append(c.doomed, f.conn)
}

// maxLingering bounds how many sockets of ended exchanges stay open.
const maxLingering = 64

// leave lets a fresh flow go whose exchange ended at the time given: at once, or when the time to linger is over.
func (c *Client) leave(f *flow, ended time.Time) {
	if _, ok := c.fresh[f]; !ok || !f.until.IsZero() {
		return // it has been let go
	}
	if c.options.Linger <= 0 || ended.IsZero() {
		c.discard(f)
		return
	}
	f.until = ended.Add(c.options.Linger)
	c.lingering = append(c.lingering, f)
	if len(c.lingering) > maxLingering {
		c.dismissFirst()
	}
	c.arm()
}

// dismiss closes the flows that have lingered long enough.
func (c *Client) dismiss(now time.Time) {
	for len(c.lingering) > 0 && !c.lingering[0].until.After(now) {
		c.dismissFirst()
	}
}

func (c *Client) dismissFirst() {
	c.discard(c.lingering[0])
	c.lingering[0] = nil
	c.lingering = c.lingering[1:]
}
