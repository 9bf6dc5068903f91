package dgramtest

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"dgram"
)

// testArrival asks a socket that is bound to every address at each of several: the reply must leave from the one asked.
func testArrival(t *testing.T, s suite) {
	s.needIP(t)
	for _, any := range s.wildcards() {
		t.Run(any.String(), func(t *testing.T) {
			if !s.has(any) {
				t.Skipf("this host cannot bind to %s", any)
			}
			server := s.listen(t, dgram.IPEndpoint(s.Network, netip.AddrPortFrom(any, 0)))
			for _, addr := range s.ownAddresses(any) {
				s.askAt(t, server, addr)
			}
		})
	}
}

func (s suite) askAt(t *testing.T, server socket, addr netip.Addr) {
	t.Helper()
	asked := dgram.IPEndpoint(s.Network, netip.AddrPortFrom(addr, server.Local().Port()))
	client := s.dial(t, asked)
	client.mustSend(dgram.Endpoint{}, []byte("who"))
	got := server.echo()
	if !server.Caps().Arrival {
		if !got.Local.Addr().IsUnspecified() {
			t.Errorf("asked at %v: Local is %v, though Caps says that it is not known", asked, got.Local)
		}
		return
	}
	if got.Local != asked {
		t.Errorf("asked at %v: Local is %v", asked, got.Local)
	}
	if reply := client.recvOne(); reply.Peer != asked {
		t.Errorf("asked at %v: the reply came from %v", asked, reply.Peer)
	}
}

// wildcards returns the unspecified addresses that the network can bind to.
func (s suite) wildcards() []netip.Addr {
	switch s.Network {
	case dgram.UDP4:
		return []netip.Addr{netip.IPv4Unspecified()}
	case dgram.UDP6:
		return []netip.Addr{netip.IPv6Unspecified()}
	}
	return []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
}

// ownAddresses returns addresses of this host at which a socket bound to any can be asked.
func (s suite) ownAddresses(any netip.Addr) []netip.Addr {
	candidates := []string{"127.0.0.1", "127.0.0.2", "::1", "fd00::2"}
	found := []netip.Addr{}
	for _, c := range candidates {
		found = append(found, netip.MustParseAddr(c))
	}
	interfaces, _ := net.InterfaceAddrs()
	for _, i := range interfaces {
		if p, err := netip.ParsePrefix(i.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
			found = append(found, p.Addr())
		}
	}
	usable := found[:0]
	for _, a := range found {
		family := a.Is4() && s.Network != dgram.UDP6 || a.Is6() && s.Network != dgram.UDP4
		if family && covers(any, a) && s.has(a) {
			usable = append(usable, a)
		}
	}
	return usable
}

func testDualStack(t *testing.T, s suite) {
	if s.Network != dgram.UDP && s.Network != dgram.Memory {
		t.Skipf("%v is of one family", s.Network)
	}
	server := s.listen(t, dgram.IPEndpoint(s.Network, netip.AddrPortFrom(netip.IPv6Unspecified(), 0)))
	if server.Local().Addr().Is4() {
		t.Skip("this host has no IPv6")
	}
	for _, addr := range []string{"127.0.0.1", "::1"} {
		client := s.dial(t, s.at(t, addr, server.Local().Port()))
		client.mustSend(dgram.Endpoint{}, []byte(addr))
		if got := server.echo(); got.Peer.Addr().String() != addr {
			t.Errorf("the peer is %v, not %s", got.Peer, addr)
		}
		client.expect([]byte(addr))
	}
}

// testOneFamily sends to the other family than the socket's in the middle of a batch.
func testOneFamily(t *testing.T, s suite) {
	s.needIP(t)
	server := s.listen(t, s.loopback(t))
	other := "::1"
	if s.Network == dgram.UDP6 {
		other = "127.0.0.1"
	}
	client := s.listen(t, s.loopback(t))
	b := client.NewBatch(3)
	b.Add(server.Local(), []byte("before"))
	b.Add(dgram.IPEndpoint(s.Network, netip.AddrPortFrom(netip.MustParseAddr(other), 9)), []byte("elsewhere"))
	b.Add(server.Local(), []byte("after"))
	if err := client.Send(b); err != nil {
		t.Fatal(err)
	}
	if d := b.Datagrams[1]; d.Fate != dgram.Failed || d.Err == 0 {
		t.Errorf("%v from %v: %v %v", d.Peer, client.Local(), d.Fate, d.Err)
	}
	server.expect([]byte("before"), []byte("after"))
}

func testZones(t *testing.T, s suite) {
	s.needIP(t)
	if s.Network == dgram.UDP4 {
		t.Skip("IPv4 has no zones")
	}
	addr, ok := s.linkLocal()
	if !ok {
		t.Skip("no interface has a link-local IPv6 address")
	}
	server := s.listen(t, dgram.IPEndpoint(s.Network, netip.AddrPortFrom(addr, 0)))
	if got := server.Local().Addr(); got != addr {
		t.Errorf("bound to %v, Local is %v", addr, got)
	}
	client := s.dial(t, server.Local(), func(o *dgram.Options) { o.Bind = server.Local().WithPort(0) })
	client.mustSend(dgram.Endpoint{}, []byte("zone"))
	if got := server.echo(); got.Peer.Addr() != addr {
		t.Errorf("the peer is %v, not %v", got.Peer, addr)
	}
	if got := client.recvOne(); got.Peer != server.Local() {
		t.Errorf("the reply came from %v, not %v", got.Peer, server.Local())
	}
}

func (s suite) linkLocal() (netip.Addr, bool) {
	if s.Network == dgram.Memory {
		return netip.MustParseAddr("fe80::1%a"), true
	}
	interfaces, _ := net.Interfaces()
	for _, ifi := range interfaces {
		addrs, _ := ifi.Addrs()
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err != nil || !p.Addr().Is6() || !p.Addr().IsLinkLocalUnicast() {
				continue
			}
			if zoned := p.Addr().WithZone(ifi.Name); s.has(zoned) {
				return zoned, true
			}
		}
	}
	return netip.Addr{}, false
}

// closed returns an endpoint where nobody listens.
func (s suite) closed(t *testing.T) dgram.Endpoint {
	t.Helper()
	c := s.listen(t, s.loopback(t))
	c.Close()
	return c.Local()
}

// testRefusal sends to a closed port. That the next datagram, to the same port and meanwhile open, goes out all the same is the point.
func testRefusal(t *testing.T, s suite) {
	s.needIP(t)
	target := s.closed(t)
	client := s.dial(t, target)
	if !client.Caps().SeesRefusals {
		t.Skip("Caps says that refusals are not seen")
	}
	client.mustSend(dgram.Endpoint{}, []byte("anyone?"))
	server := s.listen(t, target)
	client.mustSend(dgram.Endpoint{}, []byte("now?"))
	server.expect([]byte("now?"))
	if n := client.recvOne(); n.Fate != dgram.Refused || n.Err != syscall.ECONNREFUSED || !n.Peer.Same(target) {
		t.Fatalf("the notice says %v, errno %v, about %v; %v refused", n.Fate, n.Err, n.Peer, target)
	}
	client.mustSend(dgram.Endpoint{}, []byte("and now?"))
	server.echo()
	client.expect([]byte("and now?"))
}

// testRefusalWakes lets a Recv wait while sends find out about the refusal.
func testRefusalWakes(t *testing.T, s suite) {
	s.needIP(t)
	target := s.closed(t)
	client := s.dial(t, target)
	if !client.Caps().SeesRefusals {
		t.Skip("Caps says that refusals are not seen")
	}
	for range 20 {
		notice := make(chan dgram.Datagram, 1)
		go func() {
			b := client.NewBatch(1)
			if client.Recv(b) == nil {
				notice <- b.Datagrams[0]
			}
			close(notice)
		}()
		client.mustSend(dgram.Endpoint{}, []byte("1"))
		client.mustSend(dgram.Endpoint{}, []byte("2"))
		if n := <-notice; n.Fate != dgram.Refused {
			t.Fatalf("Recv said %v %v", n.Fate, n.Err)
		}
	}
}

// reach is where a socket that may be bound to every address is reached from this host.
func reach(e, like dgram.Endpoint) dgram.Endpoint {
	if !e.Addr().IsUnspecified() {
		return e
	}
	return dgram.IPEndpoint(e.Network(), netip.AddrPortFrom(loopback(like.Addr()), e.Port()))
}

func testStranger(t *testing.T, s suite) {
	server, client := s.pair(t)
	stranger := s.listen(t, s.loopback(t))
	client.mustSend(dgram.Endpoint{}, []byte("question"))
	asker := server.recvOne().Peer
	stranger.mustSend(reach(asker, server.Local()), []byte("strange"))
	if client.Caps().SeesStrangers {
		if d := client.recvOne(); d.Peer != stranger.Local() || string(d.Data) != "strange" {
			t.Errorf("got %s from %v", brief(d.Data), d.Peer)
		}
	}
	server.mustSend(asker, []byte("answer"))
	if d := client.recvOne(); d.Peer != server.Local() || string(d.Data) != "answer" {
		t.Errorf("got %s from %v, not the answer from %v", brief(d.Data), d.Peer, server.Local())
	}
}

func testBroadcast(t *testing.T, s suite) {
	s.needV4(t)
	to := "255.255.255.255:9"
	if runtime.GOOS == "linux" && s.Network != dgram.Memory {
		to = "127.255.255.255:9" // which needs no route
	}
	peer := dgram.MustParseEndpoint(to).WithNetwork(s.Network)
	d := s.listen(t, s.loopback(t)).send(peer, []byte("all")).Datagrams[0]
	if d.Fate != dgram.Failed || d.Err != syscall.EACCES && runtime.GOOS == "linux" {
		t.Errorf("without leave: %v %v", d.Fate, d.Err)
	}
	d = s.listen(t, s.loopback(t), func(o *dgram.Options) { o.Broadcast = true }).send(peer, []byte("all")).Datagrams[0]
	if d.Fate != dgram.Pending && runtime.GOOS == "linux" {
		t.Errorf("with leave: %v %v", d.Fate, d.Err)
	}
}

// testMulticast sends to a group that two sockets are in, and has both answer: from their own address, for nobody answers from a group's.
func testMulticast(t *testing.T, s suite) {
	s.needIP(t)
	for any, name := range map[netip.Addr]string{netip.IPv4Unspecified(): "239.255.7.7", netip.IPv6Unspecified(): "ff15::7:7"} {
		if !slices.Contains(s.wildcards(), any) || !s.has(any) {
			continue
		}
		ask := func(o *dgram.Options) {
			o.Join, o.ReusePort = []dgram.Address{{Network: s.Network, Host: name}}, true
			s.useLoopback(o)
		}
		first := s.listen(t, dgram.IPEndpoint(s.Network, netip.AddrPortFrom(any, 0)), ask)
		second := s.listen(t, first.Local(), ask)
		group := dgram.IPEndpoint(s.Network, netip.AddrPortFrom(netip.MustParseAddr(name), first.Local().Port()))
		client := s.dial(t, group, s.useLoopback)
		if d := client.send(dgram.Endpoint{}, []byte("all")).Datagrams[0]; d.Err == syscall.ENETUNREACH {
			t.Logf("no route to %v", group)
			continue
		} else if d.Fate != dgram.Pending {
			t.Fatalf("to %v: %v %v", group, d.Fate, d.Err)
		}
		for _, member := range []socket{first, second} {
			member.echo()
			if d := client.recvOne(); string(d.Data) != "all" || d.Peer.Addr().IsMulticast() {
				t.Errorf("the answer is %s from %v", brief(d.Data), d.Peer)
			}
		}
	}
}

// useLoopback asks for the loopback interface, which needs no route, where multicast works on it.
func (s suite) useLoopback(o *dgram.Options) {
	if s.Network != dgram.Memory && runtime.GOOS == "linux" {
		o.Interface = "lo"
	}
}

func testReusePort(t *testing.T, s suite) {
	s.needIP(t)
	share := func(o *dgram.Options) { o.ReusePort = true }
	first := s.listen(t, s.loopback(t), share)
	second := s.listen(t, first.Local(), share)
	const flows = 16
	got := make(chan dgram.Datagram, flows)
	for _, c := range []socket{first, second} {
		go func() {
			b := c.NewBatch(4)
			for c.Recv(b) == nil {
				for _, d := range b.Datagrams {
					got <- d
				}
			}
		}()
	}
	for range flows {
		s.dial(t, first.Local()).mustSend(dgram.Endpoint{}, []byte("x"))
		<-got
	}
}

func testInUse(t *testing.T, s suite) {
	first := s.listen(t, s.loopback(t))
	c, err := s.Listen(first.Local(), s.Options)
	if err == nil {
		c.Close()
		t.Fatalf("two sockets listen on %v", first.Local())
	}
	var op *dgram.OpError
	if !errors.As(err, &op) || op.Op != "listen" || op.Endpoint != first.Local().String() {
		t.Errorf("the error is %#v", err)
	}
	if runtime.GOOS != "windows" && !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%v is not EADDRINUSE", err)
	}
}
