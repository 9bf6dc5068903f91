package sock

import (
	"errors"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newCall begins the description of a call that has returned.
func newCall(name string, fd uintptr, result uintptr, errno syscall.Errno) *Call {
	c := &Call{Time: time.Now(), Name: name, FD: int(fd), CopyOf: -1, Result: int(result), Errno: errno}
	if errno != 0 {
		c.Result = -1
	}
	return c
}

// socketCall describes socket(2); what holds its arguments.
func socketCall(what Call, fd int, err error) *Call {
	c := newCall("socket", 0, uintptr(fd), errnoOf(err))
	c.FD = -1
	c.Family, c.Type, c.Proto, c.CloseOnExec, c.Nonblocking = what.Family, what.Type, what.Proto, what.CloseOnExec, what.Nonblocking
	return c
}

// batchCall describes sendmmsg and recvmmsg.
func batchCall(name string, fd uintptr, h []mmsghdr, flags Flags, n uintptr, errno syscall.Errno) *Call {
	c := newCall(name, fd, n, errno)
	received := name == "recvmmsg"
	c.Flags, c.Batch = flags, len(h)
	if received {
		h = h[:max(c.Result, 0)]
	}
	c.Messages = make([]Message, min(len(h), TracedMessages))
	for i := range c.Messages {
		moved := int(h[i].n)
		if i >= c.Result {
			moved = -1
		}
		c.Messages[i].take(&h[i].hdr, moved, received)
	}
	return c
}

// messageCall describes recvmsg.
func messageCall(name string, fd uintptr, h *unix.Msghdr, flags Flags, n uintptr, errno syscall.Errno) *Call {
	c := newCall(name, fd, n, errno)
	c.Flags, c.Messages = flags, make([]Message, 1)
	if errno == 0 {
		c.Messages[0].take(h, int(n), true)
	} else {
		c.Messages[0] = Message{AddrRoom: int(h.Namelen), Moved: -1}
	}
	return c
}

// toCall describes sendto; h holds its arguments.
func toCall(fd uintptr, h *unix.Msghdr, flags Flags, n uintptr, errno syscall.Errno) *Call {
	c := newCall("sendto", fd, n, errno)
	c.Flags, c.Messages = flags, make([]Message, 1)
	c.Messages[0].take(h, c.Result, false)
	c.Addr, c.AddrLen = c.Messages[0].Addr, c.Messages[0].AddrLen
	return c
}

// fromCall describes recvfrom; h holds its arguments, and what it returned but for the length.
func fromCall(fd uintptr, h *mmsghdr, flags Flags, n uintptr, errno syscall.Errno) *Call {
	c := newCall("recvfrom", fd, n, errno)
	c.Flags, c.Messages = flags, make([]Message, 1)
	m, room := &c.Messages[0], int(h.hdr.Iov.Len)
	m.take(&h.hdr, min(max(c.Result, 0), room), true)
	m.Flags = 0
	if c.Result > room {
		m.Flags = TRUNC
	}
	if m.NoAddr {
		m.AddrRoom = 0
	}
	if errno != 0 {
		m.Addr, m.AddrLen, m.Moved = nil, 0, -1
	}
	return c
}

// plainCall describes a sendto and recvfrom that package unix made.
func plainCall(name string, fd int, b []byte, to Addr, n int, err error) *Call {
	errno := errnoOf(err)
	c := newCall(name, uintptr(fd), uintptr(n), errno)
	have := max(c.Result, 0)
	c.Addr, c.Messages = to, []Message{{Vectors: []Vector{{Data: clip(b[:min(have, len(b))]), Size: have, Room: len(b)}}, Pieces: 1, Moved: c.Result}}
	if raw, ok := to.(RawAddr); ok {
		c.AddrLen = familySize + len(raw.Data)
	}
	return c
}

// take copies what a header says. moved is how many bytes went or came, -1: none were sent.
func (m *Message) take(h *unix.Msghdr, moved int, received bool) {
	m.AddrLen, m.Moved, m.Pieces, m.NoAddr = int(h.Namelen), moved, int(h.Iovlen), h.Name == nil
	if received {
		m.AddrRoom, m.Flags = sockaddrSize, Flags(h.Flags)
	}
	if h.Name != nil && h.Namelen > 0 {
		var raw rawSockaddr
		copy(raw[:], unsafe.Slice(h.Name, min(h.Namelen, sockaddrSize)))
		m.Addr = decodeAddr(&raw, h.Namelen, UNSPEC)
	}
	vectors := unsafe.Slice(h.Iov, h.Iovlen)
	m.Vectors = make([]Vector, min(len(vectors), TracedMessages))
	left := moved
	for i := range m.Vectors {
		have := int(vectors[i].Len)
		if received {
			have = min(have, left)
			left -= have
		}
		m.Vectors[i] = vectorOf(&vectors[i], have)
	}
	if h.Control != nil && h.Controllen > 0 {
		m.ControlOf = int(h.Controllen)
		forEachControl(unsafe.Slice(h.Control, h.Controllen), func(level, kind int32, b []byte) {
			m.Control = append(m.Control, ControlMessage{Option: NameOpt(int(level), int(kind)), Size: unix.CmsgLen(len(b)), Data: append([]byte(nil), b...)})
		})
	}
}

func vectorOf(v *unix.Iovec, have int) Vector {
	w := Vector{Size: have, Room: int(v.Len)}
	if have > 0 {
		w.Data = clip(unsafe.Slice(v.Base, have))
	}
	return w
}

func clip(b []byte) []byte { return append([]byte(nil), b[:min(len(b), TracedBytes)]...) }

// optionCall describes setsockopt and getsockopt.
func optionCall(name string, fd uintptr, from origin, o Opt, value []byte, room int, errno syscall.Errno) *Call {
	c := newCall(name, fd, 0, errno)
	c.Process, c.CopyOf, c.Option, c.Value, c.ValueRoom = from.pid, from.fd, o, append([]byte(nil), value...), room
	return c
}

// origin says which descriptor, and of which process, another has just become a copy of.
type origin struct{ pid, fd int }

// ownDescriptor is the origin of a descriptor that is no copy, or of which that has been told.
var ownDescriptor = origin{fd: -1}

// traceAddress tells of bind and connect.
func traceAddress(name string, fd uintptr, raw *rawSockaddr, n uint32, errno syscall.Errno) {
	put := place()
	if put == nil {
		return
	}
	c := newCall(name, fd, 0, errno)
	c.Addr, c.AddrLen = decodeAddr(raw, n, UNSPEC), int(n)
	put(c)
}

// traceName tells of getsockname, getpeername and accept4.
func traceName(name string, fd uintptr, raw *rawSockaddr, n uint32, result uintptr, errno syscall.Errno) {
	put := place()
	if put == nil {
		return
	}
	c := newCall(name, fd, result, errno)
	c.AddrRoom = sockaddrSize
	c.CloseOnExec, c.Nonblocking = name == "accept4", name == "accept4"
	if errno == 0 {
		c.Addr, c.AddrLen = decodeAddr(raw, n, UNSPEC), int(n)
	}
	put(c)
}

// traceNumber tells of listen and shutdown.
func traceNumber(name string, fd uintptr, number int, err error) {
	put := place()
	if put == nil {
		return
	}
	c := newCall(name, fd, 0, errnoOf(err))
	c.Number = number
	put(c)
}

// closeCall describes close. It takes its place before it is made: its number may be another socket's a moment later.
func closeCall(fd int, err error) *Call { return newCall("close", uintptr(fd), 0, errnoOf(err)) }

func closeDescriptor(fd int) error {
	put := place()
	err := unix.Close(fd)
	if put != nil {
		put(closeCall(fd, err))
	}
	return err
}

// closeFile closes a file in Go's poller, whose descriptor has that number.
func closeFile(f *os.File, number int) error {
	put := place()
	err := f.Close()
	if put != nil {
		put(closeCall(number, err))
	}
	return err
}

func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	if err != nil && !errors.As(err, &errno) {
		errno = unix.EIO // an error that is no errno: a call was made, and failed
	}
	return errno
}

func asError(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
