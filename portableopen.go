package dgram

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

func listenPortable(e Endpoint, o Options) (Conn, error) {
	c, err := openPortable(e, o)
	if err != nil && e.network == UDP && e.Addr() == netip.IPv6Unspecified() && noIPv6(err) {
		e.setAddr(netip.IPv4Unspecified())
		return openPortable(e, o)
	}
	if err != nil {
		return nil, err // a nil *portableConn in the interface would not be nil
	}
	return c, nil
}

// noIPv6 reports whether a socket could not be opened because this host has IPv6 switched off.
func noIPv6(err error) bool {
	errno, ok := errnoOf(err)
	return ok && (errno == syscall.EAFNOSUPPORT || errno == syscall.EADDRNOTAVAIL)
}

// openPortable binds a socket. [::] on udp takes both families; every other address only its own.
func openPortable(e Endpoint, o Options) (*portableConn, error) {
	f := familyOf(e.Addr())
	o.DontFragment = o.whole(e.Addr())
	network := "udp6"
	switch {
	case f.v4:
		network = "udp4"
	case e.network == UDP && e.Addr().IsUnspecified():
		network, f.v4 = "udp", true
	}
	p, err := portableSettings(o, f)
	if err != nil {
		return nil, err
	}
	config := net.ListenConfig{Control: p.control}
	socket, err := config.ListenPacket(context.Background(), network, e.AddrPort().String())
	if err != nil {
		return nil, cause(err)
	}
	udp := socket.(*net.UDPConn)
	if addrPortOf(udp.LocalAddr()).Addr().Is4() {
		f.v6 = false // package net found no IPv6
	}
	return newPortableConn(udp, e.network, f, o).prepare(p)
}

// dialPortable connects, because only a connected socket is told of refusals. To a group or to all it does not: answers come from
// addresses that were not asked, and a connected socket never sees them.
func dialPortable(e Endpoint, o Options) (Conn, error) {
	if e.Addr().IsMulticast() || o.Broadcast || len(o.Join) > 0 {
		return dialUnconnected(e, o)
	}
	f := familyOf(e.Addr())
	p, err := portableSettings(o, f)
	if err != nil {
		return nil, err
	}
	network := "udp6"
	if f.v4 {
		network = "udp4"
	}
	dialer := net.Dialer{Control: p.control}
	if o.Bind.IsValid() {
		dialer.LocalAddr = net.UDPAddrFromAddrPort(o.Bind.AddrPort())
	}
	socket, err := dialer.Dial(network, e.AddrPort().String())
	if err != nil {
		return nil, cause(err)
	}
	c := newPortableConn(socket.(*net.UDPConn), e.network, f, o)
	c.connected = true
	c.remote = IPEndpoint(e.network, addrPortOf(socket.RemoteAddr()))
	if c.remote.port == 0 { // package net knows no peer on port 0
		c.remote = e
	}
	return c.prepare(p)
}

func dialUnconnected(e Endpoint, o Options) (Conn, error) {
	bind := IPEndpoint(e.network, netip.AddrPortFrom(netip.IPv6Unspecified(), 0))
	if e.Addr().Is4() {
		bind.setAddr(netip.IPv4Unspecified())
	}
	if o.Bind.IsValid() {
		bind = o.Bind.WithNetwork(e.network)
	}
	c, err := openPortable(bind, o)
	if err != nil {
		return nil, err
	}
	c.remote = e
	return c, nil
}

func addrPortOf(a net.Addr) netip.AddrPort {
	if u, ok := a.(*net.UDPAddr); ok && u != nil {
		return u.AddrPort()
	}
	return netip.AddrPort{}
}

func newPortableConn(s *net.UDPConn, n Network, f family, o Options) *portableConn {
	return &portableConn{
		socket: s, local: IPEndpoint(n, addrPortOf(s.LocalAddr())), family: f, options: o, done: make(chan struct{}),
	}
}

// prepare sets what can be set once a socket is open, and finds out what it can do. On error it closes the socket.
func (c *portableConn) prepare(p *portableSetup) (*portableConn, error) {
	c.caps = Caps{Transport: "portable", SeesTruncation: true, SeesStrangers: !c.connected, Arrival: true}
	if c.connected {
		c.caps.SeesRefusals = enableRefusals(c.socket)
	}
	c.sources.choose = !c.connected && c.local.Addr().IsUnspecified()
	asked := c.askControl()
	if c.sources.choose {
		c.caps.Arrival, c.sources.known = asked, asked
		c.sources.broadcasts = broadcastAddrs()
	}
	if err := p.apply(c); err != nil {
		c.socket.Close()
		return nil, err
	}
	c.caps.ReceiveBuffer = c.granted()
	return c, nil
}

// granted returns the size of the receive buffer, 0 where the system does not tell.
func (c *portableConn) granted() (n int) {
	raw, err := c.socket.SyscallConn()
	if err != nil {
		return 0
	}
	var getErr error
	if err := raw.Control(func(fd uintptr) { n, getErr = receiveBuffer(fd) }); err != nil || getErr != nil {
		return 0
	}
	return n
}

// askControl asks for the control messages that are wanted, and reports whether the arrival address will be among them. What a system does
// not offer, a Datagram does not say: that is no error.
func (c *portableConn) askControl() bool {
	if !c.sources.choose && !c.options.Headers {
		return false
	}
	if !c.family.v6 {
		p := ipv4.NewPacketConn(c.socket)
		if c.options.Headers {
			_ = p.SetControlMessage(ipv4.FlagTTL, true)
		}
		return p.SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true) == nil
	}
	p := ipv6.NewPacketConn(c.socket)
	if c.options.Headers {
		_ = p.SetControlMessage(ipv6.FlagHopLimit, true)
		_ = p.SetControlMessage(ipv6.FlagTrafficClass, true)
		if c.family.v4 {
			_ = ipv4.NewPacketConn(c.socket).SetControlMessage(ipv4.FlagTTL, true)
		}
	}
	return p.SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true) == nil
}

// portableSetup is what Options ask of a socket beyond being open.
type portableSetup struct {
	options Options
	family  family
	ifi     *net.Interface // nil: not asked for
}

func portableSettings(o Options, f family) (*portableSetup, error) {
	p := &portableSetup{options: o, family: f}
	if o.Interface == "" {
		return p, nil
	}
	var err error
	if p.ifi, err = interfaceNamed(o.Interface); err != nil {
		return nil, fmt.Errorf("interface %q: %w", o.Interface, cause(err))
	}
	return p, nil
}

// control sets what has to be set before the socket is bound. Package net has allowed broadcasts by then.
func (p *portableSetup) control(network, _ string, raw syscall.RawConn) error {
	v6 := network == "udp6"
	var err error
	ctrlErr := raw.Control(func(fd uintptr) {
		err = setBroadcast(fd, p.options.Broadcast)
		if err == nil && p.options.ReusePort {
			err = named("port sharing", setReusePort(fd))
		}
		if err == nil && len(p.options.Join) > 0 {
			err = setReuseAddr(fd) // several programs may hear one group
		}
		if err == nil && p.ifi != nil {
			err = named("binding to interface "+p.ifi.Name, bindToInterface(fd, v6, p.ifi))
		}
		if err == nil && p.options.DontFragment {
			err = named("don't fragment", p.dontFragment(fd, v6))
		}
	})
	return errors.Join(ctrlErr, err)
}

func (p *portableSetup) dontFragment(fd uintptr, v6 bool) error {
	if !v6 {
		return setDontFragment4(fd)
	}
	err := setDontFragment6(fd)
	if err == nil && p.family.v4 {
		err = setDontFragment4(fd)
	}
	return err
}

// named says which option an error is about, and that it is unsupported unless the system gave another cause.
func named(option string, err error) error {
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnsupported):
		return fmt.Errorf("%s: %w over package net on this system", option, err)
	case !errors.As(err, &errno), errno == unknownOption:
		return fmt.Errorf("%s: %w on this system: %w", option, ErrUnsupported, err)
	}
	return fmt.Errorf("%s: %w", option, err)
}

// apply sets the rest.
func (p *portableSetup) apply(c *portableConn) error {
	o := p.options
	shrink(o.ReceiveBuffer, c.socket.SetReadBuffer)
	shrink(o.SendBuffer, c.socket.SetWriteBuffer)
	p4, p6 := ipv4.NewPacketConn(c.socket), ipv6.NewPacketConn(c.socket)
	// each sets an option on every family that the socket has.
	each := func(option string, wanted bool, set4, set6 func() error) error {
		if !wanted {
			return nil
		}
		var err error
		if c.family.v6 {
			err = set6()
		}
		if err == nil && c.family.v4 {
			err = set4()
		}
		return named(option, err)
	}
	err := errors.Join(
		each("time to live", o.TTL != 0,
			func() error { return errors.Join(p4.SetTTL(o.TTL), p4.SetMulticastTTL(o.TTL)) },
			func() error { return errors.Join(p6.SetHopLimit(o.TTL), p6.SetMulticastHopLimit(o.TTL)) }),
		each("type of service", o.TOS != 0,
			func() error { return p4.SetTOS(o.TOS) },
			func() error { return p6.SetTrafficClass(o.TOS) }),
		each("multicast interface", p.ifi != nil,
			func() error { return p4.SetMulticastInterface(p.ifi) },
			func() error { return p6.SetMulticastInterface(p.ifi) }),
		each("multicast loopback", o.NoLoopback,
			func() error { return p4.SetMulticastLoopback(false) },
			func() error { return p6.SetMulticastLoopback(false) }),
	)
	for i := 0; err == nil && i < len(o.Join); i++ {
		err = p.join(o.Join[i], p4, p6)
	}
	return err
}

func (p *portableSetup) join(a Address, p4 *ipv4.PacketConn, p6 *ipv6.PacketConn) error {
	fail := func(err error) error { return &OpError{Op: "join", Endpoint: a.Host, Err: cause(err)} }
	e, ok := a.Literal()
	if !ok || !e.Addr().IsMulticast() {
		return fail(errors.New("not a multicast address: use one from 224.0.0.0/4 or ff00::/8"))
	}
	ifi := p.ifi
	if zone := e.Addr().Zone(); zone != "" {
		var err error
		if ifi, err = interfaceNamed(zone); err != nil {
			return fail(err)
		}
	}
	group := &net.UDPAddr{IP: e.Addr().AsSlice()}
	var err error
	if e.Addr().Is4() {
		err = p4.JoinGroup(ifi, group)
	} else {
		err = p6.JoinGroup(ifi, group)
	}
	if err != nil {
		return fail(named("multicast", err))
	}
	return nil
}

// shrink asks for a buffer of n bytes, and for less where the system refuses instead of granting less (BSD, kern.ipc.maxsockbuf).
func shrink(n int, set func(int) error) {
	for ; n >= 16<<10; n /= 2 {
		if set(n) == nil {
			return
		}
	}
}

// adoptPacketConn makes a Conn of a socket that somebody else opened and bound. It closes what it cannot serve.
func adoptPacketConn(packet net.PacketConn, o Options) (Conn, error) {
	udp, ok := packet.(*net.UDPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a socket of %T: only UDP sockets can be served here: %w", packet, ErrUnsupported), packet.Close())
	}
	local := addrPortOf(udp.LocalAddr()).Addr()
	f := familyOf(local)
	network := "udp4"
	if f.v6 {
		// Whether it hears IPv4 too, package net does not tell: what cannot be sent then fails by itself.
		network, f.v4 = "udp6", local.IsUnspecified()
	}
	p, err := portableSettings(o, f)
	if err == nil {
		var raw syscall.RawConn
		if raw, err = udp.SyscallConn(); err == nil {
			err = p.control(network, "", raw)
		}
	}
	if err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	c, err := newPortableConn(udp, UDP, f, o).prepare(p)
	if err != nil {
		return nil, err
	}
	return c, nil
}
