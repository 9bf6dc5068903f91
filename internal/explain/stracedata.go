package explain

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"dgram/sock"
)

// quote writes the beginning of size bytes as strace does: in double quotes, what is not printable in octal, with ... where it is cut.
func quote(b []byte, size int) string {
	shown := b[:min(len(b), sock.TracedBytes)]
	var s strings.Builder
	s.WriteByte('"')
	for i, c := range shown {
		digitNext := i+1 < len(shown) && '0' <= shown[i+1] && shown[i+1] <= '9'
		s.WriteString(octal(c, digitNext))
	}
	s.WriteByte('"')
	if size > len(shown) {
		s.WriteString("...")
	}
	return s.String()
}

// octal writes a byte; where a digit follows an octal number takes all three digits.
func octal(c byte, digitNext bool) string {
	switch c {
	case '"', '\\':
		return `\` + string(c)
	case '\t':
		return `\t`
	case '\n':
		return `\n`
	case '\v':
		return `\v`
	case '\f':
		return `\f`
	case '\r':
		return `\r`
	}
	switch {
	case ' ' <= c && c <= '~':
		return string(c)
	case digitNext:
		return fmt.Sprintf(`\%03o`, c)
	}
	return fmt.Sprintf(`\%o`, c)
}

// address writes a struct sockaddr.
func address(a sock.Addr) string {
	switch a := a.(type) {
	case nil:
		return "NULL"
	case sock.InetAddr:
		if a.Addr().Is4() {
			return fmt.Sprintf(`{sa_family=AF_INET, sin_port=htons(%d), sin_addr=inet_addr("%s")}`, a.Port(), a.Addr())
		}
		scope := "0"
		if zone := a.Addr().Zone(); zone != "" {
			scope = `if_nametoindex(` + quote([]byte(zone), len(zone)) + `)`
		}
		return fmt.Sprintf(`{sa_family=AF_INET6, sin6_port=htons(%d), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "%s", &sin6_addr), sin6_scope_id=%s}`,
			a.Port(), a.Addr().WithZone(""), scope)
	case sock.UnixAddr:
		return unixAddress(a)
	case sock.PacketAddr:
		return packetAddress(a)
	case sock.RawAddr:
		if a.AF == netlink && len(a.Data) >= 10 {
			return fmt.Sprintf("{sa_family=AF_NETLINK, nl_pid=%d, nl_groups=%08x}", native32(a.Data[2:]), native32(a.Data[6:]))
		}
		return "{sa_family=" + a.AF.String() + ", sa_data=" + quote(a.Data, len(a.Data)) + "}"
	}
	return "{sa_family=" + a.Family().String() + "}"
}

// unixAddress writes all of a path, as strace does.
func unixAddress(a sock.UnixAddr) string {
	at := ""
	switch {
	case a.Abstract:
		at = "@"
	case a.Name == "":
		return "{sa_family=AF_UNIX}"
	}
	var path strings.Builder
	for i := range len(a.Name) {
		path.WriteString(octal(a.Name[i], i+1 < len(a.Name) && '0' <= a.Name[i+1] && a.Name[i+1] <= '9'))
	}
	return `{sa_family=AF_UNIX, sun_path=` + at + `"` + path.String() + `"}`
}

// controlData writes the payload of a control message.
func controlData(m sock.ControlMessage) string {
	b := m.Data
	switch {
	case m.Option.Name == "IP_PKTINFO" && len(b) == 12:
		return fmt.Sprintf("{ipi_ifindex=%s, ipi_spec_dst=%s, ipi_addr=%s}", ifindex(native32(b)), inetAddr(b[4:8]), inetAddr(b[8:12]))
	case m.Option.Name == "IPV6_PKTINFO" && len(b) == 20:
		return fmt.Sprintf("{ipi6_addr=%q, ipi6_ifindex=%s}", addr16(b[:16]), ifindex(native32(b[16:])))
	case m.Option.Name == "SO_TIMESTAMPNS" && len(b) == 16:
		return fmt.Sprintf("{tv_sec=%d, tv_nsec=%d}", native64(b), native64(b[8:]))
	case strings.HasSuffix(m.Option.Name, "_RECVERR") && len(b) >= 16:
		return extendedError(b)
	}
	switch len(b) {
	case 1:
		return fmt.Sprintf("[%#x]", b[0])
	case 2:
		return fmt.Sprintf("[%d]", binary.NativeEndian.Uint16(b))
	case 4:
		return fmt.Sprintf("[%d]", int32(native32(b)))
	}
	return quote(b, len(b))
}

// extendedError writes a struct sock_extended_err and the address behind it.
func extendedError(b []byte) string {
	text := fmt.Sprintf("{ee_errno=%d, ee_origin=%d, ee_type=%d, ee_code=%d, ee_info=%d, ee_data=%d", native32(b), b[4], b[5], b[6], native32(b[8:]), native32(b[12:]))
	if a := offender(b); a.IsValid() {
		text += ", offender=" + address(sock.InetAddr{AddrPort: a})
	}
	return text + "}"
}

// offender is who reported an error, where the kernel says.
func offender(b []byte) netip.AddrPort {
	const extended = 16 // bytes of struct sock_extended_err
	if len(b) < extended+2 {
		return netip.AddrPort{}
	}
	b = b[extended:]
	port := func() uint16 { return binary.BigEndian.Uint16(b[2:]) }
	switch f := sock.Family(binary.NativeEndian.Uint16(b)); {
	case f == sock.INET && len(b) >= 16:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port())
	case f == sock.INET6 && len(b) >= 28:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), port())
	}
	return netip.AddrPort{}
}

func inetAddr(b []byte) string {
	return fmt.Sprintf(`inet_addr("%s")`, netip.AddrFrom4([4]byte(b)))
}

func addr16(b []byte) string { return netip.AddrFrom16([16]byte(b)).String() }

func ifindex(n uint32) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("if_nametoindex(%q)", sock.InterfaceName(n))
}

func native32(b []byte) uint32 { return binary.NativeEndian.Uint32(b) }
func native64(b []byte) int64  { return int64(binary.NativeEndian.Uint64(b)) }

// intOf reads a C int.
func intOf(b []byte) (int, bool) {
	if len(b) != 4 {
		return 0, false
	}
	return int(int32(native32(b))), true
}
