package sock

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxSegments is how many datagrams one message carries with UDP_SEGMENT at most; the kernel's own bound was 64 before Linux 6.8.
const MaxSegments = 64

// Sender sends datagrams through one socket in batches (sendmmsg(2); sendto(2) where there is but one). It copies no payload: what Add was
// given must stay as it is until Send returned. One goroutine uses it at a time.
type Sender struct {
	socket    *Socket
	bound     func(uintptr) bool // try, bound once so that no call allocates
	blocked   func(uintptr)      // block, likewise
	family    Family
	hdr       []mmsghdr
	iov       []unix.Iovec
	name      []rawSockaddr
	control   []byte
	used      int  // messages added
	vectors   int  // of iov
	segmented bool // the message added last has its segment size
	from      int  // first message to send
	sent      int
	wait      bool
	err       syscall.Errno
}

// sendControlSize is room for packet info (the larger, IPv6 form) and a segment size.
const sendControlSize = 64

// NewSender makes a Sender for so many messages, and as many payloads in all.
func (s *Socket) NewSender(messages int) *Sender {
	w := &Sender{
		socket: s, family: s.Family(),
		hdr: make([]mmsghdr, messages), iov: make([]unix.Iovec, messages), name: make([]rawSockaddr, messages),
		control: make([]byte, messages*sendControlSize),
	}
	w.bound, w.blocked = w.try, w.block
	return w
}

// Len returns how many messages have been added.
func (w *Sender) Len() int { return w.used }

// Full reports whether there is no room for a further payload.
func (w *Sender) Full() bool { return w.vectors == len(w.iov) }

// Reset empties the Sender and lets go of the payloads.
func (w *Sender) Reset() {
	clear(w.iov[:w.vectors])
	w.used, w.vectors = 0, 0
}

// AddInet adds a message to an IP address. If from is valid, the datagram leaves from it (IP_PKTINFO, IPV6_PKTINFO), and by the interface
// with that index unless it is 0. The zero to sends to the address that the socket is connected to.
func (w *Sender) AddInet(to netip.AddrPort, from netip.Addr, iface int32, data []byte) {
	h := w.add(data)
	if to.IsValid() {
		h.Name, h.Namelen = &w.name[w.used-1][0], putInet(&w.name[w.used-1], to, w.family)
	}
	if from.IsValid() {
		w.putPacketInfo(h, from, iface)
	}
}

// AddInet4 is AddInet of an IPv4 address, on a socket of family INET, without anything else.
func (w *Sender) AddInet4(to uint32, port uint16, data []byte) {
	h := w.add(data)
	name := &w.name[w.used-1]
	h.Name, h.Namelen = &name[0], putInet4(name, to, port)
}

// AddUnix adds a message to a unix socket. The name must be one that check accepts: Endpoint takes care of that.
func (w *Sender) AddUnix(to UnixAddr, data []byte) {
	h := w.add(data)
	if to.Name != "" {
		h.Name, h.Namelen = &w.name[w.used-1][0], putUnix(&w.name[w.used-1], to)
	}
}

// SetSegment says that the message that was added last is several datagrams: its payload is cut into pieces of size bytes, and the last may be
// shorter (UDP_SEGMENT, udp(7)).
func (w *Sender) SetSegment(size int) { w.putSegmentSize(&w.hdr[w.used-1].hdr, size) }

// AddSegment lengthens the message that was added last by one more datagram (UDP_SEGMENT, udp(7)). All but the last datagram of a message
// must be size bytes long, and there are MaxSegments at most: the caller sees to both.
func (w *Sender) AddSegment(data []byte, size int) {
	h := &w.hdr[w.used-1].hdr
	if !w.segmented {
		w.putSegmentSize(h, size)
	}
	// What follows in memory, as the pieces of a coalesced message do, needs no vector of its own.
	if last := &w.iov[w.vectors-1]; uintptr(unsafe.Pointer(last.Base))+uintptr(last.Len) == uintptr(unsafe.Pointer(unsafe.SliceData(data))) {
		last.SetLen(int(last.Len) + len(data))
		return
	}
	w.putVector(data)
	h.SetIovlen(int(h.Iovlen) + 1)
}

func (w *Sender) add(data []byte) *unix.Msghdr {
	h := &w.hdr[w.used].hdr
	*h = unix.Msghdr{Iov: &w.iov[w.vectors]}
	h.SetIovlen(1)
	w.putVector(data)
	w.segmented = false
	w.used++
	return h
}

func (w *Sender) putVector(data []byte) {
	v := &w.iov[w.vectors]
	v.Base = unsafe.SliceData(data)
	v.SetLen(len(data))
	w.vectors++
}

// controlMessage makes room for a control message of n bytes behind those that h has, and returns its payload.
func (w *Sender) controlMessage(h *unix.Msghdr, level, kind int32, n int) []byte {
	area := w.control[(w.used-1)*sendControlSize : w.used*sendControlSize]
	start := int(h.Controllen)
	c := (*unix.Cmsghdr)(unsafe.Pointer(&area[start]))
	c.Level, c.Type = level, kind
	c.SetLen(unix.CmsgLen(n))
	h.Control = &area[0]
	h.SetControllen(start + unix.CmsgSpace(n))
	return area[start+unix.CmsgLen(0) : start+unix.CmsgLen(n)]
}

func (w *Sender) putPacketInfo(h *unix.Msghdr, from netip.Addr, iface int32) {
	if w.family == INET {
		b := w.controlMessage(h, unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo)
		binary.NativeEndian.PutUint32(b, uint32(iface))
		a := from.Unmap().As4()
		copy(b[4:], a[:])
		copy(b[8:], []byte{0, 0, 0, 0})
		return
	}
	b := w.controlMessage(h, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo)
	a := from.As16()
	copy(b, a[:])
	binary.NativeEndian.PutUint32(b[16:], uint32(iface))
}

func (w *Sender) putSegmentSize(h *unix.Msghdr, size int) {
	w.segmented = true
	binary.NativeEndian.PutUint16(w.controlMessage(h, unix.SOL_UDP, unix.UDP_SEGMENT, 2), uint16(size))
}

// Send sends the messages from index from on, in one call, and returns how many the kernel took. If it took none, the error is the errno
// of message from: EAGAIN if the send buffer is full and wait is false, else Send waits for room. It is net.ErrClosed after Close.
func (w *Sender) Send(from int, wait bool) (int, error) {
	w.from, w.wait, w.sent = from, wait, 0
	if err := w.call(); err != nil {
		return 0, err
	}
	if w.err == unix.ECANCELED {
		return 0, ErrClosed
	}
	if w.err != 0 {
		return 0, w.err
	}
	return w.sent, nil
}

func (w *Sender) call() error {
	if w.socket.thread != nil {
		return w.socket.control(w.blocked)
	}
	return w.socket.write(w.bound)
}

// try sends what it can; it reports false if there is no room, and the caller is to wait.
func (w *Sender) try(fd uintptr) bool {
	w.sent, w.err = sendMessages(fd, w.hdr[w.from:w.used], w.socket.thread == nil)
	return !(w.err == unix.EAGAIN && w.wait)
}
