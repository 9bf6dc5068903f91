package pair

import (
	"dgram"
	"dgram/wire"
	"dgram/wire/app"
)

// maxKin is among how many flows of one client those are looked for that a packet may belong to.
const maxKin = 16

// joinClient enters a flow among those of its client.
func (t *Tracker) joinClient(number uint32, f *flow) {
	if f.server == f.client {
		return
	}
	from, port := f.key.from(f.client)
	hash := t.endHash(from, port, f.key.protocol)
	f.marks |= joined
	if elder := t.youngest(from, port, f.key.protocol, hash); elder != 0 {
		f.elder = elder
		t.flows.at(elder).younger = number
		t.clients.replace(hash, elder, number)
		return
	}
	t.clients.add(hash, number)
}

func (t *Tracker) leaveClient(number uint32, f *flow) {
	if f.marks&joined == 0 {
		return
	}
	if f.elder != 0 {
		t.flows.at(f.elder).younger = f.younger
	}
	if f.younger != 0 {
		t.flows.at(f.younger).elder = f.elder
		return
	}
	from, port := f.key.from(f.client)
	hash := t.endHash(from, port, f.key.protocol)
	if f.elder != 0 {
		t.clients.replace(hash, number, f.elder)
	} else {
		t.clients.remove(hash, number)
	}
}

// youngest returns the flow that the client at an end began last.
func (t *Tracker) youngest(e end, port uint16, protocol uint8, hash uint32) uint32 {
	for number, place := t.clients.find(hash, t.clients.start(hash)); number != 0; number, place = t.clients.find(hash, place) {
		f := t.flows.at(number)
		if from, at := f.key.from(f.client); from == e && at == port && f.key.protocol == protocol {
			return number
		}
	}
	return 0
}

// findKin looks whether the first packet of f answers what its receiver has asked elsewhere.
func (t *Tracker) findKin(f *flow, p *wire.Packet, m *app.Message, d direction) {
	to, port := f.key.to(d)
	hash := t.endHash(to, port, f.key.protocol)
	number := t.youngest(to, port, f.key.protocol, hash)
	best := noKin
	for i := 0; number != 0 && i < maxKin; i++ {
		o := t.flows.at(number)
		if kin := t.kin(o, number, p, m, d, f); kin != noKin && (best == noKin || best == stranger && kin != stranger) {
			best = kin
			f.parent, f.parentHash = number, o.hash
		}
		number = o.elder
	}
	if f.kinship = best; best != noKin {
		f.server = d
	}
}

// kin says how p, which no flow has asked for, may answer what o has asked.
func (t *Tracker) kin(o *flow, number uint32, p *wire.Packet, m *app.Message, d direction, f *flow) kinship {
	asking := &o.sides[o.client]
	if asking.waiting == 0 {
		return noKin
	}
	asked, askedPort := o.key.to(o.client)
	from, fromPort := f.key.from(d)
	s := sight{p: p, m: m, identity: m.Identity}
	switch known := m.HasIdentity && t.same(&s, number, o, o.client, false) != 0; {
	case o.marks&toGroup != 0 && (known || !m.HasIdentity && (fromPort == askedPort || m.Protocol == o.protocol && m.Kind == app.Reply)):
		return member
	case o.protocol == app.TFTP && from == asked:
		return moved
	case known, !m.HasIdentity && o.marks&toGroup == 0 && (fromPort == askedPort || from == asked):
		return stranger
	}
	return noKin
}

// elsewhere takes a reply to what was asked in another flow, if there is one.
func (t *Tracker) elsewhere(s *sight) Note {
	if s.f.kinship == noKin || s.d != s.f.server {
		return t.unasked(s)
	}
	parent := t.flows.at(s.f.parent)
	if parent.marks&used == 0 || parent.hash != s.f.parentHash {
		s.f.kinship = noKin
		return t.unasked(s)
	}
	asking := &parent.sides[parent.client]
	number := uint32(0)
	switch {
	case s.m.HasIdentity:
		number = t.same(s, s.f.parent, parent, parent.client, false)
	case s.f.kinship == member:
		number = asking.waitingLast
	case asking.waiting != 0:
		number = t.foremost(asking.waiting)
	}
	if number == 0 {
		if known := s.f.latest(0); known.no != 0 {
			return again(s, known)
		}
		return t.unasked(s)
	}
	if s.f.kinship != stranger {
		return t.pair(s, number)
	}
	r := t.requests.at(number)
	s.f.remember(recent{r.no, identityHash(s), s.payload})
	return Note{Role: Stray, Fate: dgram.Stray, Re: r.no, RTT: duration(since(r, s))}
}
