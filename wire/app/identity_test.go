package app

import (
	"strings"
	"testing"

	"dgram/wire"
)

// What answers and what it answers have one identity, and another request another one.
func TestIdentities(t *testing.T) {
	ntpBehind := ntpQuery[:40] + "transmit"
	for _, c := range []struct {
		name                 string
		client, server       uint16
		ask, answer, another string
	}{
		{"DNS, letters in another case", 40000, 53, dnsQuery, dnsReply, strings.Replace(dnsQuery, "example", "exbmple", 1)},
		{"DNS, another ID", 40000, 53, dnsQuery, dnsNoName, "\x1a\x2c" + dnsQuery[2:]},
		{"mDNS", 5353, 5353, mdnsQuery, mdnsReply, strings.Replace(mdnsQuery, "http", "ipps", 1)},
		{"STUN", 40000, 3478, stunRequest, stunReply, stunRequest[:19] + "m"},
		{"NTP", 123, 123, ntpQuery, ntpReply, ntpBehind},
		{"QUIC", 40000, 443, quicClient, quicServer, strings.Replace(quicClient, "CCCC", "CCCD", 1)},
		{"DHCP", 68, 67, discover, offer, strings.Replace(discover, "\xc0\xde", "\xc0\xdf", 1)},
		{"DHCP's second step", 68, 67, discover, offer, strings.Replace(discover, "\x35\x01\x01", "\x35\x01\x03", 1)},
		{"CoAP", 40000, 5683, coapGet, coapContent, strings.Replace(coapGet, "tokn", "token", 1)},
		{"SNMP", 40000, 161, snmpGet, snmpResponse, strings.Replace(snmpGet, "\x02\x01\x26", "\x02\x01\x27", 1)},
		{"SIP", 5060, 5060, sipInvite, sipRinging, strings.Replace(sipInvite, "bK776", "bK777", 1)},
		{"SIP, another method", 5060, 5060, sipInvite, sipRinging, strings.Replace(sipInvite, "314159 INVITE", "314159 CANCEL", 1)},
		{"WireGuard", 40000, 51820, initiate, respond, strings.Replace(initiate, "\x78\x56", "\x79\x56", 1)},
		{"IKE", 4500, 4500, ikeInit, ikeAnswer, strings.Replace(ikeInit, "IIIIIIII", "IIIIIIIJ", 1)},
	} {
		var ask, answer, another Message
		Read(udpPacket(c.client, c.server, c.ask), &ask)
		Read(udpPacket(c.server, c.client, c.answer), &answer)
		Read(udpPacket(c.client, c.server, c.another), &another)
		if !ask.HasIdentity || !answer.HasIdentity || ask.Identity != answer.Identity || another.Identity == ask.Identity {
			t.Errorf("%s: %+v\n%+v\n%+v", c.name, ask, answer, another)
		}
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	for _, c := range readCases {
		var m Message
		p := udpPacket(c.src, c.dst, c.payload)
		if n := testing.AllocsPerRun(10, func() { Read(p, &m) }); n != 0 {
			t.Errorf("%v: %v allocations", c.protocol, n)
		}
	}
}

func TestICMPInfo(t *testing.T) {
	refused := udpPacket(0, 0, "")
	refused.HasPorts, refused.Protocol, refused.ICMPType, refused.ICMPCode, refused.HasQuoted = false, ipICMP, 3, 3, true
	refused.Quoted = udpPacket(57445, 12345, "").Flow()
	ping := udpPacket(0, 0, "")
	ping.HasPorts, ping.Protocol, ping.ICMPType, ping.Transport = false, ipICMP, 8, []byte{8, 0, 0, 0, 0, 1, 0, 2}
	fragment := udpPacket(0, 0, "")
	fragment.HasPorts, fragment.Fragment, fragment.FragmentOffset, fragment.FragmentID, fragment.Transport = false, true, 1480, 0xabcd, make([]byte, 100)
	unix := &wire.Packet{Link: wire.LinkUpperPDU, UnixDst: "/run/x", Payload: []byte("hi"), PayloadLength: 2}
	arp := &wire.Packet{EtherType: etherARP, Problem: wire.NotIP}
	for _, c := range []struct {
		p        *wire.Packet
		protocol Protocol
		kind     Kind
		info     string
	}{
		{refused, ICMP, Neither, "Destination unreachable (Port unreachable) for 192.0.2.1:57445 → 192.0.2.2:12345"},
		{ping, ICMP, Request, "Echo (ping) request id=0x0001, seq=2, ttl=64"},
		{fragment, IPv4, Unknown, "Fragment of an IP datagram (UDP, bytes 1480 to 1579, the last, ID 0xabcd)"},
		{unix, Unix, Unknown, `unnamed → /run/x Len=2 "hi"`},
		{arp, ARP, Unknown, "EtherType 0x0806"},
	} {
		var m Message
		Read(c.p, &m)
		if info := string(AppendInfo(nil, c.p, &m)); m.Protocol != c.protocol || m.Kind != c.kind || info != c.info {
			t.Errorf("%v %v %q, not %v %v %q", m.Protocol, m.Kind, info, c.protocol, c.kind, c.info)
		}
	}
}
