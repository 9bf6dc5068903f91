package filter

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"dgram/internal/wording"
)

// startsID says whether an id can begin with t.
func startsID(t token) bool {
	switch t.kind {
	case numberToken, nameToken, dottedToken, ip6Token, macToken:
		return true
	}
	return false
}

// id reads what is asked for: a number, an address, a name, or several of them in parentheses.
func (p *parser) id(q qualifiers) (node, error) {
	t := p.next()
	switch {
	case t.is("not", "!"):
		if err := p.deeper(t); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		n, err := p.id(q)
		return &notNode{n}, err
	case t.is("("):
		if err := p.deeper(t); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		return p.ids(q)
	case t.kind == wordToken && reserved(t.text) && refusedWords[t.text] == "" && q.what != "":
		return nil, p.mistake(t, fmt.Sprintf("if it is a name, write \\%s", t.text), "%s is a word of the language and stands where %s should", t.text, wanted(q))
	case !startsID(t):
		return nil, p.unexpected(t, wanted(q))
	}
	switch q.what {
	case "proto":
		return p.proto(q, t)
	case "port":
		return p.port(q, t)
	case "portrange":
		return p.portrange(q, t)
	}
	return p.address(q, t)
}

// ids reads ids up to a closing parenthesis.
func (p *parser) ids(q qualifiers) (node, error) {
	left, err := p.id(q)
	for err == nil && !p.accept(")") {
		and := p.token().is("and", "&&")
		if !and && !p.token().is("or", "||") {
			return nil, p.unexpected(p.token(), "and, or, or a closing parenthesis")
		}
		p.at++
		var right node
		if right, err = p.id(q); and {
			left = &andNode{left, right}
		} else {
			left = &orNode{left, right}
		}
	}
	return left, err
}

// wanted says what id the qualifiers ask for.
func wanted(q qualifiers) string {
	switch q.what {
	case "proto":
		return "the number of a protocol"
	case "port", "portrange":
		return "the number of a port"
	case "net":
		return "a network (10.0.0.0/8)"
	}
	if q.bare {
		return "an address, or host, net, port, portrange,"
	}
	return "an address"
}

func (p *parser) proto(q qualifiers, t token) (node, error) {
	if q.of == linkProto {
		return p.etherProto(t)
	}
	n := protocol{v4: q.of != ip6Proto, v6: q.of != ipProto}
	switch {
	case q.of != anyProto && q.of != ipProto && q.of != ip6Proto:
		return nil, p.mistake(t, "proto, ip proto and ip6 proto are understood", "%s says no protocol of what it carries", protocols[q.of].name)
	case t.kind == nameToken:
		number, ok := ipNames[t.text]
		if !ok {
			return nil, p.mistake(t, "give its number", "no IP protocol named %q is known", t.text)
		}
		n.number = number
	case t.kind != numberToken || t.num > 255:
		return nil, p.mistake(t, "", "an IP protocol has a number up to 255")
	default:
		n.number = uint8(t.num)
	}
	return &n, nil
}

func (p *parser) etherProto(t token) (node, error) {
	number, known := etherNames[t.text]
	switch {
	case t.kind == nameToken && !known:
		return nil, p.mistake(t, "give its number", "no type of a frame named %q is known", t.text)
	case t.kind == nameToken:
		return &etherType{number}, nil
	case t.kind != numberToken || t.num > 0xffff:
		return nil, p.mistake(t, "", "the type of a frame is a number up to 0xffff")
	case t.num < 0x600 || t.num == 0x809b || t.num == 0x80f3:
		return nil, p.mistake(t, "from 0x600 on they are understood", "the type %s is one of 802.2 and not read here", t.text)
	}
	return &etherType{uint16(t.num)}, nil
}

func (p *parser) port(q qualifiers, t token) (node, error) {
	number, of, err := p.portNumber(q, t, t.text)
	if err != nil {
		return nil, err
	}
	return &port{of: of, dir: q.dir, lo: number, hi: number}, nil
}

// portNumber reads a port, or looks up a service. The name of a service that UDP or TCP alone has means that protocol's.
func (p *parser) portNumber(q qualifiers, t token, text string) (uint16, proto, error) {
	switch t.kind {
	case numberToken:
		if t.num > 65535 {
			return 0, 0, p.mistake(t, "", "a port is a number up to 65535")
		}
		return uint16(t.num), q.of, nil
	case nameToken:
		if n, err := strconv.ParseUint(text, 10, 16); err == nil {
			return uint16(n), q.of, nil
		}
		number, of, err := p.config.service(text)
		switch {
		case err != nil:
			hint := "give its number"
			if strings.Contains(text, "-") && t.text[0] <= '9' {
				hint = "a range is portrange " + text
			}
			return 0, 0, p.mistake(t, hint, "%v", err)
		case of == anyProto:
			return number, q.of, nil
		case q.of != anyProto && q.of != of:
			return 0, 0, p.mistake(t, "", "%s is a port of %s", text, protocols[of].name)
		}
		return number, of, nil
	}
	return 0, 0, p.mistake(t, "host and net take addresses", "%q is no port", t.text)
}

func (p *parser) portrange(q qualifiers, t token) (node, error) {
	from, to, isRange := strings.Cut(t.text, "-")
	if t.kind != nameToken || !isRange {
		from, to = t.text, t.text
	}
	lo, of, err := p.portNumber(q, t, from)
	if err != nil {
		return nil, err
	}
	hi, ofHigh, err := p.portNumber(q, t, to)
	switch {
	case err != nil:
		return nil, err
	case of == anyProto:
		of = ofHigh
	case ofHigh != anyProto && ofHigh != of:
		return nil, p.mistake(t, "", "%s is a port of %s, and %s of %s", from, protocols[of].name, to, protocols[ofHigh].name)
	}
	return &port{of: of, dir: q.dir, lo: min(lo, hi), hi: max(lo, hi)}, nil
}

// address reads what host and net take.
func (p *parser) address(q qualifiers, t token) (node, error) {
	switch t.kind {
	case macToken:
		if q.of != linkProto || q.what != "host" {
			return nil, p.mistake(t, "ether host "+t.text, "an address of the link layer has another word")
		}
		return &mac{dir: q.dir, addr: t.mac}, nil
	case ip6Token:
		return p.address6(q, t)
	case nameToken:
		return p.named(q, t)
	}
	if q.of == linkProto || q.of == ip6Proto {
		return nil, p.mistake(t, "", "%s is an address of IPv4, not of %s", t.text, protocols[q.of].name)
	}
	n := host{of: q.of, dir: q.dir, addr: t.num, mask: ^uint32(0)}
	if t.kind == numberToken {
		// net 10 is 10.0.0.0/8; host 10 is 0.0.0.10.
		for q.what == "net" && n.addr != 0 && n.addr>>24 == 0 {
			n.addr, n.mask = n.addr<<8, n.mask<<8
		}
		return &n, nil
	}
	parts, ok := dotted(t.text)
	if !ok {
		return nil, p.mistake(t, "", "%s is no address: its parts are numbers up to 255", t.text)
	}
	missing := 32 - 8*len(parts)
	for _, part := range parts {
		n.addr = n.addr<<8 | uint32(part)
	}
	n.addr, n.mask = n.addr<<missing, n.mask<<missing
	return p.masked(q, t, n)
}

// masked reads what may follow an IPv4 address: a length or a mask.
func (p *parser) masked(q qualifiers, t token, n host) (node, error) {
	operator := p.token()
	if !operator.is("/", "mask") {
		return &n, nil
	}
	p.at++
	m := p.next()
	mask, ok := uint32(0), false
	if operator.text == "/" {
		ok = m.kind == numberToken && m.num <= 32
		mask = ^uint32(0) << (32 - min(m.num, 32))
	} else if parts, fine := dotted(m.text); m.kind == dottedToken && fine {
		ok = true
		for i, part := range parts {
			mask |= uint32(part) << (24 - 8*i)
		}
	}
	switch {
	case !ok && operator.text == "/":
		return nil, p.mistake(m, "", "behind / stands a number of bits up to 32")
	case !ok:
		return nil, p.mistake(m, "", "behind mask stands a mask like 255.255.0.0")
	case q.what != "net":
		return nil, p.mistake(operator, "net "+t.text+operator.text+m.text, "a host has no mask")
	case n.addr&^mask != 0:
		return nil, p.mistake(t, fmt.Sprintf("the network is %v", ip4(n.addr&mask)), "%s has bits outside of its mask", t.text)
	}
	n.mask = mask
	return &n, nil
}

func (p *parser) address6(q qualifiers, t token) (node, error) {
	if q.of != anyProto && q.of != ip6Proto {
		return nil, p.mistake(t, "", "%s is an address of IPv6, not of %s", t.text, protocols[q.of].name)
	}
	n := host6{dir: q.dir, bits: 128, addr: words6(t.ip)}
	if !p.token().is("/") {
		return &n, nil
	}
	slash := p.next()
	m := p.next()
	switch {
	case m.kind != numberToken || m.num > 128:
		return nil, p.mistake(m, "", "behind / stands a number of bits up to 128")
	case q.what != "net":
		return nil, p.mistake(slash, "net "+t.text+"/"+m.text, "a host has no mask")
	}
	n.bits = int(m.num)
	if network := netip.PrefixFrom(t.ip, n.bits).Masked().Addr(); network != t.ip {
		return nil, p.mistake(t, fmt.Sprintf("the network is %v", network), "%s has bits outside of its mask", t.text)
	}
	return &n, nil
}

// named looks up a host. All of its addresses count, of the protocol that is asked for.
func (p *parser) named(q qualifiers, t token) (node, error) {
	if q.what == "net" || q.of == linkProto {
		return nil, p.mistake(t, "give its number", "names of networks and of MAC addresses are not looked up")
	}
	addrs, err := p.config.host(t.text)
	if err != nil {
		e := p.mistake(t, "give its address", "%q: %v", t.text, err)
		if near := wording.Nearest(t.text, allWords()); near != "" && q.bare {
			e.Hint = fmt.Sprintf("give its address, or did you mean %s?", near)
		}
		e.Err = err
		return nil, e
	}
	var all node
	slices.SortFunc(addrs, netip.Addr.Compare)
	for _, addr := range slices.Compact(addrs) {
		var one node
		switch addr = addr.Unmap(); {
		case addr.Is4() && q.of != ip6Proto:
			one = &host{of: q.of, dir: q.dir, addr: words4(addr), mask: ^uint32(0)}
		case addr.Is6() && (q.of == anyProto || q.of == ip6Proto):
			one = &host6{dir: q.dir, bits: 128, addr: words6(addr)}
		default:
			continue
		}
		if all == nil {
			all = one
		} else {
			all = &orNode{all, one}
		}
	}
	if all == nil {
		return nil, p.mistake(t, "", "%s has no address of %s", t.text, protocols[q.of].name)
	}
	return all, nil
}

// dotted reads the numbers of a dottedToken; false: one is more than a byte.
func dotted(s string) ([]uint8, bool) {
	var parts []uint8
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return nil, false
		}
		parts = append(parts, uint8(n))
	}
	return parts, true
}

func words4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func words6(a netip.Addr) (w [4]uint32) {
	b := a.As16()
	for i := range w {
		w[i] = binary.BigEndian.Uint32(b[4*i:])
	}
	return w
}

// mask6 is the word i of the mask of an IPv6 network.
func mask6(ones, i int) uint32 {
	return ^uint32(0) << (32 - min(max(ones-32*i, 0), 32))
}
