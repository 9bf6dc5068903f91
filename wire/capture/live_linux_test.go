package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"

	"dgram/internal/testnet"
	"dgram/sock"
	"dgram/wire"
	"dgram/wire/filter"
	"dgram/wire/pcapfile"
)

const (
	leftAddresses  = "192.168.3.2/24 fd00:3::2/64"
	rightAddresses = "192.168.3.8/24 fd00:3::8/64"
)

// openIn begins a capture in a namespace, that ends with the test.
func openIn(t testing.TB, n *testnet.NS, c Config) *Live {
	t.Helper()
	var l *Live
	var err error
	n.Do(func() { l, err = Open(c) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// ipIn runs ip(8) in a namespace.
func ipIn(t testing.TB, n *testnet.NS, args string) {
	t.Helper()
	if out, err := exec.Command("ip", append([]string{"-n", n.Name}, strings.Fields(args)...)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// sender gives a function that sends UDP payloads from a namespace to an address.
func sender(t testing.TB, n *testnet.NS, to string) func(payload []byte) {
	t.Helper()
	var conn *net.UDPConn
	var err error
	n.Do(func() { conn, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to))) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return func(payload []byte) {
		if _, err := conn.Write(payload); err != nil {
			_, _ = conn.Write(payload) // the first may tell that nobody listened to an earlier one
		}
	}
}

// tagger gives a function that sends UDP payloads in frames with VLAN tags: Ethernet types and tags, in turn.
func tagger(t testing.TB, n *testnet.NS, tags ...uint16) func(payload []byte) {
	t.Helper()
	var s *sock.Socket
	var err error
	n.Do(func() {
		if s, err = sock.New(sock.PACKET, sock.RAW, 0); err == nil {
			err = s.Bind(sock.PacketAddr{Interface: "veth0", Proto: 0x88b5}) // hears nothing that anybody sends
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	from, to := netip.MustParseAddrPort("192.168.5.2:4000"), netip.MustParseAddrPort("192.168.5.8:53")
	return func(payload []byte) {
		frame := []byte("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01")
		for _, tag := range tags {
			frame = append(frame, byte(tag>>8), byte(tag))
		}
		frame = wire.AppendUDP(append(frame, 8, 0), from, to, 64, 0, payload)
		if _, err := s.Send(frame, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// A captured frame, kept.
type kept struct {
	wire.Frame
	link wire.LinkType
}

func keep(f wire.Frame) kept {
	f.Data = append([]byte(nil), f.Data...)
	return kept{f, f.Link}
}

// drain reads a source to its end, or until it has nothing more for a while.
func drain(t testing.TB, source wire.Source) []kept {
	t.Helper()
	var all []kept
	for {
		var f wire.Frame
		err := source.Next(&f)
		switch {
		case err == nil:
			all = append(all, keep(f))
		case errors.Is(err, io.EOF), errors.Is(err, os.ErrDeadlineExceeded):
			return all
		default:
			t.Fatal(err)
		}
	}
}

const (
	beginning = "this is where it begins"
	ending    = "and this is where it ends"
)

// between cuts off what came before the first and after the second of two datagrams, which every capture has.
func between(t testing.TB, frames []kept) []kept {
	t.Helper()
	first, last := -1, -1
	for i, f := range frames {
		if first < 0 && strings.Contains(string(f.Data), beginning) {
			first = i
		}
		if strings.Contains(string(f.Data), ending) {
			last = i
			break
		}
	}
	if first < 0 || last < 0 {
		t.Fatalf("of %d frames, number %d is the first and number %d the last", len(frames), first, last)
	}
	return frames[first:last]
}

// tcpdump captures beside us, in slots short enough that it has many of them. The function that it returns ends it and gives what it saw.
func tcpdump(t testing.TB, n *testnet.NS, link string, filter ...string) func() []kept {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tcpdump.pcap")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	c := n.Command(ctx, "tcpdump", append([]string{"-i", link, "-w", file, "-U", "--immediate-mode", "--nano", "-B", "8192", "-s", "2048"}, filter...)...)
	talk, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make([]byte, 256)
	for said := ""; !strings.Contains(said, "listening"); {
		n, err := talk.Read(ready)
		if said += string(ready[:n]); err != nil {
			t.Fatalf("tcpdump said %q and ended", said)
		}
	}
	return func() []kept {
		t.Helper()
		defer cancel()
		awaitEnding(t, file)
		_ = c.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, talk)
		_ = c.Wait()
		source, err := pcapfile.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = source.Close() }()
		return drain(t, source)
	}
}

// awaitEnding returns when a file has the last datagram.
func awaitEnding(t testing.TB, file string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if b, _ := os.ReadFile(file); strings.Contains(string(b), ending) {
			return
		}
	}
	t.Fatalf("%s never had the last datagram", file)
}

// same compares two captures of the same packets.
func same(t *testing.T, ours, theirs []kept) {
	t.Helper()
	for i := range min(len(ours), len(theirs)) {
		a, b := ours[i], theirs[i]
		if string(a.Data) != string(b.Data) || a.Length != b.Length || a.link != b.link {
			t.Fatalf("frame %d is not the same:\n%v, %d bytes of %d: %x\n%v, %d bytes of %d: %x", i,
				a.link, len(a.Data), a.Length, a.Data[:min(80, len(a.Data))], b.link, len(b.Data), b.Length, b.Data[:min(80, len(b.Data))])
		}
		if a.Time != b.Time {
			t.Errorf("frame %d was captured at %d, by tcpdump at %d", i, a.Time, b.Time)
		}
	}
	if len(ours) != len(theirs) {
		t.Fatalf("%d frames, tcpdump has %d", len(ours), len(theirs))
	}
}

// The same packets as tcpdump, byte for byte: random traffic of all sizes, in fragments, with one VLAN tag and with two, over IPv4 and IPv6.
func TestSameAsTcpdump(t *testing.T) {
	testnet.Need(t, "tcpdump", "ip")
	left, right := testnet.Pair(t, leftAddresses, rightAddresses)
	for _, side := range []*testnet.NS{left, right} { // one sends, one receives
		name := "sending"
		if side == right {
			name = "receiving"
		}
		t.Run(name, func(t *testing.T) {
			theirs := tcpdump(t, side, "veth0")
			ours := openIn(t, side, Config{Interfaces: []string{"veth0"}})
			mark := sender(t, left, "192.168.3.8:9999")
			mark([]byte(beginning))
			random := rand.New(rand.NewPCG(1, 2))
			var to []func([]byte)
			for _, address := range []string{"192.168.3.8:9", "[fd00:3::8]:9"} {
				to = append(to, sender(t, left, address))
			}
			to = append(to, tagger(t, left, 0x8100, 5), tagger(t, left, 0x88a8, 100, 0x8100, 7), tagger(t, left, 0x8100, 0xe000, 0x8100, 9))
			for range 300 {
				payload := make([]byte, random.IntN(1500))
				if random.IntN(8) == 0 {
					payload = make([]byte, random.IntN(60_000))
				}
				for i := range payload {
					payload[i] = byte(random.Uint32())
				}
				if way := random.IntN(len(to)); way < 2 || len(payload) < 1400 { // tagged frames are not cut into fragments
					to[way](payload)
				}
			}
			mark([]byte(ending))
			expected := between(t, theirs())
			if err := ours.Stop(); err != nil {
				t.Fatal(err)
			}
			got := between(t, drain(t, ours))
			same(t, got, expected)
			tags := 0
			for _, f := range got {
				if len(f.Data) > 14 && (f.Data[12] == 0x81 || f.Data[12] == 0x88) {
					tags++
				}
			}
			if got[0].Outgoing != (side == left) {
				t.Errorf("outgoing is %v", got[0].Outgoing)
			}
			if tags == 0 || ours.Drops() != 0 {
				t.Errorf("%d frames have a tag, %d were dropped", tags, ours.Drops())
			}
		})
	}
}

// portIs lets through UDP datagrams over IPv4 to a port.
func portIs(port uint16) Program {
	return func(link wire.LinkType, snaplen int) ([]bpf.RawInstruction, error) {
		at := uint32(0)
		program := []bpf.Instruction{}
		if link == wire.LinkEthernet {
			at = 14
			program = append(program, bpf.LoadAbsolute{Off: 12, Size: 2}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x800, SkipFalse: 8})
		} else {
			program = append(program, bpf.LoadAbsolute{Off: 0, Size: 1}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x45, SkipFalse: 8})
		}
		return bpf.Assemble(append(program,
			bpf.LoadAbsolute{Off: at + 9, Size: 1}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 17, SkipFalse: 6},
			bpf.LoadAbsolute{Off: at + 6, Size: 2}, bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x1fff, SkipTrue: 4},
			bpf.LoadMemShift{Off: at},
			bpf.LoadIndirect{Off: at + 2, Size: 2}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(port), SkipFalse: 1},
			bpf.RetConstant{Val: uint32(snaplen)}, bpf.RetConstant{}))
	}
}

// Whatever passes while the capture is being opened, nothing gets past the filter.
func TestFilterSeesTheFirstFrame(t *testing.T) {
	left, right := testnet.Pair(t, leftAddresses, rightAddresses)
	wanted, other := sender(t, left, "192.168.3.8:53"), sender(t, left, "192.168.3.8:54")
	done := make(chan struct{})
	flooding := make(chan struct{})
	go func() {
		defer close(flooding)
		for {
			select {
			case <-done:
				return
			default:
				other([]byte("noise"))
			}
		}
	}()
	for _, c := range []Config{
		{Interfaces: []string{"veth0"}}, {}, {Interfaces: []string{"veth0", "lo"}}, {Direction: Incoming}, {Interfaces: []string{"any"}, Buffer: 1 << 20},
	} {
		c.Filter = portIs(53)
		for range 5 {
			l := openIn(t, right, c)
			wanted([]byte("signal"))
			if err := l.Stop(); err != nil {
				t.Fatal(err)
			}
			frames := drain(t, l)
			if len(frames) != 1 || !strings.HasSuffix(string(frames[0].Data), "signal") {
				t.Fatalf("%v: %d frames: %v", c.Interfaces, len(frames), frames)
			}
			_ = l.Close()
		}
	}
	close(done)
	<-flooding
}

// A filter means the same for tagged frames as for those in a file, though the kernel hides the tag from it.
func TestFilterOnTaggedFrames(t *testing.T) {
	left, right := testnet.Pair(t, leftAddresses, rightAddresses)
	vlan5 := func(link wire.LinkType, snaplen int) ([]bpf.RawInstruction, error) {
		return bpf.Assemble([]bpf.Instruction{
			bpf.LoadAbsolute{Off: 12, Size: 2}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x8100, SkipFalse: 4},
			bpf.LoadAbsolute{Off: 14, Size: 2}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 5, SkipFalse: 1},
			bpf.RetConstant{Val: uint32(snaplen)}, bpf.RetConstant{}})
	}
	plain, tagged := sender(t, left, "192.168.3.8:53"), tagger(t, left, 0x8100, 5)
	for _, c := range []struct {
		name   string
		filter Program
		want   string
	}{{"vlan 5", vlan5, "tagged"}, {"udp port 53", portIs(53), "plain"}} {
		l := openIn(t, right, Config{Interfaces: []string{"veth0"}, Filter: c.filter, Direction: Incoming})
		plain([]byte("plain"))
		tagged([]byte("tagged"))
		_ = l.Stop()
		seen := ""
		for _, f := range drain(t, l) {
			if s := string(f.Data); strings.HasSuffix(s, "plain") || strings.HasSuffix(s, "tagged") {
				seen += s[len(s)-len(c.want):]
			}
		}
		if seen != c.want {
			t.Errorf("%s lets through %q", c.name, seen)
		}
	}
}

func TestLoopbackOnce(t *testing.T) {
	left, _ := testnet.Pair(t, leftAddresses, rightAddresses)
	send := sender(t, left, "127.0.0.1:9")
	for _, c := range []Config{{Interfaces: []string{"lo"}}, {}, {Interfaces: []string{"lo", "veth0"}}, {Direction: Incoming}, {Direction: Outgoing}} {
		c.Filter = portIs(9)
		l := openIn(t, left, c)
		for range 20 {
			send([]byte("once"))
		}
		_ = l.Stop()
		frames := drain(t, l)
		if len(frames) != 20 {
			t.Errorf("%+v: 20 datagrams make %d frames", c.Interfaces, len(frames))
		}
		for _, f := range frames {
			if f.link != wire.LinkEthernet || l.Interfaces()[f.Interface].Name != "lo" {
				t.Fatalf("link type %v of %v", f.link, l.Interfaces()[f.Interface])
			}
		}
	}
}

func TestDirections(t *testing.T) {
	left, right := testnet.Pair(t, leftAddresses, rightAddresses)
	there, back := sender(t, left, "192.168.3.8:9"), sender(t, right, "192.168.3.2:9")
	for direction, want := range map[Direction]string{Both: "there back ", Incoming: "back ", Outgoing: "there "} {
		for _, names := range [][]string{{"veth0"}, nil, {"lo", "veth0"}} {
			l := openIn(t, left, Config{Interfaces: names, Direction: direction, Filter: portIs(9)})
			there([]byte("there"))
			back([]byte("back "))
			_ = l.Stop()
			seen := ""
			for _, f := range drain(t, l) {
				seen += strings.TrimSpace(string(f.Data[42:47])) + " "
			}
			if seen != want {
				t.Errorf("direction %d on %v shows %q, want %q", direction, names, seen, want)
			}
		}
	}
}

func TestDropsAreCounted(t *testing.T) {
	left, _ := testnet.Pair(t, leftAddresses, rightAddresses)
	send := sender(t, left, "192.168.3.8:9")
	l := openIn(t, left, Config{Interfaces: []string{"veth0"}, Filter: portIs(9), Buffer: 1})
	const sent = 2000
	for range sent {
		send(make([]byte, 100))
	}
	dropped := l.Drops()
	_ = l.Stop()
	seen := len(drain(t, l))
	if dropped == 0 || uint64(seen)+l.Drops() != sent || l.Drops() != dropped {
		t.Errorf("%d sent, %d seen, %d dropped, then %d", sent, seen, dropped, l.Drops())
	}
	_ = l.Close()
	if l.Drops() != dropped {
		t.Error("Close forgot the drops")
	}
}

func TestInterfaceGoesDownAndAway(t *testing.T) {
	testnet.Need(t, "ip")
	left, _ := testnet.Pair(t, leftAddresses, rightAddresses)
	for _, also := range [][]string{{"away0"}, {"away0", "lo"}} {
		ipIn(t, left, "link add away0 type veth peer name away1")
		ipIn(t, left, "link set away0 up")
		ipIn(t, left, "link set away1 up")
		l := openIn(t, left, Config{Interfaces: also})
		ipIn(t, left, "link set away0 down")
		if err := await(t, l); !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), "away0") {
			t.Fatalf("%v: down: %v", also, err)
		}
		ipIn(t, left, "link set away0 up")
		ipIn(t, left, "address add 10.8.0.1/24 dev away0")
		ipIn(t, left, "neighbour add 10.8.0.2 lladdr 02:00:00:00:00:02 dev away0")
		sender(t, left, "10.8.0.2:9")([]byte("here again"))
		awaitFrame(t, l, "here again")
		ipIn(t, left, "link del away0")
		if err := await(t, l); !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), "away0") {
			t.Fatalf("%v: gone: %v", also, err)
		}
		_ = l.SetDeadline(time.Now().Add(100 * time.Millisecond))
		err := await(t, l)
		if len(also) == 1 && !errors.Is(err, io.EOF) || len(also) == 2 && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v: afterwards: %v", also, err)
		}
		_ = l.Close()
	}
}

// awaitFrame reads until a frame with that payload comes.
func awaitFrame(t testing.TB, l *Live, payload string) {
	t.Helper()
	_ = l.SetDeadline(time.Now().Add(10 * time.Second))
	defer func() { _ = l.SetDeadline(time.Time{}) }()
	for {
		var f wire.Frame
		if err := l.Next(&f); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(string(f.Data), payload) {
			return
		}
	}
}

// await reads until something else than a frame comes.
func await(t testing.TB, l *Live) error {
	t.Helper()
	result := make(chan error, 1)
	go func() {
		var f wire.Frame
		for {
			if err := l.Next(&f); err != nil {
				result <- err
				return
			}
		}
	}()
	select {
	case err := <-result:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("Next waits for ever")
		return nil
	}
}

// tun makes a network device whose other side is this test (linux/if_tun.h), of a hardware type that a device may only say it has.
func tun(t testing.TB, n *testnet.NS, name string, flags uint16, hardware int, address string) {
	t.Helper()
	const setDevice, setHardware, withoutHead = 0x400454ca, 0x400454cd, 0x1000
	n.Do(func() {
		file, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		var request [40]byte // struct ifreq
		copy(request[:15], name)
		binary.NativeEndian.PutUint16(request[16:], flags|withoutHead)
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), setDevice, uintptr(unsafe.Pointer(&request))); errno != 0 {
			t.Fatal(errno)
		}
		if hardware != 0 {
			if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), setHardware, uintptr(hardware)); errno != 0 {
				t.Fatal(errno)
			}
		}
	})
	ipIn(t, n, "address add "+address+" dev "+name)
	ipIn(t, n, "link set "+name+" up")
}

// Each kind of device in its own form, and the filter means the same on all of them.
func TestLinkTypes(t *testing.T) {
	testnet.Need(t, "ip")
	left, _ := testnet.Pair(t, leftAddresses, rightAddresses)
	const tunnel, tap = 1, 2
	tun(t, left, "tun5", tunnel, 0, "10.5.0.2/24")
	tun(t, left, "ppp6", tunnel, 512, "10.6.0.2/24") // ARPHRD_PPP: no header, and none that is read here
	tun(t, left, "odd7", tap, 6, "10.7.0.2/24")      // ARPHRD_IEEE802: a header that is not read here
	ipIn(t, left, "neighbour add 10.7.0.8 lladdr 02:00:00:00:00:08 dev odd7")
	for _, c := range []struct {
		device, to string
		link       wire.LinkType
		head       int
	}{
		{"tun5", "10.5.0.8", wire.LinkRaw, 0}, {"ppp6", "10.6.0.8", wire.LinkSLL, 16},
		{"odd7", "10.7.0.8", wire.LinkSLL, 16}, {"veth0", "192.168.3.8", wire.LinkEthernet, 14},
	} {
		for _, names := range [][]string{{c.device}, nil, {c.device, "lo"}} {
			for _, filter := range []Program{portIs(9), nil} {
				l := openIn(t, left, Config{Interfaces: names, Filter: filter, Direction: Outgoing})
				sender(t, left, c.to+":9")([]byte("through"))
				sender(t, left, c.to+":10")([]byte("not me"))
				_ = l.Stop()
				found, rejected := 0, 0
				for _, f := range drain(t, l) {
					if l.Interfaces()[f.Interface].Name != c.device {
						continue
					}
					if strings.HasSuffix(string(f.Data), "not me") {
						rejected++
					}
					if !strings.HasSuffix(string(f.Data), "through") {
						continue
					}
					found++
					if f.link != c.link || len(f.Data) != c.head+28+7 || f.Length != len(f.Data) || f.Data[c.head] != 0x45 {
						t.Errorf("%s of %v: %v, %d bytes of %d: %x", c.device, names, f.link, len(f.Data), f.Length, f.Data)
					}
				}
				if found != 1 || filter != nil && rejected > 0 {
					t.Errorf("%s of %v, filter %v: %d frames, and %d of others", c.device, names, filter != nil, found, rejected)
				}
			}
		}
	}
}

func TestCloseWakesNext(t *testing.T) {
	left, _ := testnet.Pair(t, leftAddresses, rightAddresses)
	send := sender(t, left, "127.0.0.1:9")
	for round := range 100 {
		l := openIn(t, left, Config{Interfaces: []string{"lo"}, Buffer: 1 << 16})
		result := make(chan error)
		go func() {
			var f wire.Frame
			sum := 0
			for {
				if err := l.Next(&f); err != nil {
					result <- err
					return
				}
				for _, b := range f.Data {
					sum += int(b)
				}
			}
		}()
		for range round % 30 {
			send(make([]byte, 500))
		}
		_ = l.Close()
		if err := <-result; !errors.Is(err, sock.ErrClosed) {
			t.Fatal(err)
		}
	}
}

func TestUnknownInterface(t *testing.T) {
	left, _ := testnet.Pair(t, leftAddresses, rightAddresses)
	var err error
	left.Do(func() { _, err = Open(Config{Interfaces: []string{"vath0"}}) })
	for _, part := range []string{`"vath0"`, "lo", "did you mean veth0?"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %s: %v", part, err)
		}
	}
}

const unprivileged = "DGRAM_CAPTURE_UNPRIVILEGED"

// Somebody without the capability is told how to get it, and what needs none.
func TestWithoutPrivilege(t *testing.T) {
	if os.Getenv(unprivileged) == "" && os.Geteuid() == 0 {
		again := exec.CommandContext(t.Context(), forEverybody(t), "-test.run=^TestWithoutPrivilege$", "-test.v")
		again.Env = append(os.Environ(), unprivileged+"=1")
		again.Dir = "/"
		again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := again.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	_, err := Open(Config{})
	if err == nil {
		t.Skip("this user has CAP_NET_RAW")
	}
	if !errors.Is(err, os.ErrPermission) {
		t.Fatal(err)
	}
	for _, part := range []string{"CAP_NET_RAW", "sudo setcap cap_net_raw+ep $(command -v dgram)", "--pcap FILE", "serve, call and bench"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
	if list, err := List(); err != nil || len(list) == 0 || list[0].Name != "lo" || list[0].Link != wire.LinkEthernet {
		t.Errorf("the list needs no privilege: %+v, %v", list, err)
	}
}

// forEverybody copies this test's program to where another user may run it.
func forEverybody(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "dgram-capture-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	program, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.Chmod(folder, 0o755)
	}
	copied := filepath.Join(folder, "capture.test")
	if err == nil {
		err = os.WriteFile(copied, program, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// What the kernel lets through with a filter is what the filter matches among all that passed: on devices of every kind, with tags and without.
func TestFilterLanguage(t *testing.T) {
	testnet.Need(t, "ip")
	left, _ := testnet.Pair(t, leftAddresses, rightAddresses)
	const tunnel, tap = 1, 2
	tun(t, left, "tun5", tunnel, 0, "10.5.0.2/24")
	tun(t, left, "odd7", tap, 6, "10.7.0.2/24")
	ipIn(t, left, "neighbour add 10.7.0.8 lladdr 02:00:00:00:00:08 dev odd7")
	random := rand.New(rand.NewPCG(3, 4))
	var to []func([]byte)
	for _, port := range []string{":9", ":53"} {
		for _, address := range []string{"192.168.3.8", "[fd00:3::8]", "10.5.0.8", "10.7.0.8", "127.0.0.1"} {
			to = append(to, sender(t, left, address+port))
		}
	}
	to = append(to, tagger(t, left, 0x8100, 5), tagger(t, left, 0x8100, 6), tagger(t, left, 0x88a8, 100, 0x8100, 5))
	for _, expression := range []string{
		"udp port 53", "udp and not port 53", "host 192.168.3.8", "net 10.0.0.0/8", "ip6", "vlan", "vlan 5 and udp", "udp or (vlan and udp)", "not udp",
		"udp[8] & 1 = 0", "greater 500", "len < 200 and udp", "portrange 1-20", "dst host 10.7.0.8 and udp[8:2] > 0x8000", "icmp",
	} {
		f, err := filter.Parse(expression)
		if err != nil {
			t.Fatal(err)
		}
		all, exact, live := openIn(t, left, Config{}), openIn(t, left, Config{Filter: f.Compile}), openIn(t, left, Config{Filter: f.CompileLive})
		from := time.Now()
		for range 100 {
			payload := make([]byte, 2+random.IntN(1000))
			payload[0], payload[1] = byte(random.Uint32()), byte(random.Uint32())
			to[random.IntN(len(to))](payload)
		}
		until := time.Now() // all three have what passed until then
		_, _, _ = all.Stop(), exact.Stop(), live.Stop()
		expected := matching(f, within(drain(t, all), from, until))
		for name, l := range map[string]*Live{"Compile": exact, "CompileLive": live} {
			i := 0
			for _, frame := range within(drain(t, l), from, until) {
				if i < len(expected) && string(expected[i].Data) == string(frame.Data) {
					i++
				} else if l == exact && !mayPass(expression, frame.link) {
					t.Fatalf("%s: %s lets through %v %x", expression, name, frame.link, frame.Data[:min(len(frame.Data), 80)])
				}
			}
			if i < len(expected) {
				t.Fatalf("%s: %s holds back %d of %d: %v %x", expression, name, len(expected)-i, len(expected), expected[i].link, expected[i].Data)
			}
			_ = l.Close()
		}
		_ = all.Close()
	}
}

func within(frames []kept, from, until time.Time) []kept {
	return slices.DeleteFunc(frames, func(f kept) bool { return f.Time < from.UnixNano() || f.Time > until.UnixNano() })
}

func matching(f *filter.Filter, frames []kept) []kept {
	var those []kept
	for _, frame := range frames {
		var p wire.Packet
		wire.Decode(&frame.Frame, &p)
		if f.Match(&frame.Frame, &p) {
			those = append(those, frame)
		}
	}
	return those
}

// mayPass says where the kernel lets more through than the filter matches.
func mayPass(expression string, link wire.LinkType) bool {
	switch link {
	case wire.LinkSLL:
		return strings.Contains(expression, "vlan") || strings.Contains(expression, "len") || strings.Contains(expression, "greater")
	case wire.LinkRaw:
		return strings.Contains(expression, "vlan")
	}
	return false
}

// A filter for what an interface cannot have is refused, and one that some interfaces cannot have is not.
func TestFilterForAnotherLink(t *testing.T) {
	testnet.Need(t, "ip")
	left, _ := testnet.Pair(t, leftAddresses, rightAddresses)
	tun(t, left, "tun5", 1, 0, "10.5.0.2/24")
	f, err := filter.Parse("vlan 5")
	if err != nil {
		t.Fatal(err)
	}
	left.Do(func() {
		if _, err = Open(Config{Interfaces: []string{"tun5"}, Filter: f.CompileLive}); err == nil || !strings.Contains(err.Error(), "vlan") {
			t.Errorf("a tunnel with a VLAN: %v", err)
		}
	})
	openIn(t, left, Config{Interfaces: []string{"tun5", "veth0"}, Filter: f.CompileLive})
}
