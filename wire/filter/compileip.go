package filter

import (
	"slices"

	"golang.org/x/net/bpf"
)

// Where IP headers have what (RFC 791, RFC 8200).
const (
	fragmentAt  = 6 // flags and offset of the fragment
	protocolAt  = 9
	nextAt      = 6 // IPv6: what comes next
	behindFixed = 40
	carriesUDP  = 17
	aFragment   = 44 // IPv6: the fragment header
	anAuth      = 51 // AH
)

// protocol asks what IP carries. Behind an IPv6 fragment header tcpdump looks once.
func (c *compiler) protocol(n *protocol, yes, no label, up bool) {
	v4, v6 := no, no
	var cases []typeCase
	if n.v4 {
		v4 = c.label()
		cases = append(cases, typeCase{typeIP, v4})
	}
	if n.v6 {
		v6 = c.label()
		cases = append(cases, typeCase{typeIP6, v6})
	}
	c.etherTypes(no, cases...)
	if n.v4 {
		c.place(v4)
		c.load(c.payload()+protocolAt, 1)
		c.chain4(yes, no, up)
		c.jump(bpf.JumpEqual, uint32(n.number), yes, no)
	}
	if n.v6 {
		c.place(v6)
		c.load(c.payload()+nextAt, 1)
		c.chain6(yes, no, up)
		next, inside := c.label(), c.label()
		c.jump(bpf.JumpEqual, uint32(n.number), yes, next)
		c.place(next)
		c.jump(bpf.JumpEqual, aFragment, inside, no)
		c.place(inside)
		c.is(c.payload()+behindFixed, 1, uint32(n.number), yes, no)
	}
}

// chain6 passes on, in a live kernel, the packet whose next header (in A) is one behind which the protocol stands.
func (c *compiler) chain6(yes, no label, up bool) {
	if c.live {
		c.anyOf(extensions[:], c.unanswered(yes, no, up))
	}
}

// chain4 is chain6 for IPv4, which has one such header.
func (c *compiler) chain4(yes, no label, up bool) {
	if c.live {
		c.anyOf([]uint32{anAuth}, c.unanswered(yes, no, up))
	}
}

// anyOf goes to yes if A is one of these values.
func (c *compiler) anyOf(values []uint32, yes label) {
	next := c.label()
	c.choose(values, slices.Repeat([]label{yes}, len(values)), next)
	c.place(next)
}

func (c *compiler) hosts(s hostSet, yes, no label) {
	arp, ip := c.label(), c.label()
	all := []typeCase{{typeIP, ip}, {typeARP, arp}, {typeRARP, arp}}
	inIP, inARP := true, false
	switch s.of {
	case ipProto:
		c.etherTypes(no, all[:1]...)
	case arpProto:
		c.etherTypes(no, all[1:2]...)
		inIP, inARP = false, true
	case rarpProto:
		c.etherTypes(no, all[2:]...)
		inIP, inARP = false, true
	default:
		c.etherTypes(no, all...)
		inARP = c.head.typeAt >= 0
	}
	if inIP {
		c.place(ip)
		c.addresses(s, c.payload()+12, c.payload()+16, yes, no)
	}
	c.place(arp)
	if inARP {
		c.addresses(s, c.payload()+14, c.payload()+24, yes, no)
	}
}

// addresses looks for the addresses of s where packets have theirs.
func (c *compiler) addresses(s hostSet, src, dst uint32, yes, no label) {
	c.members(s.dir, len(s.addrs), func(source bool) {
		at := dst
		if source {
			at = src
		}
		c.load(at, 4)
		if s.mask != ^uint32(0) {
			c.add(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: s.mask})
		}
	}, func(i int, yes, no label) {
		c.jump(bpf.JumpEqual, s.addrs[i], yes, no)
	}, yes, no)
}

// members compares one end or the other with n values. Were they n tests, the first would look at the source, then at the
// destination: whether both are there shows in a packet that was cut, so it is done in that order here, too.
func (c *compiler) members(dir direction, n int, load func(source bool), compare func(i int, yes, no label), yes, no label) {
	next := c.label()
	switch {
	case dir == srcEnd || dir == dstEnd:
		load(dir == srcEnd)
		c.oneOf(0, n, compare, yes, no)
		return
	case dir == bothEnds: // never more than one value
		load(true)
		compare(0, next, no)
		c.place(next)
		load(false)
		compare(0, yes, no)
		return
	}
	load(true)
	compare(0, yes, next)
	c.place(next)
	load(false)
	if n == 1 {
		compare(0, yes, no)
		return
	}
	rest := c.label()
	c.oneOf(0, n, compare, yes, rest)
	c.place(rest)
	load(true)
	c.oneOf(1, n, compare, yes, no)
}

// stretch is how many comparisons share one jump to a far place.
const stretch = 60

// oneOf compares with the values from first on.
func (c *compiler) oneOf(first, n int, compare func(i int, yes, no label), yes, no label) {
	for ; n-first > stretch; first += stretch {
		found, over := c.label(), c.label()
		c.oneOf(first, first+stretch, compare, found, over)
		c.place(found)
		c.goTo(yes)
		c.place(over)
	}
	for i := first; i < n-1; i++ {
		next := c.label()
		compare(i, yes, next)
		c.place(next)
	}
	compare(n-1, yes, no)
}

func (c *compiler) hosts6(s host6Set, yes, no label) {
	inside := c.label()
	c.etherType(typeIP6, inside, no)
	c.place(inside)
	for i, n := range s {
		next := no
		if i < len(s)-1 {
			next = c.label()
		}
		c.ends(n.dir, c.payload()+8, c.payload()+24, func(at uint32, yes, no label) { c.address6(n, at, yes, no) }, yes, next)
		if next != no {
			c.place(next)
		}
	}
}

func (c *compiler) address6(n *host6, at uint32, yes, no label) {
	for i, word := range n.addr {
		c.load(at+uint32(4*i), 4)
		if mask := mask6(n.bits, i); mask != ^uint32(0) {
			c.add(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask})
		}
		next := yes
		if i < len(n.addr)-1 {
			next = c.label()
		}
		c.jump(bpf.JumpEqual, word, next, no)
		if next != yes {
			c.place(next)
		}
	}
}

// ports looks at the ports of IPv6 directly behind the fixed header, and at those of IPv4 in first fragments.
func (c *compiler) ports(s portSet, yes, no label, up bool) {
	numbers := []uint32{uint32(protocols[s[0].of].number)}
	if s[0].of == anyProto {
		numbers = []uint32{132, 6, 17}
	}
	v4, v6, found4, found6, first := c.label(), c.label(), c.label(), c.label(), c.label()
	base := c.payload()
	c.etherTypes(no, typeCase{typeIP6, v6}, typeCase{typeIP, v4})

	c.place(v6)
	c.load(base+nextAt, 1)
	c.chain6(yes, no, up)
	c.choose(numbers, slices.Repeat([]label{found6}, len(numbers)), no)
	c.place(found6)
	c.eachPort(s, func(at uint32) { c.load(base+behindFixed+at, 2) }, yes, no)

	c.place(v4)
	c.load(base+protocolAt, 1)
	c.chain4(yes, no, up)
	c.choose(numbers, slices.Repeat([]label{found4}, len(numbers)), no)
	c.place(found4)
	later := no
	if c.live {
		later = c.unanswered(yes, no, up)
	}
	c.load(base+fragmentAt, 2)
	c.jump(bpf.JumpBitsSet, 0x1fff, later, first)
	c.place(first)
	c.add(bpf.LoadMemShift{Off: base})
	c.eachPort(s, func(at uint32) { c.add(bpf.LoadIndirect{Off: base + at, Size: 2}) }, yes, no)
}

func (c *compiler) eachPort(s portSet, load func(at uint32), yes, no label) {
	c.members(s[0].dir, len(s), func(source bool) {
		if source {
			load(0)
		} else {
			load(2)
		}
	}, func(i int, yes, no label) {
		if s[i].lo == s[i].hi {
			c.jump(bpf.JumpEqual, uint32(s[i].lo), yes, no)
			return
		}
		high := c.label()
		c.jump(bpf.JumpGreaterOrEqual, uint32(s[i].lo), high, no)
		c.place(high)
		c.jump(bpf.JumpGreaterThan, uint32(s[i].hi), no, yes)
	}, yes, no)
}
