package sock

import (
	"errors"
	"fmt"
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
	again   []int32    // sockets that may hold more than was taken: an edge is told once
	coarse  bool       // the kernel has no epoll_pwait2: waits are whole milliseconds
	stamp   kernelTime // read last
	asked   series     // looks
	posted  series     // what is to be sent
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
	f.asked.calls, f.posted.calls = make([]sysCall, 0, c.Messages), make([]sysCall, 0, c.Messages)
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
	f.in.rearm(0, f.in.filled)
	f.in.filled = 0
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
		timeout := kernelTime{int64(wait / time.Second), int64(wait % time.Second)}
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

// Again has the next Ready return i whether or not anything arrives: the kernel tells once that a socket has become readable, and a look may have
// left something.
func (f *Fleet) Again(i int32) {
	if f.epoll >= 0 && len(f.again) < cap(f.again) {
		f.again = append(f.again, i)
	}
}

// AgainAll has the next Ready return all.
func (f *Fleet) AgainAll() {
	f.again = f.again[:0]
	for i := range f.sockets {
		f.Again(int32(i))
	}
}

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
