package sock

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
)

// sockaddrSize is the size of the kernel's struct sockaddr_storage: no address
// of any family is longer.
const sockaddrSize = 128

// rawSockaddr holds an address in the form that Linux takes and gives: the
// family in host byte order, then what the family says. How many of its bytes
// count is kept beside it.
type rawSockaddr [sockaddrSize]byte

// Where the parts of the kernel's structures lie, in bytes.
const (
	familySize  = 2
	inetSize    = 16 // struct sockaddr_in
	inet6Size   = 28 // struct sockaddr_in6
	linkSize    = 20 // struct sockaddr_ll
	linkHeader  = 12 // what precedes its hardware address
	unixNameMax = 107
)

func (r *rawSockaddr) setFamily(f Family) { binary.NativeEndian.PutUint16(r[:], uint16(f)) }

func (r *rawSockaddr) family() Family { return Family(binary.NativeEndian.Uint16(r[:])) }

// encodeAddr writes the kernel's form of a for a socket of the given family
// and returns its length. A nil address has length 0.
func encodeAddr(dst *rawSockaddr, a Addr, socket Family) (uint32, error) {
	switch a := a.(type) {
	case nil:
		return 0, nil
	case InetAddr: // named here so that the usual case makes no indirect call
		return a.encode(dst, socket)
	default:
		return a.encode(dst, socket)
	}
}

// decodeAddr reads the first n bytes that the kernel gave to a socket of the
// given family. No bytes are nil, but on a unix socket a peer without a name.
// Bytes that are too few for their family come back as a RawAddr.
func decodeAddr(src *rawSockaddr, n uint32, socket Family) Addr {
	n = min(n, sockaddrSize)
	if n < familySize {
		if socket == UNIX {
			return UnixAddr{}
		}
		return nil
	}
	switch f := src.family(); {
	case f == INET && n >= inetSize, f == INET6 && n >= inet6Size:
		return InetAddr{getInet(src, n)}
	case f == UNIX:
		return getUnix(src, n)
	case f == PACKET && n >= linkHeader:
		return getPacket(src, n)
	default:
		return RawAddr{AF: f, Data: append([]byte(nil), src[familySize:n]...)}
	}
}

// putInet writes ap for a socket of family INET or INET6 and returns its
// length; 0 if such a socket cannot take it (inetProblem says why). It does
// not allocate.
func putInet(dst *rawSockaddr, ap netip.AddrPort, socket Family) uint32 {
	ip := ap.Addr()
	switch {
	case socket == INET && ip.Unmap().Is4():
		addr := ip.Unmap().As4()
		return putInet4(dst, binary.BigEndian.Uint32(addr[:]), ap.Port())
	case socket == INET6 && ip.IsValid():
		scope := uint32(0)
		if zone := ip.Zone(); zone != "" {
			if scope = interfaces.index(zone); scope == 0 {
				return 0
			}
		}
		addr := ip.As16()
		dst.setFamily(INET6)
		binary.BigEndian.PutUint16(dst[2:], ap.Port())
		clear(dst[4:8]) // flow label
		copy(dst[8:24], addr[:])
		binary.NativeEndian.PutUint32(dst[24:], scope)
		return inet6Size
	}
	return 0
}

// putInet4 writes an IPv4 address for a socket of family INET and returns its length.
func putInet4(dst *rawSockaddr, addr uint32, port uint16) uint32 {
	dst.setFamily(INET)
	binary.BigEndian.PutUint16(dst[2:], port)
	binary.BigEndian.PutUint32(dst[4:], addr)
	clear(dst[8:inetSize])
	return inetSize
}

// getInet4 reads an address of family INET.
func getInet4(src *rawSockaddr) (addr uint32, port uint16) {
	return binary.BigEndian.Uint32(src[4:]), binary.BigEndian.Uint16(src[2:])
}

// getInet reads n bytes that hold an IPv4 or IPv6 address; anything else is
// the zero AddrPort. It does not allocate.
func getInet(src *rawSockaddr, n uint32) netip.AddrPort {
	if n < inetSize {
		return netip.AddrPort{}
	}
	port := binary.BigEndian.Uint16(src[2:])
	switch f := src.family(); {
	case f == INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(src[4:8])), port)
	case f == INET6 && n >= inet6Size:
		ip := netip.AddrFrom16([16]byte(src[8:24]))
		if scope := binary.NativeEndian.Uint32(src[24:]); scope != 0 {
			ip = ip.WithZone(interfaces.name(scope))
		}
		return netip.AddrPortFrom(ip, port)
	}
	return netip.AddrPort{}
}

// inetProblem says why putInet wrote nothing.
func inetProblem(ap netip.AddrPort, socket Family) error {
	switch ip := ap.Addr(); {
	case !ip.IsValid():
		return errAddress("no IP address was given")
	case socket == INET:
		return errAddress("an AF_INET socket takes IPv4 addresses: open one of AF_INET6")
	case socket != INET6:
		return errAddress(fmt.Sprintf("an %v socket takes no IP address", socket))
	default:
		return errAddress(fmt.Sprintf("no network interface named %q", ip.Zone()))
	}
}

func (a InetAddr) encode(dst *rawSockaddr, socket Family) (uint32, error) {
	if n := putInet(dst, a.AddrPort, socket); n != 0 {
		return n, nil
	}
	return 0, inetProblem(a.AddrPort, socket)
}

// check says why no kernel takes the name.
func (a UnixAddr) check() error {
	if len(a.Name) > unixNameMax {
		return errAddress(fmt.Sprintf("unix name has %d bytes: the kernel takes at most %d", len(a.Name), unixNameMax))
	}
	if !a.Abstract && strings.IndexByte(a.Name, 0) >= 0 {
		return errAddress(fmt.Sprintf("unix path %q has a NUL byte: only an abstract name may", a.Name))
	}
	return nil
}

// putUnix writes a and returns its length; 0 if check finds fault with it. It
// does not allocate.
func putUnix(dst *rawSockaddr, a UnixAddr) uint32 {
	if len(a.Name) > unixNameMax || !a.Abstract && strings.IndexByte(a.Name, 0) >= 0 {
		return 0
	}
	dst.setFamily(UNIX)
	n := familySize
	if a.Abstract {
		dst[n] = 0
		n++
	}
	n += copy(dst[n:], a.Name)
	if !a.Abstract && a.Name != "" {
		dst[n] = 0 // a path ends with NUL, an abstract name with its length
		n++
	}
	return uint32(n)
}

// getUnix reads n bytes that hold a unix name. The name is copied.
func getUnix(src *rawSockaddr, n uint32) UnixAddr {
	n = min(n, sockaddrSize)
	if n <= familySize || src.family() != UNIX {
		return UnixAddr{}
	}
	name := src[familySize:n]
	if name[0] == 0 {
		return UnixAddr{Name: string(name[1:]), Abstract: true}
	}
	path, _, _ := strings.Cut(string(name), "\x00")
	return UnixAddr{Name: path}
}

func (a UnixAddr) encode(dst *rawSockaddr, socket Family) (uint32, error) {
	if socket != UNIX {
		return 0, errAddress(fmt.Sprintf("an %v socket takes no unix name", socket))
	}
	if err := a.check(); err != nil {
		return 0, err
	}
	return putUnix(dst, a), nil
}

func (a PacketAddr) encode(dst *rawSockaddr, socket Family) (uint32, error) {
	if socket != PACKET {
		return 0, errAddress(fmt.Sprintf("an %v socket takes no packet address", socket))
	}
	if len(a.Addr) > sockaddrSize-linkHeader {
		return 0, errAddress(fmt.Sprintf("hardware address has %d bytes: at most %d fit", len(a.Addr), sockaddrSize-linkHeader))
	}
	index := uint32(0)
	if a.Interface != "" {
		if index = interfaces.index(a.Interface); index == 0 {
			return 0, errAddress(fmt.Sprintf("no network interface named %q", a.Interface))
		}
	}
	clear(dst[:linkSize])
	dst.setFamily(PACKET)
	binary.BigEndian.PutUint16(dst[2:], a.Proto)
	binary.NativeEndian.PutUint32(dst[4:], index)
	binary.NativeEndian.PutUint16(dst[8:], a.HaType)
	dst[10] = byte(a.PktType)
	dst[11] = byte(len(a.Addr))
	copy(dst[linkHeader:], a.Addr)
	return uint32(max(linkSize, linkHeader+len(a.Addr))), nil
}

// getPacket reads n bytes, at least linkHeader, of a struct sockaddr_ll.
func getPacket(src *rawSockaddr, n uint32) PacketAddr {
	a := PacketAddr{
		Proto:   binary.BigEndian.Uint16(src[2:]),
		HaType:  binary.NativeEndian.Uint16(src[8:]),
		PktType: PacketType(src[10]),
	}
	if index := binary.NativeEndian.Uint32(src[4:]); index != 0 {
		a.Interface = interfaces.name(index)
	}
	if length := min(uint32(src[11]), n-linkHeader); length > 0 {
		a.Addr = append(a.Addr, src[linkHeader:linkHeader+length]...)
	}
	return a
}

func (a RawAddr) encode(dst *rawSockaddr, _ Family) (uint32, error) {
	if len(a.Data) > sockaddrSize-familySize {
		return 0, errAddress(fmt.Sprintf("address has %d bytes: at most %d fit", len(a.Data), sockaddrSize-familySize))
	}
	dst.setFamily(a.AF)
	return uint32(familySize + copy(dst[familySize:], a.Data)), nil
}
