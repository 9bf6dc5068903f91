package sock

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Addr is the address of a socket: InetAddr, UnixAddr, PacketAddr or RawAddr.
type Addr interface {
	// Family says which kind of socket takes such an address.
	Family() Family
	// String is the form that ParseAddr reads. Bytes of a unix name are given
	// as they are: escape them before they go to a terminal.
	String() string
	// encode writes the kernel's form for a socket of the given family and
	// returns its length in bytes.
	encode(dst *rawSockaddr, socket Family) (uint32, error)
}

// InetAddr is an IP address, with its zone where it has one, and a port
// (ip(7), ipv6(7)). An IPv4 address can be given to an INET6 socket: it goes
// out as ::ffff:a.b.c.d. What comes from such a socket is what the kernel
// says, ::ffff:a.b.c.d, and is not unmapped here. The flow label of IPv6 is
// not kept.
type InetAddr struct{ netip.AddrPort }

// UnixAddr is the name of a unix socket (unix(7)): a path, or, when Abstract,
// bytes in the abstract namespace, in which a name may hold anything. The zero
// UnixAddr is that of a socket without a name; to bind to it asks the kernel
// to choose an abstract name.
type UnixAddr struct {
	Name     string // at most 107 bytes
	Abstract bool
}

// PacketAddr names frames on one interface (packet(7)). To bind, give
// Interface (empty: all of them) and Proto; to send, also Addr. PktType and
// HaType are what the kernel says of a frame that came in.
type PacketAddr struct {
	Interface string // name, or index in decimal; empty: every interface
	Proto     uint16 // Ethernet type in host byte order
	PktType   PacketType
	HaType    uint16 // ARPHRD_ number of the device: 1 Ethernet, 772 loopback
	Addr      net.HardwareAddr
}

// RawAddr is an address of any other family: Data is what follows the family
// in the kernel's form, at most 126 bytes.
type RawAddr struct {
	AF   Family
	Data []byte
}

// PacketType says for whom a frame was (packet(7)).
type PacketType uint8

// The kinds of frames.
const (
	ToHost      PacketType = 0 // for this machine
	ToBroadcast PacketType = 1
	ToMulticast PacketType = 2
	ToOther     PacketType = 3 // for another host, seen in promiscuous mode
	Outgoing    PacketType = 4 // sent by this machine
)

// String is the kernel's name, "PACKET_HOST".
func (p PacketType) String() string {
	names := [...]string{"PACKET_HOST", "PACKET_BROADCAST", "PACKET_MULTICAST", "PACKET_OTHERHOST", "PACKET_OUTGOING"}
	if int(p) < len(names) {
		return names[p]
	}
	return "PACKET_" + strconv.Itoa(int(p))
}

// Family is INET for an IPv4 address and INET6 for any other, ::ffff:a.b.c.d
// among them.
func (a InetAddr) Family() Family {
	if a.Addr().Is4() {
		return INET
	}
	return INET6
}

// Family is UNIX.
func (UnixAddr) Family() Family { return UNIX }

// Family is PACKET.
func (PacketAddr) Family() Family { return PACKET }

// Family is AF.
func (a RawAddr) Family() Family { return a.AF }

// String is the path, "@name" for an abstract name, and empty for no name. A
// path that begins with @ is written "./@path".
func (a UnixAddr) String() string {
	if a.Abstract {
		return "@" + a.Name
	}
	if strings.HasPrefix(a.Name, "@") {
		return "./" + a.Name
	}
	return a.Name
}

// String is "lo/0x0800" or "eth0/0x0800/02:00:00:00:00:01"; the interface "*"
// is every one. PktType and HaType are not part of it.
func (a PacketAddr) String() string {
	name := a.Interface
	if name == "" {
		name = "*"
	}
	s := fmt.Sprintf("%s/0x%04x", name, a.Proto)
	if len(a.Addr) > 0 {
		s += "/" + a.Addr.String()
	}
	return s
}

// String is the family and the bytes in hexadecimal: "AF_VSOCK:0000ffff".
func (a RawAddr) String() string { return a.AF.String() + ":" + hex.EncodeToString(a.Data) }

// ParseAddr reads what String writes. For INET and INET6 that is IP:port and
// [IP%zone]:port, no names: resolving belongs to the floors above. For UNIX a
// path, @name or nothing; for PACKET "interface", "interface/0x0800" or
// "interface/0x0800/hardware address".
func ParseAddr(family Family, s string) (Addr, error) {
	switch family {
	case INET, INET6:
		return parseInet(family, s)
	case UNIX:
		a := UnixAddr{Name: s}
		if rest, ok := strings.CutPrefix(s, "@"); ok {
			a = UnixAddr{Name: rest, Abstract: true}
		}
		return a, a.check()
	case PACKET:
		return parsePacket(s)
	}
	return nil, fmt.Errorf("parse address %q: no written form for %v: use RawAddr", s, family)
}

func parseInet(family Family, s string) (Addr, error) {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return nil, fmt.Errorf("parse address %q: want IP:port or [IPv6%%zone]:port: %w", s, err)
	}
	if family == INET && !ap.Addr().Is4() {
		return nil, fmt.Errorf("parse address %q: AF_INET takes an IPv4 address", s)
	}
	return InetAddr{ap}, nil
}

func parsePacket(s string) (Addr, error) {
	var a PacketAddr
	name, rest, _ := strings.Cut(s, "/")
	if name != "*" {
		a.Interface = name
	}
	proto, hardware, _ := strings.Cut(rest, "/")
	if proto != "" {
		n, err := strconv.ParseUint(proto, 0, 16)
		if err != nil {
			return nil, fmt.Errorf("parse address %q: Ethernet type %q is no number like 0x0800: %w", s, proto, err)
		}
		a.Proto = uint16(n)
	}
	if hardware != "" {
		mac, err := net.ParseMAC(hardware)
		if err != nil {
			return nil, fmt.Errorf("parse address %q: %w", s, err)
		}
		a.Addr = mac
	}
	return a, nil
}
