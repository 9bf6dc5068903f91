//go:build !windows

package dgram

import (
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/net/ipv4"
)

const (
	messageTruncated = syscall.MSG_TRUNC
	unknownOption    = syscall.ENOPROTOOPT
)

// socketOption is a socket option of one system: its number and the value that switches it on. The zero one is one that the system lacks.
type socketOption struct{ number, value int }

// platform holds the socket options for which package syscall has no names on every system.
type platform struct {
	reusePort        socketOption // SOL_SOCKET
	dontFragment4    socketOption // IPPROTO_IP
	dontFragment6    socketOption // IPPROTO_IPV6
	bindInterface4   int          // IPPROTO_IP, an interface's index
	bindInterface6   int          // IPPROTO_IPV6, an interface's index
	bindToDeviceName int          // SOL_SOCKET, an interface's name
	sourceAddr4      int          // IPPROTO_IP, a control message that holds just an address; 0: IP_PKTINFO does it
}

var platforms = map[string]platform{
	// asm-generic/socket.h, linux/in.h, linux/in6.h: SO_REUSEPORT, IP(V6)_MTU_DISCOVER to IP(V6)_PMTUDISC_DO, SO_BINDTODEVICE
	"linux": {reusePort: socketOption{15, 1}, dontFragment4: socketOption{10, 2}, dontFragment6: socketOption{23, 2}, bindToDeviceName: 25},
	// sys/socket.h, netinet/in.h, netinet6/in6.h: SO_REUSEPORT, IP_DONTFRAG, IPV6_DONTFRAG, IP_BOUND_IF, IPV6_BOUND_IF
	"darwin": {
		reusePort: socketOption{0x200, 1}, dontFragment4: socketOption{28, 1}, dontFragment6: socketOption{62, 1},
		bindInterface4: 25, bindInterface6: 125,
	},
	// The same: SO_REUSEPORT_LB (the one that spreads flows), IP_DONTFRAG, IPV6_DONTFRAG, IP_SENDSRCADDR
	"freebsd": {reusePort: socketOption{0x10000, 1}, dontFragment4: socketOption{67, 1}, dontFragment6: socketOption{62, 1}, sourceAddr4: 7},
}

var here = platforms[runtime.GOOS]

func setOption(fd uintptr, level int, o socketOption) error {
	if o.number == 0 {
		return ErrUnsupported
	}
	return syscall.SetsockoptInt(int(fd), level, o.number, o.value)
}

func setBroadcast(fd uintptr, on bool) error {
	o := socketOption{number: syscall.SO_BROADCAST}
	if on {
		o.value = 1
	}
	return setOption(fd, syscall.SOL_SOCKET, o)
}

func setReuseAddr(fd uintptr) error {
	return setOption(fd, syscall.SOL_SOCKET, socketOption{syscall.SO_REUSEADDR, 1})
}

func setReusePort(fd uintptr) error { return setOption(fd, syscall.SOL_SOCKET, here.reusePort) }

func setDontFragment4(fd uintptr) error {
	return setOption(fd, syscall.IPPROTO_IP, here.dontFragment4)
}

func setDontFragment6(fd uintptr) error {
	return setOption(fd, syscall.IPPROTO_IPV6, here.dontFragment6)
}

func bindToInterface(fd uintptr, v6 bool, ifi *net.Interface) error {
	switch {
	case here.bindToDeviceName != 0:
		return syscall.SetsockoptString(int(fd), syscall.SOL_SOCKET, here.bindToDeviceName, ifi.Name)
	case v6:
		return setOption(fd, syscall.IPPROTO_IPV6, socketOption{here.bindInterface6, ifi.Index})
	}
	return setOption(fd, syscall.IPPROTO_IP, socketOption{here.bindInterface4, ifi.Index})
}

func receiveBuffer(fd uintptr) (int, error) {
	return syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
}

// sourceControl4 marshals the source address of an IPv4 datagram.
func sourceControl4(from netip.Addr) []byte {
	if here.sourceAddr4 == 0 {
		m := ipv4.ControlMessage{Src: from.AsSlice()}
		return m.Marshal()
	}
	m := make([]byte, syscall.CmsgSpace(net.IPv4len))
	h := (*syscall.Cmsghdr)(unsafe.Pointer(&m[0]))
	h.Level, h.Type = syscall.IPPROTO_IP, int32(here.sourceAddr4)
	h.SetLen(syscall.CmsgLen(net.IPv4len))
	copy(m[syscall.CmsgLen(0):], from.AsSlice())
	return m
}

// enableRefusals has nothing to do: a connected socket is told.
func enableRefusals(*net.UDPConn) bool { return true }

func posixErrno(e syscall.Errno) syscall.Errno { return e }
