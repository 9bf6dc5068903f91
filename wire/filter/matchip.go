package filter

import "slices"

// behindExtensions says that the packet's protocol stands behind headers which Decode went through.
func (v *view) behindExtensions(protocol uint32) bool {
	if !v.decoded {
		return false
	}
	if v.kind == typeIP {
		return protocol == anAuth
	}
	return slices.Contains(extensions[:], protocol)
}

// arrived says that Decode came to the end of these headers; else what was asked for is not there.
func (v *view) arrived() bool {
	number := uint32(v.packet.Protocol)
	if number == anAuth || v.kind == typeIP6 && slices.Contains(extensions[:], number) {
		v.cut = true
		return false
	}
	return true
}

func (v *view) carries(n *protocol) bool {
	number := uint32(n.number)
	switch {
	case n.v4 && v.is(typeIP):
		says := v.number(v.network, protocolAt, 1)
		return says == number || v.behindExtensions(says) && v.packet.Protocol == n.number
	case n.v6 && v.is(typeIP6):
		says := v.number(v.network, nextAt, 1)
		switch {
		case says == number:
			return true
		case v.behindExtensions(says):
			return v.packet.Protocol == n.number || !v.arrived()
		}
		return says == aFragment && v.number(v.network, behindFixed, 1) == number
	}
	return false
}

func (v *view) host(n *host) bool {
	end := func(at uint64) bool { return v.number(v.network, at, 4)&n.mask == n.addr }
	switch {
	case (n.of == anyProto || n.of == ipProto) && v.is(typeIP):
		return v.ends(n.dir, 12, 16, end)
	case (n.of == anyProto || n.of == arpProto) && v.is(typeARP), (n.of == anyProto || n.of == rarpProto) && v.is(typeRARP):
		return v.ends(n.dir, 14, 24, end)
	}
	return false
}

func (v *view) host6(n *host6) bool {
	return v.is(typeIP6) && v.ends(n.dir, 8, 24, func(at uint64) bool {
		for i, word := range n.addr {
			if v.number(v.network, at+uint64(4*i), 4)&mask6(n.bits, i) != word || v.cut {
				return false
			}
		}
		return true
	})
}

func (v *view) port(n *port) bool {
	from, ok := v.transport(n)
	return ok && v.ends(n.dir, 0, 2, func(at uint64) bool {
		number := v.number(from, at, 2)
		return uint32(n.lo) <= number && number <= uint32(n.hi)
	})
}

// transport gives the bytes that begin with the ports, if the packet is of the protocol and they are there.
func (v *view) transport(n *port) ([]byte, bool) {
	var says uint32
	switch {
	case v.is(typeIP):
		says = v.number(v.network, protocolAt, 1)
	case v.is(typeIP6):
		says = v.number(v.network, nextAt, 1)
	default:
		return nil, false
	}
	if v.behindExtensions(says) {
		p := v.packet
		return p.Transport, v.arrived() && p.FragmentOffset == 0 && n.means(uint32(p.Protocol))
	}
	if v.cut || !n.means(says) {
		return nil, false
	}
	if v.kind == typeIP6 {
		return v.behind(behindFixed), true
	}
	return v.upper4()
}

// means says whether n asks for ports of the protocol of that number.
func (n *port) means(number uint32) bool {
	if n.of == anyProto {
		return number == 6 || number == 17 || number == 132
	}
	return number == uint32(protocols[n.of].number)
}

// behind is what the network layer has from an offset on.
func (v *view) behind(at int) []byte { return v.network[min(at, len(v.network)):] }

// upper4 is what stands behind the IPv4 header of a first fragment.
func (v *view) upper4() ([]byte, bool) {
	if v.number(v.network, fragmentAt, 2)&0x1fff != 0 {
		return nil, false
	}
	return v.behind(int(v.number(v.network, 0, 1)&15) * 4), !v.cut
}

// guarded asks whether the bytes of x are of the protocols that they are asked of: of an operator, those of the left operand.
func (v *view) guarded(x value) bool {
	switch x := x.(type) {
	case *arithmetic:
		return v.guarded(x.left)
	case *negative:
		return v.guarded(x.of)
	case *bytesOf:
		if x.asksIPv4First() && !v.is(typeIP) {
			return false
		}
		return v.guarded(x.index) && v.guardedBytes(x.of) && !v.cut
	}
	return true
}

func (v *view) guardedBytes(of proto) bool {
	entry := protocols[of]
	switch {
	case of == linkProto:
		return true
	case entry.ether != 0:
		return v.is(entry.ether)
	case of == icmp6Proto:
		return v.is(typeIP6) && v.carriesICMP6()
	}
	if !v.is(typeIP) || v.number(v.network, protocolAt, 1) != uint32(entry.number) {
		return false
	}
	return v.number(v.network, fragmentAt, 2)&0x1fff == 0
}

func (v *view) carriesICMP6() bool {
	says, want := v.number(v.network, nextAt, 1), protocols[icmp6Proto].number
	if v.behindExtensions(says) {
		return v.arrived() && v.packet.FragmentOffset == 0 && v.packet.Protocol == want
	}
	return says == uint32(want) && !v.cut
}

// upper6 is what stands behind IPv6's headers.
func (v *view) upper6() []byte {
	if v.kind == typeIP6 && len(v.network) > nextAt && v.behindExtensions(uint32(v.network[nextAt])) {
		return v.packet.Transport
	}
	return v.behind(behindFixed)
}

func (v *view) value(x value) uint32 {
	switch x := x.(type) {
	case number:
		return uint32(x)
	case length:
		if p := v.packet; p.Fragments > 1 {
			return uint32(v.beforeIP() + len(p.Network))
		}
		return uint32(v.frame.Length)
	case *negative:
		return -v.value(x.of)
	case *bytesOf:
		return v.bytes(x)
	case *arithmetic:
		result, ok := calculate(x.op, v.value(x.left), v.value(x.right))
		v.cut = v.cut || !ok
		return result
	}
	return 0
}

// beforeIP is how many bytes stand before the IP header of a frame that has one.
func (v *view) beforeIP() int { return v.head.size + 4*int(v.packet.VLANs) }

func (v *view) bytes(x *bytesOf) uint32 {
	index := v.value(x.index)
	switch x.of {
	case linkProto:
		if p, at := v.packet, uint32(v.beforeIP()); p.Fragments > 1 && index >= at {
			return v.number(p.Network, uint64(index-at), x.size)
		}
		return v.number(v.frame.Data, uint64(index), x.size)
	case ipProto, ip6Proto, arpProto, rarpProto:
		return v.number(v.network, uint64(index), x.size)
	case icmp6Proto:
		return v.number(v.upper6(), uint64(index), x.size)
	}
	index += 4 * (v.number(v.network, 0, 1) & 15)
	return v.number(v.network, uint64(index), x.size)
}
