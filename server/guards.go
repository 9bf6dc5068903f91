package server

import (
	"errors"

	"dgram"
	"dgram/stage"
)

// unfragmented has sockets that other machines can reach send nothing in fragments: a reply is as long as the path takes in one packet, or it fails
// with EMSGSIZE (RFC 8085, Section 3.2). Where the system cannot be told so, it does as it does. Those on loopback send fragments only where they have to.
func (c *Config) unfragmented() {
	if c.Options.DontFragment {
		return
	}
	c.Options.Atomic = true
	if c.Guards.MaxReply < 0 {
		return
	}
	c.Options.DontFragment = true
	listen := c.Listen
	c.Listen = func(e dgram.Endpoint, o dgram.Options) (dgram.Conn, error) {
		conn, err := listen(e, o)
		if o.DontFragment && errors.Is(err, dgram.ErrUnsupported) {
			o.DontFragment = false
			return listen(e, o)
		}
		return conn, err
	}
}

// guard makes the guards, which have to know our own sockets.
func (c *Config) guard(sockets []*socket) {
	if c.Line.Guards != nil {
		return
	}
	g := c.Guards
	for _, s := range sockets {
		g.Own = append(g.Own, s.Local())
	}
	c.Line.Guards = stage.NewGuards(g)
}

// Guards returns what stands between the sockets and the stages.
func (s *Server) Guards() *stage.Guards { return s.cfg.Line.Guards }
