package explain

import (
	"strconv"
	"strings"
	"syscall"

	"dgram/internal/terminal"
	"dgram/ledger"
	"dgram/sock"
)

// Explainer says what calls do and why. It remembers what it has seen of each socket, so calls must come in their order; one goroutine uses it
// at a time.
type Explainer struct {
	language Language
	sockets  map[int]*socket
}

// socket is what the calls so far told of a descriptor.
type socket struct {
	family  sock.Family
	proto   sock.Proto
	chooses bool   // it was bound to port 0
	as      int    // another number for the same socket, 0: none
	turn    string // milliseconds of its receive timeout
	process int    // it is a copy of this other process's, 0: of none
}

// New makes an Explainer that speaks a language.
func New(l Language) *Explainer { return &Explainer{l, make(map[int]*socket)} }

// Explain says in one line what a call did. Whatever came from the network is escaped.
func (e *Explainer) Explain(c *sock.Call) string {
	s := e.sockets[c.FD]
	if s == nil {
		s = &socket{}
		if c.FD >= 0 {
			e.sockets[c.FD] = s
		}
	}
	switch c.Name {
	case "socket":
		return e.socket(c)
	case "bind", "connect":
		return e.address(c, s)
	case "getsockname", "getpeername", "accept4":
		return e.name(c, s)
	case "setsockopt":
		return e.set(c, s)
	case "getsockopt":
		return e.get(c, s)
	case "close":
		return e.close(c, s)
	case "listen", "shutdown":
		return e.plain(c, c.Name, "n", strconv.Itoa(c.Number))
	}
	return e.transfer(c, s)
}

// say fills in a text: pairs are names, without their braces, and what stands for them.
func (e *Explainer) say(t Text, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(t.in(e.language))
}

func (e *Explainer) phrase(name string, pairs ...string) string {
	return e.say(phrases[name], pairs...)
}

// why says what an errno means.
func (e *Explainer) why(errno syscall.Errno) string {
	if t, ok := errnos[ledger.ErrnoName(errno)]; ok {
		return t.in(e.language)
	}
	return e.say(errnos["other"], "text", errno.Error())
}

func (e *Explainer) failed(c *sock.Call, how string) string {
	return e.say(calls[how], "errno", ledger.ErrnoName(c.Errno), "why", e.why(c.Errno), "option", optionName(c.Option))
}

// plain says what a call does, or that it failed.
func (e *Explainer) plain(c *sock.Call, which string, pairs ...string) string {
	if c.Errno != 0 {
		return e.failed(c, "failed")
	}
	return e.say(calls[which], append(pairs, "fd", strconv.Itoa(c.FD), "result", strconv.Itoa(c.Result))...)
}

func (e *Explainer) socket(c *sock.Call) string {
	if c.Errno != 0 {
		return e.say(calls["socket failed"], "why", e.why(c.Errno))
	}
	e.sockets[c.Result] = &socket{family: c.Family, proto: c.Proto}
	parts := []string{e.known(families, c.Family.String()), e.known(types, c.Type.String()), e.protocol(c)}
	if c.CloseOnExec {
		parts = append(parts, flags["SOCK_CLOEXEC"].in(e.language))
	}
	if c.Nonblocking {
		parts = append(parts, flags["SOCK_NONBLOCK"].in(e.language))
	}
	return e.say(calls["socket"], "fd", strconv.Itoa(c.Result), "parts", strings.Join(parts, e.between()))
}

func (e *Explainer) between() string {
	if e.language == Chinese {
		return "；"
	}
	return "; "
}

// known is the text of a name; one that has none stands for itself.
func (e *Explainer) known(table map[string]Text, name string) string {
	if t, ok := table[name]; ok {
		return t.in(e.language)
	}
	return name
}

func (e *Explainer) protocol(c *sock.Call) string {
	name := protocol(c)
	inet := c.Family == sock.INET || c.Family == sock.INET6
	zero := map[sock.Family]string{sock.UNIX: "0 unix", sock.PACKET: "0 packet", sock.INET: "0 any", sock.INET6: "0 any"}[c.Family]
	usual := map[sock.Type]string{sock.DGRAM: "UDP", sock.STREAM: "TCP"}[c.Type]
	switch {
	case c.Proto == 0 && inet && usual != "":
		return e.say(protocols["0"], "usual", usual)
	case c.Proto == 0 && zero != "":
		return protocols[zero].in(e.language)
	}
	if t, ok := protocols[name]; ok {
		return t.in(e.language)
	}
	return e.say(protocols["other"], "name", name)
}

// address explains bind and connect.
func (e *Explainer) address(c *sock.Call, s *socket) string {
	which := c.Name
	if a, ok := c.Addr.(sock.UnixAddr); ok && c.Name == "bind" {
		if which = "bind unix"; a.Name == "" {
			which = "bind unix unnamed"
		}
	}
	if a, ok := c.Addr.(sock.PacketAddr); ok && c.Name == "bind" {
		return e.plain(c, "bind packet", "interface", e.interfaceOf(a), "proto", e.etherType(a))
	}
	note := ""
	if a, ok := c.Addr.(sock.InetAddr); ok && c.Name == "bind" {
		s.chooses = a.Port() == 0
		if notes := e.kinds(a); len(notes) > 0 {
			note = e.phrase("in brackets", "notes", strings.Join(notes, e.between()))
		}
	}
	return e.plain(c, which, "addr", e.place(c.Addr), "note", note)
}

func (e *Explainer) interfaceOf(a sock.PacketAddr) string {
	if a.Interface == "" {
		return e.phrase("interfaces")
	}
	return e.phrase("interface", "name", terminal.EscapeString(a.Interface))
}

func (e *Explainer) etherType(a sock.PacketAddr) string {
	if proto := sock.Proto(a.Proto); proto != sock.EtherAll {
		return proto.Name(sock.PACKET)
	}
	return e.phrase("every protocol")
}

// kinds says what there is to say of an address that a socket is to have.
func (e *Explainer) kinds(a sock.InetAddr) (notes []string) {
	switch ip := a.Addr(); {
	case ip.IsUnspecified() && ip.Is4():
		notes = append(notes, e.phrase("wildcard 4"))
	case ip.IsUnspecified():
		notes = append(notes, e.phrase("wildcard 6"))
	case ip.IsLoopback():
		notes = append(notes, e.phrase("loopback"))
	}
	if a.Port() == 0 {
		notes = append(notes, e.phrase("port 0"))
	}
	return notes
}

// name explains getsockname, getpeername and accept4.
func (e *Explainer) name(c *sock.Call, s *socket) string {
	if c.Name != "getsockname" {
		return e.plain(c, c.Name, "addr", e.place(c.Addr))
	}
	switch a := c.Addr.(type) {
	case sock.InetAddr:
		note := ""
		if a.Addr().IsUnspecified() {
			note = e.phrase("any source")
		}
		if s.chooses {
			return e.plain(c, "getsockname chosen", "addr", e.place(a), "port", strconv.Itoa(int(a.Port())), "note", note)
		}
	case sock.UnixAddr:
		if a.Name == "" && !a.Abstract {
			return e.plain(c, "getsockname unnamed")
		}
	}
	return e.plain(c, "getsockname", "addr", e.place(c.Addr))
}

func (e *Explainer) close(c *sock.Call, s *socket) string {
	delete(e.sockets, c.FD)
	if s.process != 0 {
		return e.plain(c, "close copy", "process", strconv.Itoa(s.process))
	}
	if s.as != 0 {
		return e.plain(c, "close moved", "as", strconv.Itoa(s.as))
	}
	return e.plain(c, "close")
}

// place writes an address for a person; a unix path may hold anything.
func (e *Explainer) place(a sock.Addr) string {
	if a == nil {
		return e.phrase("the peer")
	}
	if text := a.String(); text != "" {
		return terminal.EscapeString(text)
	}
	return e.phrase("nobody")
}

// count writes a number with its thousands apart.
func count(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
