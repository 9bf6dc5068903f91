//go:build linux

package main

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"dgram/internal/testnet"
	"dgram/sock"
)

// teller sends datagrams from several sockets and counts: what it tried, what the kernel would not take, and what came back. It sees a full device
// queue (IP_RECVERR, ip(7)).
type teller struct {
	p        *proof
	to       sock.InetAddr
	sockets  []*sock.Socket
	tried    uint64
	each     []uint64 // tried, by socket
	refused  map[syscall.Errno]uint64
	received atomic.Uint64
	most     atomic.Int64  // bytes of the largest answer
	wrong    atomic.Uint64 // answers larger than that:
	largest  int
	reading  sync.WaitGroup
}

// newTeller opens n sockets, in turn on each of the addresses.
func (w *world) newTeller(n *testnet.NS, sockets int, to netip.AddrPort, from ...netip.Addr) *teller {
	w.Helper()
	t := &teller{p: w.proof, to: sock.InetAddr{AddrPort: to}, refused: map[syscall.Errno]uint64{}, each: make([]uint64, sockets)}
	n.Do(func() {
		for i := range sockets {
			s, err := sock.New(familyOf(to.Addr()), sock.DGRAM, 0)
			if err != nil {
				w.Fatal(err)
			}
			t.sockets = append(t.sockets, s)
			option := sock.IPRecvErr
			if to.Addr().Is6() {
				option = sock.IPv6RecvErr
			}
			_, grown := s.GrowBuffers(8<<20, 1<<20)
			bound := s.Bind(sock.InetAddr{AddrPort: netip.AddrPortFrom(from[i%len(from)], 0)})
			if err := errors.Join(grown, bound, s.Set(option, 1)); err != nil {
				w.Fatal(err)
			}
		}
	})
	for _, s := range t.sockets {
		t.reading.Go(func() { t.receive(s) })
	}
	w.Cleanup(t.close)
	return t
}

func familyOf(a netip.Addr) sock.Family {
	if a.Is4() {
		return sock.INET
	}
	return sock.INET6
}

func (t *teller) receive(s *sock.Socket) {
	b := make([]byte, 65536)
	for {
		n, _, _, err := s.RecvFrom(b, 0)
		var errno syscall.Errno
		switch {
		case err == nil:
			t.received.Add(1)
			t.most.Store(max(t.most.Load(), int64(n)))
			if n > t.largest {
				t.wrong.Add(1)
			}
		case errors.As(err, &errno): // a stored error: the next call receives
		default:
			return
		}
	}
}

// send sends n payloads, from one socket after the other.
func (t *teller) send(n int, payload []byte) {
	for range n {
		t.one(int(t.tried)%len(t.sockets), payload)
	}
}

// sendBy sends n payloads from socket i.
func (t *teller) sendBy(i int, payload []byte, n int) {
	for range n {
		t.one(i, payload)
	}
}

// storedErrors bounds how often a send is tried again that failed for an earlier one's sake.
const storedErrors = 4

func (t *teller) one(i int, payload []byte) {
	t.tried++
	t.each[i]++
	for try := 0; ; try++ {
		_, err := t.sockets[i].SendTo(payload, 0, t.to)
		var errno syscall.Errno
		switch {
		case err == nil:
			return
		case !errors.As(err, &errno):
			t.p.Fatalf("the sender's own socket failed: %v", err)
		case errno == syscall.ECONNREFUSED && try < storedErrors: // of an earlier one: this was not sent
		default:
			t.refused[errno]++
			return
		}
	}
}

// drops is what the kernel dropped of the answers, because a socket's buffer was full.
func (t *teller) drops() (n uint64) {
	for _, s := range t.sockets {
		d, err := s.MemoryDrops()
		if err != nil {
			t.p.Fatal(err)
		}
		n += uint64(d)
	}
	return n
}

func (t *teller) close() {
	for _, s := range t.sockets {
		_ = s.SetReadDeadline(time.Now())
		_ = s.Close()
	}
	t.reading.Wait()
}
