package dgramtest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"dgram"
)

// Network is a network in memory. Every IP address exists on it: whoever listens on an address and port gets what is sent there; where
// nobody listens the sender is told that it was refused. Its zero value is not ready: [NewNetwork] makes one.
//
// A Network may be used by many goroutines. Inside a testing/synctest bubble, make it there.
type Network struct {
	maxPayload int
	queue      int

	mu    sync.Mutex
	socks map[netip.AddrPort][]*conn // by what they are bound to; several with ReusePort
	next  uint16                     // where the search for a free port goes on
	rule  func(Packet) Verdict
	flows map[flow]*link
	air   []flight // delayed, in the order in which they arrive
}

// flow is one direction between two endpoints.
type flow struct{ from, to netip.AddrPort }

// link is what the network knows of a flow.
type link struct {
	sent uint64   // datagrams so far, which numbers the next
	held []flight // kept back until the next one has passed
}

// flight is a datagram on its way. It owns data.
type flight struct {
	sender   *conn
	asked    netip.AddrPort // where the sender sent from, whatever from says
	from, to netip.AddrPort
	data     []byte
	ttl, tos uint8
	delay    time.Duration
	due      time.Time // when a delayed one arrives
}

// Defaults of NewNetwork.
const (
	DefaultMaxPayload = dgram.MaxPayload // bytes
	DefaultQueue      = 4096             // datagrams
)

// Setting changes a Network that is being made.
type Setting func(*Network)

// MaxPayload bounds the payload that the network carries, in bytes; a longer datagram Fails with EMSGSIZE, as on a path whose MTU it is
// over with "don't fragment" set (RFC 1191, Section 3).
func MaxPayload(bytes int) Setting { return func(n *Network) { n.maxPayload = bytes } }

// Queue bounds how many datagrams wait at each socket; what comes to a full one is dropped, and counted in Drops.
func Queue(datagrams int) Setting { return func(n *Network) { n.queue = datagrams } }

// Links sets the rule that every datagram meets from the start; see [Network.SetRule].
func Links(rule func(Packet) Verdict) Setting { return func(n *Network) { n.rule = rule } }

// NewNetwork returns an empty network.
func NewNetwork(settings ...Setting) *Network {
	n := &Network{
		maxPayload: DefaultMaxPayload, queue: DefaultQueue, next: firstPort,
		socks: map[netip.AddrPort][]*conn{}, flows: map[flow]*link{},
	}
	for _, set := range settings {
		set(n)
	}
	return n
}

// SetRule makes rule decide from now on what becomes of each datagram; nil lets every one pass. The rule is called for one datagram at a
// time, on the sender's goroutine; it must not call the Network or its Conns.
func (n *Network) SetRule(rule func(Packet) Verdict) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rule = rule
}

// Endpoint returns the endpoint of an address in memory: "192.0.2.1:53", "[fe80::1%a]:53". It panics if the address is none.
func Endpoint(address string) dgram.Endpoint {
	return dgram.MustParseEndpoint(address).WithNetwork(dgram.Memory)
}

// Listen binds a socket to an address in memory, as [Endpoint] reads it; port 0 lets the network choose one.
func (n *Network) Listen(address string) (dgram.Conn, error) {
	return n.open("listen", address, n.ListenEndpoint)
}

// Dial opens a socket on 127.0.0.1 or ::1 for exchanges with the server at an address in memory.
func (n *Network) Dial(address string) (dgram.Conn, error) {
	return n.open("dial", address, n.DialEndpoint)
}

func (n *Network) open(op, address string, with func(dgram.Endpoint, dgram.Options) (dgram.Conn, error)) (dgram.Conn, error) {
	e, err := dgram.ParseEndpoint(address)
	if err != nil {
		return nil, &dgram.OpError{Op: op, Endpoint: address, Err: err}
	}
	return with(e, dgram.Options{})
}

// ListenEndpoint is dgram.ListenEndpoint for this network. The network of e is taken as Memory.
func (n *Network) ListenEndpoint(e dgram.Endpoint, o dgram.Options) (dgram.Conn, error) {
	c, err := n.bind(e.AddrPort(), o)
	if err != nil {
		return nil, &dgram.OpError{Op: "listen", Endpoint: e.String(), Err: err}
	}
	return c, nil
}

// DialEndpoint is dgram.DialEndpoint for this network. The socket is not connected: it sees refusals and strangers both.
func (n *Network) DialEndpoint(e dgram.Endpoint, o dgram.Options) (dgram.Conn, error) {
	o.Refusals = true
	local := netip.AddrPortFrom(loopback(e.Addr()), 0)
	if o.Bind.IsValid() {
		local = o.Bind.AddrPort()
	}
	c, err := n.bind(local, o)
	if err != nil {
		return nil, &dgram.OpError{Op: "dial", Endpoint: e.String(), Err: err}
	}
	c.remote = e.WithNetwork(dgram.Memory)
	return c, nil
}

const firstPort = 49152 // of those that systems give out (RFC 6335, Section 6)

// bind makes a socket and enters it in the table.
func (n *Network) bind(at netip.AddrPort, o dgram.Options) (*conn, error) {
	if !at.Addr().IsValid() {
		return nil, errors.New("a memory endpoint is an IP address and a port")
	}
	if o.Interface != "" {
		return nil, fmt.Errorf("the network in memory has no interface %q: %w", o.Interface, dgram.ErrUnsupported)
	}
	groups, err := joined(o)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if at.Port() == 0 {
		if at, err = n.choosePort(at.Addr()); err != nil {
			return nil, err
		}
	} else if !n.free(at, o.ReusePort) {
		return nil, errInUse
	}
	c := newConn(n, at, o)
	c.groups = groups
	n.socks[at] = append(n.socks[at], c)
	return c, nil
}

func joined(o dgram.Options) ([]netip.Addr, error) {
	var groups []netip.Addr
	for _, a := range o.Join {
		e, ok := a.Literal()
		if !ok || !e.Addr().IsMulticast() {
			return nil, fmt.Errorf("join %s: not a multicast address", a)
		}
		groups = append(groups, e.Addr())
	}
	return groups, nil
}

// choosePort finds a port that nobody uses.
func (n *Network) choosePort(addr netip.Addr) (netip.AddrPort, error) {
	for range 1 << 16 {
		at := netip.AddrPortFrom(addr, n.next)
		if n.next++; n.next == 0 {
			n.next = firstPort
		}
		if n.free(at, false) {
			return at, nil
		}
	}
	return netip.AddrPort{}, errInUse
}

// free says whether a socket may bind to at: no other one would get the same datagrams, unless both share the port.
func (n *Network) free(at netip.AddrPort, share bool) bool {
	for bound, socks := range n.socks {
		if bound.Port() != at.Port() || !overlap(bound.Addr(), at.Addr()) {
			continue
		}
		if !share || slices.ContainsFunc(socks, func(c *conn) bool { return !c.options.ReusePort }) {
			return false
		}
	}
	return true
}

func overlap(a, b netip.Addr) bool {
	return a == b || covers(a, b) || covers(b, a)
}

// covers says whether a socket bound to the unspecified address w gets what is sent to a: [::] takes both families.
func covers(w, a netip.Addr) bool { return w.IsUnspecified() && (w.Is6() || a.Is4()) }

func (n *Network) remove(c *conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	socks := n.socks[c.at]
	if i := slices.Index(socks, c); i >= 0 {
		socks = slices.Delete(socks, i, i+1)
	}
	if len(socks) == 0 {
		delete(n.socks, c.at)
		return
	}
	n.socks[c.at] = socks
}

// send takes a datagram into the network, or says why it would not.
func (n *Network) send(f flight) syscall.Errno {
	if len(f.data) > n.maxPayload {
		return syscall.EMSGSIZE
	}
	f.data = slices.Clone(f.data)
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.link(f)
	f.asked = f.from
	v := n.decide(&f, l)
	if v.Err != 0 {
		return v.Err
	}
	if v.Refuse {
		f.sender.refused(f)
		return 0
	}
	f.delay = v.Delay
	held := l.held
	l.held = nil
	switch {
	case v.Drop:
	case v.Behind:
		l.held = append(l.held, f)
	default:
		for range 1 + v.Copies {
			n.deliverAfter(f.delay, f)
		}
	}
	for _, h := range held {
		n.deliverAfter(max(h.delay, f.delay), h)
	}
	return 0
}

func (n *Network) link(f flight) *link {
	key := flow{f.from, f.to}
	l := n.flows[key]
	if l == nil {
		l = &link{}
		n.flows[key] = l
	}
	l.sent++
	return l
}

// decide asks the rule about a datagram and applies what it says about its address.
func (n *Network) decide(f *flight, l *link) Verdict {
	if n.rule == nil {
		return Verdict{}
	}
	p := Packet{Index: l.sent - 1, From: memory(f.from), To: memory(f.to), Data: f.data}
	v := n.rule(p)
	if v.From.IsValid() {
		f.from = v.From.AddrPort()
	}
	if v.Data != nil {
		f.data = slices.Clone(v.Data)
	}
	return v
}

// deliverAfter lets a datagram arrive in a while, after those sent before it that arrive at the same moment.
func (n *Network) deliverAfter(d time.Duration, f flight) {
	if d <= 0 {
		n.deliver(f)
		return
	}
	f.due = time.Now().Add(d)
	i, _ := slices.BinarySearchFunc(n.air, f.due, func(a flight, due time.Time) int {
		if a.due.After(due) {
			return 1
		}
		return -1
	})
	n.air = slices.Insert(n.air, i, f)
	time.AfterFunc(d, n.deliverDue)
}

func (n *Network) deliverDue() {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	for len(n.air) > 0 && !n.air[0].due.After(now) {
		f := n.air[0]
		n.air = slices.Delete(n.air, 0, 1)
		n.deliver(f)
	}
}

// deliver puts a datagram into the queues of those whom it reaches.
func (n *Network) deliver(f flight) {
	to := f.to.Addr()
	if to.IsMulticast() || to == broadcast {
		for at, socks := range n.socks {
			for _, c := range socks {
				if at.Port() == f.to.Port() && c.hears(to) {
					c.enqueue(f)
				}
			}
		}
		return
	}
	if c := n.receiver(f); c != nil {
		c.enqueue(f)
		return
	}
	f.sender.refused(f)
}

// receiver finds the socket that a datagram is for: the most specific one, and of several that share the port always the same for a flow.
func (n *Network) receiver(f flight) *conn {
	for _, at := range [...]netip.Addr{f.to.Addr(), unspecified(f.to.Addr()), netip.IPv6Unspecified()} {
		if socks := n.socks[netip.AddrPortFrom(at, f.to.Port())]; len(socks) > 0 {
			return socks[hashFlow(f.asked, f.to)%uint64(len(socks))]
		}
	}
	return nil
}

var errInUse = os.NewSyscallError("bind", syscall.EADDRINUSE)

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func loopback(like netip.Addr) netip.Addr {
	if like.Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

func unspecified(like netip.Addr) netip.Addr {
	if like.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

func memory(ap netip.AddrPort) dgram.Endpoint { return dgram.IPEndpoint(dgram.Memory, ap) }
