package app

import (
	"fmt"

	"dgram/wire"
)

// A Protocol is what a packet speaks, as far as it can be told from the packet alone.
type Protocol uint8

// The protocols that are told apart. Unread is what no IP, UDP or ICMP header was found in; UDP whatever payload is none
// of the others.
const (
	Unread Protocol = iota
	UDP
	UDPLite
	TCP
	IPv4 // no more is known than that: a fragment, or a protocol that is not named here
	IPv6
	ICMP
	ICMPv6
	ARP
	IGMP
	Unix // a datagram of unix sockets
	DNS
	MDNS
	LLMNR
	NBNS
	DHCP
	DHCPv6
	NTP
	STUN
	QUIC
	DTLS
	WireGuard
	IKE
	ESP
	CoAP
	SNMP
	RADIUS
	SIP
	SSDP
	Syslog
	StatsD
	TFTP
	RTP
	RTCP
	OpenVPN
	numProtocols
)

var protocolNames = [numProtocols]string{"?", "UDP", "UDPlite", "TCP", "IPv4", "IPv6", "ICMP", "ICMPv6", "ARP", "IGMP", "UNIX", "DNS",
	"mDNS", "LLMNR", "NBNS", "DHCP", "DHCPv6", "NTP", "STUN", "QUIC", "DTLS", "WireGuard", "IKE", "ESP", "CoAP", "SNMP",
	"RADIUS", "SIP", "SSDP", "syslog", "StatsD", "TFTP", "RTP", "RTCP", "OpenVPN"}

// String is the name as a list of packets shows it.
func (p Protocol) String() string {
	if p < numProtocols {
		return protocolNames[p]
	}
	return fmt.Sprintf("protocol(%d)", uint8(p))
}

// MarshalText is String, for JSON.
func (p Protocol) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// A Kind says whether a message asks or answers.
type Kind uint8

// The kinds.
const (
	Unknown Kind = iota // the payload does not say
	Request             // wants a reply
	Reply
	Neither // says itself that it does not want one, or is a piece of what both sides keep sending
)

var kindNames = [...]string{"unknown", "request", "reply", "neither"}

// String is the kind in a word.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// An Identity is what a reply has in common with its request and with nothing else that is under way on the same flow:
// an ID, and a hash of what was asked, or as many bytes of a transaction ID as fit.
type Identity [2]uint64

// A Message is what Read finds out.
type Message struct {
	Protocol    Protocol
	Kind        Kind
	HasIdentity bool
	// Session says that the two sides go on talking under the same identity: a second message that has it is neither a retry nor a
	// duplicate.
	Session  bool
	Identity Identity
}

// identify gives m an identity.
func (m *Message) identify(a, b uint64) {
	m.Identity, m.HasIdentity = Identity{a, b}, true
}

// A dialect is how to say what a payload of a protocol holds.
type dialect struct {
	info   func(line []byte, p *wire.Packet) []byte
	fields func(f *fields, payload []byte)
}

// dialects has a line for each protocol that has more to say of itself than its name. What fails to write an info (the
// line comes back as it was) gets the line of any UDP payload.
var dialects = [numProtocols]dialect{
	DNS:       {dnsInfo, dnsFields},
	MDNS:      {mdnsInfo, dnsFields},
	LLMNR:     {dnsInfo, dnsFields},
	NBNS:      {nbnsInfo, dnsFields},
	DHCP:      {dhcpInfo, dhcpFields},
	DHCPv6:    {dhcpv6Info, dhcpv6Fields},
	NTP:       {ntpInfo, ntpFields},
	STUN:      {stunInfo, stunFields},
	QUIC:      {quicInfo, quicFields},
	DTLS:      {dtlsInfo, dtlsFields},
	WireGuard: {wireguardInfo, wireguardFields},
	IKE:       {ikeInfo, ikeFields},
	CoAP:      {coapInfo, coapFields},
	SNMP:      {snmpInfo, snmpFields},
	RADIUS:    {radiusInfo, radiusFields},
	SIP:       {sipInfo, textFields},
	SSDP:      {textInfo, textFields},
	Syslog:    {syslogInfo, syslogFields},
	StatsD:    {textInfo, textFields},
	TFTP:      {tftpInfo, tftpFields},
	RTP:       {rtpInfo, rtpFields},
	RTCP:      {rtcpInfo, rtcpFields},
	OpenVPN:   {openvpnInfo, openvpnFields},
}
