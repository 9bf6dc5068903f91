package bench

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"dgram"
)

// counters are the system's, read before and after, that tell where datagrams were lost.
type counters struct {
	server  uint64 // drops of the server's socket
	source  string // where that was read
	unknown string // why it could not be
	own     int64  // drops of our sockets
	way     uint64 // drops of the device's queue
	wayOK   bool
	ownOK   bool
	atLeast bool
}

// readCounters looks at all of them.
func (m *run) readCounters() counters {
	var c counters
	c.server, c.source, c.unknown = m.serverDrops()
	c.ownOK = true
	for _, w := range m.workers {
		n, known, atLeast := w.port.drops()
		c.own += n
		c.ownOK = c.ownOK && known
		c.atLeast = c.atLeast || atLeast
	}
	if m.out.Index > 0 {
		n, err := queueDrops(m.out.Index)
		c.way, c.wayOK = n, err == nil
	}
	return c
}

func (m *run) serverDrops() (drops uint64, source, unknown string) {
	if m.config.ServerDrops != nil {
		drops, source, err := m.config.ServerDrops()
		if err != nil {
			return 0, source, err.Error()
		}
		return drops, source, ""
	}
	target := m.plan.target
	if !target.Network().IP() || target.Network() == dgram.Memory {
		return 0, "", "the transport has no counter of it"
	}
	if !m.local {
		return 0, "", "the server is on another host, whose counters are not known"
	}
	found := false
	for _, name := range []string{"/proc/net/udp", "/proc/net/udp6"} {
		// Of the thread, and not of the process: a thread may be in another network namespace.
		if n, ok := fileDrops(strings.Replace(name, "/proc/", "/proc/thread-self/", 1), target.Port()); ok {
			drops, found = drops+n, true
			source = strings.TrimPrefix(source+", "+name, ", ")
		}
	}
	if !found {
		return 0, "", "no socket on the server's port in /proc/net/udp and udp6"
	}
	return drops, fmt.Sprintf("column drops of port %d in %s", target.Port(), source), ""
}

func fileDrops(name string, port uint16) (uint64, bool) {
	f, err := os.Open(name)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	return procDrops(f, port)
}

// procDrops adds up the last column of the sockets bound to a port, in the form of /proc/net/udp (proc(5)); ok is false if there are none.
func procDrops(r io.Reader, port uint16) (sum uint64, ok bool) {
	suffix := fmt.Sprintf(":%04X", port)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 13 || !strings.HasSuffix(fields[1], suffix) {
			continue
		}
		if n, err := strconv.ParseUint(fields[len(fields)-1], 10, 64); err == nil {
			sum, ok = sum+n, true
		}
	}
	return sum, ok
}

// place says where the lost requests of c were lost, by what the counters gained. A place never gets more than is left. refused is how many sends the device's queue is known to have refused: those failed, and are not lost.
func place(c Counts, before, after counters, device string, refused int64) Loss {
	l := Loss{Total: c.Lost + c.Failed}
	left := c.Lost
	take := func(n int64) int64 {
		n = min(max(n, 0), left)
		left -= n
		return n
	}
	l.Places = append(l.Places, Place{Name: PlaceSendQueue, Count: c.Failed, Known: true, Counter: "errors of our sends (sendmmsg)"})
	own := Place{Name: PlaceOwnReceive, Counter: "no counter: this transport has none of it"}
	if before.ownOK && after.ownOK {
		own = Place{Name: PlaceOwnReceive, Count: take(after.own - before.own), Known: true, Counter: "drops of our sockets (SO_MEMINFO)", AtLeast: after.atLeast}
	}
	server := Place{Name: PlaceServer, Counter: after.unknown}
	if before.unknown == "" && after.unknown == "" {
		server = Place{Name: PlaceServer, Count: take(int64(after.server - before.server)), Known: true, Counter: after.source}
	}
	way := Place{Name: PlaceWay, Counter: "no counter: the device that datagrams leave by is not known"}
	if before.wayOK && after.wayOK {
		way = Place{Name: PlaceWay, Count: take(int64(after.way-before.way) - refused), Known: true, Counter: "dropped by the queue of " + device + " (tc -s qdisc)"}
	}
	l.Places = append(l.Places, way, server, own, Place{Name: PlaceUnplaced, Count: left, Known: true, Counter: "what is left"})
	l.Server = c.Lost - own.Count
	if c.Sent > 0 {
		l.Fraction = float64(l.Server) / float64(c.Sent)
	}
	return l
}
