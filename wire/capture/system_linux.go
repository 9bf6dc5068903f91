package capture

import (
	"errors"
	"fmt"
	"net"
	"os"

	"dgram/sock"
	"dgram/wire"
)

// privilege says how to get what a failed socket call lacks.
func privilege(err error) error {
	if !errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("capture: %w", err)
	}
	cause := err
	var call *sock.Error
	if errors.As(err, &call) {
		cause = fmt.Errorf("%s %s: %w", call.Op, call.What, call.Err) // its own hint says less
	}
	return fmt.Errorf("live capture needs the capability CAP_NET_RAW: give it to the program with "+
		"`sudo setcap cap_net_raw+ep $(command -v dgram)`, or run it with sudo; "+
		"without any privilege --pcap FILE on serve, call and bench records what those send and receive (%w)", cause)
}

// linkTypes asks the kernel what kind each interface is.
func linkTypes(list []net.Interface) []wire.LinkType {
	links := make([]wire.LinkType, len(list))
	s, err := sock.New(sock.INET, sock.DGRAM, 0)
	if err != nil {
		return links
	}
	defer func() { _ = s.Close() }()
	for i, n := range list {
		if d, err := s.DeviceByName(n.Name); err == nil {
			links[i] = linkOf(d.HaType)
		}
	}
	return links
}
