package ledger

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// String returns the summary in words, a few aligned lines without a newline at the end: first the identities, then what else there is to
// say. What is zero is not mentioned, but for the wholes.
func (s Summary) String() string {
	var lines []string
	for _, id := range s.identities() {
		lines = append(lines, id.String())
	}
	for _, r := range s.remarks() {
		lines = append(lines, fmt.Sprintf("%-10s %s", r.name, r.text))
	}
	return strings.Join(lines, "\n")
}

// InWords returns the summary of several sockets in words and, below, where there is more than one, the account of each: what every one
// of them received, what became of that, and what the system dropped before.
func InWords(total Summary, each []Summary) string {
	text := total.String()
	if len(each) < 2 {
		return text
	}
	for i := range each {
		s := &each[i]
		text += fmt.Sprintf("\n%-10s %s", fmt.Sprintf("socket %d", i+1), s.Local)
		for _, id := range s.identities() {
			text += "  " + strings.Join(strings.Fields(id.String()), " ")
		}
		if s.Drops.Count != 0 || !s.Drops.Known {
			text += ", lost " + s.Drops.String()
		}
	}
	return text
}

// String writes an identity as a sentence: received 1,000 = answered 990 + dropped 10 (loss).
func (id identity) String() string {
	var terms []string
	for _, p := range id.parts {
		if p.n != 0 {
			terms = append(terms, p.String())
		}
	}
	head := fmt.Sprintf("%-10s %s", id.name, thousands(id.whole))
	if len(terms) == 0 {
		return head
	}
	return head + " = " + strings.Join(terms, " + ")
}

func (p part) String() string {
	text := p.name + " " + thousands(p.n)
	if p.note != "" {
		text += " (" + p.note + ")"
	}
	return text
}

type remark struct{ name, text string }

func (s *Summary) remarks() []remark {
	r := []remark{{"bytes", thousands(s.ReceivedBytes) + " received, " + thousands(s.SentBytes) + " sent, in " + duration(s.Elapsed)}}
	say := func(n uint64, name, text string) {
		if n != 0 {
			r = append(r, remark{name, thousands(n) + " " + text})
		}
	}
	say(s.Copies, "copies", "sent besides the replies")
	say(s.CopiesFailed, "copies", "could not be sent")
	say(s.Truncated, "cut short", "received without their end: the buffer is too small for them")
	say(s.Notices, "notices", "from the network about datagrams sent")
	say(s.ReceiveErrors, "trouble", "times receiving failed and was tried again")
	if s.Drops.Count != 0 {
		r = append(r, remark{"lost", s.Drops.String() + " dropped by the system before they could be received: its buffer was full"})
	}
	say(s.Omitted, "not shown", "events left out, so as not to hold up the datagrams")
	return r
}

// String returns the count, "≥ N" where there may have been more, or "unknown".
func (d Drops) String() string {
	switch {
	case !d.Known && d.Count == 0:
		return "unknown"
	case d.AtLeast || !d.Known:
		return "≥ " + thousands(d.Count)
	}
	return thousands(d.Count)
}

// byName returns a map as parts, the largest first.
func byName(name string, m map[string]uint64) []part {
	parts := make([]part, 0, len(m))
	for k, n := range m {
		parts = append(parts, part{name, k, n})
	}
	sort.Slice(parts, func(i, j int) bool {
		if parts[i].n != parts[j].n {
			return parts[i].n > parts[j].n
		}
		return parts[i].note < parts[j].note
	})
	return parts
}

// thousands writes 1234567 as 1,234,567.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// duration is short enough to read: three figures.
func duration(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
