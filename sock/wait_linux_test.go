package sock

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// blocked is one call that waits, and which of the Socket's functions it waits in.
type blocked struct {
	name    string
	socket  *Socket
	within  string
	call    func() error
	connect bool // a deadline leaves it of no further use
}

// blockedCalls makes every kind of socket wait.
func blockedCalls(t *testing.T) []blocked {
	buffer := make([]byte, 100)
	var calls []blocked
	receive := func(name string, s *Socket, flags Flags) {
		calls = append(calls, blocked{name: name, socket: s, within: "read", call: func() error {
			_, _, _, err := s.RecvFrom(buffer, flags)
			return err
		}})
	}
	receive("udp", bound(t, INET, DGRAM, anyAddr(INET)), 0)
	receive("udp6", bound(t, INET6, DGRAM, anyAddr(INET6)), PEEK|TRUNC)
	receive("unix datagram", bound(t, UNIX, DGRAM, anyAddr(UNIX)), 0)
	for _, family := range []Family{INET, UNIX} {
		a, _ := joined(t, family, STREAM)
		receive(fmt.Sprint(family, " stream"), a, 0)
		b, _ := joined(t, family, STREAM)
		receive(fmt.Sprint(family, " stream WAITALL"), b, WAITALL)
		listener := bound(t, family, STREAM, anyAddr(family))
		if err := listener.Listen(1); err != nil {
			t.Fatal(err)
		}
		calls = append(calls, blocked{name: fmt.Sprint(family, " accept"), socket: listener, within: "read", call: func() error {
			_, _, err := listener.Accept()
			return err
		}})
	}
	record, _ := joined(t, UNIX, SEQPACKET)
	receive("seqpacket", record, 0)
	quiet := open(t, PACKET, RAW, 0) // with protocol 0 it receives nothing
	receive("packet", quiet, 0)
	receive("icmp", open(t, INET, RAW, 254), 0) // a protocol for experiments

	full, _ := joined(t, UNIX, STREAM)
	calls = append(calls, blocked{name: "send", socket: full, within: "write", call: func() error {
		_, err := full.Send(make([]byte, 16<<20), 0)
		return err
	}})
	return append(calls, blockedConnect(t))
}

// blockedConnect connects to a listener whose backlog is full, so that TCP
// sends its request again and again.
func blockedConnect(t *testing.T) blocked {
	listener := bound(t, INET, STREAM, anyAddr(INET))
	if err := listener.Listen(0); err != nil {
		t.Fatal(err)
	}
	to := local(t, listener)
	for range 4 {
		s := open(t, INET, STREAM, 0)
		s.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		if err := s.Connect(to); err != nil {
			break
		}
	}
	s := open(t, INET, STREAM, 0)
	return blocked{name: "connect", socket: s, within: "write", call: func() error { return s.Connect(to) }, connect: true}
}

func TestDeadlines(t *testing.T) {
	needRaw(t)
	needIPv6(t)
	for _, c := range blockedCalls(t) {
		t.Run(c.name, func(t *testing.T) {
			c.socket.SetDeadline(time.Now().Add(10 * time.Millisecond))
			if err := c.call(); !errors.Is(err, os.ErrDeadlineExceeded) || !os.IsTimeout(err) {
				t.Errorf("deadline to come: %v", err)
			}
			if err := c.call(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("deadline past: %v", err)
			}
			if c.connect {
				return
			}
			c.socket.SetDeadline(time.Time{})
			done := start(t, c)
			c.socket.SetDeadline(time.Now())
			if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("deadline set while it waits: %v", err)
			}
		})
	}
}

func TestCloseWakes(t *testing.T) {
	needRaw(t)
	needIPv6(t)
	for _, c := range blockedCalls(t) {
		t.Run(c.name, func(t *testing.T) {
			done := start(t, c)
			if err := c.socket.Close(); err != nil {
				t.Error(err)
			}
			for _, err := range []error{<-done, c.call(), c.socket.Close(), c.socket.Shutdown(SHUTRD), c.socket.SetDeadline(time.Now())} {
				if !errors.Is(err, net.ErrClosed) || !errors.Is(err, os.ErrClosed) || !errors.Is(err, ErrClosed) {
					t.Errorf("after Close: %v", err)
				}
			}
		})
	}
}

// start makes the call on a goroutine of its own and returns when it waits.
func start(t *testing.T, c blocked) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- c.call() }()
	eventually(t, c.name+" waits", func() bool { return waiting(c.within) })
	return done
}

// Closing must not end what another process shares: the copy goes on.
func TestCloseLeavesCopies(t *testing.T) {
	a, b := joined(t, UNIX, STREAM)
	file, err := b.File()
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	mustSend(t, a, "to the copy")
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	copied, err := FromFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	buffer := make([]byte, 20)
	if n, _, err := copied.Recv(buffer, 0); err != nil || string(buffer[:n]) != "to the copy" {
		t.Errorf("%q, %v", buffer[:n], err)
	}
}

// Whoever shares the open file description may make it blocking. Calls here
// must still wait in the poller, where a deadline reaches them.
func TestSharedDescriptionMadeBlocking(t *testing.T) {
	s := bound(t, INET, DGRAM, anyAddr(INET))
	s.control(func(fd uintptr) { unix.SetNonblock(int(fd), false) })
	s.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, _, err := s.Recv(make([]byte, 1), 0); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// A call that must not wait does not wait for another one that does.
func TestDontWaitBesideAReader(t *testing.T) {
	s := bound(t, INET, DGRAM, anyAddr(INET))
	reader := blocked{name: "reader", socket: s, within: "read", call: func() error {
		_, _, err := s.Recv(make([]byte, 10), 0)
		return err
	}}
	done := start(t, reader)
	for _, flags := range []Flags{DONTWAIT, ERRQUEUE, DONTWAIT | PEEK} {
		if _, _, err := s.Recv(make([]byte, 10), flags); !errors.Is(err, unix.EAGAIN) {
			t.Errorf("%v: %v", flags, err)
		}
	}
	s.Close()
	<-done
}

// A unix stream connects when the listener's backlog has room again.
func TestUnixConnectWaits(t *testing.T) {
	listener := bound(t, UNIX, STREAM, anyAddr(UNIX))
	if err := listener.Listen(0); err != nil {
		t.Fatal(err)
	}
	to := local(t, listener)
	if err := open(t, UNIX, STREAM, 0).Connect(to); err != nil {
		t.Fatal(err)
	}
	late := open(t, UNIX, STREAM, 0)
	late.SetWriteDeadline(time.Now().Add(5 * time.Millisecond))
	if err := late.Connect(to); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("with a full backlog: %v", err)
	}
	late.SetWriteDeadline(time.Time{})
	done := make(chan error, 1)
	go func() { done <- late.Connect(to) }()
	for range 2 {
		s, _, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// While the send buffer is full, an error that waits in the error queue shows
// as EPOLLERR and nothing else, and Go's poller then refuses to wait. Reading
// has to go on: what arrives is received, deadlines pass and Close wakes.
func TestLoneErrorEvent(t *testing.T) {
	needRaw(t)
	for _, ending := range []string{"datagram", "deadline", "close"} {
		t.Run(ending, func(t *testing.T) {
			s := bound(t, INET, DGRAM, anyAddr(INET))
			fillSendBuffer(t, s)
			done := start(t, blocked{name: "reader", within: "read", call: func() error {
				buffer := make([]byte, 10)
				_, _, err := s.Recv(buffer, 0)
				if !errors.Is(err, unix.ECONNREFUSED) { // the first answer; the queue keeps the details
					return fmt.Errorf("no refusal came: %w", err)
				}
				n, _, err := s.Recv(buffer, 0)
				if err == nil && string(buffer[:n]) != "data" {
					err = fmt.Errorf("received %q", buffer[:n])
				}
				return err
			}})
			queueError(t, s)
			eventually(t, "the poller refuses to wait", func() bool { return !waiting("read") })
			if ready := events(t, s); ready != unix.POLLERR {
				t.Fatalf("events are %#x: this is not the case that was to be tested", ready)
			}
			want := endWait(t, s, ending)
			if err := <-done; !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		})
	}
}

func endWait(t *testing.T, s *Socket, how string) (want error) {
	switch how {
	case "datagram":
		if _, err := open(t, INET, DGRAM, 0).SendTo([]byte("data"), 0, local(t, s)); err != nil {
			t.Fatal(err)
		}
		return nil
	case "deadline":
		s.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		return os.ErrDeadlineExceeded
	}
	s.Close()
	return net.ErrClosed
}

// fillSendBuffer leaves so much unsent, by means of MSG_MORE, that the socket
// is not writable. Errors will be queued.
func fillSendBuffer(t *testing.T, s *Socket) {
	t.Helper()
	for _, option := range [][3]int{{unix.SOL_SOCKET, unix.SO_SNDBUF, 1}, {unix.IPPROTO_IP, unix.IP_RECVERR, 1}} {
		if err := s.SetOption(option[0], option[1], option[2]); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		if events(t, s)&unix.POLLOUT == 0 {
			return
		}
		if _, err := s.SendTo(make([]byte, 500), MORE|DONTWAIT, inet("127.0.0.1:9")); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the send buffer does not fill")
}

func events(t *testing.T, s *Socket) (ready int16) {
	t.Helper()
	err := s.control(func(fd uintptr) {
		asked := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLOUT}}
		unix.Poll(asked, 0)
		ready = asked[0].Revents
	})
	if err != nil {
		t.Fatal(err)
	}
	return ready
}

// queueError sends s an ICMP message (RFC 792) that refuses a datagram which s
// is said to have sent.
func queueError(t *testing.T, s *Socket) {
	t.Helper()
	port := local(t, s).(InetAddr).Port()
	message := make([]byte, 8, 36)
	message[0], message[1] = 3, 3 // destination unreachable, port unreachable
	quoted := make([]byte, 28)
	quoted[0], quoted[8], quoted[9] = 0x45, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(quoted[2:], 28)
	copy(quoted[12:], []byte{127, 0, 0, 1, 127, 0, 0, 1})
	binary.BigEndian.PutUint16(quoted[20:], port)
	binary.BigEndian.PutUint16(quoted[22:], 9)
	binary.BigEndian.PutUint16(quoted[24:], 8)
	message = append(message, quoted...)
	binary.BigEndian.PutUint16(message[2:], checksum(message))
	if _, err := open(t, INET, RAW, ProtoICMP).SendTo(message, 0, inet("127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
}

// checksum is that of RFC 1071 over an even number of bytes.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
