package sock

import (
	"errors"
	"slices"
	"syscall"
)

// Explanation says what is missing when a call fails in a certain way. Empty
// fields stand for anything.
type Explanation struct {
	Op       string        // the call, "bind"
	Families []Family      // of the socket
	Type     Type          // of the socket
	Errno    syscall.Errno // what the kernel answered
	Text     string        // what is missing, and what to do next
}

var (
	overIP    = []Family{INET, INET6}
	onlyUnix  = []Family{UNIX}
	onlyFrame = []Family{PACKET}
)

// explanations is searched from the top: what is special stands before what is
// general.
var explanations = []Explanation{
	{"", nil, 0, syscall.EMFILE, "raise the limit of this process with `ulimit -n`"},
	{"", nil, 0, syscall.ENFILE, "the whole system has no file left: raise the sysctl fs.file-max"},

	{"socket", overIP, DCCP, syscall.ESOCKTNOSUPPORT, "this kernel offers no DCCP (removed from Linux in 6.16)"},
	{"socket", nil, RDM, 0, "SOCK_RDM needs the family AF_TIPC (30) or AF_RDS (21): `modprobe tipc`, and open that family"},
	{"socket", overIP, SEQPACKET, 0, "SOCK_SEQPACKET over IP needs SCTP (protocol 132): `modprobe sctp`; on one machine AF_UNIX has it"},
	{"socket", nil, OLDPACKET, 0, "SOCK_PACKET is obsolete: use AF_PACKET with SOCK_RAW, which needs CAP_NET_RAW"},
	{"socket", overIP, RAW, syscall.EPERM, "SOCK_RAW needs CAP_NET_RAW: run as root or `sudo setcap cap_net_raw+ep ./dgram`"},
	{"socket", overIP, RAW, syscall.EPROTONOSUPPORT, "SOCK_RAW needs a protocol such as IPPROTO_ICMP (1): 0 is none"},
	{"socket", onlyFrame, 0, syscall.EPERM, "AF_PACKET needs CAP_NET_RAW: run as root or `sudo setcap cap_net_raw+ep ./dgram`"},
	{"socket", onlyFrame, 0, syscall.ESOCKTNOSUPPORT, "AF_PACKET has SOCK_RAW (frames with their header) and SOCK_DGRAM (without)"},
	{"socket", onlyUnix, 0, syscall.ESOCKTNOSUPPORT, "AF_UNIX has SOCK_STREAM, SOCK_DGRAM and SOCK_SEQPACKET"},
	{"socket", onlyUnix, 0, syscall.EPROTONOSUPPORT, "AF_UNIX has no protocols: give 0"},
	{"socket", []Family{INET6}, 0, syscall.EAFNOSUPPORT, "this kernel has no IPv6 (switched off at boot, or built without it): use AF_INET"},
	{"socket", nil, 0, syscall.EAFNOSUPPORT, "this kernel has no such address family, or has not loaded the module for it"},
	{"socket", nil, 0, syscall.ESOCKTNOSUPPORT, "this family has no sockets of this type"},
	{"socket", nil, 0, syscall.EPROTONOSUPPORT, "this family and type have no such protocol, or its module is not loaded: 0 is the usual one"},
	{"socket", nil, 0, syscall.EINVAL, "the number of the protocol is out of range: 0 is the usual one"},
	{"socket", nil, 0, syscall.EPERM, "this socket needs a privilege: run as root"},

	{"bind", onlyUnix, 0, syscall.EADDRINUSE, "the name exists: remove the file if nobody listens on it"},
	{"bind", onlyUnix, 0, syscall.EACCES, "no permission to make a file there"},
	{"bind", onlyUnix, 0, syscall.ENOENT, "the directory does not exist"},
	{"bind", overIP, 0, syscall.EADDRINUSE, "another socket has the address (`ss -lunpt` names its owner): stop it or choose another port"},
	{"bind", overIP, 0, syscall.EACCES, "low ports need CAP_NET_BIND_SERVICE: choose a port from 1024 up, or run as root"},
	{"bind", overIP, 0, syscall.EADDRNOTAVAIL, "no interface of this machine has the address (`ip addr` lists them)"},
	{"bind", nil, 0, syscall.EINVAL, "the socket is bound already, or the address is incomplete (a link-local one needs its zone: fe80::1%eth0)"},
	{"bind", onlyFrame, 0, syscall.ENODEV, "the interface does not exist (`ip link` lists them)"},

	{"listen", nil, 0, syscall.EOPNOTSUPP, "only SOCK_STREAM and SOCK_SEQPACKET listen; a datagram socket receives as soon as it is bound"},
	{"listen", nil, 0, syscall.EINVAL, "the socket is connected, or (unix) not bound"},
	{"accept", nil, 0, syscall.EINVAL, "the socket does not listen: call Listen first"},
	{"accept", nil, 0, syscall.EOPNOTSUPP, "only SOCK_STREAM and SOCK_SEQPACKET accept connections"},

	{"setsockopt", nil, 0, syscall.ENODEV, "no such interface, or no route leads to the group: name an interface that has an address (`ip addr`)"},
	{"setsockopt", nil, 0, syscall.EADDRINUSE, "the socket is in this group already"},
	{"setsockopt", nil, 0, syscall.EPERM, "this option needs a privilege: run as root"},
	{"setsockopt", nil, 0, syscall.ENOPROTOOPT, "this kernel, or this kind of socket, has no such option"},
	{"getsockopt", nil, 0, syscall.ENOPROTOOPT, "this kernel, or this kind of socket, has no such option"},

	{"connect", onlyUnix, 0, syscall.ENOENT, "no socket has this path"},
	{"connect", onlyUnix, 0, syscall.EPROTOTYPE, "the socket there is of another type"},
	{"sendto", onlyUnix, 0, syscall.ENOENT, "no socket has this path"},
	{"sendto", onlyUnix, 0, syscall.EPROTOTYPE, "the socket there is of another type"},
	{"", nil, 0, syscall.ECONNREFUSED, "nobody listens there"},
	{"", overIP, 0, syscall.ENETUNREACH, "no route leads there (`ip route` lists them)"},
	{"", overIP, 0, syscall.EHOSTUNREACH, "the host does not answer on its network, or a router says so"},
	{"connect", overIP, 0, syscall.EINVAL, "the address is incomplete (a link-local one needs its zone: fe80::1%eth0)"},
	{"connect", overIP, 0, syscall.EACCES, "a broadcast address needs the option SO_BROADCAST"},

	{"sendto", overIP, DGRAM, syscall.EMSGSIZE, "too long for one datagram (65,507 bytes over IPv4, 65,527 over IPv6), or for the path when it must not be cut"},
	{"sendto", nil, 0, syscall.EMSGSIZE, "too long for one message of this socket"},
	{"sendto", nil, 0, syscall.EDESTADDRREQ, "no peer: give an address, or connect first"},
	{"sendto", nil, 0, syscall.ENOTCONN, "no peer: give an address, or connect first"},
	{"sendto", nil, 0, syscall.EISCONN, "the socket is connected: send without an address"},
	{"sendto", overIP, 0, syscall.EACCES, "a broadcast address needs the option SO_BROADCAST, or a firewall forbids it"},
	{"sendto", overIP, 0, syscall.EPERM, "a firewall of this machine forbids it"},
	{"sendto", overIP, 0, syscall.EINVAL, "the port is 0, or a link-local address lacks its zone"},
	{"sendto", nil, 0, syscall.ENOBUFS, "the queue of the device is full: send more slowly"},
	{"sendto", nil, 0, syscall.EPIPE, "the connection is closed for sending"},
	{"", nil, 0, syscall.ENOTCONN, "the socket is not connected: connect first"},
}

// Explanations lists what this package can say about failures, in the order
// in which it looks. The caller owns the slice.
func Explanations() []Explanation { return slices.Clone(explanations) }

// explain finds what to say about a failed call; nothing if it knows nothing.
func explain(op string, family Family, typ Type, err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return ""
	}
	for _, e := range explanations {
		if (e.Op == "" || e.Op == op) && (e.Errno == 0 || e.Errno == errno) &&
			(e.Type == 0 || e.Type == typ) && (e.Families == nil || slices.Contains(e.Families, family)) {
			return e.Text
		}
	}
	return ""
}

// FamilyNote says what a family is for.
type FamilyNote struct {
	Family Family
	Text   string
}

// Families describes the families that this package has addresses for.
func Families() []FamilyNote {
	return []FamilyNote{
		{UNIX, "processes on this machine; an address is a path or an abstract name (unix(7))"},
		{INET, "IPv4; an address is an IP address and a port (ip(7))"},
		{INET6, "IPv6; an address is an IP address, a port, and on one link a zone (ipv6(7))"},
		{PACKET, "frames of a network interface, as the driver sees them (packet(7))"},
	}
}

// TypeNote says what a type of socket does.
type TypeNote struct {
	Type Type
	Text string
}

// Types describes the types of sockets.
func Types() []TypeNote {
	return []TypeNote{
		{STREAM, "bytes in order, without boundaries, over a connection; over IP: TCP"},
		{DGRAM, "datagrams, each with its boundaries and its sender; over IP: UDP, which may lose, double and reorder them"},
		{RAW, "datagrams with their protocol's header, which the kernel otherwise writes and hides"},
		{RDM, "datagrams that are not lost but may change their order; only over TIPC"},
		{SEQPACKET, "records in order, with their boundaries, over a connection; unix sockets and SCTP"},
		{DCCP, "datagrams with congestion control; gone from Linux since 6.16"},
		{OLDPACKET, "the way to frames before AF_PACKET; obsolete"},
	}
}
