package sock

import (
	"bytes"
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
	}{
		{INET, InetAddr{}, inet("127.0.0.1:0"), false}, {INET, InetAddr{}, inet("127.0.0.1:0"), true}, {INET6, InetAddr{}, inet("[::1]:0"), true},
		{UNIX, UnixAddr{}, UnixAddr{Name: filepath.Join(dir, "unnamed")}, true},
		{UNIX, UnixAddr{Name: filepath.Join(dir, "sender")}, UnixAddr{Name: filepath.Join(dir, "named")}, false},
	} {
		t.Run(fmt.Sprintf("%v blocking %v", c.here, c.blocking), func(t *testing.T) {
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
			told := trace(t)
			r, w := receiving.NewReceiver(ReceiverConfig{Messages: 3, Size: size}), sending.NewSender(8)
			rapid.Check(t, func(rt *rapid.T) {
				var sent [][]byte
				w.Reset()
				for range rapid.SampledFrom([]int{1, 1, 1, 1, 5}).Draw(rt, "datagrams") {
					n := rapid.SampledFrom([]int{0, 1, size - 1, size, size + 1, 3 * size}).Draw(rt, "bytes")
					payload := bytes.Repeat([]byte{byte('a' + len(sent))}, n)
					if sent = append(sent, payload); c.family == UNIX {
						w.AddUnix(to.(UnixAddr), payload)
					} else {
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
					}
				}
			})
			names := append(told.of(receiving.fd), told.of(sending.fd)...)
			for _, call := range []string{"recvfrom", "recvmmsg", "sendto", "sendmmsg"} {
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
