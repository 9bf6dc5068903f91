package sockets

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"dgram/sock"
)

// Owner is a process that has a descriptor of a socket.
type Owner struct {
	PID     int
	Command string // bytes of its own choice: escape them before they go to a terminal
}

// Owners answers at once who a UDP or unix address of this machine belongs to, from a table that a goroutine of its own keeps fresh. What it
// is asked for and does not know makes it look again, at most so often that looking takes a twentieth of one processor, and not oftener than
// every 100 ms. The table holds at most 65,536 sockets; it is of the network namespace that this process is in.
//
// Its methods may be called by several goroutines at once. Close ends the goroutine.
type Owners struct {
	proc    string
	table   atomic.Pointer[ownerTable]
	wanted  chan struct{}
	done    chan struct{}
	running sync.WaitGroup
}

// ownerTable never changes once it is published.
type ownerTable struct {
	udp  map[flow]Owner
	unix map[string]Owner // by sock.UnixAddr.String
	held map[uint64]place // by inode, of all that has an owner
	none map[uint64]bool  // inodes of which no process was found
}

// flow is the two ends of a socket. The far one is zero while it is not connected; a local address that is zero is every one.
type flow struct{ local, peer netip.AddrPort }

type place struct {
	Owner
	fd int
}

const (
	ownersRest  = 100 * time.Millisecond // at least so long between two looks
	ownersShare = 20                     // of one processor, one in so many parts
	ownersFresh = 5 * time.Second        // older than that, the table is made again unasked: a port may have a new owner
	ownersMax   = 65536                  // sockets
)

// NewOwners returns an Owners that has had its first look.
func NewOwners() *Owners { return newOwners(proc) }

func newOwners(proc string) *Owners {
	o := &Owners{proc: proc, wanted: make(chan struct{}, 1), done: make(chan struct{})}
	began := time.Now()
	o.table.Store(o.look(&ownerTable{}))
	o.running.Go(func() { o.keep(time.Since(began)) })
	return o
}

// Close ends the looking. What is known can still be asked for.
func (o *Owners) Close() {
	close(o.done)
	o.running.Wait()
}

// UDP tells who has the UDP socket at local that hears what peer sends: the one connected to peer before one that hears everybody, and one
// bound to the address before one bound to all of them. Sockets of IPv6 that hear IPv4 too are found by the IPv4 address. It never waits.
func (o *Owners) UDP(local, peer netip.AddrPort) (Owner, bool) {
	local, peer = unmapped(local), unmapped(peer)
	table := o.table.Load()
	anyone := netip.AddrPortFrom(netip.Addr{}, local.Port())
	for _, f := range [...]flow{{local, peer}, {local, netip.AddrPort{}}, {wildcard(local), netip.AddrPort{}}, {anyone, netip.AddrPort{}}} {
		if owner, ok := table.udp[f]; ok {
			return owner, owner.PID != 0
		}
	}
	o.want()
	return Owner{}, false
}

// Unix tells who has the socket with this name. It never waits.
func (o *Owners) Unix(name sock.UnixAddr) (Owner, bool) {
	owner, ok := o.table.Load().unix[name.String()]
	if !ok {
		o.want()
	}
	return owner, ok && owner.PID != 0
}

// want asks for a look, without waiting for it.
func (o *Owners) want() {
	select {
	case o.wanted <- struct{}{}:
	default:
	}
}

// keep looks again when somebody missed something, or when the table is old; took is how long the last look took.
func (o *Owners) keep(took time.Duration) {
	for {
		if !o.rest(max(ownersRest, ownersShare*took)) {
			return
		}
		old := time.NewTimer(ownersFresh)
		select {
		case <-o.done:
			old.Stop()
			return
		case <-o.wanted:
		case <-old.C:
		}
		old.Stop()
		began := time.Now()
		o.table.Store(o.look(o.table.Load()))
		took = time.Since(began)
	}
}

func (o *Owners) rest(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-o.done:
		return false
	case <-t.C:
		return true
	}
}

// look makes a new table. Who had a socket at the last look and has it still is not searched for again.
func (o *Owners) look(before *ownerTable) *ownerTable {
	t := &ownerTable{udp: map[flow]Owner{}, unix: map[string]Owner{}, held: map[uint64]place{}, none: map[uint64]bool{}}
	named := readNet(filepath.Join(o.proc, "self", "net"), ownedSources)
	rows := named.ordered[:min(len(named.ordered), ownersMax)]
	searched := map[uint64]bool{}
	for _, row := range rows {
		switch at, known := before.held[row.Inode]; {
		case known && stillThere(o.proc, at.PID, descriptor{at.fd, row.Inode}):
			at.Command = command(o.proc, at.PID)
			t.held[row.Inode] = at
		default:
			searched[row.Inode] = true
		}
	}
	o.search(searched, t, before)
	for _, row := range rows {
		t.name(named.byInode[row.Inode], t.held[row.Inode].Owner)
	}
	return t
}

var ownedSources = slices.DeleteFunc(slices.Clone(sources), func(s source) bool {
	return s.name != "udp" && s.name != "udp6" && s.name != "unix"
})

// search goes through the descriptors of all processes, if there is a socket that it has not searched for in vain before.
func (o *Owners) search(inodes map[uint64]bool, t, before *ownerTable) {
	fresh := false
	for inode := range inodes {
		fresh = fresh || !before.none[inode]
		t.none[inode] = true
	}
	pids, err := processes(o.proc)
	if !fresh || err != nil {
		return
	}
	for _, pid := range pids {
		held, err := descriptors(o.proc, pid)
		if err != nil {
			continue // gone, or not ours to look into
		}
		for _, d := range held {
			if t.none[d.inode] {
				delete(t.none, d.inode)
				t.held[d.inode] = place{Owner{pid, command(o.proc, pid)}, d.fd}
			}
		}
	}
}

// name enters a socket under its address. Of several at one address the first stays.
func (t *ownerTable) name(row Row, owner Owner) {
	switch local := row.Local.(type) {
	case sock.UnixAddr:
		if key := local.String(); key != "" && t.unix[key].PID == 0 {
			t.unix[key] = owner
		}
	case sock.InetAddr:
		f := flow{local: unmapped(local.AddrPort)}
		if peer, connected := row.Peer.(sock.InetAddr); connected {
			f.peer = unmapped(peer.AddrPort)
		}
		t.enter(f, owner)
		if f.local.Addr() == netip.IPv6Unspecified() {
			// It hears IPv4 too, or (IPV6_V6ONLY) another socket has the IPv4 address and is found before it.
			t.enter(flow{netip.AddrPortFrom(netip.Addr{}, f.local.Port()), f.peer}, owner)
		}
	}
}

func (t *ownerTable) enter(f flow, owner Owner) {
	if t.udp[f].PID == 0 {
		t.udp[f] = owner
	}
}

// unmapped is an address as sockets of its own family have it; zones are left out, because /proc/net does not tell them.
func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// wildcard is every address of the family of a.
func wildcard(a netip.AddrPort) netip.AddrPort {
	if a.Addr().Is4() {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Unspecified(), a.Port())
}

// String is "dgram[1234]".
func (o Owner) String() string { return o.Command + "[" + strconv.Itoa(o.PID) + "]" }
