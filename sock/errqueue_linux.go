package sock

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// QueuedError is an entry of a socket's error queue (ip(7) IP_RECVERR, ipv6(7) IPV6_RECVERR): what became of a datagram sent before.
type QueuedError struct {
	Errno      syscall.Errno
	Origin     uint8          // SO_EE_ORIGIN_LOCAL (1), SO_EE_ORIGIN_ICMP (2), SO_EE_ORIGIN_ICMP6 (3)
	Type, Code uint8          // of the ICMP message
	Info       uint32         // with EMSGSIZE the MTU in bytes
	To         netip.AddrPort // where the datagram was going
	Offender   netip.Addr     // who reported it
	Data       []byte         // as much of the payload as the report quoted, in the buffer that the caller gave
	Local      netip.Addr     // where the datagram came from, if packet info is on
}

// OriginLocal is the Origin of an error that arose on this machine and that no ICMP message brought (SO_EE_ORIGIN_LOCAL).
const OriginLocal = unix.SO_EE_ORIGIN_LOCAL

// ReadErrorQueue takes one entry off the error queue, with the payload it quotes in buf. It never waits: with nothing queued it returns
// EAGAIN.
func (s *Socket) ReadErrorQueue(buf []byte) (q QueuedError, err error) {
	controlErr := s.control(func(fd uintptr) { q, err = readErrorQueue(fd, buf) })
	if controlErr != nil {
		return q, controlErr
	}
	return q, err
}

func readErrorQueue(fd uintptr, buf []byte) (QueuedError, error) {
	var name rawSockaddr
	var control [512]byte
	iov := unix.Iovec{Base: unsafe.SliceData(buf)}
	iov.SetLen(len(buf))
	h := unix.Msghdr{Name: &name[0], Namelen: sockaddrSize, Iov: &iov, Control: &control[0]}
	h.SetIovlen(1)
	h.SetControllen(len(control))
	var n uintptr
	for {
		var errno syscall.Errno
		n, _, errno = unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&h)), unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if put := place(); put != nil {
			put(messageCall("recvmsg", fd, &h, ERRQUEUE|DONTWAIT, n, errno))
		}
		if errno == 0 {
			break
		}
		if errno != unix.EINTR {
			return QueuedError{}, errno
		}
	}
	q := QueuedError{To: getInet(&name, h.Namelen), Data: buf[:n]}
	forEachControl(control[:min(int(h.Controllen), len(control))], func(level, kind int32, b []byte) {
		if (level == unix.IPPROTO_IP && kind == unix.IP_RECVERR) || (level == unix.IPPROTO_IPV6 && kind == unix.IPV6_RECVERR) {
			q.parse(b)
			return
		}
		var c Control
		c.take(level, kind, b)
		if c.Local.IsValid() {
			q.Local = c.Local
		}
	})
	return q, nil
}

// parse reads a struct sock_extended_err and the struct sockaddr of the offender behind it.
func (q *QueuedError) parse(b []byte) {
	const size = int(unsafe.Sizeof(unix.SockExtendedErr{}))
	if len(b) < size {
		return
	}
	e := (*unix.SockExtendedErr)(unsafe.Pointer(&b[0]))
	q.Errno, q.Origin, q.Type, q.Code, q.Info = syscall.Errno(e.Errno), e.Origin, e.Type, e.Code, e.Info
	var offender rawSockaddr
	n := copy(offender[:], b[size:])
	if n > familySize && offender.family() != UNSPEC {
		q.Offender = getInet(&offender, uint32(n)).Addr()
	}
}

// errorQueued reports whether the error queue of fd holds anything (poll(2), POLLERR).
func errorQueued(fd uintptr) bool {
	p := [1]unix.PollFd{{Fd: int32(fd)}}
	n, err := unix.Poll(p[:], 0)
	return err == nil && n == 1 && p[0].Revents&unix.POLLERR != 0
}

// MemoryDrops returns how many datagrams the kernel dropped because this socket's receive buffer was full (SO_MEMINFO, SK_MEMINFO_DROPS).
// A coalesced super-datagram (UDP_GRO) counts once. Unlike SO_RXQ_OVFL it knows the last ones too.
func (s *Socket) MemoryDrops() (uint32, error) {
	const drops = 8
	return s.memory(drops)
}

// MemoryQueued returns how many bytes the kernel charges the socket for what it has queued for receiving, bookkeeping included, or some more (SO_MEMINFO,
// SK_MEMINFO_RMEM_ALLOC): what has just been received may still be among them.
func (s *Socket) MemoryQueued() (uint32, error) {
	const received = 0
	return s.memory(received)
}

// memory reads one of the numbers of SO_MEMINFO (linux/sock_diag.h).
func (s *Socket) memory(which int) (uint32, error) {
	var info [9 * 4]byte
	n, err := s.GetBytes(SOMemInfo, info[:])
	if err != nil {
		return 0, err
	}
	if n < len(info) {
		return 0, syscall.ENOPROTOOPT
	}
	return native32(info[which*4:]), nil
}

func native32(b []byte) uint32 { return binary.NativeEndian.Uint32(b) }

func putNative32(b []byte, v uint32) { binary.NativeEndian.PutUint32(b, v) }
