package main

import (
	"strconv"
	"time"

	"dgram/internal/watchscreen"
)

// textLines shows each packet as a line of columns.
type textLines struct {
	out    *lineOut
	times  string
	owners bool // there is a column for processes
	first  int64
	last   int64
	second int64  // that stamp is of
	stamp  []byte // a second as absolute time
}

// How wide the columns are at least; what is longer moves the rest of its line.
const (
	widthNo       = 6
	widthTime     = 11
	widthEnd      = 21
	widthProtocol = 6
	widthLength   = 5
	widthPair     = 16
	widthOwner    = 16
)

func (t *textLines) packet(s *sighting) {
	t.out.add(func(b []byte) []byte { return t.append(b, s) })
}

func (t *textLines) append(b []byte, s *sighting) []byte {
	p := &s.packet
	at := len(b)
	b = right(strconv.AppendUint(b, p.No, 10), at, widthNo)
	at = len(b) + 1
	b = right(t.time(append(b, ' '), p.Time), at, widthTime)
	at = len(b) + 1
	b = left(watchscreen.AppendSource(append(b, ' '), p), at, widthEnd)
	at = len(b) + 1
	b = left(watchscreen.AppendDestination(append(b, ' '), p), at, widthEnd)
	at = len(b) + 1
	b = left(append(append(b, ' '), s.message.Protocol.String()...), at, widthProtocol)
	at = len(b) + 1
	b = right(strconv.AppendInt(append(b, ' '), int64(p.Length), 10), at, widthLength)
	at = len(b) + 1
	b = left(appendPair(append(b, ' '), noteOf(s.note)), at, widthPair)
	if t.owners {
		at = len(b) + 1
		b = left(append(append(b, ' '), s.owner...), at, widthOwner)
	}
	return append(watchscreen.AppendInfo(append(b, ' '), p, &s.message), '\n')
}

// appendPair is watchscreen.AppendPair, but for requests: a line stays as it is, and whether they still wait will be old news.
func appendPair(b []byte, n watchscreen.Note) []byte {
	if n.Mark == watchscreen.MarkWaiting {
		return append(b, "request"...)
	}
	return watchscreen.AppendPair(b, n)
}

// right moves what stands from at on to the right end of a column of so many cells, left fills the column up behind it. What is in these
// columns is ASCII.
func right(b []byte, at, cells int) []byte {
	n := len(b) - at
	if n >= cells {
		return b
	}
	b = append(b, "                                "[:cells-n]...)
	copy(b[at+cells-n:], b[at:at+n])
	for i := at; i < at+cells-n; i++ {
		b[i] = ' '
	}
	return b
}

func left(b []byte, at, cells int) []byte {
	if n := len(b) - at; n < cells {
		b = append(b, "                                "[:cells-n]...)
	}
	return b
}

func (t *textLines) time(b []byte, ns int64) []byte {
	if t.first == 0 {
		t.first, t.last = ns, ns
	}
	before := t.last
	t.last = ns
	switch {
	case ns == 0:
		return append(b, '-')
	case t.times == "delta":
		return watchscreen.AppendSeconds(b, ns-before)
	case t.times == "absolute":
		return t.absolute(b, ns)
	}
	return watchscreen.AppendSeconds(b, ns-t.first)
}

// absolute appends local time to the microsecond. The part that stays for a second is made once a second.
func (t *textLines) absolute(b []byte, ns int64) []byte {
	second := ns / 1e9
	if second != t.second || t.stamp == nil {
		t.second, t.stamp = second, time.Unix(second, 0).AppendFormat(t.stamp[:0], "2006-01-02 15:04:05.")
	}
	b = append(b, t.stamp...)
	micro := ns % 1e9 / 1e3
	for unit := int64(1e5); unit > 0; unit /= 10 {
		b = append(b, byte('0'+micro/unit%10))
	}
	return b
}
