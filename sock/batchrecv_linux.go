package sock

import (
	"cmp"
	"errors"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is struct mmsghdr of recvmmsg(2): a header, and the bytes that the call moved.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// Receiver receives datagrams from one socket in batches (recvmmsg(2); recvfrom(2) or recvmsg(2) while they come one at a time). It owns the buffers: what
// Data returns is valid until the next Recv. One goroutine uses it at a time.
type Receiver struct {
	socket     *Socket
	bound      func(uintptr) bool // try, bound once so that no call allocates
	blocked    func(uintptr)      // block, likewise
	hdr        []mmsghdr
	iov        []unix.Iovec
	name       []rawSockaddr
	control    []byte
	controlled bool // the headers point into control
	buffer     []byte
	size       int // longest datagram received whole
	stride     int // from one buffer to the next
	filled     int // messages of the last Recv, whose headers the kernel has changed
	errors     bool
	spin       bool
	alone      alone
	looks      looks
	quiet      int // wake-ups in a row that brought nothing
	err        syscall.Errno
}

// controlSize is room for every control message that a Receiver knows: packet info, times, TTL, TOS, drops and segment size.
const controlSize = 256

// ReceiverConfig says what a Receiver is to hold.
type ReceiverConfig struct {
	Messages int  // datagrams, or coalesced super-datagrams, received in one call
	Size     int  // bytes of the longest one received whole
	Control  bool // control messages are wanted; without them receiving is cheaper
	Spin     bool // on a socket outside the poller (BlockThreads): never wait in the kernel, but look again and again; takes a processor whole
	Errors   bool // Recv also returns, with 0 messages, when the error queue holds something (IP_RECVERR is set)
}

// NewReceiver makes a Receiver and its buffers, c.Messages times c.Size bytes, which cost memory only once they are written to.
func (s *Socket) NewReceiver(c ReceiverConfig) *Receiver {
	// A step of an odd number of cache lines keeps the beginnings of the buffers out of one set of the processor's cache.
	stride := (c.Size+63)&^63 + 64
	r := &Receiver{
		socket: s, size: c.Size, stride: stride, errors: c.Errors, spin: c.Spin,
		hdr: make([]mmsghdr, c.Messages), iov: make([]unix.Iovec, c.Messages), name: make([]rawSockaddr, c.Messages),
		buffer: make([]byte, c.Messages*stride),
	}
	if c.Control {
		r.control = make([]byte, c.Messages*controlSize)
	}
	for i := range r.hdr {
		r.iov[i].Base = &r.buffer[i*stride]
		r.iov[i].SetLen(c.Size)
		h := &r.hdr[i].hdr
		h.Name, h.Iov = &r.name[i][0], &r.iov[i]
		h.SetIovlen(1)
	}
	r.UseControl(true)
	r.filled = c.Messages
	r.bound, r.blocked = r.try, r.block
	return r
}

// UseControl turns the receiving of control messages off and on, on a Receiver that was made with them.
func (r *Receiver) UseControl(on bool) {
	if r.control == nil || on == r.controlled {
		return
	}
	r.controlled = on
	for i := range r.hdr {
		h := &r.hdr[i].hdr
		h.Control = nil
		h.SetControllen(0)
		if on {
			h.Control = &r.control[i*controlSize]
			h.SetControllen(controlSize)
		}
	}
}

// Recv waits until there is something, and returns how many messages it took: at least one, unless ReceiverConfig.Errors is set and the
// error queue holds something. At the socket's read deadline it still returns what is queued; with nothing queued it returns
// os.ErrDeadlineExceeded, and after Close net.ErrClosed. An errno that the socket had in store (a refusal, socket(7) SO_ERROR) comes as
// that errno, once.
func (r *Receiver) Recv() (int, error) {
	if r.socket.thread != nil {
		return r.recvBlocking()
	}
	if err := r.socket.read(r.bound); err != nil {
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
		// Past the deadline Go's poller does not even try: look whether something is queued.
		if done, tryErr := r.socket.tryOnce(r.bound); tryErr != nil || !done {
			return 0, cmp.Or(tryErr, err)
		}
	}
	if r.err != 0 {
		return 0, r.err
	}
	return r.filled, nil
}

// try makes one call that does not wait; it reports false if there was nothing, and the caller is to wait.
func (r *Receiver) try(fd uintptr) bool {
	for {
		r.receive(fd, unix.MSG_DONTWAIT, true)
		switch r.err {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			r.err = 0
			return r.errors && errorQueued(fd)
		}
		return true
	}
}

// receive makes one call with flags, which may wait, and keeps what came of it.
func (r *Receiver) receive(fd, flags uintptr, told bool) {
	r.rearm(0, r.filled)
	if r.filled, r.err = receiveMessages(fd, r.hdr[:r.alone.room(len(r.hdr))], flags, told); r.err == 0 {
		r.alone.took(r.filled)
	}
}

// rearm puts back what the kernel changed in the headers of n messages.
func (r *Receiver) rearm(first, n int) {
	for i := range r.hdr[first:][:n] {
		h := &r.hdr[first+i].hdr
		h.Namelen = sockaddrSize
		if r.controlled {
			h.SetControllen(controlSize)
		}
	}
}

// Data returns the bytes of message i, with the whole buffer as capacity.
func (r *Receiver) Data(i int) []byte {
	start := i * r.stride
	return r.buffer[start : start+int(r.hdr[i].n) : start+r.size]
}

// AddrPort returns the sender of message i on an INET or INET6 socket; a mapped IPv4 address stays mapped.
func (r *Receiver) AddrPort(i int) netip.AddrPort {
	return getInet(&r.name[i], r.hdr[i].hdr.Namelen)
}

// Inet4 returns the sender of message i where its address is of family INET.
func (r *Receiver) Inet4(i int) (addr uint32, port uint16, ok bool) {
	name := &r.name[i]
	if r.hdr[i].hdr.Namelen != inetSize || name.family() != INET {
		return 0, 0, false
	}
	addr, port = getInet4(name)
	return addr, port, true
}

// UnixName returns the sender of message i on a UNIX socket, as the raw bytes of sun_path without their end, valid until the next Recv. It
// is empty for an unnamed socket, and begins with a NUL for an abstract name.
func (r *Receiver) UnixName(i int) []byte {
	n := r.hdr[i].hdr.Namelen
	if n <= familySize {
		return nil
	}
	name := r.name[i][familySize:min(n, sockaddrSize)]
	if name[0] != 0 {
		for j, c := range name {
			if c == 0 {
				return name[:j]
			}
		}
	}
	return name
}

// Truncated reports whether message i was longer than its buffer (MSG_TRUNC).
func (r *Receiver) Truncated(i int) bool { return r.hdr[i].hdr.Flags&unix.MSG_TRUNC != 0 }

// Control is what the kernel says about a received message (cmsg(3)). Fields that were not asked for, or not given, are zero.
type Control struct {
	Local     netip.Addr // address to answer from: IP_PKTINFO's spec_dst, IPV6_PKTINFO's address
	Interface int32      // index of the interface that it arrived on
	Time      time.Time  // kernel receive time, SO_TIMESTAMPNS
	Segment   int        // bytes of each datagram but the last in a coalesced message (UDP_GRO); 0: it is one datagram
	TTL, TOS  uint8      // IP_TTL or IPV6_HOPLIMIT, IP_TOS or IPV6_TCLASS
	Drops     uint32     // SO_RXQ_OVFL: datagrams that the socket had dropped when this one was queued
}

// Control reads the control messages of message i into c.
func (r *Receiver) Control(i int, c *Control) {
	*c = Control{}
	if !r.controlled {
		return
	}
	used := min(int(r.hdr[i].hdr.Controllen), controlSize)
	c.parse(r.control[i*controlSize : i*controlSize+used])
}

// nanos is the time in message i's first control message, in nanoseconds since 1970; 0 where that is no time.
func (r *Receiver) nanos(i int) int64 {
	if !r.controlled || int(r.hdr[i].hdr.Controllen) < unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) {
		return 0
	}
	m := (*struct {
		unix.Cmsghdr
		time unix.Timespec
	})(unsafe.Pointer(&r.control[i*controlSize]))
	if m.Level != unix.SOL_SOCKET || m.Type != unix.SO_TIMESTAMPNS {
		return 0
	}
	return m.time.Nano()
}

func (c *Control) parse(b []byte) { forEachControl(b, c.take) }

// forEachControl calls f with each control message in b, and stops at the first that is not whole.
func forEachControl(b []byte, f func(level, kind int32, payload []byte)) {
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		length := int(h.Len)
		if length < unix.CmsgLen(0) || length > len(b) {
			return
		}
		f(h.Level, h.Type, b[unix.CmsgLen(0):length])
		next := unix.CmsgSpace(length - unix.CmsgLen(0))
		if next > len(b) {
			return
		}
		b = b[next:]
	}
}

// take reads one control message. Its payload is in host byte order, and as long as the kernel's struct is, or it is passed over.
func (c *Control) take(level, kind int32, b []byte) {
	switch {
	case level == unix.IPPROTO_IP && kind == unix.IP_PKTINFO && len(b) >= unix.SizeofInet4Pktinfo:
		c.Interface = int32(native32(b))
		c.Local = netip.AddrFrom4([4]byte(b[4:8]))
	case level == unix.IPPROTO_IPV6 && kind == unix.IPV6_PKTINFO && len(b) >= unix.SizeofInet6Pktinfo:
		c.Local = netip.AddrFrom16([16]byte(b[:16]))
		c.Interface = int32(native32(b[16:]))
	case level == unix.SOL_SOCKET && kind == unix.SO_TIMESTAMPNS && len(b) >= int(unsafe.Sizeof(unix.Timespec{})):
		c.Time = time.Unix((*unix.Timespec)(unsafe.Pointer(&b[0])).Unix())
	case level == unix.SOL_SOCKET && kind == unix.SO_RXQ_OVFL && len(b) >= 4:
		c.Drops = native32(b)
	case level == unix.SOL_UDP && kind == unix.UDP_GRO && len(b) >= 4:
		c.Segment = int(int32(native32(b)))
	case level == unix.IPPROTO_IP && kind == unix.IP_TTL && len(b) >= 4,
		level == unix.IPPROTO_IPV6 && kind == unix.IPV6_HOPLIMIT && len(b) >= 4:
		c.TTL = uint8(native32(b))
	case level == unix.IPPROTO_IP && kind == unix.IP_TOS && len(b) >= 1:
		c.TOS = b[0]
	case level == unix.IPPROTO_IPV6 && kind == unix.IPV6_TCLASS && len(b) >= 4:
		c.TOS = uint8(native32(b))
	}
}
