package dgram

// Batch is a set of datagrams that one system call receives or sends: slots, and the memory behind them. A Conn makes it
// ([Conn.NewBatch]); one goroutine uses it at a time.
//
// Slots are not buffers: with receive offload several slots share one buffer. What Data points to stays valid until the next Recv
// into, or Reset of, the same Batch, and no longer.
type Batch struct {
	// Datagrams are the filled slots. Recv replaces them; Add and Append lengthen them.
	Datagrams []Datagram
	// Transport is the state that the Conn that made the batch keeps in it; nobody else touches it.
	Transport any

	limit int // slots that Append may fill
	arena arena
}

// NewBatch returns a Batch of up to n slots for a Conn that keeps transport in it. Programs call [Conn.NewBatch] instead.
func NewBatch(n int, transport any) *Batch {
	if n < 1 {
		n = 1
	}
	return &Batch{Datagrams: make([]Datagram, 0, n), Transport: transport, limit: n, arena: arena{limit: arenaLimit(n)}}
}

// Cap returns how many slots the batch can fill.
func (b *Batch) Cap() int { return b.limit }

// SetCap changes how many slots the batch can fill; what the arena may hold follows it. A transport that splits one received buffer
// into many datagrams raises it.
func (b *Batch) SetCap(n int) {
	b.limit = n
	b.arena.limit = arenaLimit(n)
}

// Reset empties the batch: every Data that came from it is void.
func (b *Batch) Reset() {
	b.Datagrams = b.Datagrams[:0]
	b.arena.reset()
}

// Append adds a slot with nothing in it and returns it, or nil when the batch is full. The pointer is valid until the next Append.
func (b *Batch) Append() *Datagram {
	if len(b.Datagrams) == b.limit {
		return nil
	}
	return b.slot()
}

// slot is Append where the caller has seen to it that there is room.
func (b *Batch) slot() *Datagram {
	n := len(b.Datagrams)
	if n < cap(b.Datagrams) {
		b.Datagrams = b.Datagrams[:n+1]
		b.Datagrams[n] = Datagram{batch: b}
	} else {
		b.Datagrams = append(b.Datagrams, Datagram{batch: b})
	}
	return &b.Datagrams[n]
}

// Add adds a datagram for peer with a copy of payload and returns it. It returns nil, and adds nothing, when the batch has no slot or no
// room left: send what it has, Reset, and add again. A payload too big for any datagram is added all the same, without a copy, so that
// Send can say so (EMSGSIZE); it must then stay valid until Send returns.
func (b *Batch) Add(peer Endpoint, payload []byte) *Datagram {
	d := b.Append()
	if d == nil {
		return nil
	}
	d.Peer = peer
	if len(payload) > MaxPayload {
		d.Data = payload
		return d
	}
	if !d.SetData(payload) {
		b.Datagrams = b.Datagrams[:len(b.Datagrams)-1]
		return nil
	}
	return d
}

// Count returns how many datagrams the slots carry together.
func (b *Batch) Count() int {
	n := 0
	for i := range b.Datagrams {
		n += b.Datagrams[i].Count()
	}
	return n
}

// split gives every datagram of the slots that have no fate a slot of its own: the first stays where it was, the others follow the last slot.
func (b *Batch) split() {
	for i := range len(b.Datagrams) {
		d := b.Datagrams[i]
		if d.Fate != Undecided || d.Count() == 1 {
			continue
		}
		b.Datagrams[i] = d.At(0)
		for j := 1; j < d.Count(); j++ {
			b.put(d.At(j))
		}
	}
}

// put adds a slot that is filled already; the caller has seen to it that there is room.
func (b *Batch) put(d Datagram) { b.Datagrams = append(b.Datagrams, d) }

func (b *Batch) take(n int) []byte { return b.arena.take(n) }

// arena hands out pieces of a few large chunks and takes all of them back at once. It grows to what a batch needed, never past limit.
type arena struct {
	chunks [][]byte
	chunk  int // the one being used
	used   int // bytes of it
	size   int // bytes of all chunks
	limit  int
}

const arenaChunk = 64 << 10

// arenaLimit allows each slot one datagram of the largest size and one step of growth, up to 32 MiB in all.
func arenaLimit(slots int) int { return min(max(2*slots*arenaChunk, 4*arenaChunk), 32<<20) }

// take returns n bytes that nothing else uses until reset, or nil past the limit. n is at most MaxPayload, so a chunk holds it.
func (a *arena) take(n int) []byte {
	for a.chunk < len(a.chunks) {
		if c := a.chunks[a.chunk]; len(c)-a.used >= n {
			p := c[a.used : a.used+n : a.used+n]
			a.used += n
			return p
		}
		a.chunk, a.used = a.chunk+1, 0
	}
	if a.size+arenaChunk > a.limit {
		return nil
	}
	a.chunks = append(a.chunks, make([]byte, arenaChunk))
	a.size += arenaChunk
	return a.take(n)
}

func (a *arena) reset() { a.chunk, a.used = 0, 0 }
