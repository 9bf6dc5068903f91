package dgram

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"dgram/sock"
)

// kernelUDP opens UDP sockets through the kernel's own calls: networks udp, udp4 and udp6.
var kernelUDP = transport{listen: listenUDP, dial: dialUDP}

func listenUDP(e Endpoint, o Options) (Conn, error) {
	c, err := openUDP(e, o)
	// Every address, of either family, is every IPv4 address where there is no IPv6.
	if err != nil && e.network == UDP && e.Addr() == netip.IPv6Unspecified() && lacksIPv6(err) {
		e.setAddr(netip.IPv4Unspecified())
		c, err = openUDP(e, o)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func lacksIPv6(err error) bool {
	return errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

// dialUDP leaves the socket unconnected: with IP_RECVERR it sees refusals, and strangers too.
func dialUDP(e Endpoint, o Options) (Conn, error) {
	bind := o.Bind
	if !bind.IsValid() {
		bind = IPEndpoint(e.network, netip.AddrPortFrom(netip.IPv4Unspecified(), 0))
		if e.Addr().Is6() {
			bind.setAddr(netip.IPv6Unspecified())
		}
	}
	if bind.Addr().Is4() != e.Addr().Is4() {
		return nil, fmt.Errorf("%v cannot be reached from %v: one is IPv4, the other IPv6", e, bind)
	}
	c, err := openUDP(bind, o)
	if err != nil {
		return nil, err
	}
	c.remote = e
	return c, nil
}

func openUDP(e Endpoint, o Options) (*kernelConn, error) {
	family := sock.INET6
	if e.Addr().Is4() {
		family = sock.INET
	}
	s, err := sock.New(family, sock.DGRAM, 0)
	if err != nil {
		return nil, err
	}
	c, err := bindUDP(s, e, o)
	if err != nil {
		return nil, errors.Join(err, ignoreClosed(s.Close()))
	}
	return c, nil
}

func ignoreClosed(err error) error {
	if IsClosed(err) {
		return nil
	}
	return err
}

func bindUDP(s *sock.Socket, e Endpoint, o Options) (*kernelConn, error) {
	iface, err := interfaceIndex(o.Interface)
	if err != nil {
		return nil, err
	}
	setup := &setup{s: s}
	setup.buffers(o)
	setup.before(e, o)
	if setup.err == nil {
		setup.err = s.Bind(sock.InetAddr{AddrPort: e.AddrPort()})
	}
	setup.after(e, o, iface)
	if setup.err != nil {
		return nil, setup.err
	}
	c, err := setup.conn(e.network, o)
	if err != nil {
		return nil, err
	}
	setup.blocking(o)
	return c, setup.err
}

// conn makes a Conn of the socket, which has its address.
func (u *setup) conn(network Network, o Options) (*kernelConn, error) {
	c, err := newKernelConn(u.s, network, o)
	if err != nil {
		return nil, err
	}
	c.gro.set(u.gro)
	if o.Atomic && !o.whole(c.local.Addr()) {
		c.atomic.init(u.s, c.local)
	}
	c.caps.SeesRefusals, c.caps.Timestamps, c.caps.ReceiveBuffer = o.Refusals, o.Timestamps, u.granted
	if c.arrival {
		u.arrival()
	}
	return c, u.err
}

func interfaceIndex(name string) (int, error) {
	if name == "" {
		return 0, nil
	}
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0, fmt.Errorf("there is no interface %q: `ip link` lists them", name)
	}
	return i.Index, nil
}

// setup sets options one after another until the first that fails.
type setup struct {
	s       *sock.Socket
	err     error
	granted int
	gro     bool
	joined  bool // the socket may have joined its groups before: another process had it
}

func (u *setup) set(o sock.Opt, value int) {
	if u.err == nil {
		u.err = u.s.Set(o, value)
	}
}

// both sets an option of IPv4, and on an IPv6 socket the option of IPv6 too.
func (u *setup) both(v4, v6 sock.Opt, value int) {
	if u.s.Family() == sock.INET6 {
		u.set(v6, value)
	}
	u.set(v4, value)
}

func (u *setup) buffers(o Options) {
	if u.err == nil {
		u.granted, u.err = u.s.GrowBuffers(o.ReceiveBuffer, o.SendBuffer)
	}
}

// before sets what must be set before bind(2).
func (u *setup) before(e Endpoint, o Options) {
	if u.s.Family() == sock.INET6 {
		dual := e.network == UDP && e.Addr().IsUnspecified()
		u.set(sock.IPv6Only, truth(!dual))
	}
	if o.ReusePort {
		u.set(sock.SOReusePort, 1)
	}
	if len(o.Join) > 0 {
		u.set(sock.SOReuseAddr, 1) // several programs may hear one group
	}
	if o.Broadcast {
		u.set(sock.SOBroadcast, 1)
	}
	if o.Interface != "" && u.err == nil {
		if err := u.s.SetBytes(sock.SOBindToDevice, []byte(o.Interface)); err != nil {
			u.err = fmt.Errorf("bind to interface %s: %w", o.Interface, err)
		}
	}
}

// after sets the rest.
func (u *setup) after(e Endpoint, o Options, iface int) {
	if o.Refusals {
		u.both(sock.IPRecvErr, sock.IPv6RecvErr, 1)
	}
	if o.Timestamps {
		u.set(sock.SOTimestampNS, 1)
	}
	if o.Headers {
		u.both(sock.IPRecvTTL, sock.IPv6RecvHopLimit, 1)
		u.both(sock.IPRecvTOS, sock.IPv6RecvTClass, 1)
	}
	if o.whole(e.Addr()) {
		u.both(sock.IPMTUDiscover, sock.IPv6MTUDiscover, sock.MTUDiscoverDo)
	}
	if o.TTL > 0 {
		u.both(sock.IPTTL, sock.IPv6UnicastHops, o.TTL)
		u.both(sock.IPMulticastTTL, sock.IPv6McastHops, o.TTL)
	}
	if o.TOS > 0 {
		u.both(sock.IPTOS, sock.IPv6TClass, o.TOS)
	}
	if o.NoLoopback {
		u.both(sock.IPMulticastLoop, sock.IPv6McastLoop, 0)
	}
	if iface != 0 && u.err == nil {
		u.err = u.s.SendMulticastBy(iface)
	}
	u.both(sock.IPMulticastAll, sock.IPv6McastAll, 0) // only the groups joined here, not those of other programs
	for _, group := range o.Join {
		u.join(group, iface)
	}
	if o.GRO && u.err == nil {
		u.gro = u.s.Set(sock.UDPGRO, 1) == nil
	}
}

// blocking comes last: the socket changes hands.
func (u *setup) blocking(o Options) {
	if o.Blocking && u.err == nil {
		u.err = u.s.BlockThreads()
	}
}

// arrival asks for the address that each datagram was sent to.
func (u *setup) arrival() {
	if u.s.Family() == sock.INET6 {
		u.set(sock.IPv6RecvPktInfo, 1)
		return
	}
	u.set(sock.IPPktInfo, 1)
}

func (u *setup) join(group Address, iface int) {
	if u.err != nil {
		return
	}
	e, ok := group.Literal()
	addr := e.Addr()
	if !ok || !addr.IsMulticast() {
		u.err = &OpError{Op: "join", Endpoint: group.String(), Err: errors.New("that is no multicast group: IPv4 ones are 224.0.0.0 to 239.255.255.255, IPv6 ones begin with ff")}
		return
	}
	zone, err := interfaceIndex(addr.Zone())
	if err != nil {
		u.err = &OpError{Op: "join", Endpoint: group.String(), Err: err}
		return
	}
	iface = cmp.Or(zone, iface)
	switch {
	case addr.Is4():
		err = u.s.JoinIPv4(addr.As4(), iface)
	case u.s.Family() == sock.INET6:
		err = u.s.JoinIPv6(addr.As16(), iface)
	default:
		err = errors.New("an IPv6 group needs an IPv6 socket: listen on [::]")
	}
	if u.joined && errors.Is(err, syscall.EADDRINUSE) {
		return
	}
	if errors.Is(err, syscall.ENODEV) {
		err = fmt.Errorf("no route says by which interface: name it, as in --interface eth0: %w", err)
	}
	if err != nil {
		u.err = &OpError{Op: "join", Endpoint: group.String(), Err: err}
	}
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
