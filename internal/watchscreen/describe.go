package watchscreen

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
	"unsafe"

	"dgram/internal/terminal"
	"dgram/wire"
	"dgram/wire/app"
)

// decode reads a packet as it is shown: put together, where it came in pieces.
func (k *Kept) decode(f *wire.Frame, p *wire.Packet, m *app.Message) {
	k.frame(f)
	wire.Decode(f, p)
	p.No = k.No
	if k.Whole != nil {
		first := *p
		whole := wire.Frame{Time: k.Time, Data: k.Whole, Length: len(k.Whole), Link: wire.LinkRaw, Interface: k.Interface, Outgoing: k.Outgoing}
		wire.Decode(&whole, p)
		p.Link, p.VLAN, p.VLANs, p.EtherType, p.Length, p.Fragments = first.Link, first.VLAN, first.VLANs, first.EtherType, first.Length, k.Pieces
	}
	if app.Read(p, m); k.Note.Spoken != app.Unread && k.Note.Spoken != m.Protocol {
		app.Correct(p, m, k.Note.Spoken)
	}
}

// AppendInfo appends what package app says of a packet, fit for a terminal, without the ports: they stand beside the addresses.
func AppendInfo(b []byte, p *wire.Packet, m *app.Message) []byte {
	start := len(b)
	b = app.AppendInfo(b, p, m)
	if p.HasPorts {
		var ports [24]byte
		prefix := strconv.AppendUint(ports[:0], uint64(p.SrcPort), 10)
		prefix = append(strconv.AppendUint(append(prefix, " → "...), uint64(p.DstPort), 10), ' ')
		if text := b[start:]; bytes.HasPrefix(text, prefix) {
			b = append(b[:start], text[len(prefix):]...)
		}
	}
	if shows(b[start:]) {
		return b
	}
	raw := append([]byte(nil), b[start:]...)
	return terminal.AppendEscape(b[:start], raw)
}

// shows reports whether a text is fit for a terminal at first sight: ASCII, and the arrow and the dots that package app itself writes.
func shows(text []byte) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case ' ' <= c && c <= '~' && c != '\\':
		case c == 0xe2 && i+2 < len(text) && (text[i+1] == 0x86 && text[i+2] == 0x92 || text[i+1] == 0x80 && text[i+2] == 0xa6):
			i += 2
		default:
			return false
		}
	}
	return true
}

// fieldsOf are all that is known of a packet: the frame, its headers, its payload.
func fieldsOf(k *Kept, on string) (data []byte, fields []wire.Field) {
	var f wire.Frame
	var p wire.Packet
	var m app.Message
	k.decode(&f, &p, &m)
	if k.Whole != nil {
		f.Data, f.Length, f.Link = k.Whole, len(k.Whole), wire.LinkRaw
	}
	fields = append(frameFields(k, on), wire.Fields(&f)...)
	return f.Data, append(fields, app.Fields(&p, &m, offset(f.Data, p.Payload))...)
}

func frameFields(k *Kept, on string) []wire.Field {
	list := []wire.Field{{Name: "Frame", Value: fmt.Sprintf("%d bytes, No. %d", k.Length, k.No), Len: len(k.Data)}}
	add := func(name, value string) {
		if value != "" {
			list = append(list, wire.Field{Depth: 1, Name: name, Value: value})
		}
	}
	if k.Time != 0 {
		add("Time", time.Unix(0, k.Time).Format("2006-01-02 15:04:05.000000000 MST"))
	}
	add("Interface", on)
	if k.Outgoing {
		add("Direction", "sent by this machine")
	}
	add("Fate", k.Note.Mark.String())
	switch {
	case k.Note.Peer == 0:
	case k.Note.Mark == MarkAnswered:
		add("Answered by", "No. "+number(k.Note.Peer))
	default:
		add("Belongs to", "No. "+number(k.Note.Peer))
	}
	if k.Note.RTT > 0 {
		add("Round trip", string(AppendRTT(nil, k.Note.RTT)))
	}
	add("Process", k.Owner)
	if k.Pieces > 0 {
		add("Pieces", fmt.Sprintf("%d IP fragments, put together below", k.Pieces))
	}
	add("Comment", k.Comment)
	return list
}

// offset is where part begins in data, of which it is a part.
func offset(data, part []byte) int {
	if len(part) == 0 || len(data) == 0 {
		return 0
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(part))) - uintptr(unsafe.Pointer(unsafe.SliceData(data)))
	if at >= uintptr(len(data)) {
		return 0
	}
	return int(at)
}
