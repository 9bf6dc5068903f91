package pair

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"dgram"
	"dgram/wire/app"
)

// maxProtocols is more than app knows.
const maxProtocols = 64

// counts are what is counted as packets come by.
type counts struct {
	packets, bytes, others      uint64
	flows, evicted, oneWayFlows uint64
	pairs                       uint64
	roles                       [numRoles]uint64
	fates                       [dgram.NumFates]uint64
	protocols                   [maxProtocols]uint64
}

// The histogram holds 1 ns to 300 s, which no flow is idle for longer, in steps of at most 0.1 %.
func newHistogram() *hdr.Histogram { return hdr.New(1, int64(300*time.Second), 3) }

func (t *Tracker) record(rtt int64) {
	if t.rtt.RecordValue(max(rtt, 1)) != nil {
		_ = t.rtt.RecordValue(t.rtt.HighestTrackableValue()) // a longer one is at least that
	}
}

// A Summary is the account of a capture. It balances:
//
//	requests + retries = answered + superseded + refused + unreachable + silent + no_reply + forgotten + pending
type Summary struct {
	Packets   uint64        `json:"packets"`
	Bytes     uint64        `json:"bytes"`      // on the wire, all headers included
	ElapsedNS time.Duration `json:"elapsed_ns"` // from the first packet to the last
	Other     uint64        `json:"other,omitempty"`
	Flows     uint64        `json:"flows"`
	OneWay    uint64        `json:"one_way_flows,omitempty"`
	Evicted   uint64        `json:"evicted_flows,omitempty"` // forgotten while they were going on, for want of room

	Requests    uint64 `json:"requests"`
	Retries     uint64 `json:"retries,omitempty"`
	Answered    uint64 `json:"answered"`
	Superseded  uint64 `json:"superseded,omitempty"` // another attempt was answered
	Refused     uint64 `json:"refused,omitempty"`
	Unreachable uint64 `json:"unreachable,omitempty"`
	Silent      uint64 `json:"silent,omitempty"`    // lost: nobody answered in time
	NoReply     uint64 `json:"no_reply,omitempty"`  // nobody answered, and perhaps nobody was meant to
	Forgotten   uint64 `json:"forgotten,omitempty"` // for want of room
	Pending     uint64 `json:"pending,omitempty"`   // when the capture ended

	Replies    uint64 `json:"replies"`
	Further    uint64 `json:"further,omitempty"`
	Duplicate  uint64 `json:"duplicate,omitempty"`
	Late       uint64 `json:"late,omitempty"` // their requests are among the silent
	Stray      uint64 `json:"stray,omitempty"`
	Unasked    uint64 `json:"unasked,omitempty"`
	Refusals   uint64 `json:"refusals,omitempty"` // ICMP errors
	OneWayData uint64 `json:"one_way,omitempty"`  // packets of one-way flows
	Data       uint64 `json:"data,omitempty"`

	RTT       RoundTrips        `json:"rtt,omitzero"`
	Protocols map[string]uint64 `json:"protocols,omitempty"` // packets

	MostPackets []FlowSummary `json:"most_packets,omitempty"`
	MostBytes   []FlowSummary `json:"most_bytes,omitempty"`
	Slowest     []FlowSummary `json:"slowest,omitempty"` // by their longest round trip
}

// RoundTrips is how long replies took, of those where it is known which attempt they answer.
type RoundTrips struct {
	Count int64         `json:"count"`
	Min   time.Duration `json:"min_ns"`
	Mean  time.Duration `json:"mean_ns"`
	P50   time.Duration `json:"p50_ns"`
	P90   time.Duration `json:"p90_ns"`
	P99   time.Duration `json:"p99_ns"`
	P999  time.Duration `json:"p999_ns"`
	Max   time.Duration `json:"max_ns"`
}

// A FlowSummary is one of the flows that stand out.
type FlowSummary struct {
	Protocol app.Protocol  `json:"protocol"`
	Client   string        `json:"client"` // who spoke first
	Server   string        `json:"server"`
	Packets  uint64        `json:"packets"`
	Bytes    uint64        `json:"bytes"`
	Pairs    uint64        `json:"pairs,omitempty"`
	Silent   uint64        `json:"silent,omitempty"`
	Refused  uint64        `json:"refused,omitempty"` // and unreachable
	MaxRTT   time.Duration `json:"max_rtt_ns,omitempty"`
	OneWay   bool          `json:"one_way,omitempty"`
}

// Summary returns the account as it stands. It goes through all flows that are going on.
func (t *Tracker) Summary() Summary {
	c := &t.counts
	s := Summary{
		Packets: c.packets, Bytes: c.bytes, ElapsedNS: duration(max(t.now-t.first, 0)), Other: c.others, Flows: c.flows,
		OneWay: c.oneWayFlows, Evicted: c.evicted,
		Requests: c.roles[Request], Retries: c.roles[Retry], Answered: c.fates[dgram.Answered], Superseded: c.fates[dgram.Superseded],
		Refused: c.fates[dgram.Refused], Unreachable: c.fates[dgram.Unreachable], Silent: c.fates[dgram.Silent], NoReply: c.fates[dgram.Ignored],
		Forgotten: c.fates[dgram.Undecided], Replies: c.roles[Reply], Further: c.roles[Further], Duplicate: c.roles[Duplicate],
		Late: c.roles[Late], Stray: c.roles[Stray], Unasked: c.roles[Unasked], Refusals: c.roles[Refusal], OneWayData: c.roles[OneWay],
		Data: c.roles[Data], RTT: t.roundTrips(), Protocols: map[string]uint64{},
	}
	for number := t.waiting.oldest; number != 0; {
		r := t.requests.at(number)
		if r.marks&answered == 0 {
			s.Pending++
		}
		number = r.newer
	}
	for p, n := range c.protocols {
		if n > 0 {
			s.Protocols[app.Protocol(p).String()] = n
		}
	}
	top := t.history.clone()
	for number := uint32(1); number <= t.flows.next; number++ {
		if f := t.flows.at(number); f.marks&used != 0 {
			top.add(f)
			if f.marks&oneWay != 0 {
				s.OneWay++
			}
		}
	}
	s.MostPackets, s.MostBytes, s.Slowest = top.packets, top.bytes, top.slowest
	return s
}

func (t *Tracker) roundTrips() RoundTrips {
	h := t.rtt
	if h.TotalCount() == 0 {
		return RoundTrips{}
	}
	at := func(q float64) time.Duration { return duration(h.ValueAtQuantile(q)) }
	return RoundTrips{Count: h.TotalCount(), Min: duration(h.Min()), Mean: duration(int64(h.Mean())), P50: at(50), P90: at(90),
		P99: at(99), P999: at(99.9), Max: duration(h.Max())}
}

// tops are the flows that stand out.
type tops struct{ packets, bytes, slowest []FlowSummary }

const topFlows = 10

func (t *tops) clone() tops {
	return tops{slices.Clone(t.packets), slices.Clone(t.bytes), slices.Clone(t.slowest)}
}

// add takes a flow among those that stand out, if it does.
func (t *tops) add(f *flow) {
	packets, bytes := f.sides[0].packets+f.sides[1].packets, f.sides[0].bytes+f.sides[1].bytes
	rank(&t.packets, f, packets, func(s *FlowSummary) uint64 { return s.Packets })
	rank(&t.bytes, f, bytes, func(s *FlowSummary) uint64 { return s.Bytes })
	if f.maxRTT > 0 {
		rank(&t.slowest, f, uint64(f.maxRTT), func(s *FlowSummary) uint64 { return uint64(s.MaxRTT) })
	}
}

// rank puts f in its place, greatest value first, and keeps no more than topFlows.
func rank(list *[]FlowSummary, f *flow, value uint64, of func(*FlowSummary) uint64) {
	l := *list
	if len(l) == topFlows && of(&l[topFlows-1]) >= value {
		return
	}
	at, _ := slices.BinarySearchFunc(l, value, func(s FlowSummary, v uint64) int {
		if of(&s) >= v {
			return -1
		}
		return cmp.Compare(v, of(&s))
	})
	l = slices.Insert(l, at, f.summary())
	*list = l[:min(len(l), topFlows)]
}

func (f *flow) summary() FlowSummary {
	s := FlowSummary{
		Protocol: f.protocol, Client: f.endName(1 - f.server), Server: f.endName(f.server),
		Packets: f.sides[0].packets + f.sides[1].packets, Bytes: f.sides[0].bytes + f.sides[1].bytes,
		Pairs: uint64(f.pairs), Silent: uint64(f.lost), Refused: uint64(f.refused), MaxRTT: duration(f.maxRTT), OneWay: f.marks&oneWay != 0,
	}
	return s
}

// endName is the end that sends in a direction.
func (f *flow) endName(d direction) string {
	switch f.key.protocol {
	case groupKey:
		return "*"
	case unixKey:
		return "unix socket"
	}
	e, port := f.key.from(d)
	if port == 0 {
		return e.addr().String()
	}
	return netip.AddrPortFrom(e.addr(), port).String()
}
