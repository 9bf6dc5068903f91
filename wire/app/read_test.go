package app

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"dgram/wire"
)

func udpPacket(src, dst uint16, payload string) *wire.Packet {
	return &wire.Packet{
		Version: 4, Protocol: ipUDP, TTL: 64, HasPorts: true, SrcPort: src, DstPort: dst,
		Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.2"),
		Payload: []byte(payload), PayloadLength: len(payload),
	}
}

const (
	dnsQuery     = "\x1a\x2b\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x07example\x03com\x00\x00\x01\x00\x01\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
	dnsReply     = "\x1a\x2b\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x07eXample\x03com\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\x5d\xb8\xd8\x22"
	dnsNoName    = "\x1a\x2b\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"
	mdnsQuery    = "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05_http\x04_tcp\x05local\x00\x00\x0c\x00\x01"
	mdnsReply    = "\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00\x05_http\x04_tcp\x05local\x00\x00\x0c\x00\x01\x00\x00\x11\x94\x00\x07\x04Kino\xc0\x0c"
	stunRequest  = "\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"
	stunReply    = "\x01\x01\x00\x0c\x21\x12\xa4\x42abcdefghijkl\x00\x20\x00\x08\x00\x01\x12\x6f\xe1\x12\xa6\x43"
	quicClient   = "\xc3\x00\x00\x00\x01\x08DDDDDDDD\x04CCCC\x00\x05abcde"
	quicServer   = "\xc1\x00\x00\x00\x01\x04CCCC\x08SSSSSSSS\x00\x05abcde\xe1\x00\x00\x00\x01\x04CCCC\x08SSSSSSSS\x05abcde"
	coapGet      = "\x44\x01\x7d\x34tokn\xbbtemperature"
	coapContent  = "\x64\x45\x7d\x34tokn\xff22.3 C"
	snmpGet      = "\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x26\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x02\x00\x05\x00"
	snmpResponse = "\x30\x26\x02\x01\x01\x04\x06public\xa2\x19\x02\x01\x26\x02\x01\x00\x02\x01\x00\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x02\x00\x05\x00"
	sipInvite    = "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a.example.com;branch=z9hG4bK776;rport\r\nCSeq: 314159 INVITE\r\n\r\n"
	sipRinging   = "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP a.example.com;branch=z9hG4bK776;received=192.0.2.1\r\nCSeq: 314159 INVITE\r\n\r\n"
)

var (
	ntpQuery         = "\x23\x00\x06\xec" + strings.Repeat("\x00", 36) + "TRANSMIT"
	ntpReply         = "\x24\x01\x06\xec" + strings.Repeat("\x00", 20) + "TRANSMIT" + "\xe8\x00\x00\x00\x80\x00\x00\x00" + "\xe8\x00\x00\x00\x80\x00\x00\x00"
	discover         = "\x01\x01\x06\x00\x3d\x1d\xc0\xde" + strings.Repeat("\x00", 228) + "\x63\x82\x53\x63\x35\x01\x01\xff"
	offer            = "\x02\x01\x06\x00\x3d\x1d\xc0\xde" + strings.Repeat("\x00", 228) + "\x63\x82\x53\x63\x35\x01\x02\x36\x04\xc0\x00\x02\x01\xff"
	initiate         = "\x01\x00\x00\x00\x78\x56\x34\x12" + strings.Repeat("x", 140)
	respond          = "\x02\x00\x00\x00\x01\x00\x00\x00\x78\x56\x34\x12" + strings.Repeat("x", 80)
	hello            = "\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x01\x00\x00"
	nbnsEncoded      = "\x20EOECCACACACACACACACACACACACACACA\x00"
	nbnsRegistration = "\x3a\x8d\x29\x10\x00\x01\x00\x00\x00\x00\x00\x01" + nbnsEncoded + "\x00\x20\x00\x01" +
		"\xc0\x0c\x00\x20\x00\x01\x00\x00\x00\x00\x00\x06\x00\x00\xc0\x00\x02\x02"
	nbnsAddress     = "\x32\x99\x85\x80\x00\x00\x00\x01\x00\x00\x00\x00" + nbnsEncoded + "\x00\x20\x00\x01\x00\x03\xf4\x80\x00\x06\x00\x00\xc0\x00\x02\x02"
	nbnsStatusQuery = "\x6b\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x20CK" + strings.Repeat("A", 30) + "\x00\x00\x21\x00\x01"
	snmpTrap        = "\x30\x2d\x02\x01\x00\x04\x06public\xa4\x20\x06\x0b\x2b\x06\x01\x04\x01\xbf\x08\x02\x03\x00\x01\x40\x04\xc0\x00\x02\x01\x02\x01\x06\x02\x01\x11\x43\x03\x23\x0d\xd6\x30\x00"
	snmp3           = "\x30\x4a\x02\x01\x03\x30\x10\x02\x04\x41\xff\xdd\x9f\x02\x03\x00\xff\xe3\x04\x01\x01\x02\x01\x03\x04\x04auth\x30\x2d\x04\x03eng\x04\x00" +
		"\xa2\x24\x02\x04\x73\x12\x22\x1a\x02\x01\x10\x02\x01\x00\x30\x16\x30\x14\x06\x08\x2b\x06\x01\x02\x01\x01\x05\x00\x04\x08hostname"
	accounted = "\x05\x07\x00\x14" + strings.Repeat("a", 16)
	ikeInit   = "IIIIIIII\x00\x00\x00\x00\x00\x00\x00\x00\x21\x20\x22\x08\x00\x00\x00\x00\x00\x00\x00\x1c"
	ikeAnswer = "\x00\x00\x00\x00IIIIIIIIRRRRRRRR\x21\x20\x22\x20\x00\x00\x00\x00\x00\x00\x00\x1c"
)

var readCases = []struct {
	src, dst uint16
	payload  string
	protocol Protocol
	kind     Kind
	identity bool
	info     string
}{
	{40000, 12345, "hello", UDP, Unknown, false, `40000 → 12345 Len=5 "hello"`},
	{40000, 12345, "hello\n", UDP, Unknown, false, `40000 → 12345 Len=6 "hello"`},
	{40000, 12345, "", UDP, Unknown, false, "40000 → 12345 Len=0"},
	{40000, 12345, "\x00\x01\xfe", UDP, Unknown, false, "40000 → 12345 Len=3 0001fe"},
	{40000, 53, "hello, I am not a name", UDP, Unknown, false, `40000 → 53 Len=22 "hello, I am not a name"`},
	{40000, 53, "GET / HTTP/1.0\r\n\r\n", UDP, Unknown, false, "40000 → 53 Len=18 \"GET / HTTP/1.0\""},
	{40000, 53, dnsQuery, DNS, Request, true, "Standard query 0x1a2b A example.com OPT"},
	{53, 40000, dnsReply, DNS, Reply, true, "Standard query response 0x1a2b A eXample.com A 93.184.216.34"},
	{53, 40000, dnsNoName, DNS, Reply, true, "Standard query response 0x1a2b No such name A example.com"},
	{40000, 5335, dnsQuery, DNS, Request, true, "Standard query 0x1a2b A example.com OPT"},
	{5335, 40000, dnsReply, DNS, Reply, true, "Standard query response 0x1a2b A eXample.com A 93.184.216.34"},
	{5353, 5353, mdnsQuery, MDNS, Request, true, `Standard query 0x0000 PTR _http._tcp.local, "QM" question`},
	{5353, 5353, mdnsReply, MDNS, Reply, true, "Standard query response 0x0000 PTR Kino._http._tcp.local"},
	{5353, 5353, strings.Replace(mdnsReply, "\x0c\x00\x01", "\x0c\x80\x01", 1), MDNS, Reply, true, "Standard query response 0x0000 PTR, cache flush Kino._http._tcp.local"},
	{40000, 3478, stunRequest, STUN, Request, true, "Binding Request"},
	{9, 40000, stunReply, STUN, Reply, true, "Binding Success Response XOR-MAPPED-ADDRESS: 192.0.2.1:13181"},
	{123, 123, ntpQuery, NTP, Request, true, "NTP Version 4, client"},
	{123, 123, ntpReply, NTP, Reply, true, "NTP Version 4, server"},
	{40000, 443, quicClient, QUIC, Request, true, "Initial, DCID=4444444444444444, SCID=43434343"},
	{443, 40000, quicServer, QUIC, Reply, true, "Initial + Handshake, DCID=43434343, SCID=5353535353535353"},
	{40000, 443, "\x41" + strings.Repeat("q", 40), QUIC, Neither, false, "Protected Payload"},
	{40000, 444, "\x41" + strings.Repeat("q", 40), UDP, Unknown, false, "40000 → 444 Len=41 \"A" + strings.Repeat("q", 40) + `"`},
	{68, 67, discover, DHCP, Request, true, "DHCP Discover - Transaction ID 0x3d1dc0de"},
	{67, 68, offer, DHCP, Reply, true, "DHCP Offer - Transaction ID 0x3d1dc0de"},
	{546, 547, "\x01\x10\x08\x74\x00\x01\x00\x00", DHCPv6, Request, true, "Solicit XID: 0x100874"},
	{40000, 5683, coapGet, CoAP, Request, true, "CON, MID:32052, GET, TKN:746f6b6e, /temperature"},
	{5683, 40000, coapContent, CoAP, Reply, true, "ACK, MID:32052, 2.05 Content, TKN:746f6b6e"},
	{40000, 161, snmpGet, SNMP, Request, true, "get-request 1.3.6.1.2.1.1.2.0"},
	{161, 40000, snmpResponse, SNMP, Reply, true, "get-response 1.3.6.1.2.1.1.2.0"},
	{5060, 5060, sipInvite, SIP, Request, true, "Request: INVITE sip:bob@example.com"},
	{5060, 7000, sipRinging, SIP, Reply, true, "Status: 180 Ringing"},
	{40000, 1900, "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\n\r\n", SSDP, Request, false, "M-SEARCH * HTTP/1.1"},
	{1900, 40000, "HTTP/1.1 200 OK\r\n\r\n", SSDP, Reply, false, "HTTP/1.1 200 OK"},
	{40000, 514, "<34>Oct 11 22:14:15 host su: failed", Syslog, Neither, false, "AUTH.CRIT: Oct 11 22:14:15 host su: failed"},
	{40000, 9999, "<165>1 2003-08-24T05:14:15Z host app - - - up", Syslog, Neither, false, "LOCAL4.NOTICE: 1 2003-08-24T05:14:15Z host app - - - up"},
	{40000, 9999, "<b>bold</b>", UDP, Unknown, false, `40000 → 9999 Len=11 "<b>bold</b>"`},
	{40000, 8125, "hits:1|c", StatsD, Neither, false, "hits:1|c"},
	{40000, 3478, "\x7f\x1a\x00\x05hello", STUN, Neither, false, "ChannelData TURN Message"},
	{40000, 3478, "\x7f\x1a\x00\x05hello\x00\x00\x00", STUN, Neither, false, "ChannelData TURN Message"},
	{40000, 3478, "\x7f\x1a\x00\x05hello, and more", UDP, Unknown, false, "40000 → 3478 Len=19 7f1a000568656c6c6f2c20616e64206d…"},
	{40000, 4433, "\x8e" + quicServer[1:], QUIC, Request, true, "Initial + Handshake, DCID=43434343, SCID=5353535353535353"},
	{40000, 4434, "\x8e" + quicServer[1:], UDP, Unknown, false, "40000 → 4434 Len=51 8e000000010443434343085353535353…"},
	{137, 137, nbnsRegistration, NBNS, Request, true, "Registration NB NB<20>"},
	{137, 40000, nbnsAddress, NBNS, Reply, true, "Name query response NB 192.0.2.2"},
	{40000, 137, nbnsStatusQuery, NBNS, Request, true, "Name query NBSTAT *<00><00><00><00><00><00><00><00><00><00><00><00><00><00><00>"},
	{137, 137, strings.Replace(nbnsRegistration, "\x29\x10", "\x40\x10", 1), NBNS, Request, true, "Refresh NB NB<20>"},
	{40000, 162, snmpTrap, SNMP, Neither, false, "trap 1.3.6.1.4.1.8072.2.3.0.1"},
	{40000, 161, snmp3, SNMP, Request, true, "get-response 1.3.6.1.2.1.1.5.0"},
	{40000, 161, strings.Replace(snmp3, "\x04\x01\x01", "\x04\x01\x03", 1), SNMP, Request, true, "encryptedPDU"},
	{40000, 5683, "\x41\x01\xd1\xa4\x01\xb5async\x41" + "1", CoAP, Request, true, "CON, MID:53668, GET, TKN:01, /async?1"},
	{40000, 40001, "\x15\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x01\x00\x02ab", DTLS, Neither, false, "Encrypted Alert"},
	{40000, 69, "\x00\x01small\x00octet\x00tsize\x000\x00", TFTP, Request, false, "Read Request, File: small, Transfer type: octet, tsize=0"},
	{69, 40000, "\x00\x06blksize\x00512\x00tsize\x003\x00", TFTP, Neither, false, "Option Acknowledgement, blksize=512, tsize=3"},
	{69, 40000, "\x00\x05\x00\x01not found\x00", TFTP, Neither, false, "Error Code, Code: File not found, Message: not found"},
	{40000, 69, "\x00\x04\x00\x01", TFTP, Reply, true, "Acknowledgement, Block: 1"},
	{40000, 443, "\x38session!\x00\x00\x00\x00\x00", OpenVPN, Request, false, "MessageType: P_CONTROL_HARD_RESET_CLIENT_V2"},
	{40000, 443, "\x38session!\x00\x00\x00\x00\x01", UDP, Unknown, false, "40000 → 443 Len=14 3873657373696f6e210000000001"},
	{1194, 40000, "\x48\x00\x00\x00" + strings.Repeat("d", 20), OpenVPN, Neither, false, "MessageType: P_DATA_V2"},
	{40000, 1194, "hello", UDP, Unknown, false, `40000 → 1194 Len=5 "hello"`},
	{40000, 69, "\x00\x01boot.img\x00octet\x00", TFTP, Request, false, "Read Request, File: boot.img, Transfer type: octet"},
	{40000, 51820, initiate, WireGuard, Request, true, "Handshake Initiation, sender=0x12345678"},
	{9, 40000, respond, WireGuard, Reply, true, "Handshake Response, sender=0x00000001, receiver=0x12345678"},
	{40000, 40001, hello, DTLS, Request, false, "Client Hello"},
	{1813, 40000, accounted, RADIUS, Reply, true, "Accounting-Response id=7"},
	{500, 500, ikeInit, IKE, Request, true, "IKE_SA_INIT MID=00 Initiator Request"},
	{4500, 4500, ikeAnswer, IKE, Reply, true, "IKE_SA_INIT MID=00 Responder Response"},
	{4500, 4500, "\xff", ESP, Neither, false, "4500 → 4500 Len=1 ff"},
	{5004, 5004, "\x80\xe0\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03media", RTP, Neither, false, "PT=96, SSRC=0x3, Seq=1, Time=2, Mark"},
	{7000, 7001, "\x80\xc9\x00\x01\x00\x00\x00\x01\x81\xca\x00\x01\x00\x00\x00\x01", RTCP, Neither, false, "Receiver Report, Source description"},
}

func TestRead(t *testing.T) {
	for _, c := range readCases {
		p := udpPacket(c.src, c.dst, c.payload)
		var m Message
		Read(p, &m)
		info := string(AppendInfo(nil, p, &m))
		if m.Protocol != c.protocol || m.Kind != c.kind || m.HasIdentity != c.identity || info != c.info {
			t.Errorf("%d → %d %.30q:\ngot  %v %v identity %t %q\nwant %v %v identity %t %q", c.src, c.dst, c.payload,
				m.Protocol, m.Kind, m.HasIdentity, info, c.protocol, c.kind, c.identity, c.info)
		}
	}
}

// On a port of its own DNS has to be more than nearly right.
func TestNearlyDNS(t *testing.T) {
	for _, payload := range []string{
		dnsQuery + "\x00",
		dnsQuery[:len(dnsQuery)-1],
		strings.Replace(dnsQuery, "\x00\x01\x00\x00\x29", "\x00\x05\x00\x00\x29", 1), // a class that nobody uses
		strings.Replace(dnsQuery, "\x01\x00\x00\x01", "\x01\x40\x00\x01", 1),
		strings.Replace(dnsQuery, "\x00\x01\x00\x00", "\x00\x02\x00\x00", 1),
		strings.Replace(dnsQuery, "\x07example", "\x77example", 1),
	} {
		var m Message
		if Read(udpPacket(40000, 5335, payload), &m); m.Protocol != UDP {
			t.Errorf("%q is %v", payload, m.Protocol)
		}
	}
}

// What the details say of a few packets is what tshark -V says.
func TestFieldValues(t *testing.T) {
	for _, c := range []struct {
		src, dst    uint16
		payload     string
		name, value string
	}{
		{5683, 40000, "\x60\x45\xea\x91\x41\x01\x81\x28\xb1\x16\x52\x05\xdc\xff1", "Block2", "1, of 1024 bytes, more to come: no"},
		{5683, 40000, "\x60\x45\xea\x91\x41\x01\x81\x28\xb1\x16\x52\x05\xdc\xff1", "Size2", "1500"},
		{5683, 40000, "\x60\x45\xea\x91\x41\x01\x81\x28\xb1\x16\x52\x05\xdc\xff1", "Content-Format", "40"},
		{5683, 40000, "\x60\x45\xea\x91\x41\x01\x81\x28\xb1\x16\x52\x05\xdc\xff1", "ETag", "0x01"},
		{40000, 137, nbnsStatusQuery, "Type", "NBSTAT (33)"},
		{137, 137, nbnsRegistration, "Name", "NB<20>"},
		{137, 137, nbnsRegistration, "Operation", "Registration"},
		{137, 40000, nbnsAddress, "Data", "192.0.2.2"},
		{161, 40000, snmp3, "Message ID", "0x41ffdd9f"},
		{161, 40000, snmp3, "ID", "0x7312221a"},
		{40000, 3478, "\x7f\x1a\x00\x05hello", "Channel number", "0x7f1a"},
		{40000, 69, "\x00\x01small\x00octet\x00tsize\x000\x00", "Option tsize", "0"},
		{69, 40000, "\x00\x05\x00\x01not found\x00", "Message", "not found"},
		{1194, 40000, "\x48\x00\x00\x05" + strings.Repeat("d", 20), "Peer ID", "5"},
	} {
		p := udpPacket(c.src, c.dst, c.payload)
		var m Message
		Read(p, &m)
		fields := Fields(p, &m, 0)
		if !slices.ContainsFunc(fields, func(f wire.Field) bool { return f.Name == c.name && f.Value == c.value }) {
			t.Errorf("%v has no %s that is %q: %+v", m.Protocol, c.name, c.value, fields)
		}
	}
}
