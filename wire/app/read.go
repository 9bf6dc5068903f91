package app

import (
	"encoding/binary"

	"dgram/wire"
)

// The numbers of IP protocols (https://www.iana.org/assignments/protocol-numbers) that have a name here.
const (
	ipICMP    = 1
	ipIGMP    = 2
	ipTCP     = 6
	ipUDP     = 17
	ipICMPv6  = 58
	ipUDPLite = 136

	etherARP = 0x0806
)

// Read says what p is. It allocates nothing and keeps nothing of p. The ports are a hint only: the payload has to look
// like what usually goes there, and some protocols are recognised by their looks on any port.
func Read(p *wire.Packet, m *Message) {
	*m = Message{}
	switch {
	case p.Version == 0:
		m.Protocol = withoutIP(p)
	case p.Fragment:
		m.Protocol = versioned(p, IPv4, IPv6)
	case p.Protocol == ipUDP || p.Protocol == ipUDPLite:
		readUDP(p, m)
	case p.Protocol == ipICMP || p.Protocol == ipICMPv6:
		readICMP(p, m)
	case p.Protocol == ipTCP:
		m.Protocol = TCP
	case p.Protocol == ipIGMP:
		m.Protocol = IGMP
	default:
		m.Protocol = versioned(p, IPv4, IPv6)
	}
}

func withoutIP(p *wire.Packet) Protocol {
	switch {
	case p.Link == wire.LinkUpperPDU:
		return Unix
	case p.EtherType == etherARP:
		return ARP
	}
	return Unread
}

func versioned(p *wire.Packet, v4, v6 Protocol) Protocol {
	if p.Version == 6 {
		return v6
	}
	return v4
}

func readUDP(p *wire.Packet, m *Message) {
	if p.HasPorts && len(p.Payload) > 0 {
		at := portProtocol(p.DstPort)
		if at != UDP && m.is(at, p) {
			return
		}
		if from := portProtocol(p.SrcPort); from != UDP && from != at && m.is(from, p) {
			return
		}
		if readByShape(p, m) {
			return
		}
	}
	*m = Message{Protocol: UDP}
	if p.Protocol == ipUDPLite {
		m.Protocol = UDPLite
	}
}

// is reads the payload as one of protocol, and says whether it can be one.
func (m *Message) is(protocol Protocol, p *wire.Packet) bool {
	*m = Message{Protocol: protocol}
	return readAs(protocol, p, m)
}

// portProtocol is what usually speaks on a port; UDP: nothing that is known here
// (https://www.iana.org/assignments/service-names-port-numbers).
func portProtocol(port uint16) Protocol {
	switch port {
	case 53:
		return DNS
	case 67, 68:
		return DHCP
	case 69:
		return TFTP
	case 123:
		return NTP
	case 137:
		return NBNS
	case 161, 162:
		return SNMP
	case 443, 4433, 8443:
		return QUIC
	case 500, 4500:
		return IKE
	case 514, 1514, 5514:
		return Syslog
	case 546, 547:
		return DHCPv6
	case 1645, 1646, 1812, 1813, 3799:
		return RADIUS
	case 1194:
		return OpenVPN
	case 1900:
		return SSDP
	case 3478:
		return STUN
	case 5004:
		return RTP
	case 5005:
		return RTCP
	case 5060:
		return SIP
	case 5353:
		return MDNS
	case 5355:
		return LLMNR
	case 5683:
		return CoAP
	case 8125:
		return StatsD
	case 51820:
		return WireGuard
	}
	return UDP
}

// Serves says that a service is known to listen on port: a port below 1024, or the usual one of the protocol that is spoken.
// Whoever else takes part in the flow is its client.
func (p Protocol) Serves(port uint16) bool {
	return port != 0 && port < 1024 || p != UDP && portProtocol(port) == p
}

func readAs(protocol Protocol, p *wire.Packet, m *Message) bool {
	switch protocol {
	case DNS, MDNS, LLMNR, NBNS:
		return readDNS(p, m)
	case DHCP:
		return readDHCP(p, m)
	case DHCPv6:
		return readDHCPv6(p, m)
	case NTP:
		return readNTP(p, m)
	case STUN:
		return readSTUN(p, m)
	case QUIC:
		return readQUIC(p, m)
	case WireGuard:
		return readWireGuard(p, m)
	case IKE:
		return readIKE(p, m)
	case CoAP:
		return readCoAP(p, m)
	case SNMP:
		return readSNMP(p, m)
	case RADIUS:
		return readRADIUS(p, m)
	case SIP:
		return readSIP(p, m)
	case SSDP:
		return readSSDP(p, m)
	case Syslog:
		return readSyslog(p, m)
	case StatsD:
		return readStatsD(p, m)
	case TFTP:
		return readTFTP(p, m)
	case RTP:
		return readRTP(p, m)
	case RTCP:
		return readRTCP(p, m)
	case OpenVPN:
		return readOpenVPN(p, m)
	}
	return false
}

// readByShape recognises what can hardly be anything else, on whatever port.
func readByShape(p *wire.Packet, m *Message) bool {
	return readByFirstByte(p, m) || isPlainDNS(p) && m.is(DNS, p)
}

func readByFirstByte(p *wire.Packet, m *Message) bool {
	b := p.Payload
	switch first := b[0]; {
	case first <= 4:
		return isSTUN(b) && m.is(STUN, p) || isHandshakeOfWireGuard(p) && m.is(WireGuard, p)
	case first < 0x40 && isSTUN(b):
		return m.is(STUN, p)
	case 20 <= first && first <= 26 && len(b) > 1 && b[1] == 0xfe:
		*m = Message{Protocol: DTLS}
		return readDTLS(p, m)
	case first == openvpnClientReset2<<3:
		return isOpenVPN(p) && m.is(OpenVPN, p)
	case first == '<':
		return m.is(Syslog, p)
	case 'A' <= first && first <= 'Z':
		return m.is(SIP, p) || m.is(SSDP, p)
	case first >= 0xc0:
		return isLongHeader(b) && m.is(QUIC, p)
	case first&0xc0 == 0x80:
		return m.is(RTCP, p) || isLongHeader(b) && m.is(QUIC, p)
	}
	return false
}

// cut says that the capture kept only a part of the payload.
func cut(p *wire.Packet) bool { return len(p.Payload) < p.PayloadLength }

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
func be64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }
