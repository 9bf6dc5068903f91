package watchscreen

import (
	"net/netip"
	"strconv"
	"time"

	"dgram/internal/terminal"
	"dgram/wire"
)

// AppendSource appends where a packet comes from, fit for a terminal: address and port, the address alone, a unix path, or nothing.
func AppendSource(b []byte, p *wire.Packet) []byte {
	return appendEnd(b, p, p.Src, p.SrcPort, p.UnixSrc)
}

// AppendDestination appends where a packet goes to, as AppendSource does.
func AppendDestination(b []byte, p *wire.Packet) []byte {
	return appendEnd(b, p, p.Dst, p.DstPort, p.UnixDst)
}

func appendEnd(b []byte, p *wire.Packet, addr netip.Addr, port uint16, path string) []byte {
	switch {
	case p.Version == 0 && p.Link == wire.LinkUpperPDU:
		if path == "" {
			return append(b, "(unnamed)"...)
		}
		return terminal.AppendEscape(b, []byte(path))
	case p.Version == 0 || !addr.IsValid():
		return append(b, '-')
	case p.HasPorts:
		return netip.AddrPortFrom(addr, port).AppendTo(b)
	}
	return addr.AppendTo(b)
}

// AppendSeconds appends nanoseconds as seconds with six digits after the point, as Wireshark shows time.
func AppendSeconds(b []byte, ns int64) []byte {
	if ns < 0 {
		b, ns = append(b, '-'), -ns
	}
	b = strconv.AppendInt(b, ns/1e9, 10)
	micro := ns % 1e9 / 1e3
	b = append(b, '.')
	for unit := int64(1e5); unit > 0; unit /= 10 {
		b = append(b, byte('0'+micro/unit%10))
	}
	return b
}

// AppendRTT appends a round trip: 0.213 ms, 1.250 s.
func AppendRTT(b []byte, d time.Duration) []byte {
	if d >= time.Second {
		return append(strconv.AppendFloat(b, d.Seconds(), 'f', 3, 64), " s"...)
	}
	return append(strconv.AppendFloat(b, float64(d)/1e6, 'f', 3, 64), " ms"...)
}

// AppendPair appends what a packet belongs with: of a reply the number of its request, and the round trip; of another the fate.
func AppendPair(b []byte, n Note) []byte {
	switch {
	case n.Mark == MarkNone:
		return b
	case n.Peer == 0 || n.Mark == MarkUnanswered:
		return append(b, n.Mark.String()...)
	}
	b = append(b, n.Mark.Sign()...)
	b = strconv.AppendUint(b, n.Peer, 10)
	if n.RTT != 0 {
		b = AppendRTT(append(b, ' '), n.RTT)
	}
	return b
}
