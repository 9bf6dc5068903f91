package dgram

import (
	"net/netip"
	"testing"
	"unsafe"
)

// What an Endpoint was made of is what it gives back, and equal addresses make equal Endpoints: they key maps.
func FuzzIPEndpoint(f *testing.F) {
	f.Add([]byte{192, 168, 3, 8}, uint16(12345), "", uint8(UDP))
	f.Add([]byte{0xfe, 0x80, 15: 1}, uint16(0), "eth0", uint8(UDP6))
	f.Add([]byte{10: 0xff, 11: 0xff, 12: 127, 15: 1}, uint16(65535), "", uint8(UDP4))
	f.Add([]byte{10: 0xff, 11: 0xff, 12: 127, 15: 1}, uint16(1), "lo", uint8(Memory))
	f.Add([]byte{}, uint16(7), "", uint8(UDP))
	f.Fuzz(func(t *testing.T, raw []byte, port uint16, zone string, network uint8) {
		n := Network(network) % numNetworks
		addr, _ := netip.AddrFromSlice(raw)
		if addr.Is6() {
			addr = addr.WithZone(zone)
		}
		want := netip.AddrPortFrom(addr.Unmap(), port)
		e := IPEndpoint(n, netip.AddrPortFrom(addr, port))
		if e.AddrPort() != want || e.Addr() != want.Addr() || e.Port() != port || e.Network() != n {
			t.Fatalf("%v of %v: %+v", n, want, e)
		}
		again := IPEndpoint(n, e.AddrPort())
		if again != e || !again.is(&e) || ((Endpoint{}).WithNetwork(n).WithPort(port) == e) == addr.IsValid() {
			t.Errorf("%+v and %+v", again, e)
		}
		if high, low := e.Bits(); addr.IsValid() {
			if b := addr.As16(); netip.AddrFrom16(b).Unmap() != addr.Unmap().WithZone("") || high != beWord(b[:8]) || low != beWord(b[8:]) {
				t.Errorf("%v has bits %x %x", addr, high, low)
			}
		}
	})
}

func beWord(b []byte) (w uint64) {
	for _, c := range b {
		w = w<<8 | uint64(c)
	}
	return w
}

// An Endpoint of more words than the compiler keeps in registers would be copied at each look at it.
func TestEndpointIsFourWords(t *testing.T) {
	if size := unsafe.Sizeof(Endpoint{}); size > 4*unsafe.Sizeof(uint64(0)) {
		t.Errorf("an Endpoint has %d bytes", size)
	}
}
