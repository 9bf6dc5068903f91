package main

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"

	"dgram/internal/watchscreen"
	"dgram/ledger"
	"dgram/wire"
	"dgram/wire/pair"
)

// jsonLines shows each packet as an event of dgram.event/1. The objects are written by hand: a capture file has millions of them.
type jsonLines struct {
	out        *lineOut
	interfaces func() []wire.Interface
	names      [][]byte // of the interfaces, as JSON strings
	second     int64
	stamp      []byte
	scratch    []byte
}

func (j *jsonLines) packet(s *sighting) {
	j.out.add(func(b []byte) []byte { return j.append(b, s) })
}

func (j *jsonLines) append(b []byte, s *sighting) []byte {
	p := &s.packet
	b = j.head(b, ledger.TypePacket, p.Time)
	b = strconv.AppendUint(append(b, `,"number":`...), p.No, 10)
	if name := j.name(p.Interface); len(name) > 2 {
		b = append(append(b, `,"interface":`...), name...)
	}
	if p.Outgoing {
		b = append(b, `,"outgoing":true`...)
	}
	if p.Version != 0 || p.Link == wire.LinkUpperPDU {
		j.scratch = watchscreen.AppendSource(j.scratch[:0], p)
		b = appendString(append(b, `,"source":`...), j.scratch)
		j.scratch = watchscreen.AppendDestination(j.scratch[:0], p)
		b = appendString(append(b, `,"destination":`...), j.scratch)
	}
	b = append(append(append(b, `,"protocol":"`...), s.message.Protocol.String()...), '"')
	b = strconv.AppendInt(append(b, `,"length":`...), int64(p.Length), 10)
	b = strconv.AppendInt(append(b, `,"size":`...), int64(p.PayloadLength), 10)
	if p.VLANs > 0 {
		b = strconv.AppendUint(append(b, `,"vlan":`...), uint64(p.VLAN), 10)
	}
	if p.Fragments > 1 {
		b = strconv.AppendInt(append(b, `,"fragments":`...), int64(p.Fragments), 10)
	}
	b = appendNote(b, &s.note)
	if s.owner != "" {
		b = appendString(append(b, `,"process":`...), append(j.scratch[:0], s.owner...))
	}
	j.scratch = watchscreen.AppendInfo(j.scratch[:0], p, &s.message)
	b = appendString(append(b, `,"info":`...), j.scratch)
	if p.PayloadLength > 0 && !p.Fragment {
		b = appendPayload(append(b, `,"payload":`...), p.Payload)
	}
	return append(b, "}\n"...)
}

func (j *jsonLines) head(b []byte, kind ledger.Type, ns int64) []byte {
	b = append(append(append(b, `{"schema":"`+ledger.Schema+`","type":"`...), kind...), `","time":"`...)
	return append(j.time(b, ns), '"')
}

// time appends RFC 3339 with nanoseconds, UTC.
func (j *jsonLines) time(b []byte, ns int64) []byte {
	second := ns / 1e9
	if second != j.second || j.stamp == nil {
		j.second, j.stamp = second, time.Unix(second, 0).UTC().AppendFormat(j.stamp[:0], "2006-01-02T15:04:05.")
	}
	b = append(b, j.stamp...)
	rest := ns % 1e9
	for unit := int64(1e8); unit > 0; unit /= 10 {
		b = append(b, byte('0'+rest/unit%10))
	}
	return append(b, 'Z')
}

// name is an interface's as JSON.
func (j *jsonLines) name(i int) []byte {
	if i >= len(j.names) {
		for _, known := range j.interfaces()[len(j.names):] {
			j.names = append(j.names, appendText(nil, known.Name))
		}
	}
	if i < 0 || i >= len(j.names) {
		return nil
	}
	return j.names[i]
}

func appendNote(b []byte, n *pair.Note) []byte {
	if n.Role == pair.None {
		return b
	}
	b = append(append(append(b, `,"role":"`...), n.Role.String()...), '"')
	if n.Re != 0 {
		b = strconv.AppendUint(append(b, `,"re":`...), n.Re, 10)
	}
	if n.Count > 1 {
		b = strconv.AppendUint(append(b, `,"count":`...), uint64(n.Count), 10)
	}
	b = appendMicroseconds(b, n.RTT)
	if n.Ambiguous {
		b = append(b, `,"ambiguous":true`...)
	}
	return b
}

func appendMicroseconds(b []byte, rtt time.Duration) []byte {
	if rtt == 0 {
		return b
	}
	return strconv.AppendFloat(append(b, `,"rtt_us":`...), float64(rtt)/1e3, 'f', -1, 64)
}

// appendString appends text that holds nothing but what can be shown as a JSON string.
func appendString(b, text []byte) []byte {
	b = append(b, '"')
	for _, c := range text {
		if c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return append(b, '"')
}

// appendPayload appends bytes as ledger.Payload does: text where they are UTF-8.
func appendPayload(b, payload []byte) []byte {
	if !utf8.Valid(payload) {
		b = append(b, `{"base64":"`...)
		return append(base64.StdEncoding.AppendEncode(b, payload), `"}`...)
	}
	return append(appendText(append(b, `{"text":`...), payload), '}')
}

// appendText appends any text as a JSON string of ASCII (RFC 8259, Section 7).
func appendText[T string | []byte](b []byte, text T) []byte {
	b = append(b, '"')
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
		}
		i += size
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case ' ' <= r && r <= '~':
			b = append(b, byte(r))
		case r > 0xffff:
			r -= 0x10000
			b = appendUnit(appendUnit(b, 0xd800+r>>10), 0xdc00+r&0x3ff)
		default:
			b = appendUnit(b, r)
		}
	}
	return append(b, '"')
}

func appendUnit(b []byte, unit rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[unit>>12&15], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
}
