package sock

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whichever call receives a datagram, and sends it, it says the same of it: its bytes, its sender, and whether its end is missing.
func TestOneByOneIsAsInBatches(t *testing.T) {
	const size = 100
	dir := t.TempDir()
	for _, c := range []struct {
		family     Family
		from, here Addr
		blocking   bool
		control    bool
	}{
		{INET, InetAddr{}, inet("127.0.0.1:0"), false, false}, {INET, InetAddr{}, inet("127.0.0.1:0"), true, false}, {INET6, InetAddr{}, inet("[::1]:0"), true, false},
		{INET, InetAddr{}, inet("127.0.0.1:0"), false, true}, {INET, InetAddr{}, inet("127.0.0.1:0"), true, true}, {INET6, InetAddr{}, inet("[::1]:0"), false, true},
		{UNIX, UnixAddr{}, UnixAddr{Name: filepath.Join(dir, "unnamed")}, true, false},
		{UNIX, UnixAddr{Name: filepath.Join(dir, "sender")}, UnixAddr{Name: filepath.Join(dir, "named")}, false, false},
	} {
		t.Run(fmt.Sprintf("%v blocking %v control %v", c.here, c.blocking, c.control), func(t *testing.T) {
			if c.family == INET6 {
				needIPv6(t)
			}
			receiving, sending := open(t, c.family, DGRAM, 0), open(t, c.family, DGRAM, 0)
			must(t, receiving.Bind(c.here))
			if u, ok := c.from.(UnixAddr); ok && u.Name != "" {
				must(t, sending.Bind(u))
			} else if !ok {
				must(t, sending.Bind(c.here))
			}
			to, err := receiving.Local()
			must(t, err)
			from, err := sending.Local()
			must(t, err)
			if c.blocking {
				must(t, receiving.BlockThreads())
				must(t, sending.BlockThreads())
			}
			alone := "recvfrom"
			if c.control {
				alone = "recvmsg"
				must(t, receiving.Set(SOTimestampNS, 1))
			}
			told := trace(t)
			r, w := receiving.NewReceiver(ReceiverConfig{Messages: 3, Size: size, Control: c.control}), sending.NewSender(8)
			var control Control
			rapid.Check(t, func(rt *rapid.T) {
				var sent [][]byte
				w.Reset()
				for range rapid.SampledFrom([]int{1, 1, 1, 1, 5}).Draw(rt, "datagrams") {
					n := rapid.SampledFrom([]int{0, 1, size - 1, size, size + 1, 3 * size}).Draw(rt, "bytes")
					payload := bytes.Repeat([]byte{byte('a' + len(sent))}, n)
					switch sent = append(sent, payload); {
					case c.family == UNIX:
						w.AddUnix(to.(UnixAddr), payload)
					case c.family == INET && len(sent)%2 == 1:
						addr := to.(InetAddr).Addr().As4()
						w.AddInet4(binary.BigEndian.Uint32(addr[:]), to.(InetAddr).Port(), payload)
					default:
						w.AddInet(to.(InetAddr).AddrPort, netip.Addr{}, 0, payload)
					}
				}
				for at := 0; at < len(sent); {
					n, err := w.Send(at, true)
					if err != nil {
						rt.Fatal(err)
					}
					at += n
				}
				for len(sent) > 0 {
					n, err := r.Recv()
					if err != nil {
						rt.Fatal(err)
					}
					for i := range n {
						want := sent[0]
						sent = sent[1:]
						if got := r.Data(i); !bytes.Equal(got, want[:min(len(want), size)]) || cap(got) != size || r.Truncated(i) != (len(want) > size) {
							rt.Fatalf("%d bytes were sent: %d of room %d came, truncated: %v", len(want), len(got), cap(got), r.Truncated(i))
						}
						peer := Addr(InetAddr{r.AddrPort(i)})
						if c.family == UNIX {
							peer = UnixAddr{Name: string(r.UnixName(i))}
						}
						if peer != from {
							rt.Fatalf("it came from %v, not %v", from, peer)
						}
						addr, port, ok := r.Inet4(i)
						if four := netip.AddrFrom4([4]byte{byte(addr >> 24), byte(addr >> 16), byte(addr >> 8), byte(addr)}); ok != (c.family == INET) ||
							ok && netip.AddrPortFrom(four, port) != r.AddrPort(i) {
							rt.Fatalf("%v:%d, %v, of %v", four, port, ok, peer)
						}
						if r.Control(i, &control); control.Time.IsZero() == c.control {
							rt.Fatalf("it came at %v", control.Time)
						}
					}
				}
			})
			names := append(told.of(receiving.fd), told.of(sending.fd)...)
			for _, call := range []string{alone, "recvmmsg", "sendto", "sendmmsg"} {
				if !slices.Contains(names, call) {
					t.Errorf("%s was not made", call)
				}
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
