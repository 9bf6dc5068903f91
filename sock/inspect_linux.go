package sock

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Process is another process, or this one, whose sockets can be asked about. It stands for that very process: should it end and its number be
// given to another, Inspect fails with ESRCH.
type Process struct {
	pid, fd int
}

// OpenProcess takes hold of a process by its number (pidfd_open(2), Linux 5.3). That needs no privilege; Inspect does.
func OpenProcess(pid int) (*Process, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, &Error{Op: "pidfd_open", What: fmt.Sprintf("process %d", pid), Err: err, Hint: processHint(err)}
	}
	return &Process{pid, fd}, nil
}

func processHint(err error) string {
	var errno syscall.Errno
	_ = errors.As(err, &errno)
	switch errno {
	case unix.ESRCH:
		return "there is no such process"
	case unix.EINVAL, unix.ENOENT:
		return "that is the number of a thread, or of nothing: give the process's own"
	case unix.EPERM:
		return "to copy descriptors of this process takes the right to trace it: run as root, or give CAP_SYS_PTRACE"
	case unix.EBADF:
		return "the process has no such descriptor"
	case unix.ENOSYS:
		return "this kernel is older than Linux 5.6"
	}
	return ""
}

// Close lets go of the process.
func (p *Process) Close() error { return unix.Close(p.fd) }

// Inspect asks about the socket that has the number fd in the process (pidfd_getfd(2), Linux 5.6; takes PTRACE_MODE_ATTACH_REALCREDS,
// ptrace(2): EPERM without). For the moment of the question this process holds a copy of the descriptor: it is only asked, never read from,
// and nothing about it is changed. ENOTSOCK says that fd is no socket. Names of interfaces in
// addresses are those of this process's network namespace.
func (p *Process) Inspect(fd int) (Inspection, error) {
	what := fmt.Sprintf("fd %d of process %d", fd, p.pid)
	copied, err := unix.PidfdGetfd(p.fd, fd, 0)
	if err != nil {
		return Inspection{}, &Error{Op: "pidfd_getfd", What: what, Err: err, Hint: processHint(err)}
	}
	defer func() { _ = closeDescriptor(copied) }()
	seen, err := inspect(copied, origin{p.pid, fd})
	if err != nil {
		return Inspection{}, &Error{Op: "getsockopt", What: what, Err: err}
	}
	return seen, nil
}

func inspect(fd int, from origin) (Inspection, error) {
	i := Inspection{Queue: -1, Unsent: -1}
	numbers := [3]int{}
	for at, option := range []Opt{SODomain, SOType, SOProtocol} {
		n, errno := from.option(fd, option)
		if errno != 0 {
			return i, errno
		}
		numbers[at], from = n, ownDescriptor // it is told once whose copy this is
	}
	i.Family, i.Type, i.Proto = Family(numbers[0]), Type(kernelType(Type(numbers[1]))), Proto(numbers[2])
	i.Local = nameOf(fd, "getsockname", unix.SYS_GETSOCKNAME, i.Family)
	i.Peer = nameOf(fd, "getpeername", unix.SYS_GETPEERNAME, i.Family)
	if a, ok := i.Local.(PacketAddr); ok {
		i.Proto = Proto(a.Proto) // SO_PROTOCOL does not tell it
	}
	listening, _ := ownDescriptor.option(fd, soAcceptConn)
	i.Listening = listening != 0
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err == nil {
		i.Nonblock = flags&unix.O_NONBLOCK != 0
	}
	i.memory(fd)
	i.Options = optionsOf(fd, i)
	return i, nil
}

// nameOf is nil where the kernel names no address.
func nameOf(fd int, name string, trap uintptr, family Family) Addr {
	var raw rawSockaddr
	n := uint32(sockaddrSize)
	_, _, errno := unix.Syscall(trap, uintptr(fd), uintptr(unsafe.Pointer(&raw)), uintptr(unsafe.Pointer(&n)))
	traceName(name, uintptr(fd), &raw, n, 0, errno)
	if errno != 0 {
		return nil
	}
	return decodeAddr(&raw, n, family)
}

// memory reads SO_MEMINFO, whose places are numbered in linux/sock_diag.h, and the two queues.
func (i *Inspection) memory(fd int) {
	var raw [9 * 4]byte
	if n, errno := getsockopt(uintptr(fd), SOMemInfo, raw[:]); errno == 0 && n == len(raw) {
		at := func(place int) uint32 { return binary.NativeEndian.Uint32(raw[4*place:]) }
		i.Memory = true
		i.ReceiveCharged, i.ReceiveBuffer, i.SendCharged, i.SendBuffer, i.Drops = at(0), at(1), at(2), at(3), at(8)
	}
	if n, err := unix.IoctlGetInt(fd, unix.TIOCINQ); err == nil {
		i.Queue = n
	}
	if n, err := unix.IoctlGetInt(fd, unix.TIOCOUTQ); err == nil {
		i.Unsent = n
	}
}

// shownOption is an option that is worth a word where it has not its usual value.
type shownOption struct {
	Opt
	usual int
}

// The options that Inspect looks at.
var (
	anySocketOptions = []shownOption{
		{SOReuseAddr, 0}, {SOReusePort, 0}, {SOBroadcast, 0}, {soKeepAlive, 0}, {soTimestamp, 0}, {SOTimestampNS, 0}, {soTimestamping, 0},
		{SORxqOvfl, 0}, {soDontRoute, 0}, {soPriority, 0}, {soMark, 0}, {soBusyPoll, 0}, {soPassCred, 0},
	}
	udpOptions = []shownOption{{UDPGRO, 0}, {UDPSegment, 0}, {udpCork, 0}, {udpEncap, 0}}
	ipOptions  = []shownOption{
		{IPPktInfo, 0}, {IPRecvErr, 0}, {IPRecvTTL, 0}, {IPRecvTOS, 0}, {IPTOS, 0}, {ipFreeBind, 0}, {ipTransparent, 0}, {ipHdrIncl, 0},
	}
	ipMulticastOptions = []shownOption{{IPMulticastTTL, 1}, {IPMulticastLoop, 1}, {IPMulticastAll, 1}}
	ipv6Options        = []shownOption{
		{IPv6Only, 0}, {IPv6RecvPktInfo, 0}, {IPv6RecvErr, 0}, {IPv6RecvHopLimit, 0}, {IPv6RecvTClass, 0}, {IPv6TClass, 0},
		{IPv6McastHops, 1}, {IPv6McastLoop, 1}, {IPv6McastAll, 1},
	}
)

// optionsOf reads the options that sockets of this kind have. Where the usual value is this system's setting (IP_TTL, IP_MTU_DISCOVER), a new
// socket is not worth opening for it: they are left out.
func optionsOf(fd int, i Inspection) (set []OptionValue) {
	ask := func(options []shownOption) {
		for _, o := range options {
			var raw [4]byte
			if _, errno := getsockopt(uintptr(fd), o.Opt, raw[:]); errno != 0 {
				continue
			}
			if n := int(int32(binary.NativeEndian.Uint32(raw[:]))); n != o.usual {
				set = append(set, OptionValue{Name: o.Name, Value: n})
			}
		}
	}
	ask(anySocketOptions)
	if device := deviceOf(fd); device != "" {
		set = append(set, OptionValue{Name: SOBindToDevice.Name, Value: 1, Text: device})
	}
	if i.Family != INET && i.Family != INET6 {
		return set
	}
	if i.Type == DGRAM && (i.Proto == ProtoUDP || i.Proto == ProtoUDPLite) {
		ask(udpOptions)
	}
	if i.Type == STREAM {
		return set // what follows is about datagrams
	}
	ask(ipOptions)
	if i.Family == INET6 {
		ask(ipv6Options) // its options about IPv4 multicast begin otherwise
	} else {
		ask(ipMulticastOptions)
	}
	return set
}

func deviceOf(fd int) string {
	var name [unix.IFNAMSIZ]byte
	n, errno := getsockopt(uintptr(fd), SOBindToDevice, name[:])
	if errno != 0 {
		return ""
	}
	device, _, _ := strings.Cut(string(name[:n]), "\x00")
	return device
}
