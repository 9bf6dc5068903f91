package stage

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// hosts knows the addresses of this machine.
type hosts struct {
	list    func() ([]netip.Prefix, error)
	set     atomic.Pointer[hostSet]
	reading atomic.Bool
}

// A set older than hostsFresh is read again beside the way of the datagrams; one older than hostsStale before anything is decided by it.
const (
	hostsFresh = time.Second
	hostsStale = 10 * time.Second
)

// current returns a set that is not stale.
func (h *hosts) current(now time.Time) *hostSet {
	set := h.set.Load()
	age := now.Sub(set.at)
	if age < hostsFresh || !h.reading.CompareAndSwap(false, true) {
		return set
	}
	if age < hostsStale {
		go h.reread(now)
		return set
	}
	h.reread(now)
	return h.set.Load()
}

func (h *hosts) reread(now time.Time) {
	h.read(now)
	h.reading.Store(false)
}

// read makes the set anew. What the system does not tell stays as it was.
func (h *hosts) read(now time.Time) {
	all, err := h.list()
	if old := h.set.Load(); err != nil && old != nil {
		again := *old
		again.at = now
		h.set.Store(&again)
		return
	}
	h.set.Store(newHostSet(now, all))
}

// interfaceAddrs lists the addresses of this machine's interfaces with their prefixes.
func interfaceAddrs() (all []netip.Prefix, err error) {
	addrs, err := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				addr = addr.Unmap()
				ones, _ := n.Mask.Size()
				all = append(all, netip.PrefixFrom(addr, ones))
			}
		}
	}
	return all, err
}

// hostKind is what an address is to this machine.
type hostKind uint8

const (
	strange       hostKind = iota
	ownAddr                // one of its own
	broadcastAddr          // the broadcast address, or the former one, of a network that it is in (RFC 1122, Section 3.2.1.3)
)

// hostSet is a hash table of addresses, for a look into it costs a few nanoseconds whatever the machine has. It never changes.
type hostSet struct {
	at    time.Time // when it was read
	key   uint64
	mask  uint64
	cells []hostCell
}

type hostCell struct {
	high, low uint64
	kind      hostKind
}

func newHostSet(now time.Time, all []netip.Prefix) *hostSet {
	size := 16
	for size < 8*len(all) { // three for each at most
		size *= 2
	}
	s := &hostSet{at: now, key: rand.Uint64() | 1, mask: uint64(size - 1), cells: make([]hostCell, size)}
	for _, p := range all {
		if p.Addr().IsLoopback() {
			continue
		}
		s.add(p.Addr(), ownAddr)
		if p.Addr().Is4() && p.Bits() <= 30 { // a link of two has no broadcast address (RFC 3021)
			network := p.Masked().Addr()
			s.add(network, broadcastAddr)
			bits := binary.BigEndian.Uint32(network.AsSlice()) | (1<<(32-p.Bits()) - 1)
			s.add(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, bits))), broadcastAddr)
		}
	}
	return s
}

// words are the 128 bits of an address; IPv4 is mapped (RFC 4291, Section 2.5.5.2). For IPv4 there is a quicker way.
func words(a netip.Addr) (high, low uint64) {
	switch bytes := a.AsSlice(); len(bytes) { // on the stack; As16 would be copied, before it is written
	case 4:
		return 0, 0xffff<<32 | uint64(binary.BigEndian.Uint32(bytes))
	case 16:
		return binary.BigEndian.Uint64(bytes), binary.BigEndian.Uint64(bytes[8:])
	}
	return 0, 0
}

func (s *hostSet) find(high, low uint64) hostKind { return s.place(high, low).kind }

// add adds an address; where it is two things, one's own wins.
func (s *hostSet) add(a netip.Addr, kind hostKind) {
	high, low := words(a)
	if c := s.place(high, low); c.kind == strange || kind == ownAddr {
		*c = hostCell{high, low, kind}
	}
}

// place is the cell of an address, or the empty one where it belongs.
func (s *hostSet) place(high, low uint64) *hostCell {
	for i := fold(high^s.key, low^s.key); ; i++ {
		c := &s.cells[i&s.mask]
		if c.kind == strange || c.high == high && c.low == low {
			return c
		}
	}
}
