package sockets

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dgram/internal/testnet"
	"dgram/sock"
)

func listen(t *testing.T, network, address string) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	c, err := net.ListenPacket(network, address)
	if err != nil {
		testnet.Missing(t, fmt.Sprintf("%s at %s: %v", network, address, err))
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.UDPConn), c.LocalAddr().(*net.UDPAddr).AddrPort()
}

func at(host string, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(host), port)
}

func TestOwners(t *testing.T) {
	_, exact := listen(t, "udp4", "127.0.0.1:0")
	_, dual := listen(t, "udp", "[::]:0")
	_, every4 := listen(t, "udp4", "0.0.0.0:0")
	connected, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(exact))
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	dialled := connected.LocalAddr().(*net.UDPAddr).AddrPort()
	o := NewOwners()
	defer o.Close()
	stranger := at("192.0.2.1", 7)
	for _, c := range []struct {
		what        string
		local, peer netip.AddrPort
		want        bool
	}{
		{"bound to the address", exact, stranger, true},
		{"bound to all of IPv4", at("127.0.0.9", every4.Port()), stranger, true},
		{"IPv6 that hears IPv4", at("127.0.0.1", dual.Port()), stranger, true},
		{"IPv6 that hears IPv4, as it sees it", at("::ffff:127.0.0.1", dual.Port()), stranger, true},
		{"bound to all of IPv6", at("::1", dual.Port()), at("::2", 9), true},
		{"connected, from its peer", dialled, exact, true},
		{"connected, from a stranger", dialled, stranger, false},
		{"nobody's", at("127.0.0.1", 1), stranger, false},
		{"another address", at("127.0.0.2", exact.Port()), stranger, false},
	} {
		owner, ok := o.UDP(c.local, c.peer)
		if ok != c.want || ok && owner.PID != os.Getpid() {
			t.Errorf("%s: %v, %v, want %v", c.what, owner, ok, c.want)
		}
	}
}

func TestOwnersOfUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a socket")
	for _, name := range []string{path, fmt.Sprintf("@owners-%d", os.Getpid())} {
		c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	o := NewOwners()
	defer o.Close()
	for _, name := range []sock.UnixAddr{{Name: path}, {Name: fmt.Sprintf("owners-%d", os.Getpid()), Abstract: true}} {
		if owner, ok := o.Unix(name); !ok || owner.PID != os.Getpid() {
			t.Errorf("%v belongs to %v, %v", name, owner, ok)
		}
	}
}

// A socket that is opened later is found soon after somebody asked for it; one that is closed is forgotten.
func TestOwnersLearn(t *testing.T) {
	o := NewOwners()
	defer o.Close()
	c, local := listen(t, "udp4", "127.0.0.1:0")
	until(t, func() bool { _, ok := o.UDP(local, netip.AddrPort{}); return ok })
	c.Close()
	until(t, func() bool {
		o.UDP(at("127.0.0.1", 1), netip.AddrPort{}) // a miss, that it looks again
		_, ok := o.UDP(local, netip.AddrPort{})
		return !ok
	})
}

// Asking never waits, and however often one asks in vain, it looks only now and then.
func TestOwnersLookSeldom(t *testing.T) {
	o := NewOwners()
	before := o.table.Load()
	tables := map[*ownerTable]bool{}
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
		for i := range 1000 {
			o.UDP(at("127.0.0.1", uint16(i)), netip.AddrPort{})
		}
		tables[o.table.Load()] = true
	}
	o.Close()
	delete(tables, before)
	if len(tables) > 3 {
		t.Errorf("%d looks in 0.3 s, want at most 3", len(tables))
	}
}

func until(t *testing.T, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !true(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come true")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func BenchmarkOwnersUDP(b *testing.B) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	local := c.LocalAddr().(*net.UDPAddr).AddrPort()
	o := NewOwners()
	defer o.Close()
	for b.Loop() {
		o.UDP(local, netip.AddrPort{})
	}
}
