package wire

import "fmt"

// A LinkType says how a frame begins. The numbers are those of LINKTYPE_ in capture files
// (https://www.tcpdump.org/linktypes.html).
type LinkType uint16

// The link types that Decode reads.
const (
	LinkNull     LinkType = 0   // BSD loopback: a family in the byte order of the machine that captured it
	LinkEthernet LinkType = 1   // also Linux's loopback
	LinkRawBSD   LinkType = 12  // LinkRaw as some systems number it in a file
	LinkRaw      LinkType = 101 // an IPv4 or IPv6 packet and nothing before it
	LinkLoop     LinkType = 108 // OpenBSD loopback: a family in network byte order
	LinkSLL      LinkType = 113 // Linux "cooked": any interface
	LinkIPv4     LinkType = 228
	LinkIPv6     LinkType = 229
	LinkUpperPDU LinkType = 252 // Wireshark's exported PDU: tags, then a payload; datagrams of unix sockets are kept so
	LinkSLL2     LinkType = 276 // Linux "cooked", with the interface's index
)

var linkNames = map[LinkType]string{
	LinkNull: "NULL", LinkEthernet: "EN10MB", LinkRawBSD: "RAW", LinkRaw: "RAW", LinkLoop: "LOOP", LinkSLL: "LINUX_SLL",
	LinkIPv4: "IPV4", LinkIPv6: "IPV6", LinkUpperPDU: "WIRESHARK_UPPER_PDU", LinkSLL2: "LINUX_SLL2",
}

// String is tcpdump's name of the type, or "LINKTYPE_n" for one that Decode does not read.
func (l LinkType) String() string {
	if name, ok := linkNames[l]; ok {
		return name
	}
	return fmt.Sprintf("LINKTYPE_%d", uint16(l))
}
