package explain

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"dgram/ledger"
	"dgram/sock"
)

// Line writes a call as strace(1) does: printable ASCII whatever was sent or received. Where strace shows an address in memory because nothing
// came back, it shows [].
func Line(c *sock.Call) string {
	result := strconv.Itoa(c.Result)
	if c.Errno != 0 {
		text := c.Errno.Error()
		result += " " + ledger.ErrnoName(c.Errno) + " (" + strings.ToUpper(text[:1]) + text[1:] + ")"
	}
	return c.Name + "(" + strings.Join(arguments(c), ", ") + ") = " + result
}

func arguments(c *sock.Call) []string {
	fd := strconv.Itoa(c.FD)
	switch c.Name {
	case "socket":
		return []string{c.Family.String(), typeAndFlags(c), protocol(c)}
	case "bind", "connect":
		return []string{fd, address(c.Addr), strconv.Itoa(c.AddrLen)}
	case "getsockname", "getpeername", "accept4":
		return returnedName(c, fd)
	case "setsockopt":
		return []string{fd, c.Option.LevelName(), optionName(c.Option), optionValue(c), strconv.Itoa(c.ValueRoom)}
	case "getsockopt":
		room := strconv.Itoa(c.ValueRoom)
		if c.Errno == 0 && len(c.Value) != c.ValueRoom {
			room += " => " + strconv.Itoa(len(c.Value))
		}
		return []string{fd, c.Option.LevelName(), optionName(c.Option), optionValue(c), "[" + room + "]"}
	case "listen":
		return []string{fd, strconv.Itoa(c.Number)}
	case "shutdown":
		return []string{fd, sock.How(c.Number).String()}
	case "close":
		return []string{fd}
	}
	return append([]string{fd}, transfer(c)...)
}

func typeAndFlags(c *sock.Call) string {
	text := c.Type.String()
	if c.CloseOnExec {
		text += "|SOCK_CLOEXEC"
	}
	if c.Nonblocking {
		text += "|SOCK_NONBLOCK"
	}
	return text
}

func protocol(c *sock.Call) string {
	switch {
	case (c.Family == sock.INET || c.Family == sock.INET6) && c.Proto == 0:
		return "IPPROTO_IP"
	case c.Family == sock.PACKET:
		return etherType(c.Proto)
	case c.Family == netlink && c.Proto == 0:
		return "NETLINK_ROUTE"
	}
	return c.Proto.Name(c.Family)
}

// netlink is the family of questions to the kernel, AF_NETLINK.
const netlink sock.Family = 16

func returnedName(c *sock.Call, fd string) []string {
	args := append([]string{fd}, returned(c.Addr, c.AddrRoom, c.AddrLen, c.Errno)...)
	if c.Name == "accept4" {
		args = append(args, "SOCK_CLOEXEC|SOCK_NONBLOCK")
	}
	return args
}

// returned writes an address that a call returned, and its length; of a call that failed, where it would have stood.
func returned(a sock.Addr, room, length int, errno syscall.Errno) []string {
	switch {
	case errno != 0:
		return []string{"[]", fmt.Sprintf("[%d]", room)}
	case length == 0:
		return []string{"[]", fmt.Sprintf("[%d => 0]", room)}
	}
	return []string{address(a), fmt.Sprintf("[%d => %d]", room, length)}
}

func optionName(o sock.Opt) string {
	if o.Name == "" {
		return fmt.Sprintf("%#x", o.Code)
	}
	return o.Name
}

// optionValue writes a C int as a number, a time as a time, addresses as addresses and everything else as bytes.
func optionValue(c *sock.Call) string {
	if c.Name == "getsockopt" && (c.Errno != 0 || len(c.Value) == 0) {
		return "[]"
	}
	if text, ok := packetValue(c); ok {
		return text
	}
	switch n, isInt := intOf(c.Value); {
	case isInt:
		return "[" + strconv.Itoa(n) + "]"
	case c.Option.Name == "SO_RCVTIMEO" && len(c.Value) == 16:
		return fmt.Sprintf("{tv_sec=%d, tv_usec=%d}", native64(c.Value), native64(c.Value[8:]))
	case c.Option.Name == "IP_ADD_MEMBERSHIP" && len(c.Value) == 12:
		return fmt.Sprintf("{imr_multiaddr=%s, imr_address=%s, imr_ifindex=%s}", inetAddr(c.Value[:4]), inetAddr(c.Value[4:8]), ifindex(native32(c.Value[8:])))
	case c.Option.Name == "IPV6_ADD_MEMBERSHIP" && len(c.Value) == 20:
		return fmt.Sprintf("{inet_pton(AF_INET6, %q, &ipv6mr_multiaddr), ipv6mr_interface=%s}", addr16(c.Value[:16]), ifindex(native32(c.Value[16:])))
	}
	return quote(c.Value, len(c.Value))
}

// transfer writes what follows the descriptor of a call that moves data.
func transfer(c *sock.Call) []string {
	flags := c.Flags.String()
	switch c.Name {
	case "sendto", "recvfrom":
		m := &c.Messages[0]
		data := "[]"
		if c.Errno == 0 || c.Name == "sendto" {
			data = quote(m.Vectors[0].Data, m.Vectors[0].Size)
		}
		args := []string{data, strconv.Itoa(m.Vectors[0].Room), flags}
		switch {
		case m.AddrRoom > 0:
			return append(args, returned(m.Addr, m.AddrRoom, m.AddrLen, c.Errno)...)
		case c.Addr != nil:
			return append(args, address(c.Addr), strconv.Itoa(c.AddrLen))
		case c.Name == "sendto":
			return append(args, "NULL", "0")
		}
		return append(args, "NULL", "NULL")
	case "recvmsg":
		if c.Errno != 0 {
			return []string{fmt.Sprintf("{msg_namelen=%d}", c.Messages[0].AddrRoom), flags}
		}
		return []string{"{" + header(&c.Messages[0]) + "}", flags}
	}
	args := []string{messages(c), strconv.Itoa(c.Batch), flags}
	if c.Name == "recvmmsg" {
		args = append(args, "NULL")
	}
	return args
}

func messages(c *sock.Call) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := range c.Messages {
		if i > 0 {
			b.WriteString(", ")
		}
		m := &c.Messages[i]
		b.WriteString("{msg_hdr={" + header(m) + "}")
		if m.Moved >= 0 {
			fmt.Fprintf(&b, ", msg_len=%d", m.Moved)
		}
		b.WriteByte('}')
	}
	if all := c.Batch; len(c.Messages) > 0 && len(c.Messages) < all && (c.Name == "sendmmsg" || len(c.Messages) < c.Result) {
		b.WriteString(", ...")
	}
	return b.String() + "]"
}

// header writes a struct msghdr.
func header(m *sock.Message) string {
	var b strings.Builder
	received := m.AddrRoom > 0
	switch {
	case m.NoAddr:
		fmt.Fprintf(&b, "msg_name=NULL, msg_namelen=%d", m.AddrLen)
	case !received:
		fmt.Fprintf(&b, "msg_name=%s, msg_namelen=%d", address(m.Addr), m.AddrLen)
	case m.AddrLen == 0:
		fmt.Fprintf(&b, "msg_namelen=%d => 0", m.AddrRoom)
	default:
		fmt.Fprintf(&b, "msg_name=%s, msg_namelen=%d => %d", address(m.Addr), m.AddrRoom, m.AddrLen)
	}
	b.WriteString(", msg_iov=[")
	for i, v := range m.Vectors {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "{iov_base=%s, iov_len=%d}", quote(v.Data, v.Size), v.Room)
	}
	if len(m.Vectors) < m.Pieces {
		b.WriteString(", ...")
	}
	fmt.Fprintf(&b, "], msg_iovlen=%d", m.Pieces)
	if m.ControlOf > 0 {
		b.WriteString(", msg_control=[" + controls(m.Control) + "]")
	}
	fmt.Fprintf(&b, ", msg_controllen=%d, msg_flags=%s", m.ControlOf, m.Flags)
	return b.String()
}

func controls(all []sock.ControlMessage) string {
	texts := make([]string, len(all))
	for i, m := range all {
		texts[i] = fmt.Sprintf("{cmsg_len=%d, cmsg_level=%s, cmsg_type=%s, cmsg_data=%s}", m.Size, m.Option.LevelName(), optionName(m.Option), controlData(m))
	}
	return strings.Join(texts, ", ")
}
