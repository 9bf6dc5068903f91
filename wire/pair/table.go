package pair

// A table finds the number of a record by the hash of its key: open addressing with linear probing, eight bytes a place,
// so that a search costs one cache line besides the record's own. (Go's map keeps the keys a second time; among a million flows the
// same search took it 2.7 times as long.) Numbers are not 0.
type table struct {
	places []uint64 // number in the upper half, hash in the lower; 0: free
	used   int
}

const fewestPlaces = 1024

// find returns the number of the next record with that hash, and the place to go on from; 0: there is no more. Begin with
// start.
func (t *table) find(hash uint32, place uint32) (number, next uint32) {
	mask := uint32(len(t.places) - 1)
	for i := place & mask; ; i = (i + 1) & mask {
		switch v := t.places[i]; {
		case v == 0:
			return 0, 0
		case uint32(v) == hash:
			return uint32(v >> 32), i + 1
		}
	}
}

// start is where the search for a hash begins.
func (t *table) start(hash uint32) uint32 { return hash }

// add enters a record. There may be several with the same hash.
func (t *table) add(hash, number uint32) {
	if 4*(t.used+1) > 3*len(t.places) {
		t.grow()
	}
	t.used++
	t.put(uint64(number)<<32 | uint64(hash))
}

func (t *table) put(v uint64) {
	mask := uint32(len(t.places) - 1)
	i := uint32(v) & mask
	for t.places[i] != 0 {
		i = (i + 1) & mask
	}
	t.places[i] = v
}

func (t *table) grow() {
	old := t.places
	t.places = make([]uint64, max(2*len(old), fewestPlaces))
	for _, v := range old {
		if v != 0 {
			t.put(v)
		}
	}
}

// remove takes a record out, and moves those behind it up that would not be found otherwise.
func (t *table) remove(hash, number uint32) {
	mask := uint32(len(t.places) - 1)
	gap := hash & mask
	for t.places[gap] != uint64(number)<<32|uint64(hash) {
		if t.places[gap] == 0 {
			return
		}
		gap = (gap + 1) & mask
	}
	t.used--
	for i := (gap + 1) & mask; t.places[i] != 0; i = (i + 1) & mask {
		home := uint32(t.places[i]) & mask
		if (i-home)&mask >= (i-gap)&mask {
			t.places[gap] = t.places[i]
			gap = i
		}
	}
	t.places[gap] = 0
}

// replace gives the place of one record to another with the same hash. Without the one, nothing happens.
func (t *table) replace(hash, number, by uint32) {
	mask := uint32(len(t.places) - 1)
	for i := hash & mask; t.places[i] != 0; i = (i + 1) & mask {
		if t.places[i] == uint64(number)<<32|uint64(hash) {
			t.places[i] = uint64(by)<<32 | uint64(hash)
			return
		}
	}
}

// A slab hands out records by number, from 1, and takes them back. It grows by pieces, so nothing in it ever moves.
type slab[T any] struct {
	pieces [][]T
	next   uint32   // never used from here on
	free   []uint32 // used before, last given back last
}

const (
	pieceBits = 10
	pieceSize = 1 << pieceBits
)

func (s *slab[T]) at(number uint32) *T { return &s.pieces[number>>pieceBits][number&(pieceSize-1)] }

// take returns a number whose record is as it was given back, or zero.
func (s *slab[T]) take() uint32 {
	if n := len(s.free); n > 0 {
		number := s.free[n-1]
		s.free = s.free[:n-1]
		return number
	}
	s.next++
	if int(s.next>>pieceBits) == len(s.pieces) {
		s.pieces = append(s.pieces, make([]T, pieceSize))
	}
	return s.next
}

func (s *slab[T]) give(number uint32) { s.free = append(s.free, number) }

// taken is how many are in use.
func (s *slab[T]) taken() int { return int(s.next) - len(s.free) }
