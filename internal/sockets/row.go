package sockets

import (
	"encoding/binary"
	"encoding/hex"
	"iter"
	"net/netip"
	"strconv"
	"strings"

	"dgram/sock"
)

// Row is one socket as a file of /proc/net tells it.
type Row struct {
	Family sock.Family
	Type   sock.Type
	Proto  sock.Proto
	Inode  uint64
	UID    int // of who opened it; -1 where the file does not tell

	Local, Peer sock.Addr // Peer is nil while the socket is not connected
	State       State

	ReceiveCharged, SendCharged int64 // bytes, -1 where the file does not tell
	Drops                       int64 // -1 where the file does not tell
}

// State is what a socket is ready for.
type State string

// The states. Of TCP's only those that an open descriptor can be in for long have a word; the others are Closing.
const (
	Unconnected State = "unconnected"
	Connected   State = "connected"
	Listening   State = "listening"
	Connecting  State = "connecting"
	Closing     State = "closing"
)

// The states of TCP and of everything else over IP (include/net/tcp_states.h).
func inetState(code uint64) State {
	switch code {
	case 1:
		return Connected
	case 2, 3, 12:
		return Connecting
	case 7:
		return Unconnected
	case 10:
		return Listening
	}
	return Closing
}

// A source is one file of /proc/net and how its lines are read.
type source struct {
	name  string
	parse func(line string) (Row, bool)
}

// sources are the files with sockets in them.
var sources = []source{
	{"udp", inetLine(sock.INET, sock.DGRAM, sock.ProtoUDP)},
	{"udp6", inetLine(sock.INET6, sock.DGRAM, sock.ProtoUDP)},
	{"udplite", inetLine(sock.INET, sock.DGRAM, sock.ProtoUDPLite)},
	{"udplite6", inetLine(sock.INET6, sock.DGRAM, sock.ProtoUDPLite)},
	{"icmp", inetLine(sock.INET, sock.DGRAM, sock.ProtoICMP)},
	{"icmp6", inetLine(sock.INET6, sock.DGRAM, sock.ProtoICMPv6)},
	{"raw", rawLine(sock.INET)},
	{"raw6", rawLine(sock.INET6)},
	{"tcp", inetLine(sock.INET, sock.STREAM, sock.ProtoTCP)},
	{"tcp6", inetLine(sock.INET6, sock.STREAM, sock.ProtoTCP)},
	{"unix", unixLine},
	{"packet", packetLine},
	{"netlink", netlinkLine},
}

// rows reads the lines of a file, without its heading. A line that is none of its form is passed over.
func (s source) rows(text string) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		heading := true
		for line := range strings.Lines(text) {
			if heading {
				heading = false
				continue
			}
			if row, ok := s.parse(strings.TrimSuffix(line, "\n")); ok && !yield(row) {
				return
			}
		}
	}
}

// inetLine reads lines of the files udp, tcp and so on:
//
//	sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ref pointer drops
func inetLine(family sock.Family, typ sock.Type, proto sock.Proto) func(string) (Row, bool) {
	return func(line string) (Row, bool) {
		f := strings.Fields(line)
		if len(f) < 10 {
			return Row{}, false
		}
		row := Row{Family: family, Type: typ, Proto: proto, Drops: -1}
		local, okLocal := hexAddress(f[1], family)
		peer, okPeer := hexAddress(f[2], family)
		code, err := strconv.ParseUint(f[3], 16, 8)
		tx, rx, _ := strings.Cut(f[4], ":")
		sent, err2 := strconv.ParseUint(tx, 16, 32)
		waiting, err3 := strconv.ParseUint(rx, 16, 32)
		uid, err4 := strconv.ParseUint(f[7], 10, 32)
		inode, err5 := strconv.ParseUint(f[9], 10, 64)
		if !okLocal || !okPeer || firstError(err, err2, err3, err4, err5) != nil {
			return Row{}, false
		}
		row.Local, row.State, row.UID, row.Inode = sock.InetAddr{AddrPort: local}, inetState(code), int(uid), inode
		row.SendCharged, row.ReceiveCharged = int64(sent), int64(waiting)
		if peer.Port() != 0 || !peer.Addr().IsUnspecified() {
			row.Peer = sock.InetAddr{AddrPort: peer}
		}
		if typ != sock.STREAM && len(f) >= 13 {
			if drops, err := strconv.ParseInt(f[12], 10, 64); err == nil && drops >= 0 {
				row.Drops = drops
			}
		}
		return row, true
	}
}

// rawLine is an inetLine whose "port" is the number of the protocol.
func rawLine(family sock.Family) func(string) (Row, bool) {
	parse := inetLine(family, sock.RAW, 0)
	return func(line string) (Row, bool) {
		row, ok := parse(line)
		if a, is := row.Local.(sock.InetAddr); is {
			row.Proto = sock.Proto(a.Port())
		}
		return row, ok
	}
}

// hexAddress reads "0100007F:0035": words of four bytes as this machine keeps them, then the port.
func hexAddress(text string, family sock.Family) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(text, ":")
	number, err := strconv.ParseUint(port, 16, 16)
	b, err2 := hex.DecodeString(host)
	if !ok || firstError(err, err2) != nil || len(b) != addressSize(family) {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	ip, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(ip, uint16(number)), true
}

func addressSize(family sock.Family) int {
	if family == sock.INET6 {
		return 16
	}
	return 4
}

// unixLine reads "num: RefCount Protocol Flags Type St Inode [Path]". The path is the rest of the line, as its owner wrote it: it may have
// spaces, and what follows a line break in it may be made to look like another row.
func unixLine(line string) (Row, bool) {
	f, path := cutFields(line, 7)
	if len(f) < 7 {
		return Row{}, false
	}
	flags, err := strconv.ParseUint(f[3], 16, 32)
	typ, err2 := strconv.ParseUint(f[4], 16, 16)
	state, err3 := strconv.ParseUint(f[5], 16, 8)
	inode, err4 := strconv.ParseUint(f[6], 10, 64)
	if firstError(err, err2, err3, err4) != nil || !strings.HasSuffix(f[0], ":") {
		return Row{}, false
	}
	row := Row{Family: sock.UNIX, Type: sock.Type(typ), Inode: inode, UID: -1, ReceiveCharged: -1, SendCharged: -1, Drops: -1}
	const accepts = 1 << 16 // __SO_ACCEPTCON
	switch {
	case flags&accepts != 0:
		row.State = Listening
	case state == 3: // SS_CONNECTED
		row.State = Connected
	case state == 2:
		row.State = Connecting
	default:
		row.State = Unconnected
	}
	name := sock.UnixAddr{Name: path}
	if rest, abstract := strings.CutPrefix(path, "@"); abstract {
		name = sock.UnixAddr{Name: rest, Abstract: true}
	}
	row.Local = name
	return row, true
}

// cutFields takes n fields off a line and returns what follows the single space after the last of them.
func cutFields(line string, n int) (fields []string, rest string) {
	for range n {
		line = strings.TrimLeft(line, " ")
		field, after, _ := strings.Cut(line, " ")
		if field == "" {
			break
		}
		fields, line = append(fields, field), after
	}
	return fields, line
}

// packetLine reads "sk RefCnt Type Proto Iface R Rmem User Inode".
func packetLine(line string) (Row, bool) {
	f := strings.Fields(line)
	if len(f) < 9 {
		return Row{}, false
	}
	typ, err := strconv.ParseUint(f[2], 10, 16)
	proto, err2 := strconv.ParseUint(f[3], 16, 16)
	index, err3 := strconv.ParseUint(f[4], 10, 31)
	waiting, err4 := strconv.ParseUint(f[6], 10, 32)
	uid, err5 := strconv.ParseUint(f[7], 10, 32)
	inode, err6 := strconv.ParseUint(f[8], 10, 64)
	if firstError(err, err2, err3, err4, err5, err6) != nil {
		return Row{}, false
	}
	bound := sock.PacketAddr{Proto: uint16(proto)}
	if index != 0 {
		bound.Interface = strconv.FormatUint(index, 10)
	}
	return Row{Family: sock.PACKET, Type: sock.Type(typ), Proto: sock.Proto(proto), Inode: inode, UID: int(uid), Local: bound,
		State: Unconnected, ReceiveCharged: int64(waiting), SendCharged: -1, Drops: -1}, true
}

const netlinkFamily sock.Family = 16 // AF_NETLINK

// netlinkLine reads "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode".
func netlinkLine(line string) (Row, bool) {
	f := strings.Fields(line)
	if len(f) < 10 {
		return Row{}, false
	}
	proto, err := strconv.ParseUint(f[1], 10, 8)
	waiting, err2 := strconv.ParseUint(f[4], 10, 32)
	sent, err3 := strconv.ParseUint(f[5], 10, 32)
	drops, err4 := strconv.ParseUint(f[8], 10, 32)
	inode, err5 := strconv.ParseUint(f[9], 10, 64)
	if firstError(err, err2, err3, err4, err5) != nil {
		return Row{}, false
	}
	return Row{Family: netlinkFamily, Type: sock.RAW, Proto: sock.Proto(proto), Inode: inode, UID: -1, State: Unconnected,
		ReceiveCharged: int64(waiting), SendCharged: int64(sent), Drops: int64(drops)}, true
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
