package watchscreen

import (
	"sort"
	"time"
)

// A listing is what the table lists: the sequence numbers of those packets of a Store that match.
type listing struct {
	store   *Store
	match   func(*Kept) bool // nil: all
	first   uint64           // of those kept, as of the last refresh
	scanned uint64           // up to here is decided
	found   []uint64         // with match: those that do, rising
	limit   uint64           // where not 0: packets from here on do not count
	batch   []Kept
}

// scanBatch is how many packets are looked at under one lock, so that a capture never waits long for the screen.
const scanBatch = 256

// refresh takes in what has come, and lets go of what the store has. It stops after about so long; more reports that it has not
// seen everything.
func (l *listing) refresh(budget time.Duration) (more bool) {
	first, next := l.store.bounds()
	if l.limit > 0 {
		next = min(next, l.limit)
	}
	l.first = first
	if l.match == nil {
		l.scanned = next
		return false
	}
	l.found = l.found[sort.Search(len(l.found), func(i int) bool { return l.found[i] >= first }):]
	l.scanned = max(l.scanned, first)
	if l.batch == nil {
		l.batch = make([]Kept, scanBatch)
	}
	for start := time.Now(); l.scanned < next; {
		from, n := l.store.read(l.scanned, l.batch[:min(scanBatch, next-l.scanned)])
		for i := range l.batch[:n] {
			if l.match(&l.batch[i]) {
				l.found = append(l.found, from+uint64(i))
			}
		}
		l.scanned = from + uint64(n)
		if time.Since(start) > budget {
			break
		}
	}
	return l.scanned < next
}

// use lists other packets from now on.
func (l *listing) use(match func(*Kept) bool) {
	l.match, l.found, l.scanned = match, nil, 0
}

func (l *listing) len() int {
	if l.match == nil {
		return int(l.scanned - l.first)
	}
	return len(l.found)
}

// at is the sequence number of row i.
func (l *listing) at(i int) uint64 {
	if l.match == nil {
		return l.first + uint64(i)
	}
	return l.found[i]
}

// index is the row of the first packet from sequence number q on; len where there is none.
func (l *listing) index(q uint64) int {
	if l.match == nil {
		return int(min(max(q, l.first), l.scanned) - l.first)
	}
	return sort.Search(len(l.found), func(i int) bool { return l.found[i] >= q })
}
