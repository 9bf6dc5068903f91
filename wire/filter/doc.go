// Package filter is tcpdump's filter language (pcap-filter(7)) for what concerns IP, UDP and ICMP: [Parse] reads it,
// [Filter.Compile] makes of it the classic BPF program that has tcpdump's meaning, [Filter.CompileLive] the program for
// a kernel whose packets are put together afterwards, and [Filter.Match] decides in user space after that.
//
// # The language
//
//	filter  = "" | expr                                   nothing: every packet
//	expr    = term { ("and" | "&&" | "or" | "||") term }  both bind alike, from the left; parentheses group
//	term    = ["not" | "!"] ( test | id | "(" expr ")" )
//	test    = [proto] [dir] ("host" | "net" | "port" | "portrange") id
//	        | [proto] dir id                              an address: host
//	        | ["ip" | "ip6" | "ether"] "proto" id
//	        | proto                                       ip ip6 arp rarp tcp udp sctp icmp icmp6 igmp igrp pim vrrp carp ah esp
//	        | ["ether" | "ip" | "ip6"] ("broadcast" | "multicast")      no ip6 broadcast
//	        | "less" number | "greater" number            length <= and >=
//	        | "vlan" [number]
//	        | "inbound" | "outbound"
//	        | value ("=" | "==" | "!=" | "<" | ">" | "<=" | ">=") value
//	dir     = "src" | "dst" | "src or dst" | "src and dst"
//	id      = number | address | address "/" bits | address "mask" address | MAC | name | "not" id | "(" id {and|or id} ")"
//	value   = number | name | "len" | proto "[" value [":" (1|2|4)] "]" | value op value | "-" value | "(" value ")"
//	op      = "+" "-" "*" "/" "%" "&" "|" "^" "<<" ">>"   unsigned, 32 bits
//
// An id without words before it has those of the term before it ("port 53 or 5353"). Numbers are decimal, octal (010) or
// hexadecimal (0x10). Names of values are icmptype, icmp-echo, tcpflags, tcp-syn and their like. As in tcpdump a word
// is as long as it can be: "len - 4" needs its spaces, for len-4 is a name. A name that is a word of the language too takes
// a backslash: ip proto \udp.
//
// What tcpdump has and this package has not is refused by name: protochain, gateway, byte, ifindex, MPLS, PPPoE and other link
// layers, and % or ^ beside another operator without parentheses, which tcpdump reads otherwise than anybody expects.
// A filter is never widened.
//
// # What a test means
//
// host and net mean IP, ARP and RARP; port means UDP, TCP and SCTP; both ends count unless src or dst says otherwise. Ports
// are those of a first fragment, and in IPv6 those directly behind the fixed header. udp[...] and its like mean IPv4
// (icmp6[...] IPv6); the right operand of an operator forgets to ask for that, so write ip[2:2] + ..., not 14 + ip[2:2]. A test that needs bytes which are not there rejects the packet, whatever stands around it, "not" too.
// So it is in tcpdump, and so Compile makes it.
//
// vlan says that the frame has a tag, and all that stands to the right of it, even after "or" or a closed parenthesis, means
// what lies behind that tag. Without vlan a tagged frame is neither ip nor udp.
//
// Match sees more than tcpdump in three things: behind IPv6 extension headers it knows protocol and ports as [wire.Decode] does, of
// fragments that were put together it sees the whole, and in the BSD loopback it knows every system's number of IPv6, in either byte
// order.
//
// # What the kernel gets
//
// CompileLive passes at least what Match will want to see: all fragments whose datagram may match once it is whole (conditions on
// addresses and protocol are kept), and IPv6 packets whose protocol stands behind extension headers. What comes through must
// be put together and shown to Match. (It may pass less only where the IP header itself was cut off by its sender, and in BSD's loopback, which
// no interface of Linux has.) The datagrams of a
// train (UDP_SEGMENT, UDP_GRO; udp(7)) are one frame to the kernel: where lengths, payloads, checksums or IPv4's identification are asked for, UDP
// passes, and whoever takes trains apart, as wire/capture does, shows each datagram to Match. [Filter.Decided] knows, at a glance, most of the packets for
// which there is no need to.
//
// Linux takes the outer VLAN tag out of a frame before a packet socket's filter sees it. Both programs look for it where it
// was on the wire: whoever runs one in the kernel passes frames that have a tag beside them (SKF_AD_VLAN_TAG_PRESENT), puts it back,
// and runs the program again, as wire/capture does. (tcpdump's own filter of a live Linux interface lets "udp" match tagged
// frames, and the same filter on a file does not. Here both are the same; say "udp or (vlan and udp)".)
package filter
