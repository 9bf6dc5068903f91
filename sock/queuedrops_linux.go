package sock

import (
	"encoding/binary"
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Parts of rtnetlink's answer about a queueing discipline (rtnetlink(7), linux/pkt_sched.h, linux/gen_stats.h).
const (
	tcaStats2     = 7
	tcaStatsQueue = 3
	queueDropsAt  = 8 // of struct gnet_stats_queue: after qlen and backlog
	rootHandle    = 0xffffffff
	attributeKind = 0x3fff // without the flags of nla_type
)

// tcmsg is struct tcmsg.
type tcmsg struct {
	family       uint8
	_            [3]uint8
	index        int32
	handle       uint32
	parent, info uint32
}

// QueueDrops returns how many packets the queueing discipline of a device, given by its index, has dropped on their way out: what
// `tc -s qdisc` calls dropped. A device without a queue, as the loopback usually is, has dropped none.
func QueueDrops(device int) (uint64, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if put := place(); put != nil {
		put(socketCall(Call{Family: unix.AF_NETLINK, Type: RAW, Proto: unix.NETLINK_ROUTE, CloseOnExec: true}, fd, err))
	}
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	defer func() { _ = closeDescriptor(fd) }()
	const headers = unix.SizeofNlMsghdr + int(unsafe.Sizeof(tcmsg{}))
	var request [headers]byte
	*(*unix.NlMsghdr)(unsafe.Pointer(&request[0])) = unix.NlMsghdr{Len: uint32(headers), Type: unix.RTM_GETQDISC, Flags: unix.NLM_F_REQUEST | unix.NLM_F_DUMP}
	err = unix.Sendto(fd, request[:], 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	if put := place(); put != nil {
		put(plainCall("sendto", fd, request[:], RawAddr{AF: unix.AF_NETLINK, Data: make([]byte, unix.SizeofSockaddrNetlink-familySize)}, len(request), err))
	}
	if err != nil {
		return 0, os.NewSyscallError("sendto", err)
	}
	var sum uint64
	buf := make([]byte, 64<<10)
	for {
		n, err := receiveFrom(fd, buf)
		if put := place(); put != nil {
			put(plainCall("recvfrom", fd, buf, nil, n, err))
		}
		if err != nil {
			return 0, os.NewSyscallError("recvfrom", err)
		}
		drops, done, err := queueDrops(buf[:n], int32(device))
		sum += drops
		if done || err != nil {
			return sum, err
		}
	}
}

// receiveFrom is recvfrom(2) that does not ask from whom.
func receiveFrom(fd int, b []byte) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
	return int(n), asError(errno)
}

var errNetlink = errors.New("rtnetlink answered in a form that is not its own")

// queueDrops adds up the drops of a device's root discipline in one datagram of a dump; done says that it was the last.
func queueDrops(b []byte, device int32) (sum uint64, done bool, err error) {
	for len(b) >= unix.SizeofNlMsghdr {
		h := (*unix.NlMsghdr)(unsafe.Pointer(&b[0]))
		if h.Len < unix.SizeofNlMsghdr || int(h.Len) > len(b) {
			return sum, true, errNetlink
		}
		body := b[unix.SizeofNlMsghdr:h.Len]
		switch {
		case h.Type == unix.NLMSG_DONE:
			return sum, true, nil
		case h.Type == unix.NLMSG_ERROR:
			return sum, true, errNetlink
		case h.Type == unix.RTM_NEWQDISC && len(body) >= int(unsafe.Sizeof(tcmsg{})):
			m := (*tcmsg)(unsafe.Pointer(&body[0]))
			if m.index == device && m.parent == rootHandle {
				queue := attribute(attribute(body[unsafe.Sizeof(tcmsg{}):], tcaStats2), tcaStatsQueue)
				if len(queue) >= queueDropsAt+4 {
					sum += uint64(native32(queue[queueDropsAt:]))
				}
			}
		}
		b = b[min(int(h.Len+3)&^3, len(b)):]
	}
	return sum, false, nil
}

// attribute returns the payload of the first netlink attribute of a kind, nil if there is none.
func attribute(b []byte, kind uint16) []byte {
	for len(b) >= unix.SizeofNlAttr {
		n, k := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])&attributeKind
		if n < unix.SizeofNlAttr || n > len(b) {
			return nil
		}
		if k == kind {
			return b[unix.SizeofNlAttr:n]
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return nil
}
