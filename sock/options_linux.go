package sock

import "golang.org/x/sys/unix"

// Options of datagram sockets; the manual page of each level describes them.
var (
	SOReuseAddr    = Opt{"SO_REUSEADDR", unix.SOL_SOCKET, unix.SO_REUSEADDR}
	SOReusePort    = Opt{"SO_REUSEPORT", unix.SOL_SOCKET, unix.SO_REUSEPORT}
	SOBroadcast    = Opt{"SO_BROADCAST", unix.SOL_SOCKET, unix.SO_BROADCAST}
	SORcvBuf       = Opt{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF}
	SORcvBufForce  = Opt{"SO_RCVBUFFORCE", unix.SOL_SOCKET, unix.SO_RCVBUFFORCE}
	SOSndBuf       = Opt{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF}
	SOSndBufForce  = Opt{"SO_SNDBUFFORCE", unix.SOL_SOCKET, unix.SO_SNDBUFFORCE}
	SOTimestampNS  = Opt{"SO_TIMESTAMPNS", unix.SOL_SOCKET, unix.SO_TIMESTAMPNS}
	SORxqOvfl      = Opt{"SO_RXQ_OVFL", unix.SOL_SOCKET, unix.SO_RXQ_OVFL}
	SOMemInfo      = Opt{"SO_MEMINFO", unix.SOL_SOCKET, unix.SO_MEMINFO}
	SOBindToDevice = Opt{"SO_BINDTODEVICE", unix.SOL_SOCKET, unix.SO_BINDTODEVICE}

	IPPktInfo        = Opt{"IP_PKTINFO", unix.IPPROTO_IP, unix.IP_PKTINFO}
	IPRecvErr        = Opt{"IP_RECVERR", unix.IPPROTO_IP, unix.IP_RECVERR}
	IPRecvTTL        = Opt{"IP_RECVTTL", unix.IPPROTO_IP, unix.IP_RECVTTL}
	IPRecvTOS        = Opt{"IP_RECVTOS", unix.IPPROTO_IP, unix.IP_RECVTOS}
	IPTTL            = Opt{"IP_TTL", unix.IPPROTO_IP, unix.IP_TTL}
	IPTOS            = Opt{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS}
	IPMTUDiscover    = Opt{"IP_MTU_DISCOVER", unix.IPPROTO_IP, unix.IP_MTU_DISCOVER}
	IPMulticastTTL   = Opt{"IP_MULTICAST_TTL", unix.IPPROTO_IP, unix.IP_MULTICAST_TTL}
	IPMulticastLoop  = Opt{"IP_MULTICAST_LOOP", unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP}
	IPMulticastIf    = Opt{"IP_MULTICAST_IF", unix.IPPROTO_IP, unix.IP_MULTICAST_IF}
	IPMulticastAll   = Opt{"IP_MULTICAST_ALL", unix.IPPROTO_IP, unix.IP_MULTICAST_ALL}
	IPAddMembership  = Opt{"IP_ADD_MEMBERSHIP", unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP}
	IPv6Only         = Opt{"IPV6_V6ONLY", unix.IPPROTO_IPV6, unix.IPV6_V6ONLY}
	IPv6RecvPktInfo  = Opt{"IPV6_RECVPKTINFO", unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO}
	IPv6RecvErr      = Opt{"IPV6_RECVERR", unix.IPPROTO_IPV6, unix.IPV6_RECVERR}
	IPv6RecvHopLimit = Opt{"IPV6_RECVHOPLIMIT", unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT}
	IPv6RecvTClass   = Opt{"IPV6_RECVTCLASS", unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS}
	IPv6UnicastHops  = Opt{"IPV6_UNICAST_HOPS", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS}
	IPv6TClass       = Opt{"IPV6_TCLASS", unix.IPPROTO_IPV6, unix.IPV6_TCLASS}
	IPv6MTUDiscover  = Opt{"IPV6_MTU_DISCOVER", unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER}
	IPv6McastHops    = Opt{"IPV6_MULTICAST_HOPS", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS}
	IPv6McastLoop    = Opt{"IPV6_MULTICAST_LOOP", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP}
	IPv6McastIf      = Opt{"IPV6_MULTICAST_IF", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF}
	IPv6McastAll     = Opt{"IPV6_MULTICAST_ALL", unix.IPPROTO_IPV6, ipv6MulticastAll}
	IPv6JoinGroup    = Opt{"IPV6_ADD_MEMBERSHIP", unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP}

	UDPSegment = Opt{"UDP_SEGMENT", unix.SOL_UDP, unix.UDP_SEGMENT}
	UDPGRO     = Opt{"UDP_GRO", unix.SOL_UDP, unix.UDP_GRO}
)

// ipv6MulticastAll is IPV6_MULTICAST_ALL of linux/in6.h, since Linux 4.20.
const ipv6MulticastAll = 29

// Values of IP_MTU_DISCOVER and IPV6_MTU_DISCOVER (ip(7)).
const (
	MTUDiscoverWant  = unix.IP_PMTUDISC_WANT  // "don't fragment" on what fits the path; what does not is sent in fragments
	MTUDiscoverDo    = unix.IP_PMTUDISC_DO    // "don't fragment" on all; what does not fit the path fails
	MTUDiscoverProbe = unix.IP_PMTUDISC_PROBE // likewise, but only the device says what fits: what is known of the path does not matter
)

// Set sets an option that is a number (setsockopt(2), a C int).
func (s *Socket) Set(o Opt, value int) error {
	v := int32(value)
	return s.SetBytes(o, intBytes(&v))
}

// Get reads an option that is a number. Of an answer shorter than a C int the missing bytes are 0.
func (s *Socket) Get(o Opt) (int, error) {
	var value int32
	if _, err := s.GetBytes(o, intBytes(&value)); err != nil {
		return 0, err
	}
	return int(value), nil
}

// GrowBuffers asks for receive and send buffers of so many bytes each, beyond the system's bound where the process may (CAP_NET_ADMIN), and
// returns the size of the receive buffer that the kernel granted, in its own doubled count (socket(7), SO_RCVBUF).
func (s *Socket) GrowBuffers(receive, send int) (granted int, err error) {
	if s.Set(SORcvBufForce, receive) != nil {
		if err := s.Set(SORcvBuf, receive); err != nil {
			return 0, err
		}
	}
	if s.Set(SOSndBufForce, send) != nil {
		if err := s.Set(SOSndBuf, send); err != nil {
			return 0, err
		}
	}
	return s.Get(SORcvBuf)
}

// JoinIPv4 makes the socket hear a multicast group on the interface with that index; 0 lets the routing table choose (ip(7)).
func (s *Socket) JoinIPv4(group [4]byte, iface int) error {
	var mreqn [12]byte // struct ip_mreqn: group, local address, index
	copy(mreqn[:], group[:])
	putNative32(mreqn[8:], uint32(iface))
	return s.SetBytes(IPAddMembership, mreqn[:])
}

// SendMulticastBy makes the interface with that index the one that multicast leaves by.
func (s *Socket) SendMulticastBy(iface int) error {
	if s.Family() == INET6 {
		if err := s.Set(IPv6McastIf, iface); err != nil {
			return err
		}
	}
	var mreqn [12]byte
	putNative32(mreqn[8:], uint32(iface))
	return s.SetBytes(IPMulticastIf, mreqn[:])
}

// JoinIPv6 makes the socket hear a multicast group on the interface with that index; 0 lets the routing table choose (ipv6(7)).
func (s *Socket) JoinIPv6(group [16]byte, iface int) error {
	var mreq [20]byte // struct ipv6_mreq: group, index
	copy(mreq[:], group[:])
	putNative32(mreq[16:], uint32(iface))
	return s.SetBytes(IPv6JoinGroup, mreq[:])
}
