//go:build linux

package main

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"dgram"
)

// scale is a Conn without a network: it weighs what it is given to send against what was asked. It is for promise 1.
type scale struct {
	to  *tallyOfRatios
	mu  sync.Mutex
	in  []int // by number of the request, from first
	out []int
	// The numbers begin anew with each batch, or, where programs answer, never.
	next    uint64
	held    int
	settled sync.Cond
	replies uint64
	dropped uint64
}

var _ dgram.Conn = (*scale)(nil)

// newScale has room for so many requests at once.
func newScale(to *tallyOfRatios, room int) *scale {
	s := &scale{to: to, in: make([]int, room), out: make([]int, room)}
	s.settled.L = &s.mu
	return s
}

// begin forgets the requests so far.
func (s *scale) begin() {
	clear(s.out[:s.next])
	s.next = 0
}

// request makes d one that arrived.
func (s *scale) request(d *dgram.Datagram, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in[s.next] = size
	s.next++
	d.ID = s.next
	d.Local = here
}

var here = dgram.MustParseEndpoint("192.0.2.1:12345")

// end notes what went out for each request.
func (s *scale) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	worst := -1
	for i := range s.next {
		if in, out := s.in[i], s.out[i]; out > in || worst < 0 || out*s.in[worst] > s.out[worst]*in {
			if worst = int(i); out > in {
				s.to.ratio(in, out)
			}
		}
	}
	if worst >= 0 {
		s.to.ratio(s.in[worst], s.out[worst])
	}
	s.to.requests.Add(s.next)
	s.to.replies.Add(s.replies)
	s.to.dropped.Add(s.dropped)
	s.replies, s.dropped = 0, 0
}

// Send weighs.
func (s *scale) Send(b *dgram.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		switch {
		case d.Deferred:
			s.held--
		case d.Fate == dgram.Pending:
			s.held++
		}
		switch {
		case d.Fate == dgram.Undecided:
			s.out[d.Request()-1] += len(d.Data)
			s.replies++
			d.Fate = dgram.Answered
		case d.Fate == dgram.Dropped && d.Reason == dgram.ReasonAmplify:
			s.dropped++
		}
	}
	s.settled.Broadcast()
	return nil
}

// awaitHeld waits until fewer than n requests wait for their reply.
func (s *scale) awaitHeld(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.held >= n {
		s.settled.Wait()
	}
}

func (s *scale) NewBatch(n int) *dgram.Batch     { return dgram.NewBatch(n, nil) }
func (s *scale) Recv(*dgram.Batch) error         { return net.ErrClosed }
func (s *scale) Local() dgram.Endpoint           { return here }
func (s *scale) Caps() dgram.Caps                { return dgram.Caps{Transport: "memory"} }
func (s *scale) Drops() dgram.Drops              { return dgram.Drops{Known: true} }
func (s *scale) SetReadDeadline(time.Time) error { return nil }
func (s *scale) Close() error                    { return nil }

// fuzz makes payloads, mostly small, of bytes of all kinds: random ones, and text that grows when its case is changed.
type fuzz struct {
	random *rand.Rand
	pool   []byte
	peers  []dgram.Endpoint
}

const largestFuzz = 9000

func newFuzz(seed, stream uint64) *fuzz {
	f := &fuzz{random: rand.New(rand.NewPCG(seed, stream)), pool: make([]byte, 1<<20)}
	grows := []string{"ß", "ŉ", "ﬁ", "ΐ", "a", "hello ", "\xff", "\x00", "\u202e", "𐐨", "K"}
	for at := 0; at < len(f.pool); {
		if f.random.IntN(2) == 0 {
			at += copy(f.pool[at:], grows[f.random.IntN(len(grows))])
			continue
		}
		f.pool[at] = byte(f.random.Uint32())
		at++
	}
	for range 64 {
		a := strangers[f.random.IntN(len(strangers))]
		f.peers = append(f.peers, dgram.IPEndpoint(dgram.UDP, netip.AddrPortFrom(a, uint16(4096+f.random.IntN(60000)))))
	}
	return f
}

func (f *fuzz) peer() dgram.Endpoint { return f.peers[f.random.Uint64()%uint64(len(f.peers))] }

// payload is valid for ever, and not to be changed.
func (f *fuzz) payload() []byte {
	most := 32
	switch kind := f.random.Uint64() % 256; {
	case kind == 0:
		most = largestFuzz
	case kind < 4:
		most = 1472
	case kind < 32:
		most = 256
	}
	return f.bytes(f.random.IntN(most))
}

func (f *fuzz) bytes(n int) []byte {
	at := f.random.IntN(len(f.pool) - n)
	return f.pool[at : at+n]
}
