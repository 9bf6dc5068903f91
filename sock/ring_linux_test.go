package sock

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// openRing gives a ring on the loopback device that lets UDP datagrams to a port through, once each.
func openRing(t testing.TB, c RingConfig, port uint16) *Ring {
	t.Helper()
	needRaw(t)
	s, err := New(PACKET, RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Ring(c)
	if err != nil {
		s.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(Outgoing), SkipTrue: 5},
		bpf.LoadAbsolute{Off: 14 + 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(ProtoUDP), SkipFalse: 3},
		bpf.LoadAbsolute{Off: 14 + 20 + 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(port), SkipFalse: 1},
		bpf.RetConstant{Val: 1 << 18},
		bpf.RetConstant{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AttachFilter(program); err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(PacketAddr{Interface: "lo", Proto: uint16(EtherAll)}); err != nil {
		t.Fatal(err)
	}
	return r
}

// target is a UDP socket whose datagrams nobody reads, and one that sends to it.
func target(t testing.TB) (port uint16, send func(payload []byte)) {
	t.Helper()
	to := local(t, bound(t, INET, DGRAM, inet("127.0.0.1:0"))).(InetAddr)
	from := open(t, INET, DGRAM, 0)
	return to.Port(), func(payload []byte) {
		t.Helper()
		if _, err := from.SendTo(payload, 0, to); err != nil {
			t.Fatal(err)
		}
	}
}

var smallRing = RingConfig{Blocks: 4, BlockSize: 1 << 16, Timeout: time.Millisecond, Room: 32}

func TestRingHandsOutEveryFrame(t *testing.T) {
	port, send := target(t)
	// A turn of a millisecond takes a block for a single frame: on a busy machine 20 datagrams can need 20 of them.
	r := openRing(t, RingConfig{Blocks: 32, BlockSize: 1 << 16, Timeout: time.Millisecond, Room: 32}, port)
	if err := r.Socket().SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var f RingFrame
	for round := range 50 {
		for i := range 20 {
			send(bytes.Repeat([]byte{byte(i)}, round*(i+1)))
		}
		for i := range 20 {
			if err := r.Next(&f); err != nil {
				t.Fatalf("round %d frame %d: %v; the ring dropped %d", round, i, err, r.Drops())
			}
			payload := f.Buf[f.Start+42:]
			if want := bytes.Repeat([]byte{byte(i)}, round*(i+1)); !bytes.Equal(payload, want) {
				t.Fatalf("round %d frame %d: %d bytes, want %d", round, i, len(payload), len(want))
			}
			if f.Start < 32 || f.Net != f.Start+14 || f.Length != len(f.Buf)-f.Start {
				t.Fatalf("frame lies at %d, network header at %d, length %d of %d", f.Start, f.Net, f.Length, len(f.Buf)-f.Start)
			}
			if f.Interface != 1 || f.HaType != 772 || f.PktType != ToHost || f.Protocol != uint16(EtherIPv4) || f.Tagged {
				t.Fatalf("kernel says %+v", f)
			}
			if age := time.Since(time.Unix(0, f.Time)); age < -time.Second || age > 20*time.Second {
				t.Fatalf("captured %v ago", age)
			}
		}
	}
	if drops := r.Drops(); drops != 0 {
		t.Errorf("%d dropped", drops)
	}
}

// A train comes in one frame, which says so; on a socket that cannot be asked (of a type without the link layer's header) nothing does.
func TestRingKnowsTrains(t *testing.T) {
	port, _ := target(t)
	c := smallRing
	c.Trains = true
	r := openRing(t, c, port)
	_ = r.Socket().SetReadDeadline(time.Now().Add(10 * time.Second))
	w := open(t, INET, DGRAM, 0).NewSender(8)
	w.AddInet(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), netip.Addr{}, 0, []byte("hello"))
	w.AddSegment([]byte("world"), 5)
	w.AddSegment([]byte("!"), 5)
	sendAll(t, w)
	w.Reset()
	w.AddInet(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), netip.Addr{}, 0, []byte("alone"))
	sendAll(t, w)
	for _, want := range []struct {
		payload string
		segment int
	}{{"helloworld!", 5}, {"alone", 0}} {
		var f RingFrame
		if err := r.Next(&f); err != nil {
			t.Fatal(err)
		}
		if got := string(f.Buf[f.Start+42:]); got != want.payload || f.Segment != want.segment || f.Start < c.Room || (f.Net+frameHead)%16 != 0 {
			t.Errorf("%q of segments of %d bytes, want %q of %d; frame at %d, network header at %d", got, f.Segment, want.payload, want.segment, f.Start, f.Net)
		}
	}
	deaf, err := open(t, PACKET, DGRAM, 0).Ring(c)
	if err != nil || deaf.trains {
		t.Fatalf("a ring that cannot tell: %v", err)
	}
	deaf.Close()
}

// The kernel takes a place for a frame before it knows whether it can say what the frame is, and leaves it empty if not.
func TestRingSkipsEmptyPlaces(t *testing.T) {
	memory := make([]byte, 4096)
	memory[blockStatus], memory[blockFrames], memory[blockFirst] = unix.TP_STATUS_USER, 3, blockHead
	binary.NativeEndian.PutUint32(memory[blockLength:], blockHead+3*200)
	for i := range 3 {
		h := memory[blockHead+i*200:]
		h[frameNext], h[frameCaptured], h[frameMac], h[frameNet] = 200, 10, 100, 114
		if i == 2 {
			h[frameNext] = 0
		}
		if i == 1 {
			h[frameStatus], h[100] = unix.TP_STATUS_USER, 'x'
		}
	}
	r := &Ring{memory: memory, size: len(memory), trains: true}
	var f RingFrame
	if !r.tryTake() || r.Next(&f) != nil || f.Buf[f.Start] != 'x' || r.left != 1 {
		t.Fatalf("the frame between two empty places is %+v, %d are left", f, r.left)
	}
	if whole, err := r.frame(&f); whole || err != nil || r.left != 0 {
		t.Errorf("the last place is empty, and there is %v, %v", whole, err)
	}
}

func TestRingCountsDrops(t *testing.T) {
	port, send := target(t)
	r := openRing(t, RingConfig{Blocks: 2, BlockSize: os.Getpagesize(), Timeout: time.Millisecond}, port)
	const sent = 500
	for range sent {
		send(make([]byte, 200))
	}
	first := r.Drops()
	if first == 0 {
		t.Fatal("two pages held 500 datagrams")
	}
	_ = r.Socket().SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	var f RingFrame
	seen := uint64(0)
	for r.Next(&f) == nil {
		seen++
	}
	if again := r.Drops(); again != first || seen+again != sent {
		t.Errorf("%d seen, %d dropped, then %d: %d were sent", seen, first, again, sent)
	}
}

// A reader learns that half of the ring waits, and when nothing does any more.
func TestRingIsLate(t *testing.T) {
	port, send := target(t)
	r := openRing(t, RingConfig{Blocks: 4, BlockSize: os.Getpagesize(), Timeout: time.Millisecond}, port)
	for range 500 {
		send(make([]byte, 200))
	}
	if r.Drops() == 0 {
		t.Fatal("four pages held 500 datagrams")
	}
	_ = r.Socket().SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	var f RingFrame
	var late []bool // of each block
	for block := -1; r.Next(&f) == nil; {
		if r.at != block {
			block, late = r.at, append(late, r.Late())
		}
	}
	if want := []bool{true, true, true, false}; !slices.Equal(late, want) {
		t.Errorf("late at %v, want %v", late, want)
	}
}

func TestRingDeadlineAndClose(t *testing.T) {
	port, send := target(t)
	r := openRing(t, smallRing, port)
	var f RingFrame
	_ = r.Socket().SetReadDeadline(time.Now().Add(5 * time.Millisecond))
	if err := r.Next(&f); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("nothing came, and Next says %v", err)
	}
	_ = r.Socket().SetReadDeadline(time.Time{})
	send([]byte("still there"))
	if err := r.Next(&f); err != nil {
		t.Fatal(err)
	}
	held := f.Buf[f.Start:]
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(held, []byte("still there")) { // the reader's memory outlives Close
		t.Errorf("frame changed to %q", held)
	}
	for range 2 {
		if err := r.Next(&f); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close, Next says %v", err)
		}
	}
	if r.memory != nil {
		t.Error("the ring's memory is still there")
	}
}

// Close at any moment of a busy reader, who touches every byte that it is given: a reader that outlived its memory would crash.
func TestRingCloseWhileReading(t *testing.T) {
	port, send := target(t)
	for round := range 60 {
		r := openRing(t, smallRing, port)
		result := make(chan error)
		go func() {
			var f RingFrame
			sum := 0
			for {
				if err := r.Next(&f); err != nil {
					result <- err
					return
				}
				for _, b := range f.Buf {
					sum += int(b)
				}
			}
		}()
		for range round {
			send(make([]byte, 1000))
		}
		r.Close()
		select {
		case err := <-result:
			if !errors.Is(err, ErrClosed) {
				t.Fatal(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("Close did not wake the reader")
		}
		if r.memory != nil {
			t.Fatal("the ring's memory is still there")
		}
	}
}

func TestRingRefusals(t *testing.T) {
	needRaw(t)
	s := open(t, PACKET, RAW, 0)
	if _, err := s.Ring(RingConfig{Blocks: 2, BlockSize: 1000}); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a block of 1000 bytes: %v", err)
	}
	if err := s.AttachFilter(nil); err == nil {
		t.Error("an empty filter was attached")
	}
	if err := s.AttachFilter([]bpf.RawInstruction{{}}); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a filter that does not return: %v", err)
	}
	if _, err := s.Device(1 << 30); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("no such device: %v", err)
	}
	if _, err := s.DeviceByName("nosuchdevice0"); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("no such device: %v", err)
	}
	if d, err := s.Device(1); err != nil || d != (Device{Index: 1, Name: "lo", HaType: 772, Up: true}) {
		t.Errorf("the loopback device: %+v, %v", d, err)
	}
	if u := open(t, INET, DGRAM, 0); u != nil {
		if _, err := u.Ring(smallRing); err == nil {
			t.Error("a UDP socket has a packet ring")
		}
	}
}

// A ring whose memory says what it likes costs a frame, never more.
func FuzzRingBlock(f *testing.F) {
	block := make([]byte, 512)
	block[blockFrames], block[blockFirst], block[blockLength+1] = 2, blockHead, 2
	block[blockHead+frameNext], block[blockHead+frameCaptured], block[blockHead+frameMac], block[blockHead+frameStatus] = 160, 60, 82, 1
	block[blockHead+82-offloadLength+offloadType], block[blockHead+82-offloadLength+offloadSegment] = offloadUDP, 4
	f.Add(block)
	f.Fuzz(func(t *testing.T, b []byte) {
		memory := make([]byte, 4096)
		copy(memory, b)
		memory[blockStatus] |= 1
		r := &Ring{memory: memory, size: len(memory), trains: true}
		if !r.tryTake() {
			t.Fatal("a block that is the reader's was not taken")
		}
		sum := 0
		for r.left > 0 {
			var frame RingFrame
			if whole, err := r.frame(&frame); err != nil || !whole {
				continue
			}
			for _, c := range frame.Buf[frame.Start:] {
				sum += int(c)
			}
			sum += len(frame.Buf[frame.Net:]) + len(frame.Addr)
		}
	})
}
