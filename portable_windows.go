package dgram

import (
	"net"
	"net/netip"
	"syscall"
	"unsafe"
)

// Numbers of winsock2.h, ws2ipdef.h and mstcpip.h.
const (
	messageTruncated = 0x100      // MSG_TRUNC
	ipDontFragment   = 14         // IP_DONTFRAGMENT
	ipv6DontFragment = 14         // IPV6_DONTFRAG
	sioUDPConnReset  = 0x9800000c // SIO_UDP_CONNRESET
	unknownOption    = syscall.Errno(10042)
)

func setBroadcast(fd uintptr, on bool) error {
	v := 0
	if on {
		v = 1
	}
	return syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_BROADCAST, v)
}

func setReuseAddr(fd uintptr) error {
	return syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
}

func setReusePort(uintptr) error { return ErrUnsupported }

// bindToInterface: Windows lets a socket send through an interface, but not receive from it alone.
func bindToInterface(uintptr, bool, *net.Interface) error { return ErrUnsupported }

func setDontFragment4(fd uintptr) error {
	return syscall.SetsockoptInt(syscall.Handle(fd), syscall.IPPROTO_IP, ipDontFragment, 1)
}

func setDontFragment6(fd uintptr) error {
	return syscall.SetsockoptInt(syscall.Handle(fd), syscall.IPPROTO_IPV6, ipv6DontFragment, 1)
}

func receiveBuffer(fd uintptr) (int, error) {
	return syscall.GetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
}

// sourceControl4 is never called: package ipv4 has no control messages on Windows, so the arrival address is not known either.
func sourceControl4(netip.Addr) []byte { return nil }

// enableRefusals switches the reports on that package net switches off. On a connected socket it is clear whom they are about.
func enableRefusals(s *net.UDPConn) bool {
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	on, returned := uint32(1), uint32(0)
	ctrlErr := raw.Control(func(fd uintptr) {
		err = syscall.WSAIoctl(syscall.Handle(fd), sioUDPConnReset, (*byte)(unsafe.Pointer(&on)), uint32(unsafe.Sizeof(on)), nil, 0, &returned, nil, 0)
	})
	return ctrlErr == nil && err == nil
}

// posixErrnos are the errors of winsock2.h that stand for a datagram's fate, by the names that package syscall has for them everywhere.
var posixErrnos = map[syscall.Errno]syscall.Errno{
	10013: syscall.EACCES, 10022: syscall.EINVAL, 10040: syscall.EMSGSIZE, 10047: syscall.EAFNOSUPPORT, 10048: syscall.EADDRINUSE,
	10049: syscall.EADDRNOTAVAIL, 10050: syscall.ENETDOWN, 10051: syscall.ENETUNREACH, 10052: syscall.EHOSTUNREACH, 10054: syscall.ECONNREFUSED,
	10055: syscall.ENOBUFS, 10061: syscall.ECONNREFUSED, 10065: syscall.EHOSTUNREACH,
}

func posixErrno(e syscall.Errno) syscall.Errno {
	if p, ok := posixErrnos[e]; ok {
		return p
	}
	return e
}
