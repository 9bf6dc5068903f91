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
	server  uint64 // drops of the server's socket, by what this host knows
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
