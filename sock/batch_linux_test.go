package sock

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// batchPair opens a receiving socket on an address of the loopback and a sending one of the same family.
func batchPair(t testing.TB, address string) (receiving, sending *Socket, to netip.AddrPort) {
	t.Helper()
	at := netip.MustParseAddrPort(address)
	family := INET
	if at.Addr().Is6() {
		family = INET6
	}
	open := func(bind netip.AddrPort) *Socket {
		s, err := New(family, DGRAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		if err := s.Bind(InetAddr{bind}); err != nil {
			t.Fatal(err)
		}
		if err := s.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return s
	}
	receiving, sending = open(at), open(netip.AddrPortFrom(at.Addr(), 0))
	local, err := receiving.Local()
	if err != nil {
		t.Fatal(err)
	}
	return receiving, sending, local.(InetAddr).AddrPort
}

// sendAll sends every message that w holds, waiting for room.
func sendAll(t testing.TB, w *Sender) {
	t.Helper()
	for from := 0; from < w.Len(); {
		n, err := w.Send(from, true)
		if err != nil {
			t.Fatal(err)
		}
		from += n
	}
}

func payload(i, n int) []byte { return bytes.Repeat([]byte{byte('a' + i%26)}, n) }

// Whatever sizes are sent in whatever batches, the same bytes arrive in the same order from the same address, and what was longer than
// the buffer says so.
func TestBatchesCarryEverything(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			receiving, sending, to := batchPair(t, address)
			from, err := sending.Local()
			if err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(rt *rapid.T) {
				size := rapid.IntRange(1, 3000).Draw(rt, "buffer")
				sizes := rapid.SliceOfN(rapid.IntRange(0, 4000), 1, 40).Draw(rt, "sizes")
				w, r := sending.NewSender(len(sizes)), receiving.NewReceiver(ReceiverConfig{Messages: rapid.IntRange(1, 50).Draw(rt, "messages"), Size: size})
				for i, n := range sizes {
					w.AddInet(to, netip.Addr{}, 0, payload(i, n))
				}
				sendAll(t, w)
				for got := 0; got < len(sizes); {
					n, err := r.Recv()
					if err != nil {
						t.Fatal(err)
					}
					for i := range n {
						want := payload(got, sizes[got])
						if cut := len(want) > size; r.Truncated(i) != cut {
							rt.Fatalf("datagram of %d bytes in a buffer of %d: truncated = %v", len(want), size, r.Truncated(i))
						}
						if !bytes.Equal(r.Data(i), want[:min(len(want), size)]) {
							rt.Fatalf("datagram %d of %d bytes arrived as %d others", got, len(want), len(r.Data(i)))
						}
						if r.AddrPort(i) != from.(InetAddr).AddrPort {
							rt.Fatalf("came from %v, want %v", r.AddrPort(i), from)
						}
						got++
					}
				}
			})
		})
	}
}

// One message with segments arrives as so many datagrams where coalescing is off, and with their size where it is on.
func TestSegmentsAndCoalescing(t *testing.T) {
	for _, gro := range []bool{false, true} {
		t.Run(fmt.Sprintf("gro=%v", gro), func(t *testing.T) {
			receiving, sending, to := batchPair(t, "127.0.0.1:0")
			if gro {
				if err := receiving.Set(UDPGRO, 1); err != nil {
					t.Fatal(err)
				}
			}
			w := sending.NewSender(8)
			w.AddInet(to, netip.Addr{}, 0, payload(0, 100))
			for i := 1; i < 5; i++ {
				w.AddSegment(payload(i, 100), 100)
			}
			w.AddSegment(payload(5, 30), 100)
			sendAll(t, w)

			r := receiving.NewReceiver(ReceiverConfig{Messages: 8, Size: 65535, Control: true})
			var got []byte
			var lengths []int
			for len(got) < 530 {
				n, err := r.Recv()
				if err != nil {
					t.Fatal(err)
				}
				for i := range n {
					var c Control
					r.Control(i, &c)
					if gro != (c.Segment == 100) {
						t.Errorf("segment size %d with gro=%v", c.Segment, gro)
					}
					got = append(got, r.Data(i)...)
					lengths = append(lengths, len(r.Data(i)))
				}
			}
			want := append(bytes.Join([][]byte{payload(0, 100), payload(1, 100), payload(2, 100), payload(3, 100), payload(4, 100)}, nil), payload(5, 30)...)
			if !bytes.Equal(got, want) {
				t.Errorf("bytes arrived changed or out of order: %q", got)
			}
			if gro != (len(lengths) == 1) {
				t.Errorf("arrived as %v with gro=%v", lengths, gro)
			}
		})
	}
}

// The control messages tell the address asked, the interface, the time and the header's fields; and a reply leaves from the address asked.
func TestControlMessages(t *testing.T) {
	receiving, sending, to := batchPair(t, "0.0.0.0:0")
	for _, o := range []Opt{IPPktInfo, IPRecvTTL, IPRecvTOS, SOTimestampNS, SORxqOvfl} {
		if err := receiving.Set(o, 1); err != nil {
			t.Fatal(o.Name, err)
		}
	}
	if err := errors.Join(sending.Set(IPTTL, 7), sending.Set(IPTOS, 0x10)); err != nil {
		t.Fatal(err)
	}
	asked := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.7"), to.Port())
	before := time.Now()
	w := sending.NewSender(1)
	w.AddInet(asked, netip.MustParseAddr("127.0.0.9"), 0, []byte("where am I?"))
	sendAll(t, w)
	r := receiving.NewReceiver(ReceiverConfig{Messages: 4, Size: 100, Control: true})
	if n, err := r.Recv(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	var c Control
	r.Control(0, &c)
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if c.Local != asked.Addr() || int(c.Interface) != lo.Index || c.TTL != 7 || c.TOS != 0x10 {
		t.Errorf("control messages say %+v", c)
	}
	if c.Time.Before(before.Add(-time.Second)) || c.Time.After(time.Now().Add(time.Second)) {
		t.Errorf("received at %v, which is not now", c.Time)
	}
	if r.AddrPort(0).Addr() != netip.MustParseAddr("127.0.0.9") {
		t.Errorf("left from %v, want the address given", r.AddrPort(0))
	}
}

// What the kernel drops for want of room is counted, the last ones too.
func TestMemoryDrops(t *testing.T) {
	receiving, sending, to := batchPair(t, "127.0.0.1:0")
	if err := receiving.Set(SORcvBuf, 4096); err != nil {
		t.Fatal(err)
	}
	const sent = 300
	w := sending.NewSender(sent)
	for i := range sent {
		w.AddInet(to, netip.Addr{}, 0, payload(i, 100))
	}
	sendAll(t, w)
	r := receiving.NewReceiver(ReceiverConfig{Messages: 512, Size: 200})
	if err := receiving.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	received := 0
	for {
		n, err := r.Recv() // past its deadline the socket still gives what is queued
		received += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	drops, err := receiving.MemoryDrops()
	if err != nil {
		t.Fatal(err)
	}
	if received == 0 || received == sent || received+int(drops) != sent {
		t.Errorf("sent %d, received %d, dropped %d", sent, received, drops)
	}
}

// An ICMP port unreachable comes back with the address and the payload that it is about.
func TestErrorQueue(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			receiving, sending, to := batchPair(t, address)
			option := IPRecvErr
			if sending.Family() == INET6 {
				option = IPv6RecvErr
			}
			if err := errors.Join(sending.Set(option, 1), receiving.Close()); err != nil {
				t.Fatal(err)
			}
			w := sending.NewSender(1)
			w.AddInet(to, netip.Addr{}, 0, []byte("anybody there?"))
			sendAll(t, w)
			r := sending.NewReceiver(ReceiverConfig{Messages: 1, Size: 100, Errors: true})
			if _, err := r.Recv(); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("the socket had %v in store, want ECONNREFUSED", err)
			}
			q, err := sending.ReadErrorQueue(make([]byte, 100))
			if err != nil {
				t.Fatal(err)
			}
			if q.Errno != syscall.ECONNREFUSED || q.To != to || string(q.Data) != "anybody there?" || q.Offender != to.Addr() {
				t.Errorf("queued error %+v", q)
			}
			if _, err := sending.ReadErrorQueue(make([]byte, 100)); !errors.Is(err, syscall.EAGAIN) {
				t.Errorf("an empty error queue gave %v", err)
			}
		})
	}
}

// A Receiver that waits is woken by Close and by its deadline, and a Sender that finds no room says so or waits, as told.
func TestWaiting(t *testing.T) {
	receiving, _, _ := batchPair(t, "127.0.0.1:0")
	r := receiving.NewReceiver(ReceiverConfig{Messages: 1, Size: 100})
	_ = receiving.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := r.Recv(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("at the deadline: %v", err)
	}
	_ = receiving.SetReadDeadline(time.Time{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := r.Recv(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
	if err := receiving.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()

	a, b := unixPair(t)
	w := a.NewSender(64)
	for i := range 64 {
		w.AddUnix(UnixAddr{Name: b, Abstract: true}, payload(i, 10))
	}
	sent := 0
	for sent < 64 {
		n, err := w.Send(sent, false)
		if sent += n; err != nil {
			if !errors.Is(err, syscall.EAGAIN) || sent == 0 {
				t.Errorf("a unix socket whose peer does not read: %v after %d", err, sent)
			}
			return
		}
	}
	t.Errorf("a unix socket took %d datagrams that nobody read", sent)
}

func unixPair(t *testing.T) (*Socket, string) {
	t.Helper()
	name := fmt.Sprintf("dgram-batch-%d", os.Getpid())
	from, err := New(UNIX, DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	to, err := New(UNIX, DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = from.Close(), to.Close() })
	if err := to.Bind(UnixAddr{Name: name, Abstract: true}); err != nil {
		t.Fatal(err)
	}
	return from, name
}

// Once made, a Receiver and a Sender allocate nothing, with control messages and without.
func TestBatchesDoNotAllocate(t *testing.T) {
	for _, control := range []bool{false, true} {
		receiving, sending, to := batchPair(t, "127.0.0.1:0")
		if control {
			if err := errors.Join(receiving.Set(IPPktInfo, 1), receiving.Set(SOTimestampNS, 1)); err != nil {
				t.Fatal(err)
			}
		}
		w, r := sending.NewSender(16), receiving.NewReceiver(ReceiverConfig{Messages: 16, Size: 100, Control: control})
		data := payload(0, 50)
		n := testing.AllocsPerRun(50, func() {
			w.Reset()
			for range 16 {
				w.AddInet(to, netip.Addr{}, 0, data)
			}
			sendAll(t, w)
			for got := 0; got < 16; {
				n, err := r.Recv()
				if err != nil {
					t.Fatal(err)
				}
				for i := range n {
					var c Control
					r.Control(i, &c)
					_, _ = r.Data(i), r.AddrPort(i)
				}
				got += n
			}
		})
		if n != 0 {
			t.Errorf("control=%v: %v allocations a batch, want 0", control, n)
		}
	}
}

// Control messages come from the kernel, but a length that lies must not take the process down.
func FuzzControlMessages(f *testing.F) {
	message := make([]byte, unix.CmsgSpace(12))
	binary.NativeEndian.PutUint64(message, uint64(unix.CmsgLen(12)))
	binary.NativeEndian.PutUint32(message[8:], unix.IPPROTO_IP)
	binary.NativeEndian.PutUint32(message[12:], unix.IP_PKTINFO)
	f.Add(message)
	f.Add(append(message, message...))
	f.Fuzz(func(t *testing.T, b []byte) {
		aligned := make([]byte, len(b)+16)[:len(b)]
		copy(aligned, b)
		var c Control
		c.parse(aligned)
		var q QueuedError
		q.parse(aligned)
		total := 0
		forEachControl(aligned, func(_, _ int32, p []byte) { total += len(p) })
		if total > len(b) {
			t.Errorf("%d bytes of control messages out of %d", total, len(b))
		}
	})
}
