package sock

import "golang.org/x/sys/unix"

// Options that tell what a socket is, and how long a receive may wait (socket(7)).
var (
	SODomain   = Opt{"SO_DOMAIN", unix.SOL_SOCKET, unix.SO_DOMAIN}
	SOType     = Opt{"SO_TYPE", unix.SOL_SOCKET, unix.SO_TYPE}
	SOProtocol = Opt{"SO_PROTOCOL", unix.SOL_SOCKET, unix.SO_PROTOCOL}
	SORcvTimeo = Opt{"SO_RCVTIMEO", unix.SOL_SOCKET, unix.SO_RCVTIMEO}
)

// Options that are only asked about: those of other programs' sockets (socket(7), ip(7), udp(7), linux/udp.h).
var (
	soError        = Opt{"SO_ERROR", unix.SOL_SOCKET, unix.SO_ERROR}
	soAcceptConn   = Opt{"SO_ACCEPTCONN", unix.SOL_SOCKET, unix.SO_ACCEPTCONN}
	soKeepAlive    = Opt{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE}
	soTimestamp    = Opt{"SO_TIMESTAMP", unix.SOL_SOCKET, unix.SO_TIMESTAMP}
	soTimestamping = Opt{"SO_TIMESTAMPING", unix.SOL_SOCKET, unix.SO_TIMESTAMPING}
	soDontRoute    = Opt{"SO_DONTROUTE", unix.SOL_SOCKET, unix.SO_DONTROUTE}
	soPriority     = Opt{"SO_PRIORITY", unix.SOL_SOCKET, unix.SO_PRIORITY}
	soMark         = Opt{"SO_MARK", unix.SOL_SOCKET, unix.SO_MARK}
	soBusyPoll     = Opt{"SO_BUSY_POLL", unix.SOL_SOCKET, unix.SO_BUSY_POLL}
	soPassCred     = Opt{"SO_PASSCRED", unix.SOL_SOCKET, unix.SO_PASSCRED}

	ipFreeBind    = Opt{"IP_FREEBIND", unix.IPPROTO_IP, unix.IP_FREEBIND}
	ipTransparent = Opt{"IP_TRANSPARENT", unix.IPPROTO_IP, unix.IP_TRANSPARENT}
	ipHdrIncl     = Opt{"IP_HDRINCL", unix.IPPROTO_IP, unix.IP_HDRINCL}

	udpCork  = Opt{"UDP_CORK", unix.SOL_UDP, 1}
	udpEncap = Opt{"UDP_ENCAP", unix.SOL_UDP, 100}
)

// Messages beside the payload that are no options themselves, but the answer to one (ip(7), ipv6(7)).
var (
	ipv6PktInfo  = Opt{"IPV6_PKTINFO", unix.IPPROTO_IPV6, unix.IPV6_PKTINFO}
	ipv6HopLimit = Opt{"IPV6_HOPLIMIT", unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT}
)

var knownOptions = []Opt{
	SODomain, SOType, SOProtocol, SORcvTimeo,
	SOReuseAddr, SOReusePort, SOBroadcast, SORcvBuf, SORcvBufForce, SOSndBuf, SOSndBufForce, SOTimestampNS, SORxqOvfl, SOMemInfo, SOBindToDevice,
	IPPktInfo, IPRecvErr, IPRecvTTL, IPRecvTOS, IPTTL, IPTOS, IPMTUDiscover, IPMulticastTTL, IPMulticastLoop, IPMulticastIf, IPMulticastAll, IPAddMembership,
	IPv6Only, IPv6RecvPktInfo, IPv6RecvErr, IPv6RecvHopLimit, IPv6RecvTClass, IPv6UnicastHops, IPv6TClass, IPv6MTUDiscover,
	IPv6McastHops, IPv6McastLoop, IPv6McastIf, IPv6McastAll, IPv6JoinGroup, ipv6PktInfo, ipv6HopLimit,
	UDPSegment, UDPGRO,
	soError, soAcceptConn, soKeepAlive, soTimestamp, soTimestamping, soDontRoute, soPriority, soMark, soBusyPoll, soPassCred,
	ipFreeBind, ipTransparent, ipHdrIncl, udpCork, udpEncap,
	packetVersion, packetReserve, packetRxRing, packetVnetHdr, packetStatistics, packetIgnoreOutgoing, packetAddMembership, soAttachFilter,
}

var levelNames = map[int]string{
	unix.SOL_SOCKET: "SOL_SOCKET", unix.IPPROTO_IP: "SOL_IP", unix.IPPROTO_IPV6: "SOL_IPV6", unix.SOL_UDP: "SOL_UDP",
	unix.SOL_PACKET: "SOL_PACKET", unix.SOL_NETLINK: "SOL_NETLINK", unix.IPPROTO_TCP: "SOL_TCP",
}
