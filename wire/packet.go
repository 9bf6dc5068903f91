package wire

import "net/netip"

// A Packet is what Decode reads out of a frame. Slices point into the frame's bytes; everything else is a copy. A Packet
// can be used again and again.
type Packet struct {
	// No is its number, from 1; whoever numbers packets sets it, Decode leaves it as it is.
	No uint64
	// Time, Length, Interface and Outgoing are the frame's.
	Time      int64
	Length    int
	Interface int
	Outgoing  bool

	Link     LinkType
	VLAN     uint16 // of the innermost tag, with VLANs > 0
	VLANs    uint8  // how many tags (802.1Q, 802.1ad)
	HasPorts bool   // SrcPort and DstPort are known: UDP, UDP-Lite, TCP or SCTP whose ports are there (not a later fragment)

	// Protocol is the IP protocol of what the IP header (IPv6: the last extension header) carries: 17 UDP, 1 ICMP, 58 ICMPv6.
	// It means something only where Version is not 0.
	Protocol         uint8
	Version          uint8 // 4, 6, or 0: no IP
	TTL, TOS         uint8
	EtherType        uint16 // what the link layer says comes next, 0 where it has no such field
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16

	// Network is the IP packet, header included, cut where its own length ends it; Transport what the IP headers carry; Payload
	// what UDP (or, for others, the transport header) carries. All may be shorter than the wire's because the frame was cut.
	Network, Transport, Payload []byte
	// PayloadLength is the payload's length as UDP's header has it, capture cut or not.
	PayloadLength int

	// Fragment says that this is a piece of an IP datagram: FragmentOffset in bytes, MoreFragments, FragmentID. A whole packet has
	// Fragment false. What Reassembler puts together has it false again, and Fragments the number of pieces.
	Fragment, MoreFragments bool
	FragmentOffset          int
	FragmentID              uint32
	Fragments               int

	// ICMPType and ICMPCode are those of an ICMP or ICMPv6 message (Protocol 1 or 58). If it reports an error about a packet, Quoted
	// is that packet's flow as the packet had it: its source is who sent what failed.
	ICMPType, ICMPCode uint8
	Quoted             Flow
	HasQuoted          bool

	// UnixSrc and UnixDst name the ends of a unix datagram (LinkUpperPDU), else empty.
	UnixSrc, UnixDst string

	// Checksum is for what VerifyChecksum says: Decode does not look, and leaves ChecksumUnknown.
	Checksum ChecksumState
	// Problem says what is wrong with the packet, or is 0.
	Problem Problem
}

// A Flow is one direction between two ends: comparable, so it can key a map.
type Flow struct {
	Protocol         uint8
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
}

// Reverse is the flow of what is sent back.
func (f Flow) Reverse() Flow {
	return Flow{f.Protocol, f.Dst, f.Src, f.DstPort, f.SrcPort}
}

// Flow is the packet's.
func (p *Packet) Flow() Flow { return Flow{p.Protocol, p.Src, p.Dst, p.SrcPort, p.DstPort} }

// A ChecksumState says whether a checksum is right.
type ChecksumState uint8

// What a checksum can be.
const (
	ChecksumUnknown ChecksumState = iota // not looked at, absent (UDP over IPv4 may send 0), or the packet was cut
	ChecksumGood
	ChecksumBad // on the sending machine this is usual: the network card fills it in afterwards
)

// A Problem says why a frame could not be read to its end.
type Problem uint8

// What can be wrong with a frame. Everything that was read before the problem stands in the Packet.
const (
	NoProblem      Problem = iota
	UnknownLink            // a link type that Decode does not read
	NotIP                  // ARP and the like: not wrong, and nothing more to read
	CutShort               // the capture kept too little of it, of the payload at least
	Malformed              // a header contradicts itself or the bytes at hand
	NotUDP                 // IP that is neither UDP nor ICMP: not wrong, and nothing more to read
	TooManyHeaders         // more IPv6 extension headers or VLAN tags than anybody sends
)
