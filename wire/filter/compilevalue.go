package filter

import (
	"slices"

	"golang.org/x/net/bpf"
)

// relation compares. First comes the question whether the bytes are of the protocol that they are asked of, for all of them.
func (c *compiler) relation(n *relation, yes, no label, up bool) {
	if c.live && c.late(n.left, n.right) {
		found, trains := c.unanswered(yes, no, up), c.varies(true, n.left) || c.varies(true, n.right)
		c.piece(found, trains)
		if tags := c.tags; tags > 0 { // a packet without the tags comes here, too, where the filter goes on without them
			c.tags = 0
			c.piece(found, trains)
			c.tags = tags
		}
	}
	for _, of := range guards(guards(nil, n.left), n.right) {
		c.guard(of, no)
	}
	test, not := bpf.JumpEqual, false
	switch n.op {
	case "!=":
		not = true
	case ">":
		test = bpf.JumpGreaterThan
	case "<=":
		test, not = bpf.JumpGreaterThan, true
	case ">=":
		test = bpf.JumpGreaterOrEqual
	case "<":
		test, not = bpf.JumpGreaterOrEqual, true
	}
	if not {
		yes, no = no, yes
	}
	if right, ok := n.right.(number); ok {
		c.value(n.left)
		c.jump(test, uint32(right), yes, no)
		return
	}
	c.operands(n.left, n.right)
	c.jumpX(test, yes, no)
}

// operands leaves left in A and right in X. What takes more memory comes first, for the other's result then need not be kept meanwhile.
func (c *compiler) operands(left, right value) {
	if words(left) > words(right) {
		c.value(left)
		at := c.store()
		c.value(right)
		c.add(bpf.TAX{})
		c.add(bpf.LoadScratch{Dst: bpf.RegA, N: at})
	} else {
		c.value(right)
		at := c.store()
		c.value(left)
		c.add(bpf.LoadScratch{Dst: bpf.RegX, N: at})
	}
	c.used--
}

// words is how many words of memory calculating a value takes.
func words(v value) int {
	switch v := v.(type) {
	case *arithmetic:
		return v.words
	case *negative:
		return words(v.of)
	case *bytesOf:
		if _, constant := v.index.(number); !constant {
			return max(words(v.index), 1)
		}
	}
	return 0
}

// wordsFor is words for two values that an operator takes.
func wordsFor(left, right value) int {
	if _, constant := right.(number); constant {
		return words(left)
	}
	if l, r := words(left), words(right); l != r {
		return max(l, r)
	}
	return words(left) + 1
}

// store keeps A.
func (c *compiler) store() int {
	if c.used == 16 {
		c.fail("%w: a value has more parts than a kernel's program can remember", ErrTooLong)
		c.used--
	}
	c.add(bpf.StoreScratch{Src: bpf.RegA, N: c.used})
	c.used++
	return c.used - 1
}

// value leaves v in A.
func (c *compiler) value(v value) {
	switch v := v.(type) {
	case number:
		c.add(bpf.LoadConstant{Dst: bpf.RegA, Val: uint32(v)})
	case length:
		c.add(bpf.LoadExtension{Num: bpf.ExtLen})
	case *bytesOf:
		c.bytes(v)
	case *negative:
		c.value(v.of)
		c.add(bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: 1<<32 - 1}) // -1: not every machine knows the instruction that negates
	case *arithmetic:
		if right, ok := v.right.(number); ok {
			c.value(v.left)
			c.add(bpf.ALUOpConstant{Op: operations[v.op], Val: uint32(right)})
			return
		}
		c.operands(v.left, v.right)
		c.add(bpf.ALUOpX{Op: operations[v.op]})
	}
}

var operations = map[string]bpf.ALUOp{
	"+": bpf.ALUOpAdd, "-": bpf.ALUOpSub, "*": bpf.ALUOpMul, "/": bpf.ALUOpDiv, "%": bpf.ALUOpMod, "&": bpf.ALUOpAnd, "|": bpf.ALUOpOr,
	"^": bpf.ALUOpXor, "<<": bpf.ALUOpShiftLeft, ">>": bpf.ALUOpShiftRight,
}

// bytes loads what stands in brackets. Behind IPv4 the header's own length counts.
func (c *compiler) bytes(v *bytesOf) {
	from, behindIP4 := c.payload(), false
	switch v.of {
	case linkProto:
		from = 0
	case ipProto, ip6Proto, arpProto, rarpProto:
	case icmp6Proto:
		from += behindFixed
	default:
		behindIP4 = true
	}
	if index, constant := v.index.(number); constant {
		if behindIP4 {
			c.add(bpf.LoadMemShift{Off: from})
			c.add(bpf.LoadIndirect{Off: from + uint32(index), Size: v.size})
			return
		}
		c.load(from+uint32(index), v.size)
		return
	}
	c.value(v.index)
	if c.live { // what lies before the packet's beginning has a meaning in the kernel
		out, in := c.label(), c.label()
		c.jump(bpf.JumpGreaterThan, farthest-1, out, in)
		c.place(out)
		c.add(bpf.RetConstant{})
		c.place(in)
	}
	if behindIP4 {
		at := c.store()
		c.add(bpf.LoadMemShift{Off: c.payload()})
		c.add(bpf.LoadScratch{Dst: bpf.RegA, N: at})
		c.add(bpf.ALUOpX{Op: bpf.ALUOpAdd})
		c.used--
	}
	c.add(bpf.TAX{})
	c.add(bpf.LoadIndirect{Off: from, Size: v.size})
}

// guards adds the protocols that v asks bytes of, those of an index first. What tcpdump forgets is forgotten here too: the right operand of
// an operator asks nothing of the packet.
func guards(list []proto, v value) []proto {
	switch v := v.(type) {
	case *bytesOf:
		if v.asksIPv4First() {
			list = append(list, ipProto)
		}
		list = guards(list, v.index)
		if v.of != linkProto {
			list = append(list, v.of)
		}
	case *arithmetic:
		list = guards(list, v.left)
	case *negative:
		list = guards(list, v.of)
	}
	return list
}

// asksIPv4First says that, as tcpdump does, it is asked whether the packet is IPv4 before the index is looked at, which may be behind the end of a frame
// that was cut.
func (v *bytesOf) asksIPv4First() bool {
	_, constant := v.index.(number)
	return !constant && v.of != linkProto && v.of != icmp6Proto && protocols[v.of].ether == 0
}

// guard goes on if the packet is of the protocol: what IPv4 carries only in a first fragment, ICMPv6 directly behind the fixed header.
func (c *compiler) guard(of proto, no label) {
	next := c.label()
	entry := protocols[of]
	if entry.ether != 0 {
		c.etherType(uint32(entry.ether), next, no)
		c.place(next)
		return
	}
	if of == icmp6Proto {
		c.etherType(typeIP6, next, no)
		c.place(next)
		next = c.label()
		c.is(c.payload()+nextAt, 1, uint32(entry.number), next, no)
		c.place(next)
		return
	}
	c.etherType(typeIP, next, no)
	c.place(next)
	next = c.label()
	c.is(c.payload()+protocolAt, 1, uint32(entry.number), next, no)
	c.place(next)
	next = c.label()
	c.load(c.payload()+fragmentAt, 2)
	c.jump(bpf.JumpBitsSet, 0x1fff, no, next)
	c.place(next)
}

// late says whether values can be others once fragments are put together, or in another machine's arithmetic.
func (c *compiler) late(values ...value) bool {
	for _, v := range values {
		switch v := v.(type) {
		case length:
			return true
		case *bytesOf:
			index, constant := v.index.(number)
			if v.of != linkProto || !constant || int(index)+v.size > c.head.size {
				return true
			}
		case *arithmetic:
			if _, constant := v.right.(number); c.late(v.left, v.right) || !constant && (v.op == "<<" || v.op == ">>") {
				return true
			}
		case *negative:
			if c.late(v.of) {
				return true
			}
		}
	}
	return false
}

// varies says whether values differ between the UDP datagrams of a train, which a kernel has in one piece until it is taken apart: everything
// but what their headers have in common. Whether a packet is of the protocol asked is looked at for a left operand only, as tcpdump does: checked
// says that it is.
func (c *compiler) varies(checked bool, v value) bool {
	switch v := v.(type) {
	case length:
		return true
	case *bytesOf:
		index, constant := v.index.(number)
		return !constant || !c.isCommon(v.of, checked, int(index), int(index)+v.size)
	case *arithmetic:
		return c.varies(checked, v.left) || c.varies(false, v.right)
	case *negative:
		return c.varies(checked, v.of)
	}
	return false
}

// isCommon says whether all datagrams of a train have these bytes, from one up to another, in common: not the lengths, IPv4's identification and
// checksums, nor what is behind. What is asked of other protocols has the same answer for all, where it is looked at whether the packet is of
// theirs; where not, the bytes of any header may be read.
func (c *compiler) isCommon(of proto, checked bool, from, to int) bool {
	switch {
	case of == linkProto:
		return to <= c.head.size
	case !checked:
		return (of == ipProto || of == ip6Proto) && (to <= 2 || from >= 6 && to <= 10 || from >= 12 && to <= 20)
	}
	switch of {
	case ipProto:
		return to <= 2 || from >= 6 && to <= 10 || from >= 12 && to <= 20
	case ip6Proto:
		return to <= 4 || from >= 6 && to <= 40
	case udpProto:
		return to <= 4
	}
	return true
}

// piece goes to found if the packet is a fragment, or has headers between IPv6's and what it carries, or may be such behind a VLAN tag, or
// is UDP where that may be a train; else on. A packet too short to be asked is none.
func (c *compiler) piece(found label, trains bool) {
	ask, v4, v6, on := c.label(), c.label(), c.label(), c.label()
	c.add(bpf.LoadExtension{Num: bpf.ExtLen})
	c.jump(bpf.JumpGreaterOrEqual, c.payload()+20, ask, on)
	c.place(ask)
	cases := []typeCase{{typeIP, v4}, {typeIP6, v6}}
	for _, number := range tagTypes {
		cases = append(cases, typeCase{number, found})
	}
	c.etherTypes(on, cases...)
	next := extensions[:]
	c.place(v4)
	if trains {
		next = append([]uint32{carriesUDP}, next...)
		fragment := c.label()
		c.is(c.payload()+protocolAt, 1, carriesUDP, found, fragment)
		c.place(fragment)
	}
	c.load(c.payload()+fragmentAt, 2)
	c.jump(bpf.JumpBitsSet, 0x3fff, found, on)
	c.place(v6)
	c.load(c.payload()+nextAt, 1)
	c.choose(next, slices.Repeat([]label{found}, len(next)), on)
	c.place(on)
}
