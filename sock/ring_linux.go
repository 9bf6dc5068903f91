package sock

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Where the parts of the kernel's structures lie, in bytes (linux/if_packet.h): the head of a block (struct tpacket_block_desc),
// the head of a frame (struct tpacket3_hdr), and the address that follows it (struct sockaddr_ll).
const (
	blockStatus, blockFrames, blockFirst, blockLength, blockHead = 8, 12, 16, 20, 48

	frameNext, frameSec, frameNsec, frameCaptured, frameLength, frameStatus = 0, 4, 8, 12, 16, 20
	frameMac, frameNet, frameTCI, frameTPID, frameAddress                   = 24, 26, 32, 36, 48

	addressProto, addressIndex, addressHaType, addressPktType, addressLen, addressBytes = 2, 4, 8, 10, 11, 12
	frameHead                                                                           = frameAddress + linkSize

	// With PACKET_VNET_HDR this stands directly before the frame (struct virtio_net_hdr, linux/virtio_net.h).
	offloadLength, offloadType, offloadSegment = 10, 1, 4
	offloadUDP                                 = 5  // VIRTIO_NET_HDR_GSO_UDP_L4
	offloadAlign                               = 16 // with so much more room the frame's headers lie as they do without it
)

// Ring is a receive ring of a PACKET socket (TPACKET_V3, packet(7)): the kernel writes frames into memory that the process
// reads, a block of them at a time, and no frame costs a system call or a copy. Next belongs to one goroutine; the
// other methods may be called from any.
type Ring struct {
	socket *Socket
	size   int  // of a block
	trains bool // the kernel says which frames are

	// Of the reader.
	at    int    // the block that is read or will come next
	block []byte // the one whose frames are handed out
	next  int    // where its next frame begins
	left  int    // how many are left in it
	late  bool   // half of the ring was waiting behind a block, and something has been ever since
	ready func(fd uintptr) bool
	taken bool  // what ready found
	err   error // what ready found instead

	closed atomic.Bool
	drops  atomic.Uint64

	mu      sync.Mutex // held by whoever maps, unmaps or looks at the head of a block
	memory  []byte     // nil: unmapped
	holding bool       // the reader has slices of a block: only it may unmap
	orphan  runtime.Cleanup
}

// Ring gives the socket, which has to be of the family PACKET and not yet bound, a receive ring. From then on the ring owns the
// socket: frames come through Next alone, and Close of the ring closes the socket.
func (s *Socket) Ring(c RingConfig) (*Ring, error) {
	if err := s.Set(packetVersion, unix.TPACKET_V3); err != nil {
		return nil, err
	}
	room := c.Room
	trains := c.Trains && s.Set(packetVnetHdr, 1) == nil
	if trains {
		room += offloadAlign - offloadLength
	}
	if err := s.Set(packetReserve, room); err != nil {
		return nil, err
	}
	request := unix.TpacketReq3{
		Block_size: uint32(c.BlockSize), Block_nr: uint32(c.Blocks),
		Frame_size: uint32(c.BlockSize), Frame_nr: uint32(c.Blocks), // frames are as long as they are: one block could be one
		Retire_blk_tov: uint32(c.Timeout.Milliseconds()),
	}
	if err := s.SetBytes(packetRxRing, unsafe.Slice((*byte)(unsafe.Pointer(&request)), unsafe.Sizeof(request))); err != nil {
		return nil, err
	}
	var memory []byte
	var mapErr error
	err := s.control(func(fd uintptr) {
		memory, mapErr = unix.Mmap(int(fd), 0, c.Blocks*c.BlockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	})
	if err = errors.Join(err, mapErr); err != nil {
		return nil, s.fail("mmap", fmt.Sprintf("ring of %d bytes", c.Blocks*c.BlockSize), err)
	}
	r := &Ring{socket: s, size: c.BlockSize, trains: trains, memory: memory}
	r.ready = r.look
	r.orphan = runtime.AddCleanup(r, func(m []byte) { _ = unix.Munmap(m) }, memory)
	return r, nil
}

// Socket is the socket of the ring, for options, filters and deadlines. Close the ring, not the socket.
func (r *Ring) Socket() *Socket { return r.socket }

// Next fills f with the next frame and waits for one, at most until the socket's read deadline (os.ErrDeadlineExceeded;
// what is there is handed out all the same), until Close (ErrClosed), or until the socket has an error to tell: ENETDOWN when its
// interface went down or away. After that it may be called again, and waits for the interface to come back.
func (r *Ring) Next(f *RingFrame) error {
	for {
		for r.left == 0 || r.closed.Load() {
			if err := r.advance(); err != nil {
				return err
			}
		}
		if whole, err := r.frame(f); whole || err != nil {
			return err
		}
	}
}

// advance gives the block that was read back to the kernel and takes the next one.
func (r *Ring) advance() error {
	if r.giveBack(); r.tryTake() {
		return nil
	}
	if r.closed.Load() {
		return ErrClosed
	}
	r.taken, r.err = false, nil
	if err := r.socket.read(r.ready); err != nil {
		return r.socket.cause(err)
	}
	return r.err
}

// giveBack lets the kernel write to the block again. The store is the last the reader does with the block, and atomic: nothing
// that it read before can be read after it.
func (r *Ring) giveBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.block != nil {
		atomic.StoreUint32(r.status(), unix.TP_STATUS_KERNEL)
		r.at = (r.at + 1) % (len(r.memory) / r.size)
	}
	r.block, r.left, r.holding = nil, 0, false
	if r.closed.Load() {
		r.unmap()
	}
}

// status is where kernel and reader agree on who owns the block. Only with the lock held, and memory mapped.
func (r *Ring) status() *uint32 {
	return (*uint32)(unsafe.Pointer(&r.memory[r.at*r.size+blockStatus]))
}

// tryTake takes the next block if the kernel has handed it over. The load is atomic: nothing of the block is read before it.
func (r *Ring) tryTake() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.memory == nil || r.closed.Load() || atomic.LoadUint32(r.status())&unix.TP_STATUS_USER == 0 {
		return false
	}
	r.block = r.memory[r.at*r.size : (r.at+1)*r.size : (r.at+1)*r.size]
	r.holding = true
	// What the kernel says of its own block is believed only as far as the block reaches.
	if end := int(binary.NativeEndian.Uint32(r.block[blockLength:])); end >= blockHead && end <= len(r.block) {
		r.block = r.block[:end]
	}
	r.left = int(binary.NativeEndian.Uint32(r.block[blockFrames:]))
	r.next = int(binary.NativeEndian.Uint32(r.block[blockFirst:]))
	// Blocks are filled in turn: where one is full, so are those before it.
	if r.late {
		r.late = r.waits(1)
	} else {
		r.late = r.waits(len(r.memory) / r.size / 2)
	}
	return true
}

// waits reports whether the block that comes so many after the one that is read is full. Only with the lock held, and memory mapped.
func (r *Ring) waits(after int) bool {
	at := (r.at*r.size + after*r.size) % len(r.memory)
	return atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.memory[at+blockStatus])))&unix.TP_STATUS_USER != 0
}

// look is what the poller calls before it waits: is there a block, or an error to tell? The ring has no receive call that would tell
// the socket's error.
func (r *Ring) look(fd uintptr) bool {
	if r.closed.Load() {
		r.err = ErrClosed
		return true
	}
	if r.taken = r.tryTake(); r.taken {
		return true
	}
	if pending, errno := ownDescriptor.option(int(fd), soError); errno == 0 && pending != 0 {
		r.err = unix.Errno(pending)
		return true
	}
	return false
}

// errRing is the kernel contradicting itself, which no kernel should.
var errRing = errors.New("the receive ring holds a frame that reaches over its block: the rest of that block is lost")

// frame reads the next frame of the block. It reports false for a place that the kernel took and left empty: it cannot say with
// PACKET_VNET_HDR what a train of another protocol than TCP and UDP is, and counts it as dropped.
func (r *Ring) frame(f *RingFrame) (whole bool, err error) {
	at, b := r.next, r.block
	r.left--
	if uint(at) > uint(len(b)) || len(b)-at < frameHead {
		r.left = 0
		return false, errRing
	}
	b = b[at:]
	h := b[:frameHead]
	native := binary.NativeEndian
	step := int(native.Uint32(h[frameNext:]))
	if step == 0 { // the last one
		r.left = 0
	}
	r.next = at + step
	status := native.Uint32(h[frameStatus:])
	if status&unix.TP_STATUS_USER == 0 {
		return false, nil
	}
	captured, mac, net := int(native.Uint32(h[frameCaptured:])), int(native.Uint16(h[frameMac:])), int(native.Uint16(h[frameNet:]))
	if mac < frameHead || mac > len(b) || captured > len(b)-mac {
		r.left = 0
		return false, errRing
	}
	f.Buf = b[frameHead : mac+captured : mac+captured]
	f.Start = mac - frameHead
	f.Net = min(max(net-frameHead, f.Start), len(f.Buf))
	f.Time = int64(native.Uint32(h[frameSec:]))*int64(time.Second) + int64(native.Uint32(h[frameNsec:]))
	f.Length = int(native.Uint32(h[frameLength:]))
	f.Segment = 0
	if r.trains && mac-offloadLength >= frameHead && b[mac-offloadLength+offloadType] == offloadUDP {
		f.Segment = int(native.Uint16(b[mac-offloadLength+offloadSegment:]))
	}
	if f.Tagged = status&unix.TP_STATUS_VLAN_VALID != 0; f.Tagged {
		f.VLAN, f.TPID = uint16(native.Uint32(h[frameTCI:])), vlanTPID
		if status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
			f.TPID = native.Uint16(h[frameTPID:])
		}
	}
	a := h[frameAddress:]
	f.Interface = int(int32(native.Uint32(a[addressIndex:])))
	f.HaType, f.PktType = native.Uint16(a[addressHaType:]), PacketType(a[addressPktType])
	f.Protocol = binary.BigEndian.Uint16(a[addressProto:])
	f.Addr = a[addressBytes : addressBytes+min(int(a[addressLen]), linkSize-addressBytes)]
	return true, nil
}

// vlanTPID is what a tag begins with where the kernel does not say otherwise: 802.1Q.
const vlanTPID = 0x8100

// Late reports whether the reader is too slow for what comes: half of the ring was full at the beginning of a block, and it has not caught up
// since. Little is missing until the kernel has to drop frames. Only for the goroutine of Next.
func (r *Ring) Late() bool { return r.late }

// Drops is how many frames passed the filter and found no room in the ring since it was made.
func (r *Ring) Drops() uint64 {
	// Each read sets the kernel's count back to 0.
	var stats [12]byte // struct tpacket_stats_v3: packets, drops, times that the ring stood still
	if n, err := r.socket.GetBytes(packetStatistics, stats[:]); err == nil && n >= 8 {
		return r.drops.Add(uint64(binary.NativeEndian.Uint32(stats[4:])))
	}
	return r.drops.Load()
}

// Close ends the capture and wakes Next, which then fails with ErrClosed. The ring's memory is given back at once unless the reader
// still has a frame of it; then by its next call of Next or, if there is none, when the ring is garbage.
func (r *Ring) Close() error {
	r.Drops()
	// The memory keeps the kernel's side of the socket alive: it must not fill up in vain.
	_ = r.socket.AttachFilter(rejectAll)
	r.closed.Store(true)
	err := r.socket.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.holding {
		r.unmap()
	}
	return err
}

// unmap gives the memory back, once. Only with the lock held.
func (r *Ring) unmap() {
	if r.memory != nil {
		r.orphan.Stop()
		_ = unix.Munmap(r.memory)
		r.memory = nil
	}
}
