package wire

import "fmt"

// ProtocolName is how Wireshark calls an IP protocol in its list, or "IP protocol n".
func ProtocolName(protocol uint8) string {
	switch protocol {
	case ProtocolHopByHop:
		return "IPv6 Hop-by-Hop Option"
	case ProtocolICMP:
		return "ICMP"
	case 2:
		return "IGMP"
	case 4:
		return "IPIP"
	case ProtocolTCP:
		return "TCP"
	case ProtocolUDP:
		return "UDP"
	case 33:
		return "DCCP"
	case 41:
		return "IPv6"
	case ProtocolRouting:
		return "Routing Header for IPv6"
	case ProtocolFragment:
		return "Fragment Header for IPv6"
	case 47:
		return "GRE"
	case ProtocolESP:
		return "ESP"
	case ProtocolAH:
		return "AH"
	case ProtocolICMPv6:
		return "ICMPv6"
	case ProtocolNone:
		return "No Next Header for IPv6"
	case ProtocolOptions:
		return "Destination Options for IPv6"
	case 88:
		return "EIGRP"
	case 89:
		return "OSPF"
	case 103:
		return "PIM"
	case 112:
		return "VRRP"
	case ProtocolSCTP:
		return "SCTP"
	case ProtocolMobility:
		return "Mobile IPv6"
	case ProtocolUDPLite:
		return "UDP-Lite"
	case ProtocolHIP:
		return "HIP"
	case ProtocolShim6:
		return "Shim6"
	}
	return fmt.Sprintf("IP protocol %d", protocol)
}

// EtherTypeName is how Wireshark calls an EtherType in its list, or its number. Below 0x600 it is no type but a length,
// and LLC follows.
func EtherTypeName(t uint16) string {
	switch t {
	case etherIPv4:
		return "IPv4"
	case etherIPv6:
		return "IPv6"
	case 0x0806:
		return "ARP"
	case etherVLAN:
		return "802.1Q"
	case etherVLANs:
		return "802.1ad"
	case etherQinQ:
		return "QinQ"
	case 0x8847, 0x8848:
		return "MPLS"
	case 0x8863:
		return "PPPoED"
	case 0x8864:
		return "PPPoES"
	case 0x888e:
		return "EAPOL"
	case 0x88cc:
		return "LLDP"
	case 0x88f7:
		return "PTPv2"
	case 0x9000:
		return "LOOP"
	}
	if t < 0x600 {
		return "LLC"
	}
	return fmt.Sprintf("0x%04x", t)
}

// ICMPTypeName says what a message of ICMP (version 4) or ICMPv6 (version 6) is, as Wireshark does.
func ICMPTypeName(version, icmpType uint8) string {
	if version == 6 {
		return icmp6TypeName(icmpType)
	}
	switch icmpType {
	case 0:
		return "Echo (ping) reply"
	case 3:
		return "Destination unreachable"
	case 4:
		return "Source quench"
	case 5:
		return "Redirect"
	case 8:
		return "Echo (ping) request"
	case 9:
		return "Router advertisement"
	case 10:
		return "Router solicitation"
	case 11:
		return "Time-to-live exceeded"
	case 12:
		return "Parameter problem"
	case 13:
		return "Timestamp request"
	case 14:
		return "Timestamp reply"
	}
	return fmt.Sprintf("Type %d", icmpType)
}

func icmp6TypeName(icmpType uint8) string {
	switch icmpType {
	case 1:
		return "Destination Unreachable"
	case 2:
		return "Packet Too Big"
	case 3:
		return "Time Exceeded"
	case 4:
		return "Parameter Problem"
	case 128:
		return "Echo (ping) request"
	case 129:
		return "Echo (ping) reply"
	case 130:
		return "Multicast Listener Query"
	case 131:
		return "Multicast Listener Report"
	case 132:
		return "Multicast Listener Done"
	case 133:
		return "Router Solicitation"
	case 134:
		return "Router Advertisement"
	case 135:
		return "Neighbor Solicitation"
	case 136:
		return "Neighbor Advertisement"
	case 137:
		return "Redirect"
	case 143:
		return "Multicast Listener Report Message v2"
	}
	return fmt.Sprintf("Type %d", icmpType)
}

var (
	unreachable4 = [...]string{"Network unreachable", "Host unreachable", "Protocol unreachable", "Port unreachable",
		"Fragmentation needed", "Source route failed", "Network unknown", "Host unknown", "Source host isolated",
		"Network administratively prohibited", "Host administratively prohibited", "Network unreachable for TOS",
		"Host unreachable for TOS", "Communication administratively filtered", "Host precedence violation",
		"Precedence cutoff in effect"}
	unreachable6 = [...]string{"No route to destination", "Administratively prohibited", "Beyond scope of source address",
		"Address unreachable", "Port unreachable", "Source address failed ingress/egress policy",
		"Reject route to destination", "Error in Source Routing Header"}
	timeExceeded   = [...]string{"exceeded in transit", "Fragment reassembly time exceeded"}
	problemHeaders = [...]string{"Erroneous header field encountered", "Unrecognized Next Header type encountered",
		"Unrecognized IPv6 option encountered", "IPv6 First Fragment has incomplete IPv6 Header Chain"}
	redirects = [...]string{"Redirect for network", "Redirect for host", "Redirect for TOS and network", "Redirect for TOS and host"}
)

// ICMPCodeName says what the code of such a message means, or "" where it means nothing.
func ICMPCodeName(version, icmpType, code uint8) string {
	var names []string
	switch {
	case version == 4 && icmpType == 3:
		names = unreachable4[:]
	case version == 6 && icmpType == 1:
		names = unreachable6[:]
	case version == 4 && icmpType == 11, version == 6 && icmpType == 3:
		names = timeExceeded[:]
	case version == 4 && icmpType == 5:
		names = redirects[:]
	case version == 6 && icmpType == 4:
		names = problemHeaders[:]
	}
	if int(code) < len(names) {
		return names[code]
	}
	return ""
}

// String is the state in brackets, as Wireshark has it behind a checksum.
func (s ChecksumState) String() string {
	switch s {
	case ChecksumGood:
		return "[correct]"
	case ChecksumBad:
		return "[incorrect]"
	}
	return "[unverified]"
}

var problemNames = [...]string{"", "a link type that is not read here", "no IP packet", "cut short by the capture",
	"malformed packet", "neither UDP nor ICMP", "more headers than are followed"}

// String is the problem in words, empty where there is none.
func (p Problem) String() string {
	if int(p) < len(problemNames) {
		return problemNames[p]
	}
	return fmt.Sprintf("problem %d", uint8(p))
}
