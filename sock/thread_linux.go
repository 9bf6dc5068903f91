package sock

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// thread lets a Receiver block in the kernel, which answers sooner than parking a goroutine in Go's poller does, and still be woken by
// a deadline or Close. The waker says what it wants first, then signals the thread for as long as that is inside the kernel; the
// receiver says that it is going inside first, then looks whether anybody wants something. So no wake-up is lost.
type thread struct {
	inside   atomic.Int32  // the kernel's number of the thread that blocks in a receiving call, or is about to; 0: none
	entries  atomic.Uint32 // how often it went inside
	deadline atomic.Int64  // nanoseconds since 1970; 0: none
	tid      int32         // of the thread that receives, which stays on it
	holds    atomic.Bool   // the thread may keep its processor of Go's while it waits; see waiting_linux.go
}

// The signal that Go's runtime sends its own threads to preempt them (os/signal, "SIGURG"); its handler takes any other for a false alarm.
const wakeSignal = unix.SIGURG

// BlockThreads takes the socket out of Go's poller: a Receiver then blocks its thread in the kernel. The goroutine that receives is locked to
// its thread from its first Recv on. Only Receivers and Senders serve such a socket; RecvFrom and Accept do not. It is
// called once, before the socket is used by anybody else.
func (s *Socket) BlockThreads() error {
	fd := -1
	var err error
	if controlErr := s.control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 3) }); controlErr != nil {
		return controlErr
	}
	if err != nil {
		return s.fail("dup", "", err)
	}
	old, number := s.file, s.fd
	if err := s.outside(fd, number); err != nil {
		_ = closeDescriptor(fd)
		return err
	}
	return closeFile(old, number)
}

// outside makes fd the descriptor of the socket, out of Go's poller. On failure fd stays open, and the caller's. copyOf is the descriptor that
// fd was copied from, or -1.
func (s *Socket) outside(fd, copyOf int) error {
	err := unix.SetNonblock(fd, false)
	if err == nil {
		err = asError(setTurn(uintptr(fd), copyOf, receiveTurn))
	}
	if err != nil {
		return s.fail("block threads", fmt.Sprintf("fd %d", fd), err)
	}
	file := os.NewFile(uintptr(fd), fmt.Sprintf("%v %v fd %d", s.family, s.typ, fd))
	raw, err := file.SyscallConn()
	if err != nil {
		return fmt.Errorf("socket outside the poller: %w", err)
	}
	s.file, s.raw, s.fd, s.thread = file, raw, fd, new(thread)
	return nil
}

// wake makes a blocked receive look at deadline and Close again. It returns when the receiver is not inside the kernel, or has been there
// and gone back knowing of the change, which the caller made before.
func (t *thread) wake() {
	pid, entry := os.Getpid(), t.entries.Load()
	for nap := 20 * time.Microsecond; ; nap = min(2*nap, time.Millisecond) {
		tid := t.inside.Load()
		if tid == 0 || t.entries.Load() != entry {
			return
		}
		if unix.Tgkill(pid, int(tid), wakeSignal) != nil {
			return // the thread is gone, and with it whoever received
		}
		time.Sleep(nap)
	}
}

// pin locks the goroutine to its thread, once.
func (t *thread) pin() {
	if t.tid == 0 {
		runtime.LockOSThread()
		t.tid = int32(unix.Gettid())
		t.holds.Store(holders.take())
	}
}

// unpin is the end of receiving: the socket was closed.
func (t *thread) unpin() {
	if t.holds.Swap(false) {
		holders.leave()
	}
}

// enter says that the thread goes inside. Only after that may it look at deadline and Close.
func (t *thread) enter() {
	t.entries.Add(1)
	t.inside.Store(t.tid)
}

func (t *thread) leave() { t.inside.Store(0) }

// recvBlocking is Recv of a socket outside the poller.
func (r *Receiver) recvBlocking() (int, error) {
	t := r.socket.thread
	t.pin()
	if err := r.socket.raw.Control(r.blocked); err != nil {
		return 0, r.socket.cause(err)
	}
	switch {
	case r.err == unix.ETIME:
		return 0, os.ErrDeadlineExceeded
	case r.err == unix.ECANCELED:
		t.unpin()
		return 0, ErrClosed
	case r.err != 0:
		return 0, r.err
	}
	return r.filled, nil
}

// block receives, waiting inside the kernel. ETIME in r.err stands for the deadline, ECANCELED for Close.
func (r *Receiver) block(fd uintptr) {
	t := r.socket.thread
	// Where several came at once last time there are probably more.
	if r.filled > 1 {
		if r.receive(fd, unix.MSG_DONTWAIT, false); r.err == 0 {
			return
		}
	}
	if r.spin && r.spinning(fd) || r.looks.worth() && r.soon(fd) {
		return
	}
	for {
		deadline := t.deadline.Load()
		if deadline != 0 {
			if r.try(fd) {
				return
			}
			if left := time.Until(time.Unix(0, deadline)); left <= 0 {
				r.err = unix.ETIME
				return
			} else if r.pause(fd, deadline, left); r.err == unix.ECANCELED {
				return
			}
			continue
		}
		t.enter()
		if r.socket.closed.Load() {
			r.err = unix.ECANCELED
		} else if t.deadline.Load() != deadline {
			r.err = unix.EINTR
		} else {
			r.receiveWaiting(fd)
		}
		t.leave()
		switch r.err {
		case unix.EINTR:
		case unix.EAGAIN: // the turn is over, or somebody who shares the socket has made it nonblocking
			if r.err = 0; r.errors && errorQueued(fd) {
				return
			}
			if isNonblocking(fd) { // wait all the same
				if r.pause(fd, deadline, receiveTurn); r.err == unix.ECANCELED {
					return
				}
			}
		default:
			return
		}
	}
}

// spinning looks for something until there is, without ever waiting in the kernel. It reports false when a deadline or Close is to be looked at.
func (r *Receiver) spinning(fd uintptr) bool {
	const errorTurn = 1024 // the error queue is looked at every so many turns: what is new in it ends the receive anyway
	t := r.socket.thread
	for turn := 1; !r.socket.closed.Load() && t.deadline.Load() == 0; turn++ {
		if r.receive(fd, unix.MSG_DONTWAIT, false); r.err != unix.EAGAIN && r.err != unix.EINTR {
			return true
		}
		if r.errors && turn%errorTurn == 0 && errorQueued(fd) {
			r.err = 0
			return true
		}
	}
	return false
}

func isNonblocking(fd uintptr) bool {
	flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	return err == nil && flags&unix.O_NONBLOCK != 0
}

// pause waits until there is something to read, for the deadline, for a turn, or to be woken.
func (r *Receiver) pause(fd uintptr, deadline int64, left time.Duration) {
	t := r.socket.thread
	t.enter()
	defer t.leave()
	if r.socket.closed.Load() {
		r.err = unix.ECANCELED
		return
	}
	if t.deadline.Load() == deadline {
		timeout := unix.NsecToTimespec(int64(min(left, receiveTurn)))
		_, _ = unix.Ppoll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, &timeout, nil)
	}
}

// setReadDeadline is SetReadDeadline of a socket outside the poller.
func (t *thread) setReadDeadline(at time.Time) error {
	if at.IsZero() {
		t.deadline.Store(0)
	} else {
		t.deadline.Store(max(at.UnixNano(), 1))
	}
	t.wake()
	return nil
}

// block sends, waiting inside the kernel for room. ECANCELED in w.err stands for Close.
func (w *Sender) block(fd uintptr) {
	for !w.try(fd) {
		if w.socket.closed.Load() {
			w.err = unix.ECANCELED
			return
		}
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, roomCheck)
	}
}

// roomCheck is how often, in milliseconds, a Sender outside the poller looks whether the socket was closed while it waits for room.
const roomCheck = 50
