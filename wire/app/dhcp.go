package app

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"dgram/wire"
)

// The fixed part of BOOTP and DHCP (RFC 2131, Section 2), and the cookie before the options.
const (
	dhcpFixed  = 236
	dhcpCookie = 0x63825363
)

var dhcpTypes = [...]string{"", "Discover", "Offer", "Request", "Decline", "ACK", "NAK", "Release", "Inform"}

func readDHCP(p *wire.Packet, m *Message) bool {
	b := p.Payload
	if len(b) < 44 || p.PayloadLength < dhcpFixed || b[0] != 1 && b[0] != 2 || b[2] > 16 {
		return false
	}
	if len(b) >= dhcpFixed+4 && be32(b[dhcpFixed:]) != dhcpCookie {
		return false
	}
	m.Kind = Request
	if b[0] == 2 {
		m.Kind = Reply
	}
	// A discovery and the request that follows may share their ID: what tells them apart is which type answers which.
	kind := dhcpType(b)
	switch kind {
	case 4, 7: // Decline and Release are not answered
		m.Kind = Neither
	}
	m.identify(uint64(be32(b[4:])), dhcpExchange(kind))
	return true
}

// dhcpExchange is 1 for Discover and Offer, 2 for what ACK and NAK answer, 0 for BOOTP.
func dhcpExchange(kind byte) uint64 {
	switch kind {
	case 1, 2:
		return 1
	case 3, 5, 6, 8:
		return 2
	}
	return 0
}

// dhcpType is the option "message type", or 0.
func dhcpType(b []byte) (kind byte) {
	eachDHCP(b, func(code byte, at, length int) bool {
		if code == 53 && length == 1 {
			kind = b[at]
		}
		return kind == 0
	})
	return kind
}

// eachDHCP calls do with each option until it has enough.
func eachDHCP(b []byte, do func(code byte, at, length int) bool) {
	for at := dhcpFixed + 4; at < len(b); {
		code := b[at]
		at++
		if code == 0 {
			continue
		}
		if code == 255 || at >= len(b) || at+1+int(b[at]) > len(b) || !do(code, at+1, int(b[at])) {
			return
		}
		at += 1 + int(b[at])
	}
}

func dhcpInfo(line []byte, p *wire.Packet) []byte {
	b := p.Payload
	if kind := dhcpType(b); kind != 0 && int(kind) < len(dhcpTypes) {
		line = fmt.Appendf(line, "DHCP %s", dhcpTypes[kind])
	} else if b[0] == 1 {
		line = append(line, "Boot Request"...)
	} else {
		line = append(line, "Boot Reply"...)
	}
	return append0x(append(line, " - Transaction ID "...), uint64(be32(b[4:])), 8)
}

var dhcpOptions = map[byte]string{1: "Subnet mask", 3: "Router", 6: "Domain name server", 12: "Host name", 15: "Domain name", 28: "Broadcast address",
	42: "NTP server", 50: "Requested IP address", 51: "Lease time", 53: "Message type", 54: "Server identifier", 55: "Parameters wanted",
	56: "Message", 57: "Maximum message size", 58: "Renewal time", 59: "Rebinding time", 60: "Vendor class", 61: "Client identifier",
	81: "Client's full name", 82: "Relay agent"}

func dhcpFields(f *fields, b []byte) {
	operation := "request"
	if b[0] == 2 {
		operation = "reply"
	}
	f.add(1, "Operation", operation, 0, 1)
	f.uint(1, "Hardware type", 1, 1)
	f.uint(1, "Hops", 3, 1)
	f.hex(1, "Transaction ID", 4, 4)
	f.uint(1, "Seconds", 8, 2)
	f.hex(1, "Flags", 10, 2)
	for i, name := range [...]string{"Client IP address", "Your IP address", "Next server IP address", "Relay agent IP address"} {
		f.add(1, name, netip.AddrFrom4([4]byte(b[12+4*i:])).String(), 12+4*i, 4)
	}
	f.add(1, "Client hardware address", net.HardwareAddr(b[28:28+b[2]]).String(), 28, int(b[2]))
	eachDHCP(b, func(code byte, at, length int) bool {
		name, ok := dhcpOptions[code]
		if !ok {
			name = fmt.Sprintf("Option %d", code)
		}
		f.add(1, name, dhcpValue(code, b[at:at+length]), at-2, length+2)
		return !f.full()
	})
}

func dhcpValue(code byte, v []byte) string {
	switch code {
	case 1, 3, 6, 28, 42, 50, 54:
		var addresses []string
		for ; len(v) >= 4; v = v[4:] {
			addresses = append(addresses, netip.AddrFrom4([4]byte(v)).String())
		}
		return strings.Join(addresses, ", ")
	case 12, 15, 56, 60:
		return string(v)
	case 51, 58, 59:
		if len(v) == 4 {
			return fmt.Sprintf("%d s", be32(v))
		}
	case 53:
		if len(v) == 1 && int(v[0]) < len(dhcpTypes) {
			return fmt.Sprintf("%s (%d)", dhcpTypes[v[0]], v[0])
		}
	}
	return string(appendHex(nil, v, 32))
}

// The message types of DHCPv6 (RFC 8415, Section 7.3).
var dhcpv6Types = [...]string{"", "Solicit", "Advertise", "Request", "Confirm", "Renew", "Rebind", "Reply", "Release", "Decline",
	"Reconfigure", "Information-request", "Relay-forward", "Relay-reply"}

func readDHCPv6(p *wire.Packet, m *Message) bool {
	b := p.Payload
	if len(b) < 4 || b[0] == 0 || int(b[0]) >= len(dhcpv6Types) {
		return false
	}
	switch b[0] {
	case 12, 13: // relayed: hops and addresses, no ID
		m.Kind = Request
		if b[0] == 13 {
			m.Kind = Reply
		}
		return len(b) >= 34
	case 2, 7:
		m.Kind = Reply
	case 10:
		m.Kind = Neither
	default:
		m.Kind = Request
	}
	if len(b) < 8 && !cut(p) || len(b) >= 8 && int(be16(b[6:])) > p.PayloadLength-8 {
		return false // options are never missing, and the first one has to fit
	}
	m.identify(uint64(be32(b)&0xffffff), 0)
	return true
}

func dhcpv6Info(line []byte, p *wire.Packet) []byte {
	b := p.Payload
	line = append(line, dhcpv6Types[b[0]]...)
	if b[0] < 12 {
		line = append0x(append(line, " XID: "...), uint64(be32(b)&0xffffff), 6)
	}
	return line
}

func dhcpv6Fields(f *fields, b []byte) {
	f.add(1, "Message type", fmt.Sprintf("%s (%d)", dhcpv6Types[b[0]], b[0]), 0, 1)
	at := 4
	if b[0] >= 12 {
		f.uint(1, "Hops", 1, 1)
		f.add(1, "Link address", netip.AddrFrom16([16]byte(b[2:])).String(), 2, 16)
		f.add(1, "Peer address", netip.AddrFrom16([16]byte(b[18:])).String(), 18, 16)
		at = 34
	} else {
		f.hex(1, "Transaction ID", 1, 3)
	}
	for at+4 <= len(b) && !f.full() {
		length := int(be16(b[at+2:]))
		if at+4+length > len(b) {
			return
		}
		f.add(1, fmt.Sprintf("Option %d", be16(b[at:])), string(appendHex(nil, b[at+4:at+4+length], 32)), at, 4+length)
		at += 4 + length
	}
}
