package sock

// Inspection is what the kernel says about one socket, of whichever process. Sizes are in bytes.
type Inspection struct {
	Family Family
	Type   Type
	Proto  Proto

	Local     Addr // getsockname(2)
	Peer      Addr // getpeername(2); nil while the socket is not connected
	Listening bool // SO_ACCEPTCONN
	Nonblock  bool // O_NONBLOCK, which all copies of the descriptor share

	// Memory is false where the kernel does not tell the numbers below it (SO_MEMINFO, Linux 4.12).
	Memory         bool
	ReceiveBuffer  uint32 // the bound: SO_RCVBUF, in the kernel's doubled count
	SendBuffer     uint32 // the bound: SO_SNDBUF
	ReceiveCharged uint32 // of ReceiveBuffer: what waits to be read, with the kernel's own overhead
	SendCharged    uint32 // of SendBuffer: what has not left yet
	Drops          uint32 // so many datagrams found no room since the socket was opened

	// Queue has the meaning of SIOCINQ (udp(7), unix(7), tcp(7)): of a stream the bytes that wait to be read, of a socket of datagrams the size
	// of the next one. Unsent is SIOCOUTQ: of TCP bytes that the peer has not acknowledged, else what SendCharged says. -1 where the kernel
	// does not tell.
	Queue, Unsent int

	Options []OptionValue // what is set otherwise than on a new socket
}

// OptionValue is an option of a socket that has not the value of a new one.
type OptionValue struct {
	Name  string // "SO_REUSEADDR"
	Value int    // 1 of an option that is on
	Text  string // of an option that is a name: "eth0"; else empty
}
