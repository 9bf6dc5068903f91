package stage

import (
	"net/netip"

	"dgram"
)

// source decides about where d says that it comes from. near: from this machine, so that the reply does not leave it.
// high and low are the words of the address.
func (g *gate) source(d *dgram.Datagram, high, low uint64) (near bool, reason dgram.Reason) {
	addr, port := d.Peer.Addr(), d.Peer.Port()
	own := true
	if near = addr.IsLoopback(); !near {
		if g.here == nil {
			g.here, g.tick = g.guards.hosts.current(g.now), g.guards.tick(g.now)
		}
		switch g.here.find(high, low) {
		case ownAddr:
			near = true
		case broadcastAddr:
			own = false
		}
	}
	switch {
	case port == 0: // "no reply" (RFC 768)
		return near, dgram.ReasonNoAddress
	case g.guards.config.AnySource:
		return near, dgram.NoReason
	case near && g.guards.isOwn(&d.Peer), !near && (!own || martian(addr)),
		!near && servesThere(port) && !g.guards.trusts(addr):
		return near, dgram.ReasonSource
	}
	return near, dgram.NoReason
}

// servesThere reports whether a port is one where servers are and clients are not: the system's own ports (RFC 6335, Section 6), which
// OpenBSD's inetd and BIND refuse too, and NFS, whose port inetd refuses.
func servesThere(port uint16) bool { return port < 1024 || port == 2049 }

// martian reports whether no client can have the address (RFC 1122, Section 3.2.1.3; RFC 1112, Section 4; RFC 4291, Sections 2.5.2, 2.5.5.1, 2.7). A loopback address
// is none: a reply to it stays here, whoever claimed it.
func martian(a netip.Addr) bool {
	if a.Is4() {
		first := a.As4()[0]
		return first == 0 || first >= 224
	}
	bytes := a.As16()
	return bytes[0] == 0xff || [12]byte(bytes[:12]) == [12]byte{}
}

// isOwn reports whether the source, an address of this machine, is one of our own sockets: what we sent there we would answer again.
func (g *Guards) isOwn(peer *dgram.Endpoint) bool {
	for i := range g.config.Own {
		if e := &g.config.Own[i]; e.Port() == peer.Port() && covers(e, peer.Addr()) {
			return true
		}
	}
	return false
}

// covers reports whether a socket that is bound to e has that address of this machine.
func covers(e *dgram.Endpoint, a netip.Addr) bool {
	at := e.Addr()
	switch {
	case !at.IsUnspecified():
		return at == a
	case at.Is6() && e.Network() == dgram.UDP: // both families
		return true
	}
	return at.Is4() == a.Is4()
}
