package dgram

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Options say how a socket is to be opened. The zero value is right for most: each field's zero means what its comment calls the default.
type Options struct {
	Buffer        int           // longest datagram received whole, bytes; default 65,535
	ReceiveBuffer int           // kernel receive buffer asked for, bytes (SO_RCVBUF, socket(7)); default 4 MiB; the kernel may grant less
	SendBuffer    int           // the same for sending (SO_SNDBUF)
	ReusePort     bool          // several sockets share the port, and the kernel spreads flows over them (SO_REUSEPORT)
	Broadcast     bool          // allow sending to broadcast addresses (SO_BROADCAST)
	Refusals      bool          // see ICMP errors about what was sent as notices (IP_RECVERR, ip(7)); Dial sets it
	Timestamps    bool          // ask for kernel receive times (SO_TIMESTAMPNS)
	Segments      bool          // let slots carry several datagrams, as they were coalesced: Datagram.Segment. Only with GRO, and where the socket can send them so too
	Headers       bool          // ask for TTL, TOS, arrival address and interface of each datagram
	AutoGRO       func(on bool) // not nil: GRO is turned on while heavy flows arrive and off again, and this is told each time, on the goroutine that receives
	GRO           bool          // let the kernel coalesce a flow's datagrams into one buffer (UDP_GRO, udp(7))
	NoGSO         bool          // never hand several datagrams to the kernel as one (UDP_SEGMENT)
	DontFragment  bool          // set DF, so that a datagram over the path's MTU fails instead of being cut up (IP_MTU_DISCOVER)
	Atomic        bool          // without DontFragment, and on a loopback address in its place: spare the system numbering IPv4 packets, until the first datagram that has to be sent in fragments (RFC 6864, Section 4; Linux)
	TTL           int           // time to live or hop limit of what is sent; default the system's; also for multicast
	TOS           int           // type of service or traffic class of what is sent
	Interface     string        // bind to this interface (SO_BINDTODEVICE), and send multicast there
	Join          []Address     // multicast groups to join; their port is ignored; the Interface, or a zone, chooses where
	NoLoopback    bool          // do not hear one's own multicast (IP_MULTICAST_LOOP)
	Bind          Endpoint      // Dial only: the local address and port to send from; default the system's choice
	OwnPath       bool          // ListenFD only: Close removes the path of a unix socket, as it does where Listen made it
	Portable      bool          // use package net even where the kernel has a better way
	Spin          bool          // with Blocking: Recv looks again and again instead of waiting; answers soonest, and takes a processor whole
	Blocking      bool          // Recv blocks its thread in the kernel: answers sooner, costs a thread, and keeps the goroutine that receives on it; ignored by Conns that cannot
}

const (
	defaultBuffer       = 65535
	defaultSocketBuffer = 4 << 20
)

func (o Options) withDefaults() Options {
	if o.Buffer <= 0 {
		o.Buffer = defaultBuffer
	}
	if o.ReceiveBuffer <= 0 {
		o.ReceiveBuffer = defaultSocketBuffer
	}
	if o.SendBuffer <= 0 {
		o.SendBuffer = defaultSocketBuffer
	}
	return o
}

// whole reports whether a socket with that address is to send nothing in fragments.
func (o *Options) whole(local netip.Addr) bool {
	return o.DontFragment && !(o.Atomic && local.IsLoopback())
}

// ErrUnsupported is wrapped by errors about what this system, or this transport, does not offer.
var ErrUnsupported = errors.ErrUnsupported

// transport opens sockets of one network.
type transport struct {
	listen func(Endpoint, Options) (Conn, error)
	dial   func(Endpoint, Options) (Conn, error)
}

// The table of transports is in transports_linux.go and transports_other.go: one line each.

// ListenEndpoint binds a socket to an endpoint; port 0 lets the system choose one.
func ListenEndpoint(e Endpoint, o Options) (Conn, error) {
	t, err := lookup(e, o)
	if err != nil {
		return nil, &OpError{Op: "listen", Endpoint: e.String(), Err: err}
	}
	conn, err := t.listen(e, o.withDefaults())
	if err != nil {
		return nil, &OpError{Op: "listen", Endpoint: e.String(), Err: err}
	}
	return conn, nil
}

// DialEndpoint opens a socket for exchanges with one peer. It is not connected where the system shows refusals without that, so that
// strangers' answers are seen too; Caps tells. A datagram that is sent with a zero Peer goes to e.
func DialEndpoint(e Endpoint, o Options) (Conn, error) {
	o.Refusals = true
	t, err := lookup(e, o)
	if err == nil {
		err = checkZone(e.Addr())
	}
	if err != nil {
		return nil, &OpError{Op: "dial", Endpoint: e.String(), Err: err}
	}
	conn, err := t.dial(e, o.withDefaults())
	if err != nil {
		return nil, &OpError{Op: "dial", Endpoint: e.String(), Err: err}
	}
	return conn, nil
}

func lookup(e Endpoint, o Options) (transport, error) {
	table := transports
	if o.Portable {
		table = portableTransports
	}
	if t, ok := table[e.network]; ok {
		return t, fits(e.network, e.Addr())
	}
	if !e.IsValid() {
		return transport{}, fmt.Errorf("%w: the zero Endpoint", ErrAddress)
	}
	return transport{}, fmt.Errorf("this system has no transport %q: %w", e.network, ErrUnsupported)
}

// checkZone finds out early that an address names an interface which is not there: sending would only say that it has no address.
func checkZone(addr netip.Addr) error {
	zone := addr.Zone()
	if zone == "" {
		return nil
	}
	if _, err := interfaceNamed(zone); err != nil {
		return fmt.Errorf("there is no interface %q: `ip link` lists them: %w", zone, err)
	}
	return nil
}

// resolveTimeout bounds the name look-up of Listen and Dial.
const resolveTimeout = 10 * time.Second

// Listen binds a socket to an address as [ParseAddress] reads it; without a host it is 127.0.0.1.
func Listen(address string) (Conn, error) {
	return open("listen", address, ListenEndpoint)
}

// Dial opens a socket for exchanges with the server at an address as [ParseAddress] reads it; without a host it is 127.0.0.1.
func Dial(address string) (Conn, error) {
	return open("dial", address, DialEndpoint)
}

func open(op, address string, with func(Endpoint, Options) (Conn, error)) (Conn, error) {
	a, err := ParseAddress(address, "127.0.0.1")
	if err != nil {
		return nil, &OpError{Op: op, Endpoint: address, Err: err}
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	found, err := Resolve(ctx, a)
	if err != nil {
		return nil, err
	}
	return with(found[0], Options{})
}
