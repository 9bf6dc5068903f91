package stage

import (
	"encoding/binary"
	"hash/maphash"
	"math/rand/v2"
	"sync/atomic"

	"dgram"
)

// loopTable remembers our last reply in each flow, as a hash, and how many datagrams in a row have equalled it. Its memory is fixed, and used from the
// front: what the flows of most servers need stays in the processor's cache. Where flows are more than it holds, those that show no sign of a
// loop are forgotten first.
//
// To hash all bytes of every datagram would cost more than anything else here. So a reply of more than glance bytes is known by its ends at first,
// and only where a datagram has the same ends all of it is looked at, and all of the reply to it: from the second of a row on, equal
// means equal in every byte.
type loopTable struct {
	seed  maphash.Seed
	keys  [4]uint64
	cells []atomic.Uint64 // each: 16 bits of the flow's hash, 6 bits of count, 26 bits of all bytes' hash, 16 of the ends'

	sets  atomic.Uint64 // how many sets of loopWays cells are in use, from the front: a power of two
	given atomic.Uint64 // how many cells have been given to another flow since sets last grew
}

const (
	loopRun   = 64 // each so many'th datagram in a row is dropped
	loopCells = 1 << 17
	loopWays  = 4
	loopSets  = 1 << 10 // to begin with
	glance    = 32

	endsBits = 16
	endsMask = 1<<endsBits - 1
	allBits  = 26
	allMask  = (1<<allBits - 1) << endsBits // 0: not known
	runShift = endsBits + allBits
	runMask  = (loopRun - 1) << runShift
	flowMask = ^uint64(runMask | allMask | endsMask)
	usedCell = 1 << 48 // is in the flow bits of every cell in use
	someByte = 1 << endsBits
)

func newLoopTable() *loopTable {
	t := &loopTable{seed: maphash.MakeSeed(), cells: make([]atomic.Uint64, loopCells)}
	t.sets.Store(loopSets)
	for i := range t.keys {
		t.keys[i] = rand.Uint64() | 1
	}
	return t
}

// flowsOf appends to flows that of each slot of b. With many flows hardly any cell is in the processor's cache: all of them are looked at here, one
// behind the other and with nothing between, so that the processor fetches them side by side and not each when it is needed.
func (t *loopTable) flowsOf(flows []uint64, b *dgram.Batch) []uint64 {
	for i := range b.Datagrams {
		flows = append(flows, t.flowOf(&b.Datagrams[i]))
	}
	sets := t.sets.Load()
	for _, flow := range flows {
		t.cells[flow&(sets-1)*loopWays].Load()
	}
	return flows
}

// flowOf returns the keyed hash of d's peer and the port that it was sent to.
func (t *loopTable) flowOf(d *dgram.Datagram) uint64 {
	if !d.Peer.Network().IP() {
		return maphash.String(t.seed, d.Peer.Path()) | usedCell
	}
	high, low := d.Peer.Bits()
	ports := uint64(d.Peer.Port())<<16 | uint64(d.Local.Port())
	// Ports that follow each other come out of one multiplication at even distances, which with some keys are multiples of the number of sets: hence the last.
	return fold(fold(fold(high^t.keys[0], low^t.keys[1])^ports, t.keys[2]), t.keys[3]) | usedCell
}

// glimpse returns the hash of p's ends and, where they are all of it, of all its bytes.
func (t *loopTable) glimpse(p []byte) uint64 {
	n := len(p)
	if n <= glance {
		return (maphash.Bytes(t.seed, p) | someByte) & (allMask | endsMask)
	}
	first := fold(binary.LittleEndian.Uint64(p)^t.keys[0], binary.LittleEndian.Uint64(p[8:])^t.keys[1])
	last := fold(binary.LittleEndian.Uint64(p[n-8:])^t.keys[2], binary.LittleEndian.Uint64(p[n-16:])^t.keys[3])
	return fold(first^uint64(n), last^t.keys[0]) & endsMask
}

// whole adds to a glimpse the hash of all bytes.
func (t *loopTable) whole(p []byte, glimpse uint64) uint64 {
	if glimpse&allMask != 0 {
		return glimpse
	}
	return glimpse | (maphash.Bytes(t.seed, p)|someByte)&allMask
}

// equals reports whether p is the reply that the cell knows, as far as it does.
func (t *loopTable) equals(p []byte, word uint64) bool {
	g := t.glimpse(p)
	return (g^word)&endsMask == 0 && (word&allMask == 0 || t.whole(p, g)&allMask == word&allMask)
}

// set returns the cells where a flow may be.
func (t *loopTable) set(flow uint64) *[loopWays]atomic.Uint64 {
	return (*[loopWays]atomic.Uint64)(t.cells[flow&(t.sets.Load()-1)*loopWays:])
}

// find returns the flow's cell and what it holds, or nil.
func (t *loopTable) find(flow uint64) (*atomic.Uint64, uint64) {
	set := t.set(flow)
	for i := range set {
		if word := set[i].Load(); (word^flow)&flowMask == 0 {
			return &set[i], word
		}
	}
	return nil, 0
}

// arrived counts the datagrams of d that equal the last reply, and returns how many of them are to be dropped, and whether any was equal.
func (t *loopTable) arrived(flow uint64, d *dgram.Datagram) (drop int, suspect bool) {
	cell, word := t.find(flow)
	if cell == nil {
		return 0, false
	}
	was := word & runMask
	if was == 0 && d.Segment == 0 && (t.glimpse(d.Data)^word)&endsMask != 0 {
		return 0, false // nearly always
	}
	run := int(was >> runShift)
	for i := 0; i < d.Count() && (i == 0 || run > 0 || drop > 0); i++ {
		one := d.At(i)
		var more int
		run, more = t.step(one.Data, word, run)
		drop += more
	}
	if now := uint64(run) << runShift; now != was {
		// Where another reply has been recorded in this moment, that record stands.
		cell.CompareAndSwap(word, word&^runMask|now)
	}
	return drop, run > 0 || drop > 0
}

// step counts one datagram: it returns how many there are in the row, and 1 if this one is to be dropped.
func (t *loopTable) step(p []byte, word uint64, run int) (now, drop int) {
	switch {
	case !t.equals(p, word):
		return 0, 0
	case run+1 == loopRun:
		return 0, 1
	}
	return run + 1, 0
}

// replied records d, the reply to asked, as the last one.
func (t *loopTable) replied(asked *request, d *dgram.Datagram) {
	p := d.Data
	if n := d.Count(); n > 1 {
		p = p[(n-1)*d.Segment:]
	}
	reply := t.glimpse(p)
	if asked.suspect {
		reply = t.whole(p, reply)
	}
	cell, word := t.find(asked.flow)
	switch {
	case cell == nil:
		t.leastRun(asked.flow).Store(asked.flow&flowMask | reply)
	case word&(allMask|endsMask) != reply:
		cell.CompareAndSwap(word, word&^(allMask|endsMask)|reply)
	}
}

// leastRun returns the cell to be given up for a new flow: the one with the shortest run, any of them where several have it.
func (t *loopTable) leastRun(flow uint64) *atomic.Uint64 {
	set := t.set(flow)
	least, run := 0, uint64(runMask)+1
	for i := range set {
		at := (i + int(flow>>40)) % loopWays
		word := set[at].Load()
		if word == 0 {
			return &set[at]
		}
		if r := word & runMask; r < run {
			least, run = at, r
		}
	}
	t.widen()
	return &set[least]
}

// widen notes that a cell goes from one flow to another, and where that is often, doubles the sets. Half of the flows then are looked for in another
// set: they are as new.
func (t *loopTable) widen() {
	sets := t.sets.Load()
	if given := t.given.Add(1); given > sets/4 && sets < loopCells/loopWays && t.sets.CompareAndSwap(sets, 2*sets) {
		t.given.Store(0)
	}
}
