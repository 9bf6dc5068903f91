package main

import (
	"net/netip"

	"dgram/internal/sockets"
	"dgram/internal/terminal"
	"dgram/sock"
	"dgram/wire"
)

// owners names the process behind a packet. The nil owners knows nobody.
type owners struct {
	table *sockets.Owners
	names map[sockets.Owner]string // escaped
}

func newOwners() *owners {
	return &owners{table: sockets.NewOwners(), names: map[sockets.Owner]string{}}
}

// of returns the process that sent a packet, and where that is none of this machine the one that will get it; "" if neither is known. It
// belongs to one goroutine.
func (o *owners) of(p *wire.Packet) string {
	if o == nil {
		return ""
	}
	owner, ok := find(o.table, p)
	if !ok {
		return ""
	}
	name, known := o.names[owner]
	if !known {
		if len(o.names) >= maxOwnerNames {
			clear(o.names)
		}
		name = terminal.EscapeString(owner.String())
		o.names[owner] = name
	}
	return name
}

const maxOwnerNames = 4096

// late is of for any goroutine.
func (o *owners) late(p *wire.Packet) string {
	if owner, ok := find(o.table, p); ok {
		return owner.String()
	}
	return ""
}

func find(table *sockets.Owners, p *wire.Packet) (sockets.Owner, bool) {
	switch {
	case p.HasPorts && (p.Protocol == wire.ProtocolUDP || p.Protocol == wire.ProtocolUDPLite):
		src, dst := netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)
		if p.Outgoing || p.Src.IsLoopback() {
			if owner, ok := table.UDP(src, dst); ok {
				return owner, true
			}
		}
		if owner, ok := table.UDP(dst, src); ok || p.Outgoing {
			return owner, ok
		}
		return table.UDP(src, dst)
	case p.UnixDst != "":
		return table.Unix(sock.UnixAddr{Name: p.UnixDst})
	}
	return sockets.Owner{}, false
}

func (o *owners) close() {
	if o != nil {
		o.table.Close()
	}
}
