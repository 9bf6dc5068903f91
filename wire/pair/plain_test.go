package pair

import (
	"bytes"
	"slices"
	"strings"

	"dgram"
	"dgram/wire"
	"dgram/wire/app"
)

// A plain tracker does what doc.go says with a map and lists, for flows between two ends that talk to nobody else. It
// forgets nothing and compares the bytes themselves.
type plain struct {
	timeout int64
	now     int64
	flows   map[wire.Flow]*plainFlow
	settled []Settled
	hash    func(*wire.Packet) uint16 // by which a datagram is known as new; the tracker keeps no more of it
}

type plainFlow struct {
	server  wire.Flow // as the server sends
	open    []*plainRequest
	done    []*plainRequest // the last four that were answered
	sent    map[wire.Flow]int
	novel   map[wire.Flow]int
	last    map[wire.Flow]uint16
	began   int64
	minRTT  int64
	oneWay  bool
	echoing bool
}

type plainRequest struct {
	no, first  uint64
	time       int64
	flow       wire.Flow
	identity   app.Identity
	identified bool
	payload    string
	attempt    uint32
	gaveUp     bool
	doubtful   bool
	reply      string
}

func newPlain(c Config) *plain {
	c.fill()
	return &plain{timeout: int64(c.Timeout), flows: map[wire.Flow]*plainFlow{}}
}

func (t *plain) add(p *wire.Packet, m *app.Message) Note {
	t.tick(p.Time)
	f := t.flow(p, m)
	f.sent[p.Flow()]++
	heard := f.sent[p.Flow().Reverse()] > 0
	if heard {
		f.oneWay = false
	}
	if f.oneWay && m.Kind == app.Unknown {
		return Note{Role: OneWay, Fate: dgram.Ignored}
	}
	if m.Kind == app.Request || m.Kind == app.Unknown && p.Flow() != f.server {
		return t.ask(f, p, m, heard)
	}
	return t.answer(f, p, m, heard)
}

func (t *plain) tick(now int64) {
	t.now = max(now, t.now)
	for _, f := range t.flows {
		for _, r := range slices.Clone(f.open) {
			switch {
			case r.gaveUp || t.now-r.time < t.timeout:
			case r.doubtful && f.novel[r.flow] >= oneWayAfter && f.sent[r.flow.Reverse()] == 0:
				t.becomeOneWay(f, r.flow)
				t.tick(now) // what is left
				return
			default:
				r.gaveUp = true
				t.settle(r, dgram.Silent, 0)
			}
		}
	}
}

func (t *plain) becomeOneWay(f *plainFlow, key wire.Flow) {
	f.oneWay = true
	f.open = slices.DeleteFunc(f.open, func(r *plainRequest) bool {
		if r.doubtful && !r.gaveUp && r.flow == key {
			t.settle(r, dgram.Ignored, 0)
		}
		return r.doubtful && r.flow == key
	})
}

func (t *plain) settle(r *plainRequest, fate dgram.Fate, by uint64) {
	e := Settled{No: r.no, Fate: fate, By: by}
	if by != 0 {
		e.RTT = duration(t.now - r.time)
	}
	t.settled = append(t.settled, e)
}

func (t *plain) flow(p *wire.Packet, m *app.Message) *plainFlow {
	key := p.Flow()
	if f := t.flows[key.Reverse()]; f != nil {
		return f
	}
	f := t.flows[key]
	if f == nil {
		f = &plainFlow{began: p.Time, server: key.Reverse(), sent: map[wire.Flow]int{}, novel: map[wire.Flow]int{}, last: map[wire.Flow]uint16{}}
		if m.Kind == app.Reply || p.SrcPort < 1024 && p.DstPort >= 1024 {
			f.server = key
		}
		t.flows[key] = f
	}
	return f
}

// tells says whether this is a flow where somebody only tells, as far as is known.
func (t *plain) tells(f *plainFlow, p *wire.Packet, heard bool) bool {
	if heard {
		return false
	}
	key := p.Flow()
	hash := t.hash(p)
	if last, any := f.last[key]; !any || last != hash {
		f.novel[key]++
		f.last[key] = hash
	}
	if f.novel[key] >= oneWayAfter && t.now-f.began >= t.timeout {
		t.becomeOneWay(f, key)
	}
	return true
}

func (t *plain) ask(f *plainFlow, p *wire.Packet, m *app.Message, heard bool) Note {
	r := &plainRequest{no: p.No, first: p.No, time: p.Time, flow: p.Flow(), identity: m.Identity, identified: m.HasIdentity,
		payload: string(p.Payload), attempt: 1}
	if m.Kind == app.Unknown && t.tells(f, p, heard) {
		if f.oneWay {
			return Note{Role: OneWay, Fate: dgram.Ignored}
		}
		r.doubtful = true
	}
	for _, o := range slices.Backward(f.open) {
		if !o.same(r.flow, m, p) {
			continue
		}
		wait := int64(1e6)
		if f.minRTT > 0 {
			wait = 2 * f.minRTT
		}
		if m.HasIdentity || p.Time-o.time >= wait {
			r.first, r.attempt = o.first, min(o.attempt+1, 255)
		}
		break
	}
	if r.attempt == 1 && m.HasIdentity {
		for _, o := range f.done {
			if o.flow == r.flow && o.identified && o.identity == r.identity {
				r.first, r.attempt = o.no, 2
			}
		}
	}
	f.open = append(f.open, r)
	if r.attempt > 1 {
		return Note{Role: Retry, Fate: dgram.Pending, Re: r.first, Count: r.attempt}
	}
	return Note{Role: Request, Fate: dgram.Pending, Count: 1}
}

// same says whether o is the request that p, into flow, asks again.
func (o *plainRequest) same(flow wire.Flow, m *app.Message, p *wire.Packet) bool {
	if o.flow != flow || o.identified != m.HasIdentity {
		return false
	}
	return o.identified && o.identity == m.Identity || !o.identified && o.payload == string(p.Payload)
}

func (t *plain) answer(f *plainFlow, p *wire.Packet, m *app.Message, heard bool) Note {
	asked := p.Flow().Reverse()
	known := func(r *plainRequest) bool {
		return m.HasIdentity && r.identified && r.identity == m.Identity ||
			!m.HasIdentity && !r.identified && folded(r.payload) == folded(string(p.Payload))
	}
	find := func(gaveUp bool, want func(*plainRequest) bool) *plainRequest {
		var best *plainRequest
		for _, r := range f.open {
			if r.flow == asked && r.gaveUp == gaveUp && want(r) && (best == nil || r.first < best.first || r.first == best.first && r.no > best.no) {
				best = r
			}
		}
		return best
	}
	any := func(*plainRequest) bool { return true }
	repeated := func() *plainRequest {
		for _, r := range slices.Backward(f.done) {
			if r.reply == string(p.Payload) {
				return r
			}
		}
		return nil
	}
	if r := find(false, known); r != nil {
		f.echoing = f.echoing || !m.HasIdentity
		return t.pair(f, r, p)
	}
	if m.HasIdentity {
		for _, r := range slices.Backward(f.done) {
			if r.identified && r.identity == m.Identity {
				return again(&sight{payload: hashless(r, p)}, &recent{no: r.no, reply: 1})
			}
		}
		if r := find(true, known); r != nil {
			return t.late(f, r, p)
		}
		return Note{Role: Unasked}
	}
	if f.echoing {
		if r := repeated(); r != nil {
			return Note{Role: Duplicate, Fate: dgram.Duplicate, Re: r.no}
		}
		if r := find(true, known); r != nil {
			return t.late(f, r, p)
		}
	}
	if i := slices.IndexFunc(f.open, func(r *plainRequest) bool { return r.flow == asked && !r.gaveUp }); i >= 0 {
		r := f.open[i]
		for _, o := range f.open {
			if o.flow == asked && !o.gaveUp && o.first == find(false, func(x *plainRequest) bool { return x.equal(r) }).first && o.equal(r) && o.no >= r.no {
				r = o
			}
		}
		return t.pair(f, r, p)
	}
	if r := repeated(); r != nil {
		return Note{Role: Duplicate, Fate: dgram.Duplicate, Re: r.no}
	}
	var latest *plainRequest
	for _, r := range f.open {
		if r.flow == asked && any(r) {
			latest = r
		}
	}
	if latest != nil {
		return t.late(f, latest, p)
	}
	if n := len(f.done); n > 0 {
		f.done[n-1].reply = string(p.Payload)
		return Note{Role: Further, Fate: dgram.Matched, Re: f.done[n-1].no}
	}
	if t.tells(f, p, heard) && f.oneWay {
		return Note{Role: OneWay, Fate: dgram.Ignored}
	}
	return Note{Role: Unasked}
}

func (o *plainRequest) equal(r *plainRequest) bool {
	return o.identified == r.identified && (o.identified && o.identity == r.identity || !o.identified && o.payload == r.payload)
}

// hashless is 1 where p repeats the reply to r, and notes the reply where not.
func hashless(r *plainRequest, p *wire.Packet) uint32 {
	if r.reply == string(p.Payload) {
		return 1
	}
	r.reply = string(p.Payload)
	return 2
}

func (t *plain) pair(f *plainFlow, r *plainRequest, p *wire.Packet) Note {
	f.open = slices.DeleteFunc(f.open, func(o *plainRequest) bool {
		if o != r && o.flow == r.flow && o.first == r.first && o.equal(r) && !o.gaveUp {
			t.settle(o, dgram.Superseded, p.No)
			return true
		}
		return o == r
	})
	t.settle(r, dgram.Answered, p.No)
	rtt := p.Time - r.time
	if r.attempt == 1 && (f.minRTT == 0 || rtt < f.minRTT) {
		f.minRTT = max(rtt, 1)
	}
	f.finish(r, p)
	return Note{Role: Reply, Fate: dgram.Matched, Re: r.no, RTT: duration(rtt), Count: 1, Ambiguous: r.attempt > 1}
}

func (t *plain) late(f *plainFlow, r *plainRequest, p *wire.Packet) Note {
	f.open = slices.DeleteFunc(f.open, func(o *plainRequest) bool { return o == r })
	f.finish(r, p)
	return Note{Role: Late, Fate: dgram.Late, Re: r.no, RTT: duration(p.Time - r.time), Count: 1, Ambiguous: r.attempt > 1}
}

func (f *plainFlow) finish(r *plainRequest, p *wire.Packet) {
	r.reply = string(p.Payload)
	f.done = append(f.done, r)
	f.done = f.done[max(0, len(f.done)-4):]
}

func folded(s string) string { return strings.ToLower(string(bytes.Clone([]byte(s)))) }
