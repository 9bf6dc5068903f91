package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"dgram/internal/terminal"
	"dgram/internal/watchscreen"
	"dgram/ledger"
	"dgram/wire/pair"
)

// watchSummary is the account of what was watched.
type watchSummary struct {
	ledger.Header
	Shown uint64 `json:"shown"` // packets that the filter let through
	pair.Summary
	Unpaired uint64 `json:"unpaired,omitempty"` // recorded, and not looked at: they came too fast
	Drops    uint64 `json:"drops"`              // lost by the system before they could be read
}

func (w *lookout) summarize() *watchSummary {
	s := &watchSummary{Header: ledger.Header{Schema: ledger.Schema, Type: ledger.TypeCapture, Time: time.Now()}, Shown: w.counts.shown.Load(),
		Summary: w.pairs.tracker.Summary(), Unpaired: w.unpaired, Drops: w.source.Drops()}
	if w.unpaired > 0 {
		s.Packets, s.Bytes, s.ElapsedNS = s.Shown, w.span.bytes, time.Duration(w.span.last-w.span.first)
	}
	return s
}

// text is the account in words, with a newline at the end of each line.
func (s *watchSummary) text(p terminal.Palette) string {
	var b strings.Builder
	line := func(name string, parts ...string) {
		if text := strings.Join(present(parts), ", "); text != "" {
			fmt.Fprintf(&b, "%s %s\n", p.Bold(fmt.Sprintf("%-10s", name)), text)
		}
	}
	elapsed := ""
	if s.ElapsedNS > 0 {
		elapsed = " in " + s.ElapsedNS.Round(time.Microsecond).String()
	}
	line("packets", counted(s.Packets, "packet")+elapsed, counted(s.Bytes, "byte"), s.protocols())
	line("flows", counted(s.Flows, "flow"), some(s.OneWay, "one-way", nil), some(s.Evicted, "forgotten for want of room", p.Yellow))
	line("requests", fmt.Sprint(s.Requests+s.Retries), some(s.Answered, "answered", p.Green), some(s.Superseded, "superseded", p.Yellow),
		some(s.Silent, "unanswered", p.Red), some(s.Refused, "refused", p.Red), some(s.Unreachable, "unreachable", p.Red),
		some(s.NoReply, "without a reply", nil), some(s.Forgotten, "forgotten", p.Yellow), some(s.Pending, "still waiting", nil), some(s.Retries, "of them retries", p.Yellow))
	line("replies", fmt.Sprint(s.Replies+s.Further+s.Duplicate+s.Late+s.Stray+s.Unasked), some(s.Further, "further", nil), some(s.Duplicate, "duplicate", p.Yellow),
		some(s.Late, "late", p.Yellow), some(s.Stray, "stray", p.Yellow), some(s.Unasked, "unasked", nil))
	if r := s.RTT; r.Count > 0 {
		line("round trip", "min "+rtt(r.Min), "median "+rtt(r.P50), "90% "+rtt(r.P90), "99% "+rtt(r.P99), "max "+rtt(r.Max))
	}
	if s.Unpaired > 0 {
		line("unpaired", p.Yellow(counted(s.Unpaired, "packet")+" only recorded, because more came than could be looked at: requests above may have been answered (dgram watch FILE says)"))
	}
	line("dropped", droppedText(s.Drops, p))
	return b.String()
}

func droppedText(n uint64, p terminal.Palette) string {
	if n == 0 {
		return "none by the system"
	}
	return p.Red(fmt.Sprintf("%d by the system: they came faster than they were read (--buffer 64MiB, a narrower filter, --quiet)", n))
}

func rtt(d time.Duration) string { return string(watchscreen.AppendRTT(nil, d)) }

func present(parts []string) (there []string) {
	for _, part := range parts {
		if part != "" {
			there = append(there, part)
		}
	}
	return there
}

// some is a count with its name, nothing where there are none.
func some(n uint64, name string, paint func(string) string) string {
	if n == 0 {
		return ""
	}
	text := fmt.Sprintf("%d %s", n, name)
	if paint != nil {
		return paint(text)
	}
	return text
}

func counted(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// protocols are those that the packets speak, the most frequent first.
func (s *watchSummary) protocols() string {
	names := make([]string, 0, len(s.Protocols))
	for name := range s.Protocols {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := s.Protocols[names[i]], s.Protocols[names[j]]
		return a > b || a == b && names[i] < names[j]
	})
	const most = 5
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", s.Protocols[name], name)
		if i >= most {
			return strings.Join(names[:most], " + ") + " + others"
		}
	}
	return strings.Join(names, " + ")
}

// summary prints the account as an event.
func (j *jsonLines) summary(s *watchSummary) {
	text, err := json.Marshal(s)
	if err != nil {
		return // it holds nothing that JSON does not know
	}
	j.out.add(func(b []byte) []byte { return append(append(b, text...), '\n') })
}
