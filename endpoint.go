package dgram

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unique"
)

// Network is the transport family of an Endpoint. Each has one entry in the table of transports.
type Network uint8

// The networks.
const (
	NoNetwork Network = iota
	UDP               // UDP over IPv4 or IPv6, whichever the address is of
	UDP4              // UDP over IPv4 only
	UDP6              // UDP over IPv6 only
	Unixgram          // unix datagram sockets, by path or (Linux) abstract name
	Memory            // the in-memory network of package dgramtest
	numNetworks
)

var networkNames = [numNetworks]string{"", "udp", "udp4", "udp6", "unixgram", "memory"}

// String returns the network's name as it stands before "://".
func (n Network) String() string {
	if n < numNetworks {
		return networkNames[n]
	}
	return fmt.Sprintf("network(%d)", uint8(n))
}

// IP reports whether endpoints of the network are an IP address and a port.
func (n Network) IP() bool { return n == UDP || n == UDP4 || n == UDP6 || n == Memory }

// Endpoint names one end of an exchange: an IP address and port, or the path of a unix socket. It is comparable, so it can key a map.
// The zero Endpoint names nothing.
//
// It is four words, which is as much as the compiler keeps in registers: with a [netip.Addr] in it there were five, and each look at a peer copied them.
type Endpoint struct {
	high, low uint64                // the address, an IPv4 one mapped into IPv6
	name      unique.Handle[string] // the zone of an IPv6 address, or a unix socket's path
	place
}

// place is what of an Endpoint takes less than a word.
type place struct {
	port    uint16
	network Network
	kind    addrKind
}

// addrKind says what the address of an Endpoint is.
type addrKind uint8

const (
	noAddr addrKind = iota
	addr4
	addr6
)

// IPEndpoint returns the endpoint of a UDP address. IPv4 addresses that are mapped into IPv6 are unmapped (RFC 4291, Section 2.5.5.2), so
// that one peer has one name.
func IPEndpoint(network Network, ap netip.AddrPort) Endpoint {
	e := Endpoint{place: place{network: network, port: ap.Port()}}
	e.setAddr(ap.Addr().Unmap())
	return e
}

// endpoint4 is IPEndpoint of an IPv4 address.
func endpoint4(network Network, addr uint32, port uint16) Endpoint {
	return Endpoint{low: mapped | uint64(addr), place: place{network: network, port: port, kind: addr4}}
}

// mapped is what stands before an IPv4 address that is mapped into IPv6.
const mapped = 0xffff << 32

func (e *Endpoint) setAddr(a netip.Addr) {
	e.high, e.low, e.name, e.kind = 0, 0, unique.Handle[string]{}, noAddr
	switch {
	case a.Is4():
		b := a.As4()
		*e = endpoint4(e.network, binary.BigEndian.Uint32(b[:]), e.port)
	case a.Is6():
		b := a.As16()
		e.high, e.low, e.kind = binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:]), addr6
		if zone := a.Zone(); zone != "" {
			e.name = unique.Make(zone)
		}
	}
}

// UnixEndpoint returns the endpoint of a unix datagram socket. A name that begins with "@" is abstract (unix(7)); "" is an unnamed socket.
func UnixEndpoint(path string) Endpoint {
	return Endpoint{name: unique.Make(path), place: place{network: Unixgram}}
}

// Network returns the endpoint's network.
func (e Endpoint) Network() Network { return e.network }

// AddrPort returns the IP address and port; it is the zero AddrPort for a unix endpoint.
func (e Endpoint) AddrPort() netip.AddrPort { return netip.AddrPortFrom(e.Addr(), e.port) }

// Addr returns the IP address; it is the zero Addr for a unix endpoint.
func (e Endpoint) Addr() netip.Addr {
	switch e.kind {
	case addr4:
		return netip.AddrFrom4([4]byte{byte(e.low >> 24), byte(e.low >> 16), byte(e.low >> 8), byte(e.low)})
	case addr6:
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], e.high)
		binary.BigEndian.PutUint64(b[8:], e.low)
		a := netip.AddrFrom16(b)
		if e.name != (unique.Handle[string]{}) {
			a = a.WithZone(e.name.Value())
		}
		return a
	}
	return netip.Addr{}
}

// Bits returns the two halves of the IP address, of IPv4 those of the address mapped into IPv6 (RFC 4291, Section 2.5.5.2); they are 0 for a
// unix endpoint.
func (e Endpoint) Bits() (high, low uint64) { return e.high, e.low }

// Port returns the port; it is 0 for a unix endpoint.
func (e Endpoint) Port() uint16 { return e.port }

// Path returns the path or abstract name of a unix endpoint, and "" for any other.
func (e Endpoint) Path() string {
	if e.network != Unixgram || e.name == (unique.Handle[string]{}) {
		return ""
	}
	return e.name.Value()
}

// IsValid reports whether e names anything.
func (e Endpoint) IsValid() bool { return e.network != NoNetwork }

// WithPort returns e with another port.
func (e Endpoint) WithPort(port uint16) Endpoint { e.port = port; return e }

// WithNetwork returns e on another network of the same kind.
func (e Endpoint) WithNetwork(n Network) Endpoint { e.network = n; return e }

// Same reports whether a and b name the same place, whichever of the networks udp, udp4 and udp6 each was named on.
func (e Endpoint) Same(o Endpoint) bool {
	if e.network.IP() && o.network.IP() && e.network != Memory && o.network != Memory {
		e.network = o.network
	}
	return e == o
}

// is is ==. Of neighbours in a batch the ports differ, if anything does: they are compared first.
func (e *Endpoint) is(o *Endpoint) bool {
	return e.place == o.place && e.low == o.low && e.high == o.high && e.name == o.name
}

// String returns the endpoint as a person writes it: 127.0.0.1:12345, [fe80::1%eth0]:53, unixgram:///run/x.sock, unixgram:@name.
// ParseEndpoint takes it back.
func (e Endpoint) String() string {
	switch {
	case e.network == NoNetwork:
		return "none"
	case e.network == Unixgram && e.Path() == "":
		return "unnamed unix socket"
	case e.network == Unixgram && !strings.HasPrefix(e.Path(), "/"):
		return "unixgram:" + e.Path()
	case e.network == Unixgram:
		return "unixgram://" + e.Path()
	}
	return e.AddrPort().String()
}

// URL returns the endpoint with its network: udp://127.0.0.1:12345.
func (e Endpoint) URL() string {
	if e.network.IP() {
		return e.network.String() + "://" + e.String()
	}
	return e.String()
}

// MarshalText writes String.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Address is an endpoint as a person wrote it: its host may still be a name to look up.
type Address struct {
	Network Network
	Host    string // literal address, name, or "" for every address of this host
	Port    uint16
	Path    string // of a unix socket
}

// DefaultPort is the port of the teaching text's server, taken where an address names none.
const DefaultPort = 12345

// ErrAddress is wrapped by every error about how an address is written.
var ErrAddress = errors.New("not an address")

// ParseAddress reads an address: HOST:PORT, HOST, :PORT, PORT, [IPv6]:PORT, a bare IPv6 address, each with udp://, udp4:// or udp6:// before
// it or without; unixgram:///path, unixgram:relative or unixgram:@abstract. A host may be a name. Without a host it is defaultHost, without
// a port DefaultPort.
func ParseAddress(s, defaultHost string) (Address, error) {
	network, rest, err := splitNetwork(s)
	if err != nil {
		return Address{}, err
	}
	if network == Unixgram {
		return parseUnix(s, rest)
	}
	host, port, err := splitHostPort(rest)
	if err != nil {
		return Address{}, fmt.Errorf("%w: %q: %w", ErrAddress, s, err)
	}
	if host == "" {
		host = defaultHost
	}
	if err := checkHost(host); err != nil {
		return Address{}, fmt.Errorf("%w: %q: %w", ErrAddress, s, err)
	}
	return Address{Network: network, Host: host, Port: port}, nil
}

func splitNetwork(s string) (Network, string, error) {
	name, rest, ok := strings.Cut(s, "://")
	if !ok {
		if rest, ok := strings.CutPrefix(s, "unixgram:"); ok {
			return Unixgram, rest, nil
		}
		if strings.HasPrefix(s, "/") || strings.HasPrefix(s, "@") || strings.HasPrefix(s, "./") {
			return Unixgram, s, nil
		}
		return UDP, s, nil
	}
	for n := UDP; n < Memory; n++ {
		if networkNames[n] == name {
			return n, rest, nil
		}
	}
	return NoNetwork, "", fmt.Errorf("%w: %q: there is no transport %q: use udp, udp4, udp6 or unixgram", ErrAddress, s, name)
}

func parseUnix(s, path string) (Address, error) {
	switch {
	case path == "":
		return Address{}, fmt.Errorf("%w: %q: a unix socket needs a path, as in unixgram:///run/x.sock", ErrAddress, s)
	case strings.ContainsRune(path, 0):
		return Address{}, fmt.Errorf("%w: %q: a path holds no NUL", ErrAddress, s)
	case len(path) > maxUnixPath:
		return Address{}, fmt.Errorf("%w: %q: a unix path has at most %d bytes, this one %d", ErrAddress, s, maxUnixPath, len(path))
	}
	return Address{Network: Unixgram, Path: path}, nil
}

// maxUnixPath leaves room for the NUL at the end of sun_path (unix(7)); BSD systems have four bytes less and say so themselves.
const maxUnixPath = 107

// splitHostPort is net.SplitHostPort made for people: the port may be missing, and so may the host.
func splitHostPort(s string) (host string, port uint16, err error) {
	if s == "" {
		return "", DefaultPort, nil
	}
	if n, numErr := strconv.ParseUint(s, 10, 64); numErr == nil {
		return withPort("", strconv.FormatUint(n, 10))
	}
	if addr, addrErr := netip.ParseAddr(s); addrErr == nil {
		return addr.String(), DefaultPort, nil
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		host, rest, ok := strings.Cut(inner, "]")
		if !ok {
			return "", 0, errors.New("the ] after the IPv6 address is missing")
		}
		if rest == "" {
			return host, DefaultPort, nil
		}
		portText, ok := strings.CutPrefix(rest, ":")
		if !ok {
			return "", 0, errors.New("after ] comes :PORT")
		}
		return withPort(host, portText)
	}
	host, portText, ok := strings.Cut(s, ":")
	if !ok {
		return s, DefaultPort, nil
	}
	if strings.Contains(portText, ":") {
		return "", 0, errors.New("an IPv6 address with a port is written [ADDRESS]:PORT")
	}
	return withPort(host, portText)
}

func withPort(host, text string) (string, uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port %q: a port is a number from 0 to 65535", text)
	}
	return host, uint16(n), nil
}

// checkHost refuses what could be neither a literal nor a name, before a resolver is asked.
func checkHost(host string) error {
	if len(host) > 253 {
		return fmt.Errorf("a host name has at most 253 characters, this one %d", len(host))
	}
	for _, r := range host {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`/\"'<>@?#[]`, r) {
			return fmt.Errorf("a host name cannot hold %q", r)
		}
	}
	return nil
}

// Literal returns the endpoint of an address whose host is no name; ok is false if it must be looked up ([Resolve]).
func (a Address) Literal() (e Endpoint, ok bool) {
	if a.Network == Unixgram {
		return UnixEndpoint(a.Path), true
	}
	if a.Host == "" || a.Host == "*" {
		return IPEndpoint(a.Network, netip.AddrPortFrom(anyAddr(a.Network), a.Port)), true
	}
	addr, err := netip.ParseAddr(a.Host)
	if err != nil {
		return Endpoint{}, false
	}
	return IPEndpoint(a.Network, netip.AddrPortFrom(addr, a.Port)), true
}

// String returns the address as it is written.
func (a Address) String() string {
	if e, ok := a.Literal(); ok {
		return e.String()
	}
	return a.Host + ":" + strconv.Itoa(int(a.Port))
}

func anyAddr(n Network) netip.Addr {
	if n == UDP4 {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// ParseEndpoint reads what String and URL write; the host must be a literal address.
func ParseEndpoint(s string) (Endpoint, error) {
	a, err := ParseAddress(s, "")
	if err != nil {
		return Endpoint{}, err
	}
	e, ok := a.Literal()
	if !ok {
		return Endpoint{}, fmt.Errorf("%w: %q: %q is a name; Resolve looks it up", ErrAddress, s, a.Host)
	}
	return e, nil
}

// MustParseEndpoint is ParseEndpoint for constants; it panics on an error.
func MustParseEndpoint(s string) Endpoint {
	e, err := ParseEndpoint(s)
	if err != nil {
		panic(err)
	}
	return e
}
