package sock

import (
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"
)

// interfaces turns names of network interfaces into indexes and back. Zones
// of IPv6 addresses and packet addresses need it for each datagram, and asking
// the kernel each time would cost more than the datagram.
var interfaces interfaceCache

// interfaceAge is how long an answer is believed: interfaces come, go and
// change their names.
const interfaceAge = time.Second

// interfaceCache holds a table that is never changed, only replaced, so that
// readers need no lock. It knows the network namespace of whoever filled it.
type interfaceCache struct {
	table atomic.Pointer[interfaceTable]
}

type interfaceTable struct {
	names   map[uint32]interfaceName
	indexes map[string]uint32
	read    time.Time
}

// interfaceName keeps an address with the zone beside the name: package netip
// interns zones only as long as an address uses them, and would copy the name
// again for each datagram.
type interfaceName struct {
	name string
	zone netip.Addr
}

// index gives the index of an interface by its name, else the number that the
// name spells, else 0.
func (c *interfaceCache) index(name string) uint32 {
	t := c.current()
	if index, ok := t.indexes[name]; ok {
		return index
	}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n)
	}
	return c.refresh().indexes[name] // it may have been made a moment ago
}

// name gives the name of an interface by its index, or the index in decimal.
func (c *interfaceCache) name(index uint32) string {
	if entry, ok := c.current().names[index]; ok {
		return entry.name
	}
	return strconv.FormatUint(uint64(index), 10)
}

// forget makes the next question go to the kernel.
func (c *interfaceCache) forget() { c.table.Store(nil) }

func (c *interfaceCache) current() *interfaceTable {
	if t := c.table.Load(); t != nil && time.Since(t.read) < interfaceAge {
		return t
	}
	return c.refresh()
}

func (c *interfaceCache) refresh() *interfaceTable {
	list, err := net.Interfaces()
	if err != nil {
		list = nil // every index is then shown as a number
	}
	t := &interfaceTable{names: make(map[uint32]interfaceName), indexes: make(map[string]uint32), read: time.Now()}
	for _, i := range list {
		entry := interfaceName{name: i.Name, zone: netip.IPv6LinkLocalAllNodes().WithZone(i.Name)}
		t.names[uint32(i.Index)] = entry
		t.indexes[i.Name] = uint32(i.Index)
	}
	c.table.Store(t)
	return t
}

// InterfaceName gives the name of the network interface with that index, or the index in decimal where there is none.
func InterfaceName(index uint32) string { return interfaces.name(index) }
