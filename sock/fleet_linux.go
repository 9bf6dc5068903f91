package sock

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Fleet is many datagram sockets that one goroutine receives from and sends through, with one set of buffers for all: the client's end of
// many flows. It never blocks but in Ready, and its calls tell Go's scheduler nothing, for they are over at once.
//
// The sockets belong to the Fleet from NewFleet on, which takes them out of Go's poller; what is not a transfer (options, drops, error
// queue) may still be asked of them.
type Fleet struct {
	sockets []*Socket
	fds     []int32
	in      *Receiver
	out     *Sender
	epoll   int           // -1: Ready sweeps over all
	polls   []unix.PollFd // what a sweep waits for
	events  []unix.EpollEvent
	ready   []int32
	again   []int32 // sockets that may hold more than was taken: an edge is told once
	coarse  bool    // the kernel has no epoll_pwait2: waits are whole milliseconds
	stamp   stamp   // read last
}

// FleetConfig says what a Fleet is to hold.
type FleetConfig struct {
	Messages int  // datagrams received, or sent, in one call at most
	Size     int  // bytes of the longest one received whole
	Control  bool // control messages are wanted
	Names    bool // senders' addresses are wanted: the sockets are not connected
	Sweep    bool // Ready returns every socket, and spares the kernel keeping a list: right where most have something most of the time
}

const fleetEvents = 256

// NewFleet takes over sockets, at least one, all of one family. On an error they remain the caller's to close.
func NewFleet(sockets []*Socket, c FleetConfig) (*Fleet, error) {
	f := &Fleet{
		sockets: sockets, fds: make([]int32, len(sockets)), epoll: -1, ready: make([]int32, 0, len(sockets)), again: make([]int32, 0, len(sockets)),
		in:  sockets[0].NewReceiver(ReceiverConfig{Messages: c.Messages, Size: c.Size, Control: c.Control}),
		out: sockets[0].NewSender(c.Messages),
	}
	if !c.Names {
		for i := range f.in.hdr {
			f.in.hdr[i].hdr.Name = nil
		}
	}
	for i, s := range sockets {
		if err := f.adopt(i, s); err != nil {
			return nil, err
		}
	}
	if c.Sweep || len(sockets) == 1 {
		for i, fd := range f.fds {
			f.ready = append(f.ready, int32(i))
			f.polls = append(f.polls, unix.PollFd{Fd: fd, Events: unix.POLLIN})
		}
		return f, nil
	}
	return f, f.watch()
}

func (f *Fleet) adopt(i int, s *Socket) error {
	if s.thread == nil {
		if err := s.BlockThreads(); err != nil {
			return err
		}
	}
	return s.control(func(fd uintptr) { f.fds[i] = int32(fd) })
}

// watch has the kernel tell of every socket that becomes readable, once each time (EPOLLET, epoll(7)).
func (f *Fleet) watch() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("epoll_create1: %w", err)
	}
	for i, s := range f.fds {
		event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(i)}
		if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, int(s), &event); err != nil {
			_ = unix.Close(fd)
			return fmt.Errorf("epoll_ctl: %w", err)
		}
	}
	f.epoll, f.events = fd, make([]unix.EpollEvent, min(len(f.fds), fleetEvents))
	return nil
}

// Ready returns the indexes of sockets that may have something to receive; with none it waits for wait at most. The slice is valid until
// the next Ready.
func (f *Fleet) Ready(wait time.Duration) []int32 {
	if f.epoll < 0 {
		if wait > 0 {
			timeout := unix.NsecToTimespec(int64(wait))
			_, _ = unix.Ppoll(f.polls, &timeout, nil)
		}
		return f.ready
	}
	f.ready = append(f.ready[:0], f.again...)
	f.again = f.again[:0]
	if len(f.ready) > 0 {
		wait = 0
	}
	room := min(len(f.events), cap(f.ready)-len(f.ready))
	if room > 0 {
		n := f.epollWait(room, wait)
		for i := range f.events[:n] {
			f.ready = append(f.ready, f.events[i].Fd)
		}
	}
	return f.ready
}

func (f *Fleet) epollWait(room int, wait time.Duration) int {
	events := uintptr(unsafe.Pointer(&f.events[0]))
	if wait <= 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(f.epoll), events, uintptr(room), 0, 0, 0)
		if errno != 0 {
			return 0
		}
		return int(n)
	}
	if !f.coarse {
		timeout := unix.NsecToTimespec(int64(wait))
		n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(f.epoll), events, uintptr(room), uintptr(unsafe.Pointer(&timeout)), 0, 0)
		if errno == 0 {
			return int(n)
		}
		if errno != unix.ENOSYS {
			return 0
		}
		f.coarse = true
	}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(f.epoll), events, uintptr(room), uintptr(wait/time.Millisecond), 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// Recv receives what socket i has, at most limit datagrams (0: as many as a call takes), and returns how many: 0 where there are none. An
// errno that the socket had in store (a refusal) comes as that errno, once. Data, Control and AddrPort tell of the datagrams, until the next
// Recv. Where more may be left, and Ready is to say so, call Again.
func (f *Fleet) Recv(i int32, limit int) (int, syscall.Errno) {
	r := f.in
	if limit <= 0 || limit > len(r.hdr) {
		limit = len(r.hdr)
	}
	r.rearm()
	n, errno := receiveMessages(uintptr(f.fds[i]), r.hdr[:limit], unix.MSG_DONTWAIT, false)
	r.filled = n
	return n, unlessEmpty(errno)
}

func unlessEmpty(errno syscall.Errno) syscall.Errno {
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return 0
	}
	return errno
}

// Again has the next Ready return i whether or not anything arrives: the kernel tells once that a socket has become readable, and Recv may have
// left something.
func (f *Fleet) Again(i int32) {
	if f.epoll >= 0 && len(f.again) < cap(f.again) {
		f.again = append(f.again, i)
	}
}

// Data returns the bytes of datagram j of the last Recv.
func (f *Fleet) Data(j int) []byte { return f.in.Data(j) }

// AddrPort returns its sender, where FleetConfig.Names is set.
func (f *Fleet) AddrPort(j int) netip.AddrPort { return f.in.AddrPort(j) }

// Control reads its control messages, where FleetConfig.Control is set.
func (f *Fleet) Control(j int, c *Control) { f.in.Control(j, c) }

// Room returns how many more datagrams can be added.
func (f *Fleet) Room() int { return len(f.out.iov) - f.out.vectors }

// Add adds a datagram to what Send is to send, to an address, or with the zero one to the socket's peer. data must stay as it is until then.
func (f *Fleet) Add(to netip.AddrPort, data []byte) { f.out.AddInet(to, netip.Addr{}, 0, data) }

// AddSegment lengthens the message added last by one more datagram; see [Sender.AddSegment].
func (f *Fleet) AddSegment(data []byte, size int) { f.out.AddSegment(data, size) }

// Send sends through socket i the messages that were added, from index from on, and returns how many the kernel took; if it took none, the
// errno says why message from was not taken. EAGAIN: the send buffer is full. Drop what was added with Reset.
func (f *Fleet) Send(i int32, from int) (int, syscall.Errno) {
	return sendMessages(uintptr(f.fds[i]), f.out.hdr[from:f.out.used], false)
}

// Added returns how many messages have been added.
func (f *Fleet) Added() int { return f.out.used }

// Reset takes back what was added.
func (f *Fleet) Reset() { f.out.Reset() }

// Socket returns socket i.
func (f *Fleet) Socket(i int32) *Socket { return f.sockets[i] }

// Len returns how many sockets there are.
func (f *Fleet) Len() int { return len(f.sockets) }

// Close closes every socket.
func (f *Fleet) Close() error {
	var errs []error
	if f.epoll >= 0 {
		errs = append(errs, unix.Close(f.epoll))
		f.epoll = -1
	}
	for _, s := range f.sockets {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
