package capture

import (
	"fmt"
	"net"
	"net/netip"

	"dgram/wire"
)

// A Device is an interface that Open can capture on.
type Device struct {
	Name         string
	Index        int
	Link         wire.LinkType // of its frames in a capture; known on Linux only
	Up, Loopback bool
	Addrs        []netip.Prefix
}

// List gives the interfaces of this machine (in this process's network namespace), in the order of their numbers. It needs no privilege.
func List() ([]Device, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("capture: listing the network interfaces: %w", err)
	}
	links := linkTypes(list)
	devices := make([]Device, len(list))
	for i, n := range list {
		devices[i] = Device{
			Name: n.Name, Index: n.Index, Link: links[i],
			Up: n.Flags&net.FlagUp != 0, Loopback: n.Flags&net.FlagLoopback != 0,
		}
		addrs, err := n.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, a := range addrs {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil {
				devices[i].Addrs = append(devices[i].Addrs, prefix)
			}
		}
	}
	return devices, nil
}
