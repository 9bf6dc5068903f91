package bench

// request is one that may still be answered, or was: a place in the table.
type request struct {
	due        int64  // when it was meant to leave, by the run's clock
	order      uint32 // the number that its token carries: place + a multiple of the table's size
	flow       int32
	prev, next int32  // pending ones in the order in which they were sent; -1: none
	history    uint32 // bit g: the use of this place g uses ago was answered
	form       uint16
	pending    bool
	warm       bool // it belongs to the warm-up
}

// table holds the requests that are outstanding, and remembers what became of those before. Its size is fixed: whatever the server does,
// the generator's memory does not grow.
type table struct {
	places  []request
	bits    int
	next    uint32 // order of the next request
	issued  uint64 // orders gone through, those of places that were taken among them
	pending int
	head    int32 // the oldest pending request; -1: none
	tail    int32
	seqs    []uint64 // the number of each place's request in the run, where templates show it
}

func newTable(bits int) *table {
	t := &table{places: make([]request, 1<<bits), bits: bits, head: -1, tail: -1}
	for i := range t.places {
		t.places[i].order = uint32(i) - uint32(len(t.places))
	}
	return t
}

// full reports that half of the places are taken: the other half is kept free so that one is found fast, and so that a place is not used
// again at once, which would make a late answer look like one to another request.
func (t *table) full() bool { return t.pending > len(t.places)/2 }

// take returns a free place, now pending at the end of the line, with its order, flow, due time and history set. The table must not be full.
func (t *table) take(due int64, flow int32) (int32, *request) {
	for t.places[t.next&uint32(len(t.places)-1)].pending {
		t.next++
		t.issued++
	}
	i := int32(t.next & uint32(len(t.places)-1))
	r := &t.places[i]
	r.history <<= (t.next - r.order) >> t.bits
	r.order, r.flow, r.due, r.pending = t.next, flow, due, true
	r.prev, r.next = t.tail, -1
	if t.tail >= 0 {
		t.places[t.tail].next = i
	} else {
		t.head = i
	}
	t.tail = i
	t.next++
	t.issued++
	t.pending++
	return i, r
}

// settle takes a request out of the line and remembers whether it was answered.
func (t *table) settle(i int32, answered bool) {
	r := &t.places[i]
	if answered {
		r.history |= 1
	}
	r.pending = false
	if r.prev >= 0 {
		t.places[r.prev].next = r.next
	} else {
		t.head = r.next
	}
	if r.next >= 0 {
		t.places[r.next].prev = r.prev
	} else {
		t.tail = r.prev
	}
	t.pending--
}

// past is what is known of a request whose token came back.
type past uint8

const (
	isPending past = iota
	wasAnswered
	wasGivenUp // or its place has been used so often since that it is not known any more
	neverSent
)

// find returns the place that a token names, and what became of the request that carried it. mask is the bits that tokens have.
func (t *table) find(token, mask uint32) (int32, past) {
	i := int32(token & uint32(len(t.places)-1))
	r := &t.places[i]
	age := (r.order - token) & mask // in orders; a multiple of the table's size
	if age == 0 && r.pending {
		return i, isPending
	}
	if mask == ^uint32(0) && uint64(t.next-1-token) >= t.issued {
		return i, neverSent
	}
	uses := age >> t.bits
	if uses < 32 && r.history>>uses&1 == 1 {
		return i, wasAnswered
	}
	return i, wasGivenUp
}
