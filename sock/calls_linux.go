package sock

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Bind gives the socket its local address (bind(2)).
func (s *Socket) Bind(a Addr) error {
	var raw rawSockaddr
	interfaces.forget() // rare, and must not miss an interface just made
	n, err := encodeAddr(&raw, a, s.family)
	if err == nil {
		err = s.addressCall("bind", unix.SYS_BIND, &raw, n)
	}
	if err != nil {
		return s.fail("bind", show(a), err)
	}
	return nil
}

// addressCall makes a call of the form f(fd, address, length).
func (s *Socket) addressCall(name string, trap uintptr, raw *rawSockaddr, n uint32) error {
	var errno syscall.Errno
	err := s.control(func(fd uintptr) {
		_, _, errno = unix.Syscall(trap, fd, uintptr(unsafe.Pointer(raw)), uintptr(n))
		traceAddress(name, fd, raw, n, errno)
	})
	return either(err, errno)
}

func show(a Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// Connect connects to a peer, or, on a datagram socket, sets the one peer
// that it sends to and receives from (connect(2)). It waits until the
// connection stands or has failed, at most until the write deadline; after a
// deadline the only use of a stream socket is to close it. RawAddr{} takes
// back the peer of a datagram socket.
func (s *Socket) Connect(a Addr) error {
	var raw rawSockaddr
	interfaces.forget()
	n, err := encodeAddr(&raw, a, s.family)
	if err == nil {
		err = s.connect(&raw, n)
	}
	if err != nil {
		return s.fail("connect", show(a), err)
	}
	return nil
}

func (s *Socket) connect(raw *rawSockaddr, n uint32) error {
	var errno syscall.Errno
	begun := false
	// Asked again, connect says how the first one fares: EALREADY on its
	// way, success or EISCONN when it stands, else why it failed.
	try := func(fd uintptr) bool {
		_, _, errno = unix.Syscall(unix.SYS_CONNECT, fd, uintptr(unsafe.Pointer(raw)), uintptr(n))
		traceAddress("connect", fd, raw, n, errno)
		switch errno {
		case unix.EINPROGRESS, unix.EALREADY, unix.EINTR:
			begun = true
			return false
		case unix.EISCONN:
			if begun {
				errno = 0
			}
		}
		return true
	}
	for nap := shortestNap; ; nap = min(2*nap, longestNap) {
		if err := s.write(try); err != nil {
			return err
		}
		if errno == 0 {
			return nil
		}
		if errno != unix.EAGAIN || s.family != UNIX {
			return errno
		}
		time.Sleep(nap) // the listener's backlog is full, and nothing tells when it is not
	}
}

// Listen makes a stream or seqpacket socket accept connections; backlog is
// how many may wait to be accepted (listen(2)).
func (s *Socket) Listen(backlog int) error {
	var callErr error
	err := s.control(func(fd uintptr) {
		callErr = unix.Listen(int(fd), backlog)
		traceNumber("listen", fd, backlog, callErr)
	})
	if err == nil {
		err = callErr
	}
	if err != nil {
		return s.fail("listen", "", err)
	}
	return nil
}

// Accept waits for a connection, at most until the read deadline, and returns
// its socket and its peer's address (accept4(2)). Connections that were given
// up before they were accepted are passed over.
func (s *Socket) Accept() (*Socket, Addr, error) {
	var raw rawSockaddr
	var n uint32
	var errno syscall.Errno
	fd := -1
	err := s.read(func(listener uintptr) bool {
		for {
			n = sockaddrSize
			r, _, e := unix.Syscall6(unix.SYS_ACCEPT4, listener, uintptr(unsafe.Pointer(&raw)),
				uintptr(unsafe.Pointer(&n)), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0, 0)
			traceName("accept4", listener, &raw, n, r, e)
			if e == unix.EINTR || e == unix.ECONNABORTED {
				continue
			}
			fd, errno = int(r), e
			return e != unix.EAGAIN
		}
	})
	if err = either(err, errno); err != nil {
		return nil, nil, s.fail("accept", "", err)
	}
	accepted := &Socket{family: s.family, typ: s.typ, proto: s.proto}
	if err := accepted.register(fd); err != nil {
		_ = closeDescriptor(fd)
		return nil, nil, err
	}
	return accepted, decodeAddr(&raw, n, s.family), nil
}

// Local is the socket's own address (getsockname(2)).
func (s *Socket) Local() (Addr, error) { return s.name("getsockname", unix.SYS_GETSOCKNAME) }

// Peer is the address of the connected peer (getpeername(2)).
func (s *Socket) Peer() (Addr, error) { return s.name("getpeername", unix.SYS_GETPEERNAME) }

func (s *Socket) name(op string, trap uintptr) (Addr, error) {
	var raw rawSockaddr
	n := uint32(sockaddrSize)
	var errno syscall.Errno
	err := s.control(func(fd uintptr) {
		_, _, errno = unix.Syscall(trap, fd, uintptr(unsafe.Pointer(&raw)), uintptr(unsafe.Pointer(&n)))
		traceName(op, fd, &raw, n, 0, errno)
	})
	if err = either(err, errno); err != nil {
		return nil, s.fail(op, "", err)
	}
	return decodeAddr(&raw, n, s.family), nil
}

// SetOption sets an option whose value is a C int, by its level and number
// (setsockopt(2)).
func (s *Socket) SetOption(level, name, value int) error {
	return s.Set(Opt{optionName(level, name), level, name}, value)
}

// Option reads an option whose value is a C int (getsockopt(2)). Of a shorter
// answer the missing bytes are 0.
func (s *Socket) Option(level, name int) (int, error) {
	return s.Get(Opt{optionName(level, name), level, name})
}

func intBytes(v *int32) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)) }

// SetOptionBytes sets an option whose value is any structure.
func (s *Socket) SetOptionBytes(level, name int, value []byte) error {
	return s.SetBytes(Opt{optionName(level, name), level, name}, value)
}

// SetBytes sets an option that is a structure or a string.
func (s *Socket) SetBytes(o Opt, value []byte) error {
	var errno syscall.Errno
	err := s.control(func(fd uintptr) { errno = setsockopt(fd, ownDescriptor, o, value) })
	if err = either(err, errno); err != nil {
		return s.fail("setsockopt", o.Name, err)
	}
	return nil
}

// OptionBytes reads an option into value and returns how many bytes of it the
// kernel filled.
func (s *Socket) OptionBytes(level, name int, value []byte) (int, error) {
	return s.GetBytes(Opt{optionName(level, name), level, name}, value)
}

// GetBytes reads an option that is a structure or a string into value, and returns how many bytes of it the kernel filled.
func (s *Socket) GetBytes(o Opt, value []byte) (int, error) {
	n := 0
	var errno syscall.Errno
	err := s.control(func(fd uintptr) { n, errno = getsockopt(fd, o, value) })
	if err = either(err, errno); err != nil {
		return 0, s.fail("getsockopt", o.Name, err)
	}
	return n, nil
}

// setsockopt makes the call. from is what fd has just become a copy of.
func setsockopt(fd uintptr, from origin, o Opt, value []byte) syscall.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, fd, uintptr(o.Level), uintptr(o.Code),
		uintptr(unsafe.Pointer(unsafe.SliceData(value))), uintptr(len(value)), 0)
	if put := place(); put != nil {
		put(optionCall("setsockopt", fd, from, o, value, len(value), errno))
	}
	return errno
}

// getsockopt makes the call, and returns how many bytes of value the kernel filled.
func getsockopt(fd uintptr, o Opt, value []byte) (int, syscall.Errno) {
	return ownDescriptor.getsockopt(fd, o, value)
}

// option reads an option that is a C int.
func (from origin) option(fd int, o Opt) (int, syscall.Errno) {
	var n int32
	_, errno := from.getsockopt(uintptr(fd), o, intBytes(&n))
	return int(n), errno
}

func (from origin) getsockopt(fd uintptr, o Opt, value []byte) (int, syscall.Errno) {
	n := uint32(len(value))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, uintptr(o.Level), uintptr(o.Code),
		uintptr(unsafe.Pointer(unsafe.SliceData(value))), uintptr(unsafe.Pointer(&n)), 0)
	if put := place(); put != nil {
		put(optionCall("getsockopt", fd, from, o, value[:min(int(n), len(value))], len(value), errno))
	}
	return int(n), errno
}

// optionName is the option's name, or its numbers where this package has none for it.
func optionName(level, name int) string {
	if o := NameOpt(level, name); o.Name != "" {
		return o.Name
	}
	return fmt.Sprintf("level %d option %d", level, name)
}

// either is the error of Go's poller, else what the kernel answered.
func either(err error, errno syscall.Errno) error {
	if err == nil && errno != 0 {
		return errno
	}
	return err
}
