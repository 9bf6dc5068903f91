package dgram

import (
	"cmp"
	"errors"
	"net/netip"
	"sync"
	"syscall"

	"dgram/sock"
)

// sendBatch is how many datagrams go out in one sendmmsg call at most.
const sendBatch = 256

// sender is the sending half of a kernelConn. It gathers slots into messages, several datagrams of one size to one peer into one message
// (UDP_SEGMENT), and never copies a payload.
type sender struct {
	mu      sync.Mutex
	conn    *kernelConn
	out     *sock.Sender // nil until something is sent: it takes 70 kB, and there may be a thousand Conns
	slots   []int        // slots in the order in which they were gathered
	first   []int        // for each message, its first place in slots
	segment int          // largest datagram that may be sent as a segment, bytes; 0: no segmentation. Lowered by experience.
	run     run          // the message being gathered
}

// run is what the next datagram must fit to join the message before it.
type run struct {
	first       *Datagram // of the message
	size, total int
	count       int
	open        bool
}

func (s *sender) init(c *kernelConn) {
	s.conn = c
	if c.local.network.IP() && !c.options.NoGSO {
		if _, err := c.socket.Get(sock.UDPSegment); err == nil {
			s.segment = MaxPayload
			c.caps.GSO = true
		}
	}
}

func (s *sender) prepare() {
	s.out = s.conn.socket.NewSender(sendBatch)
	s.slots = make([]int, 0, sendBatch)
	s.first = make([]int, 0, sendBatch)
}

// Send implements Conn.
func (c *kernelConn) Send(b *Batch) error {
	b.Number()
	c.send.mu.Lock()
	defer c.send.mu.Unlock()
	if c.send.out == nil {
		c.send.prepare()
	}
	// A message whose segmentation was refused leaves its slots without a fate: the second pass sends their datagrams one by one.
	left, err := c.send.pass(b.Datagrams)
	if err != nil || !left {
		return err
	}
	b.split()
	_, err = c.send.pass(b.Datagrams)
	return err
}

// pass sends every slot that has no fate. left reports that some still have none.
func (s *sender) pass(slots []Datagram) (left bool, err error) {
	for i := 0; i < len(slots); {
		next, passed := s.gather(slots, i)
		i = next
		again, err := s.flush(slots)
		if err != nil {
			s.failRest(slots)
			return false, err
		}
		left = left || again || passed
	}
	return left, nil
}

// gather fills the sender with slots from i on and returns the first that it did not come to; left reports that it passed over some.
func (s *sender) gather(slots []Datagram, i int) (next int, left bool) {
	s.out.Reset()
	s.slots, s.first, s.run = s.slots[:0], s.first[:0], run{}
	for ; i < len(slots) && !s.out.Full(); i++ {
		d := &slots[i]
		if d.Fate != Undecided {
			continue
		}
		if s.joins(d) {
			s.out.AddSegment(d.Data, s.run.size)
		} else if d.Segment > s.segment {
			left = true // was too large for a segment before: to be sent one by one
			continue
		} else if errno := s.begin(d); errno != 0 {
			d.Fate, d.Err = Failed, errno
			continue
		} else {
			s.first = append(s.first, len(s.slots))
		}
		s.slots = append(s.slots, i)
	}
	return i, left
}

// maxMessage bounds the payload of one message with segments: with its headers it must stay a valid IPv4 length (udp(7), UDP_SEGMENT).
const maxMessage = 65000

// joins reports whether d can be one more segment of the message being gathered, and counts it in.
func (s *sender) joins(d *Datagram) bool {
	r, n := &s.run, len(d.Data)
	if !r.open || n == 0 || d.Segment != 0 || n > r.size || r.count == sock.MaxSegments || r.total+n > maxMessage || !d.Peer.is(&r.first.Peer) || d.Local != r.first.Local {
		return false
	}
	r.count, r.total = r.count+1, r.total+n
	r.open = n == r.size // a shorter segment is the last
	return true
}

// begin starts a message with d, or returns the errno that says why there is no sending it.
func (s *sender) begin(d *Datagram) syscall.Errno {
	peer := d.Peer
	if !peer.IsValid() {
		peer = s.conn.remote
	}
	ip := s.conn.local.network.IP()
	switch {
	case !peer.IsValid():
		return syscall.EDESTADDRREQ
	case ip != peer.network.IP():
		return syscall.EAFNOSUPPORT
	case !ip && peer.Path() == "":
		return syscall.EDESTADDRREQ
	case !ip:
		s.out.AddUnix(unixAddr(peer.Path()), d.Data)
		return 0
	case s.conn.socket.Family() == sock.INET && peer.kind != addr4:
		return syscall.EAFNOSUPPORT
	}
	if from, iface := s.source(d); from.IsValid() || s.conn.socket.Family() != sock.INET {
		s.out.AddInet(peer.AddrPort(), from, iface, d.Data)
	} else {
		s.out.AddInet4(uint32(peer.low), peer.port, d.Data)
	}
	n := len(d.Data)
	if d.Count() > 1 {
		s.out.SetSegment(d.Segment)
		s.run.open = false
		return 0
	}
	r := &s.run
	r.first, r.size, r.total, r.count, r.open = d, n, n, 1, n > 0 && n <= s.segment
	return 0
}

// source returns the address that d is to leave from, and for a link-local one the interface, where the socket's own does not say it.
func (s *sender) source(d *Datagram) (netip.Addr, int32) {
	if !s.conn.arrival {
		return netip.Addr{}, 0
	}
	a := d.Local.Addr()
	if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
		return netip.Addr{}, 0
	}
	if a.IsLinkLocalUnicast() && a.Is6() {
		return a, d.Interface
	}
	return a, 0
}

// storedErrors bounds how often a message is sent again because the errno was not its own. See isStored.
const storedErrors = 4

// flush sends what gather gathered and gives each slot its fate; again reports that segmentation was refused for some.
func (s *sender) flush(slots []Datagram) (again bool, err error) {
	wait := s.conn.local.network != Unixgram // a unix socket's peer may never read: EAGAIN is then the fate (unix(7))
	tries := 0
	for from := 0; from < s.out.Len(); {
		n, err := s.out.Send(from, wait)
		for _, i := range s.span(from, from+n) {
			slots[i].Sent()
		}
		from += n
		if n > 0 || err == nil {
			tries = 0
			continue
		}
		var errno syscall.Errno
		if !errors.As(err, &errno) {
			return again, err
		}
		if errno == syscall.EMSGSIZE && s.conn.atomic.end() {
			continue
		}
		if isStored(errno) && tries < storedErrors {
			tries++
			continue
		}
		tries = 0
		if s.segmentationRefused(slots, from, errno) {
			again = true
		} else {
			for _, i := range s.span(from, from+1) {
				slots[i].Fate, slots[i].Err = Failed, errno
			}
		}
		from++
	}
	return again, nil
}

// span returns the slots of messages from to to.
func (s *sender) span(from, to int) []int {
	if from >= to {
		return nil
	}
	end := len(s.slots)
	if to < len(s.first) {
		end = s.first[to]
	}
	return s.slots[s.first[from]:end]
}

// isStored reports whether errno may belong to an earlier datagram: an ICMP error that the socket had in store is returned by the next
// send, which then sent nothing (ip(7), "Error handling"). These are the errnos that the kernel translates ICMP errors to.
func isStored(errno syscall.Errno) bool {
	switch errno {
	case syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENONET, syscall.ENOPROTOOPT,
		syscall.EOPNOTSUPP, syscall.EPROTO, syscall.EACCES, syscall.EMSGSIZE:
		return true
	}
	return false
}

// segmentationRefused reports whether message m carries several datagrams and errno says that they were the matter; it remembers what it learned.
// EIO: the device cannot checksum them. EINVAL, EMSGSIZE: a segment is larger than the path takes in one packet.
func (s *sender) segmentationRefused(slots []Datagram, m int, errno syscall.Errno) bool {
	span := s.span(m, m+1)
	first := &slots[span[0]]
	size := cmp.Or(first.Segment, len(first.Data))
	if len(span) < 2 && first.Count() == 1 {
		return false
	}
	switch errno {
	case syscall.EIO:
		s.segment = 0
	case syscall.EINVAL, syscall.EMSGSIZE:
		s.segment = min(s.segment, size-1)
	default:
		return false
	}
	return true
}

// failRest gives every slot without a fate that of a closed socket.
func (s *sender) failRest(slots []Datagram) {
	for i := range slots {
		if slots[i].Fate == Undecided {
			slots[i].Fate, slots[i].Err = Failed, syscall.EBADF
		}
	}
}
