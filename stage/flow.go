package stage

import (
	"encoding/binary"

	"dgram"
)

// FlowOf returns the number of the flow between two endpoints: the same on every machine and in every run, so that faults can be
// repeated. It is not keyed and so no defence against chosen addresses. UDP's networks (udp, udp4, udp6) share numbers.
func FlowOf(peer, local dgram.Endpoint) uint64 {
	return mix(hashEndpoint(peer) ^ mix(hashEndpoint(local)))
}

func hashEndpoint(e dgram.Endpoint) uint64 {
	if !e.Network().IP() {
		return hashString(uint64(e.Network()), e.Path())
	}
	addr := e.Addr()
	bytes := addr.As16()
	h := mix(uint64(e.Port()))
	h = mix(h ^ binary.BigEndian.Uint64(bytes[:8]))
	h = mix(h ^ binary.BigEndian.Uint64(bytes[8:]))
	if zone := addr.Zone(); zone != "" {
		h = hashString(h, zone)
	}
	return h
}

func hashString(h uint64, s string) uint64 {
	h = mix(h ^ uint64(len(s)))
	for i := range len(s) {
		h = mix(h ^ uint64(s[i]))
	}
	return h
}

// indexSlots is how many counters an indexTable has.
const indexSlots = 1 << 16

// indexTable numbers the datagrams of each flow. Its size is fixed (512 KiB), whatever addresses come: flows whose numbers agree in their
// last 16 bits share a counter, and then each sees gaps in its count.
type indexTable [indexSlots]uint64

// next returns the number of the next datagram of a flow, from 0.
func (t *indexTable) next(flow uint64) uint64 {
	slot := &t[flow%indexSlots]
	n := *slot
	*slot++
	return n
}
