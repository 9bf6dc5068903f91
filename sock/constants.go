package sock

import (
	"strconv"
	"strings"
)

// Family is an address family with its Linux number (socket(2)). Any other
// number may be given too: New then asks the kernel for it.
type Family uint16

// The families that this package has addresses for.
const (
	UNSPEC Family = 0  // not said: New takes INET, FromFDAs asks the kernel
	UNIX   Family = 1  // processes on this machine, unix(7)
	INET   Family = 2  // IPv4, ip(7)
	INET6  Family = 10 // IPv6, ipv6(7)
	PACKET Family = 17 // frames of a network interface, packet(7)
)

// Type is a socket type with its Linux number (socket(2)).
type Type uint16

// The types of sockets. OLDPACKET is SOCK_PACKET, whose number is 10; it has
// another name here because PACKET is the family that replaced it.
const (
	STREAM    Type = 1  // bytes in order, no boundaries, connected
	DGRAM     Type = 2  // datagrams, each by itself, may be lost
	RAW       Type = 3  // datagrams with the headers that the kernel usually hides
	RDM       Type = 4  // datagrams that are not lost, in any order
	SEQPACKET Type = 5  // records in order, connected
	DCCP      Type = 6  // datagrams with congestion control
	OLDPACKET Type = 10 // SOCK_PACKET, obsolete
)

// Proto is the third argument of socket(2): 0 is the usual one of family and
// type. For the family PACKET it is an Ethernet type in host byte order (the
// package turns it round), for any other family an IPPROTO_ number.
type Proto int

// The protocols that a socket of this package usually carries.
const (
	ProtoICMP    Proto = 1
	ProtoTCP     Proto = 6
	ProtoUDP     Proto = 17
	ProtoDCCP    Proto = 33
	ProtoICMPv6  Proto = 58
	ProtoSCTP    Proto = 132
	ProtoUDPLite Proto = 136
	ProtoRaw     Proto = 255
	ProtoMPTCP   Proto = 262

	EtherAll  Proto = 0x0003 // every frame
	EtherIPv4 Proto = 0x0800
	EtherARP  Proto = 0x0806
	EtherIPv6 Proto = 0x86DD
)

// Flags are the MSG_ flags of send(2) and recv(2): the ones asked for going
// in, the ones that the kernel set coming out.
type Flags int

// The flags, with the numbers that they have on Linux.
const (
	OOB        Flags = 0x1        // out-of-band data
	PEEK       Flags = 0x2        // leave the data in the queue
	DONTROUTE  Flags = 0x4        // only hosts of directly connected networks
	CTRUNC     Flags = 0x8        // out: control data was cut off
	TRUNC      Flags = 0x20       // in: return the true length; out: the datagram was cut
	DONTWAIT   Flags = 0x40       // EAGAIN instead of waiting
	EOR        Flags = 0x80       // end of a record
	WAITALL    Flags = 0x100      // a stream: wait until the buffer is full
	CONFIRM    Flags = 0x800      // the neighbour is known to be alive
	ERRQUEUE   Flags = 0x2000     // read the error queue; never waits
	NOSIGNAL   Flags = 0x4000     // no SIGPIPE; every send here has it
	MORE       Flags = 0x8000     // more data is coming
	WAITFORONE Flags = 0x10000    // recvmmsg: wait for the first message only
	ZEROCOPY   Flags = 0x4000000  // send from the caller's pages
	FASTOPEN   Flags = 0x20000000 // data in the TCP SYN
)

// How says which half of a connection Shutdown ends (shutdown(2)).
type How int

// The halves of a connection.
const (
	SHUTRD   How = 0
	SHUTWR   How = 1
	SHUTRDWR How = 2
)

var familyNames = map[Family]string{
	UNSPEC: "AF_UNSPEC", UNIX: "AF_UNIX", INET: "AF_INET", INET6: "AF_INET6", PACKET: "AF_PACKET",
	16: "AF_NETLINK", 15: "AF_KEY", 21: "AF_RDS", 24: "AF_PPPOX", 29: "AF_CAN", 30: "AF_TIPC",
	31: "AF_BLUETOOTH", 38: "AF_ALG", 40: "AF_VSOCK", 41: "AF_KCM", 42: "AF_QIPCRTR", 43: "AF_SMC", 44: "AF_XDP",
}

var typeNames = map[Type]string{
	STREAM: "SOCK_STREAM", DGRAM: "SOCK_DGRAM", RAW: "SOCK_RAW", RDM: "SOCK_RDM",
	SEQPACKET: "SOCK_SEQPACKET", DCCP: "SOCK_DCCP", OLDPACKET: "SOCK_PACKET",
}

var protoNames = map[Proto]string{
	0: "0", ProtoICMP: "IPPROTO_ICMP", 2: "IPPROTO_IGMP", ProtoTCP: "IPPROTO_TCP", ProtoUDP: "IPPROTO_UDP",
	ProtoDCCP: "IPPROTO_DCCP", 41: "IPPROTO_IPV6", 47: "IPPROTO_GRE", ProtoICMPv6: "IPPROTO_ICMPV6",
	ProtoSCTP: "IPPROTO_SCTP", ProtoUDPLite: "IPPROTO_UDPLITE", ProtoRaw: "IPPROTO_RAW", ProtoMPTCP: "IPPROTO_MPTCP",
}

var etherNames = map[Proto]string{
	0: "0", EtherAll: "ETH_P_ALL", EtherIPv4: "ETH_P_IP", EtherARP: "ETH_P_ARP", EtherIPv6: "ETH_P_IPV6",
}

// flagNames is in the order in which String names them.
var flagNames = []struct {
	flag Flags
	name string
}{
	{OOB, "MSG_OOB"}, {PEEK, "MSG_PEEK"}, {DONTROUTE, "MSG_DONTROUTE"}, {CTRUNC, "MSG_CTRUNC"},
	{TRUNC, "MSG_TRUNC"}, {DONTWAIT, "MSG_DONTWAIT"}, {EOR, "MSG_EOR"}, {WAITALL, "MSG_WAITALL"},
	{CONFIRM, "MSG_CONFIRM"}, {ERRQUEUE, "MSG_ERRQUEUE"}, {NOSIGNAL, "MSG_NOSIGNAL"}, {MORE, "MSG_MORE"}, {WAITFORONE, "MSG_WAITFORONE"},
	{ZEROCOPY, "MSG_ZEROCOPY"}, {FASTOPEN, "MSG_FASTOPEN"},
}

// String is the kernel's name, "AF_INET", or "AF_99" for a number without one.
func (f Family) String() string {
	if name, ok := familyNames[f]; ok {
		return name
	}
	return "AF_" + strconv.Itoa(int(f))
}

// String is the kernel's name, "SOCK_DGRAM", or "SOCK_99" for a number without one.
func (t Type) String() string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return "SOCK_" + strconv.Itoa(int(t))
}

// String is the name of an Internet protocol, "IPPROTO_UDP", or its number.
// Of a socket that may be of any family, Name tells more.
func (p Proto) String() string {
	if name, ok := protoNames[p]; ok {
		return name
	}
	return strconv.Itoa(int(p))
}

// Name is the name that the protocol has in a family: IPPROTO_ in INET and
// INET6, ETH_P_ in PACKET, elsewhere the number.
func (p Proto) Name(family Family) string {
	switch family {
	case INET, INET6, UNSPEC:
		return p.String()
	case PACKET:
		if name, ok := etherNames[p]; ok {
			return name
		}
		return "0x" + strconv.FormatUint(uint64(uint16(p)), 16)
	}
	return strconv.Itoa(int(p))
}

// String joins the kernel's names: "MSG_PEEK|MSG_TRUNC"; bits without a name
// follow as a hexadecimal number; no flag at all is "0".
func (f Flags) String() string {
	if f == 0 {
		return "0"
	}
	var names []string
	for _, known := range flagNames {
		if f&known.flag != 0 {
			names = append(names, known.name)
			f &^= known.flag
		}
	}
	if f != 0 {
		names = append(names, "0x"+strconv.FormatUint(uint64(uint32(f)), 16))
	}
	return strings.Join(names, "|")
}

// String is the kernel's name, "SHUT_RD".
func (h How) String() string {
	switch h {
	case SHUTRD:
		return "SHUT_RD"
	case SHUTWR:
		return "SHUT_WR"
	case SHUTRDWR:
		return "SHUT_RDWR"
	}
	return strconv.Itoa(int(h))
}
