package capture

import "dgram/wire"

// ARPHRD_ numbers of devices whose frames this package does not have to make a header for (linux/if_arp.h).
const (
	hardwareEthernet = 1
	hardwareLoopback = 772
)

// rawHardware are devices without any link layer: their frames begin with the IP header.
var rawHardware = []uint16{
	65534, // ARPHRD_NONE: tun, WireGuard
	519,   // ARPHRD_RAWIP
	768,   // ARPHRD_TUNNEL: IP in IP
	769,   // ARPHRD_TUNNEL6
	776,   // ARPHRD_SIT
}

// linkOf is the link type of the frames of a device. What has a link layer that nobody here reads loses it for the header of
// Linux's cooked capture.
func linkOf(hardware uint16) wire.LinkType {
	if hardware == hardwareEthernet || hardware == hardwareLoopback {
		return wire.LinkEthernet
	}
	for _, raw := range rawHardware {
		if hardware == raw {
			return wire.LinkRaw
		}
	}
	return wire.LinkSLL
}
