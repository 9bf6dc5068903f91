package filter

import (
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"strings"

	encoding "encoding/binary"
)

// A printer writes nodes as the language has them.
type printer struct{ strings.Builder }

func (b *printer) f(format string, args ...any) { fmt.Fprintf(b, format, args...) }

// operand writes n where and, or, not take one: in parentheses, if it has operands itself.
func (b *printer) operand(n node) {
	switch n.(type) {
	case *andNode, *orNode:
		b.WriteByte('(')
		n.write(b)
		b.WriteByte(')')
	default:
		n.write(b)
	}
}

// words writes those that are not empty, and a space behind each.
func (b *printer) words(words ...string) {
	for _, w := range words {
		if w != "" {
			b.WriteString(w + " ")
		}
	}
}

func (d direction) String() string { return [...]string{"", "src", "dst", "src and dst"}[d] }

// The left side of and and or needs no parentheses: both bind from the left.

func (n *andNode) write(b *printer) { n.left.write(b); b.WriteString(" and "); b.operand(n.right) }
func (n *orNode) write(b *printer)  { n.left.write(b); b.WriteString(" or "); b.operand(n.right) }
func (n *notNode) write(b *printer) { b.WriteString("not "); b.operand(n.of) }
func (allNode) write(*printer)      {}

func (n *etherType) write(b *printer) {
	for _, p := range protocols {
		if n.number == p.ether {
			b.WriteString(p.name)
			return
		}
	}
	b.f("ether proto 0x%04x", n.number)
}

func (n *protocol) write(b *printer) {
	for _, p := range protocols {
		if n.number == p.number && n.v4 == p.v4 && n.v6 == p.v6 {
			b.WriteString(p.name)
			return
		}
	}
	switch {
	case !n.v6:
		b.WriteString("ip ")
	case !n.v4:
		b.WriteString("ip6 ")
	}
	b.f("proto %d", n.number)
}

func (n *host) write(b *printer) {
	b.words(protocols[n.of].name, n.dir.String())
	switch ones := bits.LeadingZeros32(^n.mask); {
	case ones == 32:
		b.f("host %v", ip4(n.addr))
	case n.mask == ^uint32(0)<<(32-ones):
		b.f("net %v/%d", ip4(n.addr), ones)
	default:
		b.f("net %v mask %v", ip4(n.addr), ip4(n.mask))
	}
}

func (n *host6) write(b *printer) {
	b.words(n.dir.String())
	if n.bits == 128 {
		b.f("host %v", ip6(n.addr))
	} else {
		b.f("net %v/%d", ip6(n.addr), n.bits)
	}
}

func (n *mac) write(b *printer) {
	b.words("ether", n.dir.String(), "host")
	b.WriteString(net.HardwareAddr(n.addr[:]).String())
}

func (n *port) write(b *printer) {
	b.words(protocols[n.of].name, n.dir.String())
	if n.lo == n.hi {
		b.f("port %d", n.lo)
	} else {
		b.f("portrange %d-%d", n.lo, n.hi)
	}
}

func (n *cast) write(b *printer) {
	b.words(protocols[n.of].name)
	if n.broadcast {
		b.WriteString("broadcast")
	} else {
		b.WriteString("multicast")
	}
}

func (n *vlan) write(b *printer) {
	b.WriteString("vlan")
	if n.id >= 0 {
		b.f(" %d", n.id)
	}
}

func (n *way) write(b *printer) {
	if n.out {
		b.WriteString("outbound")
	} else {
		b.WriteString("inbound")
	}
}

func (n *relation) write(b *printer) { n.left.write(b); b.f(" %s ", n.op); n.right.write(b) }

func (v number) write(b *printer) { b.f("%d", uint32(v)) }
func (length) write(b *printer)   { b.WriteString("len") }

func (v *bytesOf) write(b *printer) {
	b.f("%s[", protocols[v.of].name)
	v.index.write(b)
	if v.size > 1 {
		b.f(":%d", v.size)
	}
	b.WriteByte(']')
}

func (v *arithmetic) write(b *printer) {
	b.WriteByte('(')
	v.left.write(b)
	b.f(" %s ", v.op)
	v.right.write(b)
	b.WriteByte(')')
}

func (v *negative) write(b *printer) { b.WriteString("(-"); v.of.write(b); b.WriteByte(')') }

func ip4(a uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(encoding.BigEndian.AppendUint32(nil, a)))
}

func ip6(a [4]uint32) netip.Addr {
	var b []byte
	for _, word := range a {
		b = encoding.BigEndian.AppendUint32(b, word)
	}
	return netip.AddrFrom16([16]byte(b))
}
