package sock

import (
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// transfer is one sendto or recvmsg under way. Its functions are bound once
// and it comes from a pool, so that a call allocates nothing.
type transfer struct {
	name    rawSockaddr
	nameLen uint32
	iov     unix.Iovec
	msg     unix.Msghdr
	length  int
	flags   Flags
	n       int
	errno   syscall.Errno

	send, recv, sendNow func(fd uintptr) bool
	sendOnce, recvOnce  func(fd uintptr)
}

var transfers = sync.Pool{New: func() any {
	t := new(transfer)
	t.send, t.recv = t.trySend, t.tryRecv
	t.sendNow = func(fd uintptr) bool { t.trySend(fd); return true }
	t.sendOnce = func(fd uintptr) { t.trySend(fd) }
	t.recvOnce = func(fd uintptr) { t.tryRecv(fd) }
	return t
}}

// begin sets up a transfer of b. The buffer is let go by end.
func begin(b []byte, flags Flags) *transfer {
	t := transfers.Get().(*transfer)
	t.nameLen, t.n, t.errno = 0, 0, 0
	t.aim(b, flags)
	return t
}

func (t *transfer) aim(b []byte, flags Flags) {
	t.iov.Base, t.length, t.flags = unsafe.SliceData(b), len(b), flags
	t.iov.SetLen(len(b))
}

func (t *transfer) end() {
	t.iov.Base, t.msg = nil, unix.Msghdr{}
	transfers.Put(t)
}

// trySend and tryRecv report whether they are done: not when they would have
// had to wait. MSG_DONTWAIT is given always, because somebody who shares the
// descriptor may have made it blocking.
func (t *transfer) trySend(fd uintptr) bool {
	var name unsafe.Pointer
	if t.nameLen > 0 {
		name = unsafe.Pointer(&t.name)
	}
	for {
		put := place()
		n, _, errno := unix.Syscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(t.iov.Base)), uintptr(t.length),
			uintptr(t.flags|DONTWAIT|NOSIGNAL), uintptr(name), uintptr(t.nameLen))
		if put != nil {
			h := unix.Msghdr{Name: (*byte)(name), Namelen: t.nameLen, Iov: &t.iov}
			h.SetIovlen(1)
			put(toCall(fd, &h, t.flags|DONTWAIT|NOSIGNAL, n, errno))
		}
		if errno != unix.EINTR {
			return t.result(n, errno)
		}
	}
}

func (t *transfer) tryRecv(fd uintptr) bool {
	for {
		t.msg = unix.Msghdr{Name: &t.name[0], Namelen: sockaddrSize, Iov: &t.iov}
		t.msg.SetIovlen(1)
		n, _, errno := unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&t.msg)), uintptr(t.flags|DONTWAIT))
		if put := place(); put != nil {
			put(messageCall("recvmsg", fd, &t.msg, t.flags|DONTWAIT, n, errno))
		}
		if errno != unix.EINTR {
			return t.result(n, errno)
		}
	}
}

func (t *transfer) result(n uintptr, errno syscall.Errno) bool {
	t.n, t.errno = 0, errno
	if errno == 0 {
		t.n = int(n)
	}
	return errno != unix.EAGAIN
}

// SendTo sends b to an address (sendto(2)), or, when to is nil, to the
// connected peer. It waits for room, at most until the write deadline; with
// DONTWAIT it fails at once with EAGAIN and minds no deadline. On a stream it
// sends all of b, and n counts what was sent also when there is an error; on
// any other socket b is one datagram, and n is its length. It never raises
// SIGPIPE.
func (s *Socket) SendTo(b []byte, flags Flags, to Addr) (n int, err error) {
	t := begin(b, flags)
	defer t.end()
	if t.nameLen, err = encodeAddr(&t.name, to, s.family); err == nil {
		n, err = s.sendAll(t, b, to != nil)
	}
	runtime.KeepAlive(b)
	if err != nil {
		return n, s.fail("sendto", show(to), err)
	}
	return n, nil
}

// Send sends b to the connected peer (send(2)): SendTo without an address.
func (s *Socket) Send(b []byte, flags Flags) (int, error) { return s.SendTo(b, flags, nil) }

// sendAll sends once, on a stream until all is sent.
func (s *Socket) sendAll(t *transfer, b []byte, named bool) (int, error) {
	sent := 0
	for {
		if err := s.sendPart(t, named); err != nil {
			return sent, err
		}
		sent += t.n
		if s.typ != STREAM || sent >= len(b) || t.flags&DONTWAIT != 0 {
			return sent, nil
		}
		t.aim(b[sent:], t.flags)
	}
}

func (s *Socket) sendPart(t *transfer, named bool) error {
	for nap := shortestNap; ; nap = min(2*nap, longestNap) {
		err := s.sendWait(t, named)
		if err != nil {
			return err
		}
		if t.errno == 0 {
			return nil
		}
		if t.errno != unix.EAGAIN || t.flags&DONTWAIT != 0 {
			return t.errno
		}
		time.Sleep(nap)
	}
}

// sendWait waits for room where the kernel tells of it. It does not when a
// unix datagram socket sends to a name whose queue is full: then it returns
// with EAGAIN.
func (s *Socket) sendWait(t *transfer, named bool) error {
	switch {
	case t.flags&DONTWAIT != 0:
		return s.control(t.sendOnce)
	case s.family == UNIX && named:
		return s.write(t.sendNow)
	}
	return s.write(t.send)
}

// RecvFrom receives into b (recvfrom(2)) and waits until there is something,
// at most until the read deadline, or until Close. It returns how many bytes,
// from whom (nil where the kernel does not say, as on a connected stream: ask
// Peer), and the flags that the kernel set: TRUNC when a datagram did not fit.
//
// On a stream n = 0 means that the peer closed; on any other socket it is an
// empty datagram. Neither is an error. With TRUNC in flags n is the true
// length of the datagram and may be greater than len(b). With DONTWAIT or
// ERRQUEUE it never waits, and fails with EAGAIN. With WAITALL on a stream it
// returns when b is full or the peer closed; if an error comes first, n counts
// the bytes that b already has.
func (s *Socket) RecvFrom(b []byte, flags Flags) (n int, from Addr, out Flags, err error) {
	t := begin(b, flags)
	defer t.end()
	if n, err = s.receive(t, b); err != nil {
		return n, nil, 0, s.fail("recvfrom", "", err)
	}
	return n, decodeAddr(&t.name, t.msg.Namelen, s.family), Flags(t.msg.Flags), nil
}

// Recv receives without asking from whom (recv(2)): RecvFrom that makes no
// address.
func (s *Socket) Recv(b []byte, flags Flags) (n int, out Flags, err error) {
	t := begin(b, flags)
	defer t.end()
	if n, err = s.receive(t, b); err != nil {
		return n, 0, s.fail("recvfrom", "", err)
	}
	return n, Flags(t.msg.Flags), nil
}

func (s *Socket) receive(t *transfer, b []byte) (int, error) {
	defer runtime.KeepAlive(b)
	switch {
	case s.typ != STREAM, t.flags&WAITALL == 0, t.flags&(DONTWAIT|ERRQUEUE|OOB) != 0:
		return s.recvPart(t)
	case t.flags&PEEK != 0:
		return s.peekAll(t)
	}
	return s.recvAll(t, b)
}

// recvAll does what MSG_WAITALL does on a blocking socket: on a nonblocking
// one the kernel ignores it.
func (s *Socket) recvAll(t *transfer, b []byte) (int, error) {
	got := 0
	for {
		n, err := s.recvPart(t)
		got += n
		if err != nil || n == 0 || got >= len(b) {
			return got, err
		}
		t.aim(b[got:], t.flags)
	}
}

// peekAll waits until all of the buffer can be seen at the head of the queue,
// or no more will come.
func (s *Socket) peekAll(t *transfer) (int, error) {
	err := s.read(func(fd uintptr) bool {
		if !t.tryRecv(fd) {
			return false
		}
		return t.errno != 0 || t.n == 0 || t.n >= t.length || ended(fd)
	})
	return t.n, either(err, t.errno)
}

// ended reports whether the peer of a stream will send no more.
func ended(fd uintptr) bool {
	asked := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(asked, 0)
	return err == nil && n > 0 && asked[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
}

func (s *Socket) recvPart(t *transfer) (int, error) {
	var err error
	if t.flags&(DONTWAIT|ERRQUEUE) != 0 {
		err = s.control(t.recvOnce)
	} else {
		err = s.read(t.recv)
	}
	return t.n, either(err, t.errno)
}
