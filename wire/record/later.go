package record

import (
	"fmt"
	"strings"

	"dgram"
)

// later is what the comment that closes the file says: what settled when its packet had been written, and what is not there.
type later struct {
	fates   []lateFate
	more    uint64 // fates that there was no room for
	leftOut uint64
	unsent  uint64

	attempts []tried // of a client, a ring
	next     int
}

type lateFate struct {
	number uint64
	fate   dgram.Fate
	reason dgram.Reason
}

// mostFates bounds how many packets the closing comment names.
const mostFates = 32

// note keeps a fate that no packet can carry any more.
func (l *later) note(number uint64, f dgram.Fate, why dgram.Reason) {
	switch {
	case f == dgram.Pending || f == dgram.Undecided:
	case number == 0 || len(l.fates) == mostFates:
		l.more++
	default:
		l.fates = append(l.fates, lateFate{number, f, why})
	}
}

// tried remembers an attempt.
func (l *later) tried(a tried) {
	if len(l.attempts) < mostTried {
		l.attempts = append(l.attempts, a)
		return
	}
	l.attempts[l.next] = a
	l.next = (l.next + 1) % mostTried
}

// last returns the latest attempt that is like that, nil for none among the latest.
func (l *later) last(like func(*tried) bool) *tried {
	n := len(l.attempts)
	for i := range min(n, mostCompared) {
		if a := &l.attempts[(l.next+n-1-i)%n]; like(a) {
			return a
		}
	}
	return nil
}

// find returns the attempt of that number in the process.
func (l *later) find(id uint64) *tried {
	n := len(l.attempts)
	for i := range n {
		if a := &l.attempts[(l.next+n-1-i)%n]; a.id == id {
			return a
		}
	}
	return nil
}

// comment is the text that closes a file of that many packets.
func (l *later) comment(packets uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d packets recorded; %d left out, so as not to slow the process.", packets, l.leftOut)
	if l.unsent > 0 {
		fmt.Fprintf(&b, " %d could not be sent, and are not here.", l.unsent)
	}
	for i, f := range l.fates {
		if i == 0 {
			b.WriteString(" Settled after it was written:")
		} else {
			b.WriteString(";")
		}
		fmt.Fprintf(&b, " No. %d %s", f.number, f.fate)
		if f.reason != dgram.NoReason {
			b.WriteString(": " + reasonWords(f.reason))
		}
	}
	switch {
	case l.more > 0 && len(l.fates) > 0:
		fmt.Fprintf(&b, "; and %d more.", l.more)
	case l.more > 0:
		fmt.Fprintf(&b, " %d settled after they were written.", l.more)
	case len(l.fates) > 0:
		b.WriteString(".")
	}
	return b.String()
}
