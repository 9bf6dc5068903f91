package app

import "dgram/wire"

// Correct looks again at what Read said of p, knowing what its flow has been found to speak before: a transfer of TFTP has no
// port of its own, most of QUIC says nothing of itself, and what looks like QUIC is none where a flow began as something else.
// The bytes still have to bear it out.
func Correct(p *wire.Packet, m *Message, spoken Protocol) {
	if !p.HasPorts || len(p.Payload) == 0 || p.Protocol != ipUDP {
		return
	}
	if m.Protocol == QUIC && p.Payload[0] < 0x80 && (spoken == UDP || spoken == OpenVPN) {
		*m = Message{Protocol: UDP}
	}
	switch {
	case m.Protocol != UDP:
	case spoken == QUIC && isShortHeader(p):
		*m = Message{Protocol: QUIC, Kind: Neither, Session: true}
	case spoken == QUIC, spoken == TFTP, spoken == STUN, spoken == OpenVPN:
		if !m.is(spoken, p) {
			*m = Message{Protocol: UDP}
		}
	}
}
