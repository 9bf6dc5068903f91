package pair

import (
	"dgram"
	"dgram/wire"
)

// report takes an ICMP error: it settles the request that it quotes.
func (t *Tracker) report(p *wire.Packet) Note {
	fate := reported(p)
	if fate == dgram.Undecided {
		t.counts.others++
		return Note{}
	}
	q := &p.Quoted
	k, d := orderedKey(endOf(q.Src), endOf(q.Dst), q.SrcPort, q.DstPort, q.Protocol)
	number := t.lookUp(&k, t.hash(&k))
	if number == 0 {
		return t.role(Note{Role: Refusal, Fate: fate})
	}
	f := t.flows.at(number)
	mine := &f.sides[d]
	f.marks |= heard
	f.marks &^= oneWay
	n := Note{Role: Refusal, Fate: fate, Re: mine.lastNo}
	s := sight{p: p}
	switch failed := t.quoted(mine, p); {
	case failed == 0:
		f.countRefused()
	case t.requests.at(failed).marks&gaveUp != 0:
		r := t.requests.at(failed)
		n.Re, n.RTT = r.no, duration(since(r, &s))
		t.forget(failed)
	default:
		r := t.requests.at(failed)
		rtt := since(r, &s)
		n.Re, n.RTT = r.no, duration(rtt)
		t.settle(failed, fate, p.No, rtt)
	}
	return t.role(n)
}

// reported is the fate that an ICMP error gives; Undecided: it takes nothing away from what it quotes (a redirect).
func reported(p *wire.Packet) dgram.Fate {
	if p.Version == 6 { // RFC 4443, Section 3
		switch {
		case p.ICMPType == 1 && p.ICMPCode == 4:
			return dgram.Refused
		case 1 <= p.ICMPType && p.ICMPType <= 4:
			return dgram.Unreachable
		}
		return dgram.Undecided
	}
	switch { // RFC 792
	case p.ICMPType == 3 && p.ICMPCode == 3:
		return dgram.Refused
	case p.ICMPType == 3, p.ICMPType == 11, p.ICMPType == 12:
		return dgram.Unreachable
	}
	return dgram.Undecided
}

// maxQuoted is among how many requests the quoted one is looked for.
const maxQuoted = 64

// quoted finds the request that an error is about: the one with the quoted checksum and length, else the oldest that
// waits, else the one that was given up last.
func (t *Tracker) quoted(mine *side, p *wire.Packet) uint32 {
	if udp := quotedHeader(p); udp != nil {
		sum := quotedSum(udp)
		number := mine.waitingLast
		for i := 0; number != 0 && i < maxQuoted; i++ {
			r := t.requests.at(number)
			if r.sum == sum {
				return number
			}
			number = r.prev
		}
	}
	if mine.waiting != 0 {
		return mine.waiting
	}
	return mine.givenUp
}

// quotedHeader is the UDP header that an error quotes; nil: it is not there.
func quotedHeader(p *wire.Packet) []byte {
	b := p.Payload
	at := 40
	switch {
	case len(b) == 0 || p.Quoted.SrcPort == 0:
		return nil
	case p.Version == 4:
		at = int(b[0]&15) * 4
	case len(b) > 6 && b[6] != p.Quoted.Protocol: // extension headers
		return nil
	}
	if len(b) < at+8 {
		return nil
	}
	return b[at : at+8]
}
