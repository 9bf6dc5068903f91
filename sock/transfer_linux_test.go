package sock

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// datagramPairs are the kinds of sockets that keep boundaries.
var datagramPairs = []struct {
	family Family
	typ    Type
}{{INET, DGRAM}, {INET6, DGRAM}, {UNIX, DGRAM}, {UNIX, SEQPACKET}}

func TestDatagrams(t *testing.T) {
	needIPv6(t)
	for _, kind := range datagramPairs {
		t.Run(fmt.Sprint(kind.family, kind.typ), func(t *testing.T) {
			a, b := joined(t, kind.family, kind.typ)
			buffer := make([]byte, 100)
			for _, sent := range []string{"one", "two", "the third"} {
				mustSend(t, a, sent)
			}
			for _, tt := range []struct {
				room  int
				flags Flags
				n     int
				out   Flags
			}{
				{100, PEEK, 3, 0},               // still there
				{2, PEEK, 2, TRUNC},             // cut, still there
				{2, PEEK | TRUNC, 3, TRUNC},     // its true length
				{0, PEEK | TRUNC, 3, TRUNC},     // with no room at all
				{100, WAITALL, 3, 0},            // WAITALL waits for no second datagram
				{100, 0, 3, 0},                  // the second
				{3, TRUNC | DONTWAIT, 9, TRUNC}, // the third, cut
			} {
				n, _, out, err := b.RecvFrom(buffer[:tt.room], tt.flags)
				if err != nil || n != tt.n || out&(TRUNC|CTRUNC) != tt.out {
					t.Fatalf("into %d bytes with %v: %d bytes, %v, %v; want %d, %v", tt.room, tt.flags, n, out, err, tt.n, tt.out)
				}
			}
			if _, _, _, err := b.RecvFrom(buffer, DONTWAIT); !errors.Is(err, unix.EAGAIN) {
				t.Errorf("DONTWAIT on an empty queue: %v", err)
			}
			if kind.family != UNIX {
				if _, _, _, err := b.RecvFrom(buffer, ERRQUEUE); !errors.Is(err, unix.EAGAIN) {
					t.Errorf("ERRQUEUE with no error: %v", err)
				}
			}
		})
	}
}

func mustSend(t *testing.T, s *Socket, text string) {
	t.Helper()
	if n, err := s.Send([]byte(text), 0); err != nil || n != len(text) {
		t.Fatalf("sending %q: %d, %v", text, n, err)
	}
}

// An empty datagram is data: the one after it comes too.
func TestEmptyDatagram(t *testing.T) {
	needIPv6(t)
	for _, kind := range datagramPairs {
		if kind.typ != DGRAM {
			continue // an empty record of a connection cannot be told from its end
		}
		a, b := joined(t, kind.family, kind.typ)
		mustSend(t, a, "")
		mustSend(t, a, "after")
		buffer := make([]byte, 10)
		if n, _, _, err := b.RecvFrom(buffer, 0); n != 0 || err != nil {
			t.Errorf("%v: empty datagram: %d, %v", kind.family, n, err)
		}
		if n, _, err := b.Recv(buffer, 0); err != nil || string(buffer[:n]) != "after" {
			t.Errorf("%v: the one after: %q, %v", kind.family, buffer[:n], err)
		}
	}
}

func TestStreamEnds(t *testing.T) {
	for _, family := range []Family{INET, UNIX} {
		a, b := joined(t, family, STREAM)
		mustSend(t, a, "bye")
		if err := a.Shutdown(SHUTWR); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 10)
		if n, _, err := b.Recv(buffer, 0); n != 3 || err != nil {
			t.Errorf("%v: %d, %v", family, n, err)
		}
		for range 2 {
			if n, _, err := b.Recv(buffer, 0); n != 0 || err != nil {
				t.Errorf("%v: after the end: %d, %v", family, n, err)
			}
		}
		if _, err := a.Send([]byte("x"), 0); !errors.Is(err, unix.EPIPE) {
			t.Errorf("%v: sending after Shutdown: %v", family, err) // and no SIGPIPE: the test goes on
		}
		if err := b.Shutdown(SHUTRDWR); err != nil {
			t.Error(err)
		}
	}
}

// WAITALL fills the buffer from pieces that come one after another.
func TestWaitAll(t *testing.T) {
	for _, family := range []Family{INET, UNIX} {
		for _, flags := range []Flags{WAITALL, WAITALL | PEEK} {
			a, b := joined(t, family, STREAM)
			whole := bytes.Repeat([]byte("0123456789"), 100)
			type result struct {
				n   int
				err error
			}
			done := make(chan result, 1)
			buffer := make([]byte, len(whole))
			go func() {
				n, _, err := b.Recv(buffer, flags)
				done <- result{n, err}
			}()
			for rest := whole; len(rest) > 0; rest = rest[250:] {
				eventually(t, "reader waits", func() bool { return waiting("read") })
				if _, err := a.Send(rest[:250], 0); err != nil {
					t.Fatal(err)
				}
			}
			if r := <-done; r.err != nil || r.n != len(whole) || !bytes.Equal(buffer, whole) {
				t.Errorf("%v %v: %d of %d bytes, %v", family, flags, r.n, len(whole), r.err)
			}
		}
	}
}

// What was read before the peer closed, or before the deadline, is not lost.
func TestWaitAllCutShort(t *testing.T) {
	for _, flags := range []Flags{WAITALL, WAITALL | PEEK} {
		a, b := joined(t, INET, STREAM)
		mustSend(t, a, "half")
		buffer := make([]byte, 10)
		b.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if n, _, err := b.Recv(buffer, flags); n != 4 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v: deadline: %d, %v", flags, n, err)
		}
		b.SetReadDeadline(time.Time{})
		mustSend(t, a, "more")
		a.Close()
		want := 4
		if flags&PEEK != 0 {
			want = 8
		}
		if n, _, err := b.Recv(buffer, flags); n != want || err != nil {
			t.Errorf("%v: closed: %d, %v; want %d", flags, n, err, want)
		}
	}
}

// A send on a stream ends when all is sent, however little fits at once.
func TestStreamSendsAll(t *testing.T) {
	a, b := joined(t, UNIX, STREAM)
	whole := make([]byte, 4<<20)
	for i := range whole {
		whole[i] = byte(i * 7)
	}
	sent := make(chan error, 1)
	go func() {
		n, err := a.Send(whole, 0)
		if err == nil && n != len(whole) {
			err = fmt.Errorf("sent %d bytes", n)
		}
		sent <- err
	}()
	got := make([]byte, len(whole))
	if n, _, err := b.Recv(got, WAITALL); err != nil || n != len(got) || !bytes.Equal(got, whole) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	n, err := a.Send(whole, DONTWAIT)
	if err != nil || n == 0 || n == len(whole) {
		t.Errorf("DONTWAIT sent %d of %d bytes, %v", n, len(whole), err)
	}
	if _, err = a.Send(whole, DONTWAIT); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("DONTWAIT with no room: %v", err)
	}
	a.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err = a.Send(whole, 0); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline with no room: %v", err)
	}
}

func TestSizes(t *testing.T) {
	a, b := joined(t, INET, DGRAM)
	largest := make([]byte, 65507)
	if n, err := a.Send(largest, 0); n != len(largest) || err != nil {
		t.Errorf("65,507 bytes: %d, %v", n, err)
	}
	buffer := make([]byte, 65536)
	if n, _, err := b.Recv(buffer, 0); n != len(largest) || err != nil {
		t.Errorf("65,507 bytes: %d, %v", n, err)
	}
	if _, err := a.Send(make([]byte, 65508), 0); !errors.Is(err, unix.EMSGSIZE) {
		t.Errorf("65,508 bytes: %v", err)
	}
}

func TestUnixNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	abstract := UnixAddr{Name: fmt.Sprintf("dgram-test-%d\x00with NUL", os.Getpid()), Abstract: true}
	for _, name := range []UnixAddr{{Name: path}, abstract} {
		server := bound(t, UNIX, DGRAM, name)
		if got := local(t, server); got != name {
			t.Errorf("bound to %#v, is %#v", name, got)
		}
		nameless := open(t, UNIX, DGRAM, 0)
		if got := local(t, nameless); got != (UnixAddr{}) {
			t.Errorf("a socket that is not bound is %#v", got)
		}
		if _, err := nameless.SendTo([]byte("x"), 0, name); err != nil {
			t.Fatal(err)
		}
		if _, from, _, err := server.RecvFrom(make([]byte, 1), 0); err != nil || from != (UnixAddr{}) {
			t.Errorf("from a socket without a name: %#v, %v", from, err)
		}
		chosen := bound(t, UNIX, DGRAM, UnixAddr{})
		if _, err := chosen.SendTo([]byte("x"), 0, name); err != nil {
			t.Fatal(err)
		}
		if _, from, _, err := server.RecvFrom(make([]byte, 1), 0); err != nil || from != local(t, chosen) || !from.(UnixAddr).Abstract {
			t.Errorf("from a socket with a name that the kernel chose: %#v, %v", from, err)
		}
	}
	again := open(t, UNIX, DGRAM, 0)
	if err := again.Bind(UnixAddr{Name: path}); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a name that exists: %v", err)
	}
	if _, err := again.SendTo(nil, 0, UnixAddr{Name: path + "-none"}); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a name that does not exist: %v", err)
	}
}

// A unix datagram socket waits for room in its peer's queue, of which the
// kernel does not tell when it is not connected.
func TestUnixSendWaits(t *testing.T) {
	for _, connected := range []bool{false, true} {
		server, client := bound(t, UNIX, DGRAM, UnixAddr{}), open(t, UNIX, DGRAM, 0)
		to := local(t, server)
		count := fillQueue(t, to)
		if connected {
			if err := client.Connect(to); err != nil {
				t.Fatal(err)
			}
			to = nil
		}
		client.SetWriteDeadline(time.Now().Add(5 * time.Millisecond))
		if _, err := client.SendTo([]byte("late"), 0, to); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("with a full queue: %v", err)
		}
		client.SetWriteDeadline(time.Time{})
		sent := make(chan error, 1)
		go func() {
			_, err := client.SendTo([]byte("last"), 0, to)
			sent <- err
		}()
		buffer := make([]byte, 10)
		for range count {
			if n, _, err := server.Recv(buffer, 0); err != nil || string(buffer[:n]) != "full" {
				t.Fatalf("%q, %v", buffer[:n], err)
			}
		}
		if n, _, err := server.Recv(buffer, 0); err != nil || string(buffer[:n]) != "last" {
			t.Errorf("%q, %v", buffer[:n], err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
	}
}

// fillQueue sends until no more goes in, and returns how many went in.
func fillQueue(t *testing.T, to Addr) int {
	filler := open(t, UNIX, DGRAM, 0)
	for count := range 10000 {
		if _, err := filler.SendTo([]byte("full"), DONTWAIT, to); errors.Is(err, unix.EAGAIN) {
			return count
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the queue does not fill")
	return 0
}

func TestIPv4OverIPv6(t *testing.T) {
	needIPv6(t)
	server := open(t, INET6, DGRAM, 0)
	if err := server.SetOption(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
		t.Fatal(err)
	}
	if err := server.Bind(inet("[::]:0")); err != nil {
		t.Fatal(err)
	}
	port := local(t, server).(InetAddr).Port()
	client := bound(t, INET, DGRAM, anyAddr(INET))
	ask := InetAddr{netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)}
	if _, err := client.SendTo([]byte("ask"), 0, ask); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 10)
	_, from, _, err := server.RecvFrom(buffer, 0)
	if err != nil || !from.(InetAddr).Addr().Is4In6() {
		t.Fatalf("from %v, %v", from, err)
	}
	unmapped := InetAddr{netip.AddrPortFrom(from.(InetAddr).Addr().Unmap(), from.(InetAddr).Port())}
	for _, to := range []Addr{from, unmapped} {
		if _, err = server.SendTo([]byte("answer"), 0, to); err != nil {
			t.Errorf("to %v: %v", to, err)
		}
		if n, got, _, err := client.RecvFrom(buffer, 0); n != 6 || got != ask || err != nil {
			t.Errorf("%d bytes from %v, %v", n, got, err)
		}
	}
}

// Frames of the loopback interface are seen twice: going out and coming in.
func TestPacket(t *testing.T) {
	needRaw(t)
	watcher := open(t, PACKET, DGRAM, 0)
	if err := watcher.Bind(PacketAddr{Interface: "lo", Proto: uint16(EtherAll)}); err != nil {
		t.Fatal(err)
	}
	if got, ok := local(t, watcher).(PacketAddr); !ok || got.Interface != "lo" || got.Proto != 3 || got.HaType != 772 {
		t.Errorf("bound to %#v", got)
	}
	a, _ := joined(t, INET, DGRAM)
	mark := fmt.Sprintf("seen on the wire by %d", os.Getpid())
	mustSend(t, a, mark)
	seen := map[PacketType]int{}
	buffer := make([]byte, 2000)
	watcher.SetReadDeadline(time.Now().Add(10 * time.Second))
	for i := 0; i < 10000 && len(seen) < 2; i++ {
		n, from, _, err := watcher.RecvFrom(buffer, 0)
		if err != nil {
			t.Fatal(err)
		}
		if p := from.(PacketAddr); bytes.HasSuffix(buffer[:n], []byte(mark)) {
			seen[p.PktType]++
			if p.Interface != "lo" || p.Proto != 0x0800 || p.HaType != 772 || p.Addr.String() != "00:00:00:00:00:00" {
				t.Errorf("%#v", p)
			}
		}
	}
	if seen[Outgoing] != 1 || seen[ToHost] != 1 {
		t.Errorf("seen %v", seen)
	}
	if err := open(t, PACKET, RAW, 0).Bind(PacketAddr{Interface: "no-such-if"}); err == nil {
		t.Error("bound to an interface that does not exist")
	}
	sender := open(t, PACKET, DGRAM, 0)
	if _, err := sender.SendTo([]byte{0x45}, 0, PacketAddr{Interface: "lo", Proto: 0x88b5, Addr: make([]byte, 6)}); err != nil {
		t.Errorf("sending a frame: %v", err)
	}
}

func TestOptions(t *testing.T) {
	s := open(t, INET, DGRAM, 0)
	if err := s.SetOption(unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Option(unix.SOL_SOCKET, unix.SO_BROADCAST); v != 1 || err != nil {
		t.Errorf("SO_BROADCAST is %d, %v", v, err)
	}
	if err := s.SetOptionBytes(unix.SOL_SOCKET, unix.SO_RCVTIMEO, []byte{1}); !errors.Is(err, unix.EINVAL) {
		t.Errorf("half a structure: %v", err)
	}
	linger := make([]byte, 8)
	if n, err := s.OptionBytes(unix.SOL_SOCKET, unix.SO_LINGER, linger); n != 8 || err != nil {
		t.Errorf("SO_LINGER has %d bytes, %v", n, err)
	}
	if _, err := s.Option(unix.SOL_SOCKET, 9999); !errors.Is(err, unix.ENOPROTOOPT) {
		t.Errorf("an option that there is not: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	s := open(t, INET, DGRAM, 0)
	tests := []struct {
		err  error
		want error
	}{
		{s.Bind(inet("192.0.2.1:1")), unix.EADDRNOTAVAIL},
		{s.Listen(1), unix.EOPNOTSUPP},
		{second(s.Send([]byte("x"), 0)), unix.EDESTADDRREQ},
		{second(s.SendTo([]byte("x"), 0, inet("127.0.0.1:0"))), unix.EINVAL},
		{second(s.SendTo([]byte("x"), 0, inet("255.255.255.255:9"))), unix.EACCES},
		{second(s.Peer()), unix.ENOTCONN},
		{s.Connect(RawAddr{AF: INET6, Data: make([]byte, 26)}), unix.EAFNOSUPPORT},
	}
	for i, tt := range tests {
		var e *Error
		if !errors.Is(tt.err, tt.want) || !errors.As(tt.err, &e) {
			t.Errorf("%d: %v, want %v", i, tt.err, tt.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestConnectRefused(t *testing.T) {
	listener := bound(t, INET, STREAM, anyAddr(INET))
	err := open(t, INET, STREAM, 0).Connect(local(t, listener)) // it does not listen
	if !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("TCP: %v", err)
	}
	gone := bound(t, INET, DGRAM, anyAddr(INET))
	client := open(t, INET, DGRAM, 0)
	if err = client.Connect(local(t, gone)); err != nil {
		t.Fatal(err)
	}
	gone.Close()
	mustSend(t, client, "anybody?")
	if _, _, err = client.Recv(make([]byte, 1), 0); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("UDP: %v", err)
	}
	if err = client.Connect(RawAddr{}); err != nil {
		t.Errorf("taking back the peer: %v", err)
	}
	if _, err = client.Peer(); !errors.Is(err, unix.ENOTCONN) {
		t.Errorf("after that the peer is: %v", err)
	}
}

func TestTransferAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	s := bound(t, INET, DGRAM, anyAddr(INET))
	to, buffer := local(t, s), make([]byte, 100)
	n := testing.AllocsPerRun(500, func() {
		if _, err := s.SendTo(buffer, 0, to); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Recv(buffer, 0); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations in SendTo and Recv", n)
	}
	n = testing.AllocsPerRun(500, func() {
		s.SendTo(buffer, 0, to)
		s.RecvFrom(buffer, 0)
	})
	if n > 1 {
		t.Errorf("%v allocations in SendTo and RecvFrom: only the address may be one", n)
	}
}
