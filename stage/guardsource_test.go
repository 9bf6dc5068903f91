package stage

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"dgram"
)

func ipv4AddrPort(n uint32) netip.AddrPort { return netip.AddrPortFrom(ipv4(n), 40000) }

// pretend makes the guards believe that this machine has these addresses.
func pretend(g *Guards, all ...string) *Guards {
	g.hosts.list = func() (found []netip.Prefix, err error) {
		for _, text := range all {
			found = append(found, netip.MustParsePrefix(text))
		}
		return found, nil
	}
	g.hosts.read(time.Now())
	return g
}

func TestSources(t *testing.T) {
	const none, source, noAddress = dgram.NoReason, dgram.ReasonSource, dgram.ReasonNoAddress
	own := []dgram.Endpoint{dgram.MustParseEndpoint("127.0.0.1:12345"), dgram.MustParseEndpoint("udp://[::]:5000"), dgram.MustParseEndpoint("udp4://0.0.0.0:6000")}
	trusted := []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16"), netip.MustParsePrefix("fe80::/10")}
	g := pretend(NewGuards(GuardConfig{Own: own, Trusted: trusted}), "127.0.0.1/8", "192.168.3.8/24", "10.0.0.1/31", "::1/128", "fd00:3::8/64", "fe80::1/64")
	for _, c := range []struct {
		peer string
		near bool
		want dgram.Reason
	}{
		{"127.0.0.1:40000", true, none},
		{"127.0.0.1:53", true, none}, // on this machine ports are not looked at
		{"127.9.9.9:2049", true, none},
		{"[::1]:7", true, none},
		{"127.0.0.1:0", true, noAddress},
		{"127.0.0.1:12345", true, source}, // our own
		{"127.0.0.2:12345", true, none},
		{"[::1]:12345", true, none},
		{"127.0.0.1:5000", true, source},
		{"[::1]:5000", true, source},
		{"192.168.3.8:5000", true, source},
		{"192.168.3.8:6000", true, source},
		{"[fd00:3::8]:6000", true, none},
		{"192.168.3.8:7", true, none},
		{"[fd00:3::8]:40000", true, none},
		{"[fe80::1%eth0]:40000", true, none},

		{"192.168.3.2:40000", false, none},
		{"192.168.3.2:5000", false, none},
		{"192.168.3.2:1024", false, none},
		{"192.168.3.2:1023", false, source},
		{"192.168.3.2:1", false, source},
		{"192.168.3.2:2049", false, source},
		{"192.168.3.2:0", false, noAddress},
		{"10.9.1.1:53", false, none}, // trusted
		{"[fe80::2%eth0]:53", false, none},
		{"[fd00:3::2]:53", false, source},
		{"[fd00:3::2]:40000", false, none},
		{"10.0.0.0:40000", false, none}, // the other end of a link of two

		{"192.168.3.255:40000", false, source}, // broadcast
		{"192.168.3.0:40000", false, source},
		{"192.168.4.255:40000", false, none}, // of another network, whose prefix nobody here knows
		{"255.255.255.255:40000", false, source},
		{"224.0.0.1:40000", false, source},
		{"239.255.255.255:40000", false, source},
		{"240.0.0.1:40000", false, source},
		{"0.0.0.0:40000", false, source},
		{"0.1.2.3:40000", false, source},
		{"[::]:40000", false, source},
		{"[ff02::1%eth0]:40000", false, source},
		{"[ff0e::1]:40000", false, source},
		{"[::192.0.2.1]:40000", false, source},
		{"[2001:db8::1]:40000", false, none},
	} {
		r := newGuarded(g, 4)
		r.slot.Peer = dgram.MustParseEndpoint(c.peer)
		if got := r.pass(); got != c.want || got == none && r.asked.near != c.near {
			t.Errorf("%s: %q, near %v; want %q, %v", c.peer, got, r.asked.near, c.want, c.near)
		}
	}
}

func TestAnySource(t *testing.T) {
	g := pretend(NewGuards(GuardConfig{AnySource: true, MaxReply: -1}), "192.168.3.8/24")
	for _, peer := range []string{"192.168.3.255:53", "224.0.0.1:1", "0.0.0.0:40000"} {
		r := newGuarded(g, 4)
		r.slot.Peer = dgram.MustParseEndpoint(peer)
		if got := r.pass(); got != dgram.NoReason {
			t.Errorf("%s: %v", peer, got)
		}
	}
}

// The addresses of this machine are read again, once a second at most and only while others come by.
func TestHostsAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, moved := 0, false
		var failure error
		var h hosts
		h.list = func() ([]netip.Prefix, error) {
			reads++
			if moved {
				return []netip.Prefix{netip.MustParsePrefix("192.0.2.9/24")}, failure
			}
			return []netip.Prefix{netip.MustParsePrefix("192.0.2.8/24")}, failure
		}
		has := func(a string) bool {
			kind := h.current(time.Now()).find(words(netip.MustParseAddr(a)))
			synctest.Wait()
			return kind == ownAddr
		}
		h.read(time.Now())
		moved = true
		for range 100 {
			if !has("192.0.2.8") || reads != 1 {
				t.Fatal("read too early")
			}
			time.Sleep(9 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if !has("192.0.2.8") || has("192.0.2.8") || !has("192.0.2.9") || reads != 2 {
			t.Error("not read again after a second, beside what asks")
		}
		moved = false
		time.Sleep(time.Minute)
		if has("192.0.2.9") || reads != 3 {
			t.Error("after a pause something was decided by addresses that are no more")
		}
		failure = errors.New("none today")
		time.Sleep(time.Minute)
		if !has("192.0.2.8") || reads != 4 {
			t.Error("what the system would not tell was forgotten")
		}
	})
}

func TestThisMachinesAddresses(t *testing.T) {
	all, err := interfaceAddrs()
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	for _, p := range all {
		set := newHostSet(time.Now(), all)
		if kind := set.find(words(p.Addr())); kind != ownAddr && !p.Addr().IsLoopback() {
			t.Errorf("%v is %d", p, kind)
		}
	}
}
