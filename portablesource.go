package dgram

import (
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/net/ipv6"
)

// sources makes the control message that chooses the address which a reply leaves from. Replies mostly leave from the same address as the
// last, so it keeps that message.
type sources struct {
	choose     bool                    // the socket is bound to every address
	known      bool                    // the system can be told
	broadcasts map[netip.Addr]struct{} // nobody's own address, though datagrams arrive on them
	last       atomic.Pointer[source]
}

type source struct {
	from    netip.Addr
	control []byte
}

// control returns the control message for a datagram that is to leave from the address from, nil where the system is to choose.
func (s *sources) control(from, to netip.Addr) ([]byte, error) {
	if !s.choose || !from.IsValid() || from.IsUnspecified() || from.IsMulticast() || from.Is4() != to.Is4() {
		return nil, nil
	}
	if _, ok := s.broadcasts[from]; ok {
		return nil, nil
	}
	if !s.known {
		return nil, syscall.EOPNOTSUPP
	}
	if l := s.last.Load(); l != nil && l.from == from {
		return l.control, nil
	}
	l := &source{from: from, control: sourceControl(from)}
	s.last.Store(l)
	return l.control, nil
}

// sourceControl marshals the source address of a datagram (ip(7), IP_PKTINFO; RFC 3542, Section 6.1).
func sourceControl(from netip.Addr) []byte {
	if from.Is4() {
		return sourceControl4(from)
	}
	m := ipv6.ControlMessage{Src: from.AsSlice()}
	if from.Zone() != "" {
		m.IfIndex = zoneIndex(from.Zone())
	}
	return m.Marshal()
}

// broadcastAddrs returns the IPv4 broadcast addresses of this host (RFC 919).
func broadcastAddrs() map[netip.Addr]struct{} {
	found := map[netip.Addr]struct{}{netip.AddrFrom4([4]byte{255, 255, 255, 255}): {}}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.To4() == nil || len(n.Mask) != net.IPv4len {
			continue
		}
		if ones, _ := n.Mask.Size(); ones > 30 {
			continue // RFC 3021: a link of two has no broadcast address
		}
		b := [4]byte(n.IP.To4())
		for i := range b {
			b[i] |= ^n.Mask[i]
		}
		found[netip.AddrFrom4(b)] = struct{}{}
	}
	return found
}

// zones remembers the names of interfaces, which package net reads from the system each time.
var zones sync.Map // int: string

func zoneName(index int) string {
	if name, ok := zones.Load(index); ok {
		return name.(string)
	}
	name := strconv.Itoa(index)
	if ifi, err := net.InterfaceByIndex(index); err == nil {
		name = ifi.Name
	}
	zones.Store(index, name)
	return name
}

func zoneIndex(zone string) int {
	ifi, err := interfaceNamed(zone)
	if err != nil {
		return 0
	}
	return ifi.Index
}

// interfaceNamed finds an interface by name or, as zones may be written, by number.
func interfaceNamed(s string) (*net.Interface, error) {
	ifi, err := net.InterfaceByName(s)
	if err == nil {
		return ifi, nil
	}
	if n, numErr := strconv.Atoi(s); numErr == nil {
		return net.InterfaceByIndex(n)
	}
	return nil, err
}
