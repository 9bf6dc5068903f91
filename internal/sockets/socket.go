package sockets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"dgram/sock"
)

// Socket is one descriptor of a process that is a socket. Numbers of bytes and of datagrams are -1 where nobody tells.
type Socket struct {
	PID     int    // 0: of no process that may be looked into
	Command string // of the process; bytes of its own choice
	FD      int    // -1 with PID 0
	Inode   uint64 // of the socket: the same in all descriptors of it, in whichever process
	UID     int    // of who opened it, where only /proc/net was asked; else -1

	Family sock.Family
	Type   sock.Type
	Proto  sock.Proto
	State  State
	Local  sock.Addr // bytes of a unix name are as its owner chose
	Peer   sock.Addr // nil while it is not connected

	ReceiveBuffer, SendBuffer   int64 // the bounds, in the kernel's doubled count
	ReceiveCharged, SendCharged int64 // how much of them is taken, with the kernel's own overhead
	Queue                       int64 // bytes waiting on a stream, the size of the next datagram elsewhere (SIOCINQ)
	Unsent                      int64 // SIOCOUTQ
	Drops                       int64 // datagrams that found no room

	CloseOnExec      bool // of this descriptor
	CloseOnExecKnown bool
	Nonblock         bool // of all its copies; only where Copied
	Options          []sock.OptionValue

	// Copied: a copy of the descriptor was asked, so all is known. Otherwise it is what /proc/net tells.
	Copied bool
}

// Report is what could be learned about a process, or several.
type Report struct {
	Sockets []Socket
	Denied  []int // processes whose descriptors this one may not even list
	Partial int   // so many of Sockets are only known from /proc/net, because their descriptors may not be copied
}

// Of tells the sockets of one process, by descriptor. Its errors wrap ErrNoProcess or fs.ErrPermission.
func Of(pid int) (Report, error) { return newLook(proc).of(pid) }

// All tells the sockets of all processes, by process and descriptor, and after them those of /proc/net that belong to none of them that may
// be looked into: they have PID 0. A process that ends meanwhile is left out.
func All() (Report, error) {
	var all Report
	l := newLook(proc)
	pids, err := processes(proc)
	if err != nil {
		return all, err
	}
	claimed := map[uint64]bool{}
	for _, pid := range pids {
		r, err := l.of(pid)
		if errors.Is(err, fs.ErrPermission) {
			all.Denied = append(all.Denied, pid)
		}
		all.Sockets, all.Partial = append(all.Sockets, r.Sockets...), all.Partial+r.Partial
		for _, s := range r.Sockets {
			claimed[s.Inode] = true
		}
	}
	for _, row := range l.net(os.Getpid()).ordered {
		if !claimed[row.Inode] && row.Family != netlinkFamily {
			all.Sockets = append(all.Sockets, row.socket())
		}
	}
	return all, nil
}

// look is one look at the machine; each network namespace is read once.
type look struct {
	proc string
	open func(pid int) (inspector, error)
	nets map[string]*netTable
}

// inspector is sock.Process.
type inspector interface {
	Inspect(fd int) (sock.Inspection, error)
	Close() error
}

func newLook(proc string) *look {
	open := func(pid int) (inspector, error) { return sock.OpenProcess(pid) }
	return &look{proc: proc, open: open, nets: map[string]*netTable{}}
}

// netTable is the sockets of one network namespace.
type netTable struct {
	ordered []Row
	byInode map[uint64]Row
}

// net reads the files of the namespace that a process is in.
func (l *look) net(pid int) *netTable {
	place := filepath.Join(l.proc, strconv.Itoa(pid))
	space, err := os.Readlink(filepath.Join(place, "ns", "net"))
	if err != nil {
		space = place
	}
	if l.nets[space] == nil {
		l.nets[space] = readNet(filepath.Join(place, "net"), sources)
	}
	return l.nets[space]
}

func readNet(folder string, files []source) *netTable {
	t := &netTable{byInode: map[uint64]Row{}}
	for _, s := range files {
		text, err := os.ReadFile(filepath.Join(folder, s.name))
		if err != nil {
			continue // a kernel without this protocol
		}
		for row := range s.rows(string(text)) {
			t.add(row)
		}
	}
	return t
}

// add puts a row in its place. Where two rows have one number, one of them is the forgery of a socket's name: neither name is believed.
func (t *netTable) add(row Row) {
	if row.Inode == 0 {
		return // nobody has a descriptor of it any more
	}
	if old, twice := t.byInode[row.Inode]; twice {
		old.Local, old.Peer = nil, nil
		t.byInode[row.Inode] = old
		return
	}
	t.byInode[row.Inode] = row
	t.ordered = append(t.ordered, row)
}

func (l *look) of(pid int) (Report, error) {
	var r Report
	held, err := descriptors(l.proc, pid)
	if err != nil {
		return r, err
	}
	if thread := threadOf(pid); thread != 0 {
		return r, fmt.Errorf("%d is a thread of process %d: give that number", pid, thread)
	}
	process, openErr := l.open(pid)
	if openErr == nil {
		defer process.Close()
	}
	name := command(l.proc, pid)
	for _, d := range held {
		s := Socket{UID: -1}
		seen, err := sock.Inspection{}, openErr
		if err == nil {
			seen, err = process.Inspect(d.fd)
		}
		if err == nil {
			s = inspected(seen)
		} else if row, known := l.net(pid).byInode[d.inode]; known {
			s, r.Partial = row.socket(), r.Partial+1
		} else if stillThere(l.proc, pid, d) {
			s, r.Partial = Row{UID: -1, ReceiveCharged: -1, SendCharged: -1, Drops: -1}.socket(), r.Partial+1
		} else {
			continue // closed since it was listed
		}
		s.PID, s.Command, s.FD, s.Inode = pid, name, d.fd, d.inode
		s.CloseOnExec, s.CloseOnExecKnown = closeOnExec(l.proc, pid, d.fd)
		r.Sockets = append(r.Sockets, s)
	}
	return r, nil
}

func stillThere(proc string, pid int, d descriptor) bool {
	inode, ok := socketInode(filepath.Join(proc, strconv.Itoa(pid), "fd", strconv.Itoa(d.fd)))
	return ok && inode == d.inode
}

func inspected(i sock.Inspection) Socket {
	s := Socket{UID: -1, Family: i.Family, Type: i.Type, Proto: i.Proto, Local: i.Local, Peer: i.Peer, State: Unconnected,
		Queue: int64(i.Queue), Unsent: int64(i.Unsent), Nonblock: i.Nonblock, Options: i.Options, Copied: true,
		ReceiveBuffer: -1, SendBuffer: -1, ReceiveCharged: -1, SendCharged: -1, Drops: -1}
	switch {
	case i.Listening:
		s.State = Listening
	case i.Peer != nil:
		s.State = Connected
	}
	if i.Memory {
		s.ReceiveBuffer, s.SendBuffer, s.Drops = int64(i.ReceiveBuffer), int64(i.SendBuffer), int64(i.Drops)
		s.ReceiveCharged, s.SendCharged = int64(i.ReceiveCharged), int64(i.SendCharged)
	}
	return s
}

func (r Row) socket() Socket {
	return Socket{FD: -1, Inode: r.Inode, UID: r.UID, Family: r.Family, Type: r.Type, Proto: r.Proto, State: r.State, Local: r.Local, Peer: r.Peer,
		ReceiveBuffer: -1, SendBuffer: -1, ReceiveCharged: r.ReceiveCharged, SendCharged: r.SendCharged, Queue: -1, Unsent: -1, Drops: r.Drops}
}
