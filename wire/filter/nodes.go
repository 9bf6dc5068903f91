package filter

// A node is a test that a packet passes or not. The nodes are what the language has, one each; the compiler and Match each say for
// themselves what they mean.
type node interface{ write(b *printer) }

type (
	allNode struct{}
	andNode struct{ left, right node }
	orNode  struct{ left, right node }
	notNode struct{ of node }

	// etherType: the link layer says that this comes next.
	etherType struct{ number uint16 }
	// protocol: IPv4, IPv6 or either carries this.
	protocol struct {
		number uint8
		v4, v6 bool
	}
	// host: an IPv4 address or, under a shorter mask, a net. of is anyProto (IP, ARP, RARP) or one of these.
	host struct {
		of         proto
		dir        direction
		addr, mask uint32
	}
	// host6: an IPv6 address or net.
	host6 struct {
		dir  direction
		bits int
		addr [4]uint32
	}
	// mac: an Ethernet address.
	mac struct {
		dir  direction
		addr [6]byte
	}
	// port: a port from lo to hi, both included. of is anyProto (UDP, TCP, SCTP) or one of these.
	port struct {
		of     proto
		dir    direction
		lo, hi uint16
	}
	// cast: broadcast or multicast, of the link layer, IPv4 or IPv6.
	cast struct {
		of        proto // linkProto, ipProto, ip6Proto
		broadcast bool
	}
	// vlan: a tag; id -1: any.
	vlan struct{ id int }
	// way: inbound or outbound.
	way struct{ out bool }
	// relation compares two values: "=", "!=", "<", ">", "<=", ">=".
	relation struct {
		op          string
		left, right value
	}
)

// A direction is the end of a packet that a test looks at.
type direction uint8

const (
	eitherEnd direction = iota
	srcEnd
	dstEnd
	bothEnds
)

// A value is a 32-bit number that a packet gives.
type value interface{ write(b *printer) }

type (
	number uint32
	length struct{}
	// bytesOf reads size bytes (1, 2, 4), most significant first, at an index in a protocol's header and what follows it.
	bytesOf struct {
		of    proto
		index value
		size  int
	}
	arithmetic struct {
		op          string
		left, right value
		words       int // of memory that calculating it takes
	}
	negative struct{ of value }
)
