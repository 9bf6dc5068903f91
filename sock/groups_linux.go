package sock

import (
	"encoding/binary"
	"net/netip"
)

// Join makes the socket receive what is sent to a multicast group on an
// interface, given by name or index (ip(7) IP_ADD_MEMBERSHIP, ipv6(7)
// IPV6_ADD_MEMBERSHIP). With no interface the group's zone counts, and without
// one the kernel chooses. An INET6 socket joins IPv4 groups too.
func (s *Socket) Join(group netip.Addr, iface string) error {
	return s.membership("join", group, iface, OptIPAddMembership, OptIPv6JoinGroup)
}

// Leave ends what Join began.
func (s *Socket) Leave(group netip.Addr, iface string) error {
	return s.membership("leave", group, iface, OptIPDropMembership, OptIPv6LeaveGroup)
}

func (s *Socket) membership(op string, group netip.Addr, iface string, option4, option6 int) error {
	if iface == "" {
		iface = group.Zone()
	}
	group = group.Unmap()
	err := s.setMembership(group, iface, option4, option6)
	if err != nil {
		what := group.WithZone("").String()
		if iface != "" {
			what += " on " + iface
		}
		return s.fail(op, what, err)
	}
	return nil
}

func (s *Socket) setMembership(group netip.Addr, iface string, option4, option6 int) error {
	if !group.IsMulticast() {
		return errAddress("not a multicast group: those are 224.0.0.0/4 and ff00::/8")
	}
	index := uint32(0)
	if iface != "" {
		interfaces.forget()
		if index = interfaces.index(iface); index == 0 {
			return errAddress("no such network interface")
		}
	}
	if group.Is4() { // struct ip_mreqn: group, local address, index
		request := append(group.AsSlice(), 0, 0, 0, 0)
		return s.setOption(LevelIP, option4, binary.NativeEndian.AppendUint32(request, index))
	}
	// struct ipv6_mreq: group, index
	return s.setOption(LevelIPv6, option6, binary.NativeEndian.AppendUint32(group.AsSlice(), index))
}
