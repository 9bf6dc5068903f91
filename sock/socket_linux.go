package sock

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Socket is one kernel socket. All its methods may be called from several
// goroutines at once.
type Socket struct {
	file   *os.File // registered with Go's poller; never asked for its Fd
	fd     int      // its number, for tracing alone
	raw    syscall.RawConn
	family Family
	typ    Type
	proto  Proto
	closed atomic.Bool
	thread *thread // not nil: outside the poller, BlockThreads
}

// New opens a socket, close-on-exec and registered with Go's poller
// (socket(2)). Zero values mean INET, STREAM and the usual protocol of the
// two. The protocol of the family PACKET is an Ethernet type in host byte
// order. Family and Type of the result are what the kernel made of it: it
// turns INET with OLDPACKET into PACKET, and UNIX with RAW into DGRAM.
func New(family Family, typ Type, proto Proto) (*Socket, error) {
	if family == UNSPEC {
		family = INET
	}
	if typ == 0 {
		typ = STREAM
	}
	fd, err := openSocket(family, typ, proto)
	if err != nil {
		return nil, &Error{
			Op: "socket", What: fmt.Sprintf("%v %v %s", family, typ, proto.Name(family)),
			Err: err, Hint: explain("socket", family, typ, err),
		}
	}
	s, err := adoptNew(fd, family, typ, proto)
	if err != nil {
		_ = closeDescriptor(fd)
		return nil, err
	}
	return s, nil
}

// adoptNew asks the kernel what it has made of family, type and protocol, unless there is but one answer: it makes other things of some
// kinds, and a program of BPF may turn TCP into MPTCP, but with datagrams over IP 0 is UDP.
func adoptNew(fd int, family Family, typ Type, proto Proto) (*Socket, error) {
	switch {
	case typ != DGRAM || family != INET && family != INET6:
		return adopt(fd, UNSPEC, 0, proto)
	case proto == 0:
		proto = ProtoUDP
	}
	return adopt(fd, family, typ, proto)
}

func openSocket(family Family, typ Type, proto Proto) (int, error) {
	number := int(proto)
	if family == PACKET {
		number = int(networkOrder(uint16(proto)))
	}
	fd, err := unix.Socket(int(family), kernelType(typ)|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, number)
	if put := place(); put != nil {
		put(socketCall(Call{Family: family, Type: typ, Proto: Proto(number), CloseOnExec: true, Nonblocking: true}, fd, err))
	}
	return fd, err
}

// networkOrder swaps what the machine does not keep in network order.
func networkOrder(n uint16) uint16 {
	var raw rawSockaddr
	raw[0], raw[1] = byte(n>>8), byte(n)
	return uint16(raw.family())
}

// kernelType is the number that this machine gives to a type: MIPS has STREAM
// and DGRAM the other way round. It is its own inverse.
func kernelType(t Type) int {
	switch t {
	case STREAM:
		return unix.SOCK_STREAM
	case DGRAM:
		return unix.SOCK_DGRAM
	}
	return int(t)
}

// Family is the address family.
func (s *Socket) Family() Family { return s.family }

// Type is the socket type.
func (s *Socket) Type() Type { return s.typ }

// Proto is the protocol. Of a PACKET socket that came as a descriptor the
// kernel does not tell it: it is then 0.
func (s *Socket) Proto() Proto { return s.proto }

// SyscallConn gives access to the descriptor for calls that this package does
// not have. The functions must not close it nor make it blocking.
func (s *Socket) SyscallConn() syscall.RawConn { return s.raw }

// read calls f until it returns true, and between calls waits until there may
// be something to read, for the read deadline, or for Close: the cause is then
// os.ErrDeadlineExceeded or ErrClosed. Only one goroutine at a time runs f.
func (s *Socket) read(f func(fd uintptr) bool) error {
	for nap := shortestNap; ; nap = min(2*nap, longestNap) {
		err := s.raw.Read(f)
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		// Here the socket is closed, or it has an error pending that nobody
		// has read while its send buffer is full. Go's poller takes that lone
		// EPOLLERR for a broken descriptor and lets nobody wait; poll(2) would
		// not wait either. It is a state that passes: look, and nap.
		done, err := s.tryOnce(f)
		if err != nil || done {
			return err
		}
		time.Sleep(nap)
	}
}

// How long to sleep where nothing can be waited for.
const (
	shortestNap = 50 * time.Microsecond
	longestNap  = 10 * time.Millisecond
)

func (s *Socket) tryOnce(f func(fd uintptr) bool) (done bool, err error) {
	err = s.control(func(fd uintptr) { done = f(fd) })
	return done, err
}

// write is read for sending: it waits until there may be room, or for the
// write deadline.
func (s *Socket) write(f func(fd uintptr) bool) error { return s.cause(s.raw.Write(f)) }

// control calls f with the descriptor, which stays open meanwhile, at once.
func (s *Socket) control(f func(fd uintptr)) error { return s.cause(s.raw.Control(f)) }

// cause gives the errors of Go's poller names that a caller can test for.
func (s *Socket) cause(err error) error {
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && s.closed.Load() {
		return ErrClosed
	}
	return err
}

// fail wraps the cause of a failed call.
func (s *Socket) fail(op, what string, err error) error {
	return &Error{Op: op, What: what, Err: err, Hint: explain(op, s.family, s.typ, err)}
}

// Close closes the descriptor and wakes every call that waits on it, which
// then fails with ErrClosed. The socket itself is not shut down: another
// process that shares it goes on. A second Close fails with ErrClosed.
func (s *Socket) Close() error {
	if s.closed.Swap(true) {
		return &Error{Op: "close", Err: ErrClosed}
	}
	if s.thread == nil {
		return closeFile(s.file, s.fd)
	}
	err := s.file.Close()
	s.thread.wake()
	s.thread.unpin()
	if put := place(); put != nil { // the receiver, which came out just now, was the last to use it
		put(closeCall(s.fd, err))
	}
	return err
}

// File gives a copy of the descriptor for handing on, to a child process for
// instance; it is close-on-exec and nonblocking, and the caller closes it.
// What is read through it is missing here: both are the same kernel socket.
func (s *Socket) File() (*os.File, error) {
	copied, dupErr := -1, error(nil)
	err := s.control(func(fd uintptr) { copied, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3) })
	if err == nil {
		err = dupErr
	}
	if err != nil {
		return nil, s.fail("dup", "", err)
	}
	return os.NewFile(uintptr(copied), s.file.Name()), nil
}

// Shutdown ends one half or both of a connection (shutdown(2)), for every
// process that shares it.
func (s *Socket) Shutdown(how How) error {
	var callErr error
	err := s.control(func(fd uintptr) {
		callErr = unix.Shutdown(int(fd), int(how))
		traceNumber("shutdown", fd, int(how), callErr)
	})
	if err == nil {
		err = callErr
	}
	if err != nil {
		return s.fail("shutdown", how.String(), err)
	}
	return nil
}

// SetDeadline sets both deadlines: the time after which calls that wait fail
// with os.ErrDeadlineExceeded, those that wait already among them. The zero
// time is no deadline.
func (s *Socket) SetDeadline(t time.Time) error { return s.deadline(s.file.SetDeadline(t)) }

// SetReadDeadline sets the deadline of RecvFrom, Recv and Accept.
func (s *Socket) SetReadDeadline(t time.Time) error {
	if s.thread != nil {
		return s.thread.setReadDeadline(t)
	}
	return s.deadline(s.file.SetReadDeadline(t))
}

// SetWriteDeadline sets the deadline of SendTo, Send and Connect.
func (s *Socket) SetWriteDeadline(t time.Time) error { return s.deadline(s.file.SetWriteDeadline(t)) }

func (s *Socket) deadline(err error) error {
	if err != nil {
		return &Error{Op: "set deadline", Err: s.cause(err)}
	}
	return nil
}
