//go:build !linux

package capture

import (
	"net"

	"dgram/wire"
)

// linkTypes are not known on this system.
func linkTypes(list []net.Interface) []wire.LinkType { return make([]wire.LinkType, len(list)) }
