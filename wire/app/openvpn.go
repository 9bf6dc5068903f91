package app

import (
	"fmt"

	"dgram/wire"
)

// The messages of OpenVPN (its doc/doxygen/doc_protocol_overview.h): five bits say which, three which key.
const (
	openvpnClientReset2 = 7
	openvpnServerReset2 = 8
	openvpnData2        = 9
	openvpnClientReset3 = 10
)

var openvpnTypes = [...]string{1: "P_CONTROL_HARD_RESET_CLIENT_V1", 2: "P_CONTROL_HARD_RESET_SERVER_V1", 3: "P_CONTROL_SOFT_RESET_V1",
	4: "P_CONTROL_V1", 5: "P_ACK_V1", 6: "P_DATA_V1", 7: "P_CONTROL_HARD_RESET_CLIENT_V2", 8: "P_CONTROL_HARD_RESET_SERVER_V2", 9: "P_DATA_V2",
	10: "P_CONTROL_HARD_RESET_CLIENT_V3", 11: "P_CONTROL_WKC_V1"}

// isOpenVPN recognises how a client without keys beforehand begins, on any port: key 0, a session's ID, nothing acknowledged,
// packet 0.
func isOpenVPN(p *wire.Packet) bool {
	b := p.Payload
	return len(b) == 14 && p.PayloadLength == 14 && b[0] == openvpnClientReset2<<3 && be64(b[1:]) != 0 && b[9] == 0 && be32(b[10:]) == 0
}

func readOpenVPN(p *wire.Packet, m *Message) bool {
	b := p.Payload
	kind, least := int(b[0]>>3), 14
	if kind == 0 || kind >= len(openvpnTypes) {
		return false
	}
	m.Kind, m.Session = Neither, true
	switch kind {
	case 1, openvpnClientReset2, openvpnClientReset3:
		m.Kind = Request
	case 2, openvpnServerReset2:
		m.Kind = Reply
	case 6, openvpnData2:
		least = 17 // an ID and what makes it authentic
	}
	return p.PayloadLength >= least
}

func openvpnInfo(line []byte, p *wire.Packet) []byte {
	return append(append(line, "MessageType: "...), openvpnTypes[p.Payload[0]>>3]...)
}

func openvpnFields(f *fields, b []byte) {
	f.add(1, "Type", fmt.Sprintf("%s (%d)", openvpnTypes[b[0]>>3], b[0]>>3), 0, 1)
	f.add(1, "Key ID", fmt.Sprint(b[0]&7), 0, 1)
	switch kind := b[0] >> 3; {
	case kind == openvpnData2:
		f.uint(1, "Peer ID", 1, 3)
	case kind != 6:
		f.hex(1, "Session ID", 1, 8)
	}
}
