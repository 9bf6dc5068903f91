package sock

import "fmt"

// OptionName names an option of a socket by its level and number, as
// setsockopt(2) takes them: "SOL_SOCKET SO_RCVBUF", or the numbers where the
// package has no constant for them.
func OptionName(level, name int) string {
	if known, ok := optionNames[[2]int{level, name}]; ok {
		return levelNames[level] + " " + known
	}
	if known, ok := levelNames[level]; ok {
		return fmt.Sprintf("%s option %d", known, name)
	}
	return fmt.Sprintf("level %d option %d", level, name)
}

var levelNames = map[int]string{LevelSocket: "SOL_SOCKET", LevelIP: "IPPROTO_IP", LevelIPv6: "IPPROTO_IPV6", LevelUDP: "IPPROTO_UDP"}

var optionNames = map[[2]int]string{
	{LevelSocket, OptReuseAddr}: "SO_REUSEADDR", {LevelSocket, OptReusePort}: "SO_REUSEPORT",
	{LevelSocket, OptBroadcast}: "SO_BROADCAST", {LevelSocket, OptBindToDevice}: "SO_BINDTODEVICE",
	{LevelSocket, OptSendBuffer}: "SO_SNDBUF", {LevelSocket, OptReceiveBuffer}: "SO_RCVBUF",
	{LevelSocket, OptSendBufferForce}: "SO_SNDBUFFORCE", {LevelSocket, OptReceiveBufferForce}: "SO_RCVBUFFORCE",
	{LevelSocket, OptTimestampNS}: "SO_TIMESTAMPNS", {LevelSocket, OptDropCount}: "SO_RXQ_OVFL",
	{LevelSocket, OptMemInfo}: "SO_MEMINFO", {LevelSocket, OptError}: "SO_ERROR",
	{LevelIP, OptIPTOS}: "IP_TOS", {LevelIP, OptIPTTL}: "IP_TTL", {LevelIP, OptIPPktInfo}: "IP_PKTINFO",
	{LevelIP, OptIPRecvErr}: "IP_RECVERR", {LevelIP, OptIPMTUDiscover}: "IP_MTU_DISCOVER",
	{LevelIP, OptIPRecvTTL}: "IP_RECVTTL", {LevelIP, OptIPRecvTOS}: "IP_RECVTOS", {LevelIP, OptIPMulticastIf}: "IP_MULTICAST_IF",
	{LevelIP, OptIPMulticastTTL}: "IP_MULTICAST_TTL", {LevelIP, OptIPMulticastLoop}: "IP_MULTICAST_LOOP",
	{LevelIP, OptIPAddMembership}: "IP_ADD_MEMBERSHIP", {LevelIP, OptIPDropMembership}: "IP_DROP_MEMBERSHIP",
	{LevelIPv6, OptIPv6Only}: "IPV6_V6ONLY", {LevelIPv6, OptIPv6HopLimit}: "IPV6_UNICAST_HOPS",
	{LevelIPv6, OptIPv6TrafficClass}: "IPV6_TCLASS", {LevelIPv6, OptIPv6RecvPktInfo}: "IPV6_RECVPKTINFO",
	{LevelIPv6, OptIPv6RecvErr}: "IPV6_RECVERR", {LevelIPv6, OptIPv6MTUDiscover}: "IPV6_MTU_DISCOVER",
	{LevelIPv6, OptIPv6RecvHopLimit}: "IPV6_RECVHOPLIMIT", {LevelIPv6, OptIPv6RecvTrafficClass}: "IPV6_RECVTCLASS",
	{LevelIPv6, OptIPv6MulticastIf}: "IPV6_MULTICAST_IF", {LevelIPv6, OptIPv6MulticastHops}: "IPV6_MULTICAST_HOPS",
	{LevelIPv6, OptIPv6MulticastLoop}: "IPV6_MULTICAST_LOOP", {LevelIPv6, OptIPv6JoinGroup}: "IPV6_ADD_MEMBERSHIP",
	{LevelIPv6, OptIPv6LeaveGroup}: "IPV6_DROP_MEMBERSHIP",
	{LevelUDP, OptUDPSegment}:      "UDP_SEGMENT", {LevelUDP, OptUDPGRO}: "UDP_GRO",
}
