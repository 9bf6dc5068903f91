package explain

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"syscall"
	"unicode/utf8"

	"dgram/internal/terminal"
	"dgram/ledger"
	"dgram/sock"
)

// excerpt is how many bytes of a payload a sentence shows.
const excerpt = 32

// transfer explains what sends and receives.
func (e *Explainer) transfer(c *sock.Call, s *socket) string {
	sending := c.Name == "sendto" || c.Name == "sendmmsg"
	switch {
	case c.Errno != 0 && sending:
		return e.notSent(c)
	case c.Errno != 0:
		return e.notReceived(c, s)
	case c.Flags&sock.ERRQUEUE != 0:
		return e.report(c)
	case s.family == netlink:
		return e.say(calls[c.Name+" kernel"], "n", count(c.Result))
	}
	which := c.Name
	switch {
	case c.Name == "sendmmsg" && c.Result < c.Batch:
		which = "sendmmsg some"
	case c.Result > 1 && (c.Name == "sendmmsg" || c.Name == "recvmmsg"):
		which += " several"
	}
	moved := c.Messages
	if c.Name == "sendmmsg" {
		moved = moved[:min(c.Result, len(moved))]
	}
	if len(moved) == 0 {
		return e.say(calls[which], "n", "0", "batch", count(c.Batch), "what", "", "peer", e.phrase("the peer"), "note", "")
	}
	peer := e.peers(moved)
	if c.Addr != nil {
		peer = e.place(c.Addr)
	}
	return e.say(calls[which], "n", count(c.Result), "batch", count(c.Batch), "what", e.what(moved), "peer", peer, "note", e.notes(moved))
}

// notSent explains a send that failed.
func (e *Explainer) notSent(c *sock.Call) string {
	switch c.Errno {
	case syscall.EAGAIN:
		return calls["send full"].in(e.language)
	case syscall.EINTR:
		return calls["receive interrupted"].in(e.language)
	case syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH:
		return e.failed(c, "failed send stored")
	}
	return e.failed(c, "failed")
}

// notReceived explains a receive that brought nothing.
func (e *Explainer) notReceived(c *sock.Call, s *socket) string {
	switch {
	case c.Flags&sock.ERRQUEUE != 0 && c.Errno == syscall.EAGAIN:
		return calls["recvmsg no more"].in(e.language)
	case c.Errno == syscall.EAGAIN && c.Flags&sock.DONTWAIT == 0 && s.turn != "":
		return e.say(calls["receive turn"], "ms", s.turn)
	case c.Errno == syscall.EAGAIN:
		return calls["receive nothing"].in(e.language)
	case c.Errno == syscall.EINTR:
		return calls["receive interrupted"].in(e.language)
	case c.Errno == syscall.ECONNREFUSED, c.Errno == syscall.EHOSTUNREACH, c.Errno == syscall.ENETUNREACH:
		return e.failed(c, "failed receive stored")
	}
	return e.failed(c, "failed")
}

// report explains an entry of the error queue.
func (e *Explainer) report(c *sock.Call) string {
	m := &c.Messages[0]
	cause := ledger.ErrnoName(0)
	by := ""
	for _, control := range m.Control {
		if name := control.Option.Name; (name == "IP_RECVERR" || name == "IPV6_RECVERR") && len(control.Data) >= 16 {
			errno := syscall.Errno(native32(control.Data))
			cause = e.why(errno)
			if a := offender(control.Data); a.IsValid() && !a.Addr().IsUnspecified() {
				by = e.phrase("reported by", "addr", a.Addr().String())
			}
		}
	}
	return e.say(calls["recvmsg error queue"], "size", count(m.Moved), "peer", e.place(m.Addr), "why", cause+by)
}

// what says how many datagrams, and shows one that is alone.
func (e *Explainer) what(all []sock.Message) string {
	datagrams, bytes := 0, 0
	for i := range all {
		m := &all[i]
		bytes += m.Moved
		datagrams += datagramsOf(m)
	}
	switch {
	case datagrams == 1 && bytes == 0:
		return e.phrase("one empty")
	case datagrams == 1:
		return e.phrase("one", "n", count(bytes), "text", excerptOf(&all[0]))
	}
	return e.phrase("several", "count", count(datagrams), "n", count(bytes))
}

// excerptOf shows a payload's beginning, which may lie in several pieces, escaped and quoted. A character is not cut in the middle.
func excerptOf(m *sock.Message) string {
	var begin []byte
	for _, v := range m.Vectors {
		begin = append(begin, v.Data...)
		if len(v.Data) < v.Size {
			break // what follows is not known
		}
	}
	if len(begin) >= m.Moved && m.Moved <= excerpt {
		return `"` + terminal.Escape(begin) + `"`
	}
	begin = begin[:min(len(begin), excerpt)]
	for cut := 1; cut < utf8.UTFMax && cut <= len(begin); cut++ {
		if last := begin[len(begin)-cut:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				begin = begin[:len(begin)-cut]
			}
			break
		}
	}
	return `"` + terminal.Escape(begin) + `"…`
}

// datagramsOf counts the datagrams in a message that carries several.
func datagramsOf(m *sock.Message) int {
	if size := segment(m); size > 0 && m.Moved > size {
		return (m.Moved + size - 1) / size
	}
	return 1
}

// segment is the size of the datagrams that a message is cut into, or was put together from; 0: it is one.
func segment(m *sock.Message) int {
	for _, c := range m.Control {
		switch {
		case c.Option.Name == "UDP_SEGMENT" && len(c.Data) == 2:
			return int(binary.NativeEndian.Uint16(c.Data))
		case c.Option.Name == "UDP_GRO" && len(c.Data) == 4:
			return int(native32(c.Data))
		}
	}
	return 0
}

// peers names the other end, or says how many there are.
func (e *Explainer) peers(all []sock.Message) string {
	seen := map[string]bool{}
	for i := range all {
		seen[e.place(all[i].Addr)] = true
	}
	if len(seen) > 1 {
		return e.phrase("several peers", "n", strconv.Itoa(len(seen)))
	}
	return e.place(all[0].Addr)
}

// notes says what came or went beside the payloads: of the first message, and that the end of any is missing.
func (e *Explainer) notes(all []sock.Message) (text string) {
	m := &all[0]
	received := m.AddrRoom > 0
	if size := segment(m); size > 0 && received {
		text += e.phrase("coalesced", "n", count(size))
	} else if size > 0 {
		text += e.phrase("segments", "n", count(size))
	}
	for _, c := range m.Control {
		addr, index, ok := packetInfo(c)
		switch {
		case ok && received:
			text += e.phrase("arrived", "addr", addr.String(), "interface", terminal.EscapeString(sock.InterfaceName(index)))
		case ok:
			text += e.phrase("from", "addr", addr.String())
		}
	}
	var set sock.Flags
	for i := range all {
		set |= all[i].Flags
	}
	if set&sock.TRUNC != 0 {
		text += e.phrase("truncated", "n", count(m.Vectors[0].Room))
	}
	if set&sock.CTRUNC != 0 {
		text += e.phrase("control cut")
	}
	return text
}

// packetInfo reads a struct in_pktinfo or in6_pktinfo.
func packetInfo(c sock.ControlMessage) (addr netip.Addr, index uint32, ok bool) {
	switch b := c.Data; {
	case c.Option.Name == "IP_PKTINFO" && len(b) == 12:
		return netip.AddrFrom4([4]byte(b[4:8])), native32(b), true
	case c.Option.Name == "IPV6_PKTINFO" && len(b) == 20:
		return netip.AddrFrom16([16]byte(b[:16])), native32(b[16:]), true
	}
	return netip.Addr{}, 0, false
}
