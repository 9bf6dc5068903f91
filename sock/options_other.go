//go:build !linux

package sock

// Levels and names of options, with the numbers that most Linux machines give
// them: here they are only names.
const (
	LevelSocket = 1  // socket(7)
	LevelIP     = 0  // ip(7)
	LevelIPv6   = 41 // ipv6(7)
	LevelUDP    = 17 // udp(7)

	OptReuseAddr          = 2
	OptReusePort          = 15
	OptBroadcast          = 6
	OptBindToDevice       = 25 // bytes: the interface's name
	OptSendBuffer         = 7  // bytes; reads back doubled
	OptReceiveBuffer      = 8  // bytes; reads back doubled
	OptSendBufferForce    = 32 // needs CAP_NET_ADMIN
	OptReceiveBufferForce = 33 // needs CAP_NET_ADMIN
	OptTimestampNS        = 35
	OptDropCount          = 40
	OptMemInfo            = 55 // bytes: array of uint32
	OptError              = 4  // reading clears it

	OptIPTOS            = 1
	OptIPTTL            = 2
	OptIPPktInfo        = 8
	OptIPMTUDiscover    = 10
	OptIPRecvErr        = 11
	OptIPRecvTTL        = 12
	OptIPRecvTOS        = 13
	OptIPMulticastIf    = 32 // bytes: struct ip_mreqn
	OptIPMulticastTTL   = 33
	OptIPMulticastLoop  = 34
	OptIPAddMembership  = 35 // Join
	OptIPDropMembership = 36 // Leave

	OptIPv6HopLimit         = 16
	OptIPv6MulticastIf      = 17 // index of the interface
	OptIPv6MulticastHops    = 18
	OptIPv6MulticastLoop    = 19
	OptIPv6JoinGroup        = 20 // Join
	OptIPv6LeaveGroup       = 21 // Leave
	OptIPv6MTUDiscover      = 23
	OptIPv6RecvErr          = 25
	OptIPv6Only             = 26
	OptIPv6RecvPktInfo      = 49
	OptIPv6RecvHopLimit     = 51
	OptIPv6RecvTrafficClass = 66
	OptIPv6TrafficClass     = 67

	OptUDPSegment = 103
	OptUDPGRO     = 104
)
