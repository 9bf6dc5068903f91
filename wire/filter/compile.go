package filter

import (
	"fmt"

	"golang.org/x/net/bpf"

	"dgram/wire"
)

// defaultSnaplen is what a program that accepts a packet asks for when the caller says nothing: tcpdump's.
const defaultSnaplen = 262144

// Compile makes the program that does with packets of a link type what tcpdump's does. It returns snaplen (0: 262,144) for a packet that
// matches, else 0. Errors are, wrapped, ErrLink and ErrTooLong.
//
// On BSD loopback it takes the family numbers of Linux, as tcpdump on Linux does; inbound and outbound are known where
// the link layer has them (SLL, SLL2). ip broadcast means 0.0.0.0 and 255.255.255.255: nobody says what the network's mask is.
func (f *Filter) Compile(link wire.LinkType, snaplen int) ([]bpf.RawInstruction, error) {
	return f.compile(link, snaplen, false)
}

// CompileLive makes the program for a kernel whose packets are put together and shown to Match afterwards: it passes whatever Match may
// want, and as little else as it can tell without the other fragments. The package comment says what to do about VLAN tags.
func (f *Filter) CompileLive(link wire.LinkType, snaplen int) ([]bpf.RawInstruction, error) {
	return f.compile(link, snaplen, true)
}

func (f *Filter) compile(link wire.LinkType, snaplen int, live bool) ([]bpf.RawInstruction, error) {
	head, known := headerOf(link)
	if !known {
		return nil, fmt.Errorf("filter: %w: no filter can be compiled for %v", ErrLink, link)
	}
	if snaplen <= 0 {
		snaplen = defaultSnaplen
	}
	c := compiler{link: link, head: head, live: live}
	yes, no := c.label(), c.label()
	c.test(f.root, yes, no, true)
	c.place(yes)
	c.add(bpf.RetConstant{Val: uint32(snaplen)})
	c.place(no)
	c.add(bpf.RetConstant{})
	if c.err != nil {
		return nil, fmt.Errorf("filter: %w", c.err)
	}
	program, err := c.assemble()
	if err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	return program, nil
}

// A compiler writes the program of one filter for one link type. Every test ends in a jump: to yes or to no.
//
// For a live kernel some tests have no answer yet. Then the packet passes: a test that stands under an odd number of nots (up is false)
// says no, any other yes.
type compiler struct {
	assembler
	link wire.LinkType
	head header
	tags int // VLAN tags passed so far, from left to right in the filter
	used int // words of scratch memory
	live bool
	err  error // the first
}

func (c *compiler) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// payload is where what the link layer carries begins.
func (c *compiler) payload() uint32 { return uint32(c.head.size + 4*c.tags) }

// unanswered is where a test without an answer goes.
func (c *compiler) unanswered(yes, no label, up bool) label {
	if up {
		return yes
	}
	return no
}

func (c *compiler) load(at uint32, size int) { c.add(bpf.LoadAbsolute{Off: at, Size: size}) }

// is loads and compares: one value, one way.
func (c *compiler) is(at uint32, size int, value uint32, yes, no label) {
	c.load(at, size)
	c.jump(bpf.JumpEqual, value, yes, no)
}

func (c *compiler) test(n node, yes, no label, up bool) {
	switch n := n.(type) {
	case allNode:
		c.goTo(yes)
	case *andNode:
		c.both(n, yes, no, up)
	case *orNode:
		c.either(n, yes, no, up)
	case *notNode:
		c.test(n.of, no, yes, !up)
	case *etherType:
		c.etherType(uint32(n.number), yes, no)
	case *protocol:
		c.protocol(n, yes, no, up)
	case *host:
		c.hosts(hostSet{n, []uint32{n.addr}}, yes, no)
	case hostSet:
		c.hosts(n, yes, no)
	case *host6:
		c.hosts6(host6Set{n}, yes, no)
	case host6Set:
		c.hosts6(n, yes, no)
	case *port:
		c.ports(portSet{n}, yes, no, up)
	case portSet:
		c.ports(n, yes, no, up)
	case *mac:
		c.mac(n.dir, n.addr, yes, no)
	case *cast:
		c.cast(n, yes, no)
	case *vlan:
		c.vlan(n, yes, no)
	case *way:
		c.way(n, yes, no, up)
	case *relation:
		c.relation(n, yes, no, up)
	default:
		c.fail("%T cannot be compiled", n)
	}
}

func (c *compiler) either(n *orNode, yes, no label, up bool) {
	var list []node
	var left node = n
	for {
		or, ok := left.(*orNode)
		if !ok {
			break
		}
		list, left = append(list, or.right), or.left
	}
	list = gather(reversed(append(list, left)))
	for _, each := range list[:len(list)-1] {
		next := c.label()
		c.test(each, yes, next, up)
		c.place(next)
	}
	c.test(list[len(list)-1], yes, no, up)
}

func (c *compiler) both(n *andNode, yes, no label, up bool) {
	var list []node
	var left node = n
	for {
		and, ok := left.(*andNode)
		if !ok {
			break
		}
		list, left = append(list, and.right), and.left
	}
	list = gatherNots(reversed(append(list, left)))
	for _, each := range list[:len(list)-1] {
		next := c.label()
		c.test(each, next, no, up)
		c.place(next)
	}
	c.test(list[len(list)-1], yes, no, up)
}

// A typeCase is where to go for a type of the link layer.
type typeCase struct {
	number uint32
	to     label
}

// etherTypes goes where the type of the payload says.
func (c *compiler) etherTypes(no label, cases ...typeCase) {
	var values []uint32
	var labels []label
	for _, each := range cases {
		value, possible, certain := c.typeValue(each.number)
		if certain {
			c.goTo(each.to)
			return
		}
		if possible {
			values, labels = append(values, value), append(labels, each.to)
		}
	}
	if len(values) > 0 {
		c.loadType()
	}
	c.choose(values, labels, no)
}

// loadType leaves in A what says the type of the payload.
func (c *compiler) loadType() {
	switch c.link {
	case wire.LinkRaw, wire.LinkRawBSD:
		c.load(0, 1)
		c.add(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0})
	case wire.LinkNull, wire.LinkLoop:
		c.load(0, 4)
	default:
		c.load(uint32(c.head.typeAt+4*c.tags), 2)
	}
}

// choose goes to the label of the value that A has.
func (c *compiler) choose(values []uint32, labels []label, no label) {
	for i, value := range values {
		if i == len(values)-1 {
			c.jump(bpf.JumpEqual, value, labels[i], no)
			return
		}
		next := c.label()
		c.jump(bpf.JumpEqual, value, labels[i], next)
		c.place(next)
	}
	c.goTo(no)
}

// typeValue is how the link layer writes a type, if it can, and whether it carries nothing else.
func (c *compiler) typeValue(number uint32) (value uint32, possible, certain bool) {
	var ofIP, ofIP6 uint32
	switch c.link {
	case wire.LinkEthernet, wire.LinkSLL, wire.LinkSLL2:
		return number, true, false
	case wire.LinkIPv4:
		return 0, number == typeIP, number == typeIP
	case wire.LinkIPv6:
		return 0, number == typeIP6, number == typeIP6
	case wire.LinkRaw, wire.LinkRawBSD:
		ofIP, ofIP6 = 0x40, 0x60
	case wire.LinkNull: // as a machine with its lowest byte first writes it
		ofIP, ofIP6 = 2<<24, 10<<24
	default:
		ofIP, ofIP6 = 2, 10
	}
	switch number {
	case typeIP:
		return ofIP, true, false
	case typeIP6:
		return ofIP6, true, false
	}
	return 0, false, false
}

func (c *compiler) etherType(number uint32, yes, no label) {
	c.etherTypes(no, typeCase{number, yes})
}

func (c *compiler) vlan(n *vlan, yes, no label) {
	if c.link != wire.LinkEthernet {
		c.fail("%w: vlan is known on Ethernet, not on %v", ErrLink, c.link)
		return
	}
	found := yes
	if n.id >= 0 {
		found = c.label()
	}
	var cases []typeCase
	for _, number := range tagTypes {
		cases = append(cases, typeCase{number, found})
	}
	c.etherTypes(no, cases...)
	if n.id >= 0 {
		c.place(found)
		c.load(c.payload(), 2)
		c.add(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff})
		c.jump(bpf.JumpEqual, uint32(n.id), yes, no)
	}
	c.tags++
}

func (c *compiler) mac(dir direction, addr [6]byte, yes, no label) {
	if c.link != wire.LinkEthernet {
		c.fail("%w: addresses of Ethernet are not known on %v", ErrLink, c.link)
		return
	}
	end := func(at uint32, yes, no label) {
		next := c.label()
		c.is(at+2, 4, uint32(addr[2])<<24|uint32(addr[3])<<16|uint32(addr[4])<<8|uint32(addr[5]), next, no)
		c.place(next)
		c.is(at, 2, uint32(addr[0])<<8|uint32(addr[1]), yes, no)
	}
	c.ends(dir, 6, 0, end, yes, no)
}

// ends looks at one end, at either, or at both.
func (c *compiler) ends(dir direction, src, dst uint32, end func(at uint32, yes, no label), yes, no label) {
	next := c.label()
	switch dir {
	case srcEnd:
		end(src, yes, no)
	case dstEnd:
		end(dst, yes, no)
	case bothEnds:
		end(src, next, no)
		c.place(next)
		end(dst, yes, no)
	case eitherEnd:
		end(src, yes, next)
		c.place(next)
		end(dst, yes, no)
	}
}

func (c *compiler) cast(n *cast, yes, no label) {
	inside := c.label()
	switch {
	case n.of == linkProto && c.link != wire.LinkEthernet:
		c.fail("%w: broadcast and multicast of the link layer are known on Ethernet, not on %v; there are ip multicast and ip6 multicast", ErrLink, c.link)
	case n.of == linkProto && n.broadcast:
		c.mac(dstEnd, [6]byte{255, 255, 255, 255, 255, 255}, yes, no)
	case n.of == linkProto:
		c.load(0, 1)
		c.jump(bpf.JumpBitsSet, 1, yes, no)
	case n.of == ip6Proto:
		c.etherType(typeIP6, inside, no)
		c.place(inside)
		c.is(c.payload()+24, 1, 0xff, yes, no)
	case n.broadcast:
		c.etherType(typeIP, inside, no)
		c.place(inside)
		next := c.label()
		c.is(c.payload()+16, 4, 0, yes, next)
		c.place(next)
		c.jump(bpf.JumpEqual, 0xffffffff, yes, no)
	default:
		c.etherType(typeIP, inside, no)
		c.place(inside)
		c.load(c.payload()+16, 1)
		c.jump(bpf.JumpGreaterOrEqual, 0xe0, yes, no)
	}
}

// sentByUs is PACKET_OUTGOING (packet(7)).
const sentByUs = 4

func (c *compiler) way(n *way, yes, no label, up bool) {
	if !n.out {
		yes, no = no, yes
	}
	switch {
	case c.link == wire.LinkSLL:
		c.is(0, 2, sentByUs, yes, no)
	case c.link == wire.LinkSLL2:
		c.is(10, 1, sentByUs, yes, no)
	case c.live && n.out == up:
		c.goTo(yes)
	case c.live:
		c.goTo(no)
	default:
		c.fail("%w: %v does not say who sent a frame, so inbound and outbound are not known", ErrLink, c.link)
	}
}
