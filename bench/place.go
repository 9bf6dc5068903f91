package bench

import "syscall"

// place says where the lost requests were lost, by what the counters gained.
func (m *run) place() Loss {
	c := m.result.Totals
	l := Loss{Total: c.Lost + c.Failed, Counters: m.server.gain(c, m.result.Warmup)}
	l.Places = []Place{{Name: PlaceSendQueue, Count: c.Failed, Known: true, Counter: "errors of our sends"}}
	switch g := l.Counters; {
	case g != nil && g.Usable:
		l.Places = append(l.Places, g.places(c, m.result.Warmup, ownDrops(m.first, m.after))...)
	case g != nil:
		m.after.unknown = g.Why // what this host knows of the server's socket may be others' loss, too
		fallthrough
	default:
		// A send that the device's queue refused was told to us, and is no loss.
		l.Places = append(l.Places, placesFromHere(c, m.before, m.after, m.out.Name, min(m.failures[syscall.ENOBUFS], c.Failed))...)
	}
	l.Server = c.Lost
	for _, p := range l.Places {
		if p.Name == PlaceOwnReceive {
			l.Server -= p.Count
		}
	}
	if c.Sent > 0 {
		l.Fraction = float64(l.Server) / float64(c.Sent)
	}
	return l
}

// lost are requests that are handed out to places: none gets more than are left.
type lost struct{ left int64 }

func (l *lost) take(n int64) int64 {
	n = min(max(n, 0), l.left)
	l.left -= n
	return n
}

// rest is what no counter tells of.
func (l *lost) rest() Place {
	return Place{Name: PlaceUnplaced, Count: l.left, Known: true, Counter: "what is left"}
}

// late is known by the answers that came all the same.
func late(n int64) Place {
	return Place{Name: PlaceLate, Count: n, Known: true, Counter: "answers that came after the time-out"}
}

// ownDrops is what our own sockets dropped in between.
func ownDrops(before, after counters) Place {
	if !before.ownOK || !after.ownOK {
		return Place{Name: PlaceOwnReceive, Counter: "no counter: this transport has none of it"}
	}
	return Place{Name: PlaceOwnReceive, Count: after.own - before.own, Known: true, Counter: "drops of our sockets (SO_MEMINFO)", AtLeast: after.atLeast}
}

// placesFromHere places the lost requests of c by the counters of this host. refused is how many sends the device's queue is known to have refused.
func placesFromHere(c Counts, before, after counters, device string, refused int64) []Place {
	l := lost{c.Lost}
	own := ownDrops(before, after)
	own.Count = l.take(own.Count)
	tardy := late(l.take(c.Late))
	server := Place{Name: PlaceServer, Counter: after.unknown}
	if before.unknown == "" && after.unknown == "" {
		server = Place{Name: PlaceServer, Count: l.take(int64(after.server - before.server)), Known: true, Counter: after.source}
	}
	way := Place{Name: PlaceWay, Counter: "no counter: the device that datagrams leave by is not known"}
	if before.wayOK && after.wayOK {
		way = Place{Name: PlaceWay, Count: l.take(int64(after.way-before.way) - refused), Known: true, Counter: "dropped by the queue of " + device + " (tc -s qdisc)"}
	}
	return []Place{way, server, own, tardy, l.rest()}
}
