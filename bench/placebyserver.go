package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// places places the lost requests of c by the server's counters. They stand for the whole run, and so does own, what our sockets dropped in it: what the
// warm-up lost is somewhere among it. Each place is therefore given what remains if all of that was there, which is exact where the warm-up lost
// nothing, or where all was lost in one place.
func (g *ServerGain) places(c, warmup Counts, own Place) []Place {
	all := c
	all.add(&warmup)
	unseen := all.Sent - g.Received - g.KernelDrops - all.Refused
	back := g.Answered - all.Answered - all.Wrong - all.Late - all.Unmatched - max(own.Count, 0)
	// Where something was counted twice (a copy that came late) it is not known which place has it too many.
	slack := warmup.Lost + all.Pending + max(-unseen, 0) + max(-back, 0)
	l := lost{c.Lost}
	give := func(name string, n int64, atLeast bool, counter string) Place {
		least, most := max(n-slack, 0), min(max(n, 0), c.Lost)
		g.loose = g.loose || least < most
		return Place{Name: name, Count: l.take(least), Known: true, Counter: counter, AtLeast: atLeast || least < most}
	}
	way := Place{Name: PlaceWay, Counter: "what the server's socket dropped is not known, so that what never got there is not known either"}
	socket := Place{Name: PlaceServer, Counter: "the server does not know"}
	if g.KernelDropsKnown {
		atLeast := g.KernelDropsAtLeast && g.KernelDrops > 0
		socket = give(PlaceServer, g.KernelDrops, atLeast, g.names.KernelDrops)
		if !atLeast {
			way = give(PlaceWay, unseen, false, fmt.Sprintf("sent − %s − %s", g.names.Received, g.names.KernelDrops))
		}
	}
	inside := give(PlaceInServer, g.Received-g.Answered, false, fmt.Sprintf("%s − %s%s", g.names.Received, g.names.Answered, g.reasons()))
	home := Place{Name: PlaceWayBack, Counter: "what our own sockets dropped is not known, so that what was lost before is not known either"}
	if own.Known && !(own.AtLeast && own.Count > 0) {
		home = give(PlaceWayBack, back, false, g.names.Answered+" − answers that came − dropped by our sockets")
	}
	if own.Known {
		own = give(PlaceOwnReceive, own.Count, own.AtLeast && own.Count > 0, own.Counter)
	}
	tardy := late(0)
	tardy = give(PlaceLate, all.Late, false, tardy.Counter)
	return []Place{way, socket, inside, home, own, tardy, l.rest()}
}

// mostReasons bounds how many are named; JSON has them all.
const mostReasons = 6

// reasons says what became of requests that the server received and did not answer, most first: ": dropped: loss 51, ignored 3".
func (g *ServerGain) reasons() string {
	names := slices.SortedFunc(maps.Keys(g.Unanswered), func(a, b string) int {
		if d := g.Unanswered[b] - g.Unanswered[a]; d != 0 {
			return int(min(max(d, -1), 1))
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, name := range names[:min(len(names), mostReasons)] {
		parts = append(parts, name+" "+FormatCount(g.Unanswered[name]))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// notes say where the server's counters come from and what they cannot tell.
func (l *Loss) notes() []string {
	g := l.Counters
	switch {
	case g == nil:
		return nil
	case !g.Usable:
		return []string{fmt.Sprintf("the server's counters (%s) place no loss: %s", g.Source, g.Why)}
	}
	dropped := ""
	if g.KernelDropsKnown {
		dropped = ", its socket dropped " + FormatCount(g.KernelDrops)
	}
	notes := []string{fmt.Sprintf("of %s requests in the whole run the server received %s and answered %s%s (%s); if somebody else asked it meanwhile, that is not right",
		FormatCount(g.Sent), FormatCount(g.Received), FormatCount(g.Answered), dropped, g.Source)}
	if g.loose {
		notes = append(notes, "what was lost in the warm-up, or was open when the run was broken off, may be part of what the server counted: places are lower bounds; --warmup 0 makes them exact")
	}
	return notes
}
