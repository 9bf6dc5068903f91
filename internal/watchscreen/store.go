package watchscreen

import (
	"sync"

	"dgram/wire"
)

// Kept is a packet that a Store keeps. Its bytes are its own and never change.
type Kept struct {
	No   uint64
	Data []byte // the frame
	// Whole is the IP datagram (LinkRaw) that was put together with this frame as the last piece, else nil.
	Whole     []byte
	Pieces    int // that Whole was made of
	Time      int64
	Length    int
	Interface int
	Link      wire.LinkType
	Outgoing  bool
	Comment   string
	Owner     string // the process that owns the socket on this machine, where it is known
	Note      Note
}

// frame fills f with the packet as it was captured.
func (k *Kept) frame(f *wire.Frame) {
	*f = wire.Frame{Time: k.Time, Data: k.Data, Length: k.Length, Link: k.Link, Interface: k.Interface, Outgoing: k.Outgoing, Comment: k.Comment}
}

// A Store keeps the newest packets, within a bound of count and one of bytes. One goroutine adds and settles; any may read.
type Store struct {
	packets, bytes int

	mu    sync.Mutex
	ring  []Kept // grows up to packets; the packet with sequence number q is ring[q%packets]
	first uint64 // sequence number of the oldest one kept
	next  uint64 // sequence number that the next one gets; the first is 0
	held  int    // bytes of those kept
	chunk []byte // where the next bytes go

	hold   bool   // forget nothing
	missed uint64 // packets that were not kept because of hold
	start  int64  // time of the first packet of all
}

// chunkSize is how many bytes packets share one allocation. A chunk is garbage when the last of its packets is forgotten.
const chunkSize = 256 << 10

// NewStore returns a Store that keeps at most so many packets and so many bytes of them.
func NewStore(packets, bytes int) *Store {
	return &Store{packets: max(packets, 1), bytes: max(bytes, 1)}
}

// Add keeps a copy of a frame. whole is the IP datagram that it completed as the last of so many pieces, or nil.
func (s *Store) Add(no uint64, f *wire.Frame, whole []byte, pieces int, owner string, note Note) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.start == 0 {
		s.start = f.Time
	}
	size := len(f.Data) + len(whole)
	if s.hold && (s.held+size > s.bytes || s.next-s.first >= uint64(s.packets)) {
		s.missed++
		return
	}
	for s.first < s.next && (s.held+size > s.bytes || s.next-s.first >= uint64(s.packets)) {
		s.forget()
	}
	k := Kept{No: no, Data: s.copy(f.Data), Time: f.Time, Length: f.Length, Interface: f.Interface, Link: f.Link, Outgoing: f.Outgoing,
		Comment: f.Comment, Owner: owner, Note: note}
	if whole != nil {
		k.Whole, k.Pieces = s.copy(whole), pieces
	}
	if at := int(s.next % uint64(s.packets)); at < len(s.ring) {
		s.ring[at] = k
	} else {
		s.ring = append(s.ring, k)
	}
	s.next++
	s.held += size
}

func (s *Store) forget() {
	oldest := &s.ring[s.first%uint64(s.packets)]
	s.held -= len(oldest.Data) + len(oldest.Whole)
	*oldest = Kept{}
	s.first++
}

func (s *Store) copy(p []byte) []byte {
	if len(p) > chunkSize/4 {
		return append([]byte(nil), p...)
	}
	if len(s.chunk)+len(p) > cap(s.chunk) {
		s.chunk = make([]byte, 0, chunkSize)
	}
	at := len(s.chunk)
	s.chunk = append(s.chunk, p...)
	return s.chunk[at:len(s.chunk):len(s.chunk)]
}

// Settle changes what is known of the packet with that number, if it is still kept.
func (s *Store) Settle(no uint64, change func(*Note)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.find(no); k != nil {
		change(&k.Note)
	}
}

// find looks for a number. Numbers only rise, and mostly by one, so the first guess is mostly right.
func (s *Store) find(no uint64) *Kept {
	low, high := s.first, s.next
	if low == high {
		return nil
	}
	if last := s.at(high - 1).No; no <= last {
		if back := last - no; back < high-low {
			if k := s.at(high - 1 - back); k.No == no {
				return k
			}
		}
	}
	for low < high {
		switch middle := low + (high-low)/2; {
		case s.at(middle).No < no:
			low = middle + 1
		default:
			high = middle
		}
	}
	if low < s.next && s.at(low).No == no {
		return s.at(low)
	}
	return nil
}

func (s *Store) at(q uint64) *Kept { return &s.ring[q%uint64(s.packets)] }

// bounds are the sequence numbers of the oldest packet kept, and of the one that will come next.
func (s *Store) bounds() (first, next uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first, s.next
}

// get returns a packet by its sequence number; ok is false where it is no longer kept, or not yet.
func (s *Store) get(q uint64) (k Kept, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q < s.first || q >= s.next {
		return Kept{}, false
	}
	return *s.at(q), true
}

// read copies packets from sequence number q on into to: n of them, from the first that is still kept.
func (s *Store) read(q uint64, to []Kept) (from uint64, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from = min(max(q, s.first), s.next)
	for n < len(to) && from+uint64(n) < s.next {
		to[n] = *s.at(from + uint64(n))
		n++
	}
	return from, n
}

// sequence returns the sequence number of the packet with that number.
func (s *Store) sequence(no uint64) (q uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	low, high := s.first, s.next
	for low < high {
		if middle := low + (high-low)/2; s.at(middle).No < no {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < s.next && s.at(low).No == no
}

// own sets the owner of a packet that had none.
func (s *Store) own(no uint64, owner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.find(no); k != nil {
		k.Owner = owner
	}
}

// pause lets the store forget nothing: once it is full, new packets are not kept but counted, until pause(false).
func (s *Store) pause(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = on
}

// counts are how many packets came, how many of them are kept, and how many were not kept while it was paused.
func (s *Store) counts() (kept int, forgotten, missed uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.next - s.first), s.first, s.missed
}

// began is the time of the first packet that ever came.
func (s *Store) began() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start
}
