package sock

import "time"

// RingConfig says how large a receive ring is (packet(7), PACKET_RX_RING). Its memory, Blocks times BlockSize, belongs to the
// kernel and cannot be swapped out.
type RingConfig struct {
	Blocks    int           // at least 2: one is read while the next is filled
	BlockSize int           // bytes, a multiple of the page size; no frame is kept longer than fits into one block
	Timeout   time.Duration // a block that holds any frame is handed over after so long, full or not; milliseconds; 0: the kernel's guess
	Room      int           // bytes before each frame that its reader may write to
	Trains    bool          // ask which frames are trains (RingFrame.Segment); a kernel that does not tell (PACKET_VNET_HDR, packet(7)) is no error
}

// RingFrame is one frame in the ring, with what the kernel says of it (struct tpacket3_hdr and sockaddr_ll, packet(7)).
type RingFrame struct {
	// Buf[Start:] is what was captured; in a socket of type RAW it begins with the device's own header, where it has one. Buf[Net:] begins
	// with the network header. The bytes before Start are at least RingConfig.Room, and the reader may write there. All of it
	// lies in the ring, and is valid until the next call of Next.
	Buf        []byte
	Start, Net int

	Time      int64 // nanoseconds since 1970
	Length    int   // bytes on the wire, the part that was cut off included
	Interface int   // index of the device
	HaType    uint16
	PktType   PacketType
	Protocol  uint16 // Ethernet type, in host byte order
	Addr      []byte // hardware address of the sender, at most 8 bytes, in the ring

	// Segment is not 0 for a train: UDP datagrams of one flow that the kernel has in one piece, because they were sent with UDP_SEGMENT or
	// came together (UDP_GRO, udp(7)). Buf has one set of headers, for the payloads of all; each but the last is Segment bytes long. It is what
	// the kernel says, and nobody has compared it with the headers.
	Segment int

	// Tagged says that the kernel has taken a VLAN tag out of the frame: VLAN is its priority and number, TPID its Ethernet type.
	Tagged     bool
	VLAN, TPID uint16
}

// A Device is a network interface as its socket's network namespace has it, which need not be that of whoever asks (netdevice(7)).
type Device struct {
	Index  int
	Name   string
	HaType uint16 // ARPHRD_ number: 1 Ethernet, 772 loopback, 65534 none
	Up     bool
}
