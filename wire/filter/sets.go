package filter

import "slices"

// Long lists of hosts or ports are what makes filters long. Tests of one kind that stand side by side between or become one that looks
// at the packet once. The answer stays the same, also for a packet that was cut.
type (
	hostSet struct {
		*host
		addrs []uint32
	}
	host6Set []*host6
	portSet  []*port
)

func (host6Set) write(*printer) {}
func (portSet) write(*printer)  {}

func reversed(list []node) []node {
	slices.Reverse(list)
	return list
}

// gather makes sets of neighbours in a list of tests joined by or.
func gather(list []node) []node {
	var out []node
	for _, n := range list {
		if last := len(out) - 1; last >= 0 {
			if set := join(out[last], n); set != nil {
				out[last] = set
				continue
			}
		}
		out = append(out, n)
	}
	return out
}

// gatherNots does the same in a list joined by and: neither this nor that.
func gatherNots(list []node) []node {
	var out []node
	for _, n := range list {
		not, ok := n.(*notNode)
		if last := len(out) - 1; ok && last >= 0 {
			if before, ok := out[last].(*notNode); ok {
				if set := join(before.of, not.of); set != nil {
					out[last] = &notNode{set}
					continue
				}
			}
		}
		out = append(out, n)
	}
	return out
}

// join makes one set of a test, or a set, and a test; nil: they are of different kinds.
func join(set, n node) node {
	switch n := n.(type) {
	case *host:
		s, ok := set.(hostSet)
		if first, single := set.(*host); single {
			s, ok = hostSet{first, []uint32{first.addr}}, true
		}
		if ok && s.of == n.of && s.dir == n.dir && s.mask == n.mask && n.dir != bothEnds {
			return hostSet{s.host, append(s.addrs, n.addr)}
		}
	case *host6:
		s, ok := set.(host6Set)
		if first, single := set.(*host6); single {
			s, ok = host6Set{first}, true
		}
		if ok {
			return append(s, n)
		}
	case *port:
		s, ok := set.(portSet)
		if first, single := set.(*port); single {
			s, ok = portSet{first}, true
		}
		if ok && s[0].of == n.of && s[0].dir == n.dir && n.dir != bothEnds {
			return append(s, n)
		}
	}
	return nil
}
