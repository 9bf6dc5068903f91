package sock

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a Fleet receives and sends goes in series: first it is said by which sockets, then the calls are made one right behind the other. They never wait, and Go's
// scheduler is not told of them.

// Left returns how many more datagrams can be asked for before Forget.
func (f *Fleet) Left() int { return len(f.in.hdr) - f.in.filled }

// Ask plans a look at socket i, for at most limit datagrams: one at least, and no more than Left says.
func (f *Fleet) Ask(i int32, limit int) {
	r := f.in
	h := &r.hdr[r.filled]
	c := sysCall{trap: unix.SYS_RECVMSG, fd: uintptr(f.fds[i]), data: unsafe.Pointer(h), a3: unix.MSG_DONTWAIT, first: r.filled}
	switch {
	case limit > 1:
		c.trap, c.a3, c.a4 = unix.SYS_RECVMMSG, uintptr(limit), unix.MSG_DONTWAIT
	case h.hdr.Control == nil && h.hdr.Name == nil:
		c.trap, c.data, c.a3, c.a4 = unix.SYS_RECVFROM, unsafe.Pointer(h.hdr.Iov.Base), uintptr(h.hdr.Iov.Len), unix.MSG_DONTWAIT|unix.MSG_TRUNC
	}
	f.asked.calls = append(f.asked.calls, c)
	r.filled += limit
}

// Look makes the looks that were asked for, in that order, and returns how many it made: it ends with the first that brings nothing behind one that brought
// something.
func (f *Fleet) Look() int {
	f.asked.make(true, f.lookSlowly)
	return f.asked.made
}

func (f *Fleet) lookSlowly(c *sysCall) {
	limit := 1
	if c.trap == unix.SYS_RECVMMSG {
		limit = int(c.a3)
	}
	c.trap = unix.SYS_RECVMMSG // receiveMessages leaves all as that does
	c.set(receiveMessages(c.fd, f.in.hdr[c.first:][:limit], unix.MSG_DONTWAIT, false))
}

// Took says what look k brought: n datagrams, numbered from first on, and when it had brought them ([Ticks]). An errno that the socket had in store (a
// refusal) comes as that errno, once. Data, Control, Nanos and AddrPort tell of the datagrams, until Forget. Where more may be left, and Ready is to say so,
// call Again.
func (f *Fleet) Took(k int) (first, n int, ticks uint64, errno syscall.Errno) {
	c := &f.asked.calls[k]
	first, ticks = c.first, f.asked.after(k)
	if errno := c.errno(); errno != 0 {
		return first, 0, ticks, unlessEmpty(errno)
	}
	if c.trap == unix.SYS_RECVMMSG {
		return first, int(c.result), ticks, 0
	}
	h := &f.in.hdr[first]
	h.n = uint32(c.result)
	if c.trap == unix.SYS_RECVFROM {
		h.fit()
	}
	return first, 1, ticks, 0
}

func unlessEmpty(errno syscall.Errno) syscall.Errno {
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return 0
	}
	return errno
}

// Data returns the bytes of datagram j.
func (f *Fleet) Data(j int) []byte { return f.in.Data(j) }

// AddrPort returns its sender, where FleetConfig.Names is set.
func (f *Fleet) AddrPort(j int) netip.AddrPort { return f.in.AddrPort(j) }

// Control reads its control messages, where FleetConfig.Control is set.
func (f *Fleet) Control(j int, c *Control) { f.in.Control(j, c) }

// Nanos is the Time of its Control in nanoseconds since 1970, read with less ado where it is the first control message; 0: it is not.
func (f *Fleet) Nanos(j int) int64 { return f.in.nanos(j) }

// Forget lets go of what was asked for and received: the buffers are used again.
func (f *Fleet) Forget() {
	for k := range f.asked.calls[:f.asked.made] { // of what was only asked for the kernel has changed nothing
		first, n, _, _ := f.Took(k)
		f.in.rearm(first, n)
	}
	f.in.filled = 0
	f.asked.reset()
}

// Added returns how many messages have been added.
func (f *Fleet) Added() int { return f.out.used }

// Add adds a message to what is to be sent, to an address, or with the zero one to the socket's peer. data must stay as it is until it was sent.
func (f *Fleet) Add(to netip.AddrPort, data []byte) { f.out.AddInet(to, netip.Addr{}, 0, data) }

// AddSegment lengthens the message added last by one more datagram; see [Sender.AddSegment].
func (f *Fleet) AddSegment(data []byte, size int) { f.out.AddSegment(data, size) }

// Post says that the messages that were added, from number from on, go by socket i.
func (f *Fleet) Post(i int32, from int) {
	h := f.out.hdr[from:f.out.used]
	f.posted.calls = append(f.posted.calls,
		sysCall{trap: unix.SYS_SENDMMSG, fd: uintptr(f.fds[i]), data: unsafe.Pointer(&h[0]), a3: uintptr(len(h)), a4: sendFlags, first: from})
}

// PostOne says that a datagram goes by socket i, which is connected. data must stay as it is until it was sent.
func (f *Fleet) PostOne(i int32, data []byte) {
	f.posted.calls = append(f.posted.calls,
		sysCall{trap: unix.SYS_SENDTO, fd: uintptr(f.fds[i]), data: unsafe.Pointer(unsafe.SliceData(data)), a3: uintptr(len(data)), a4: sendFlags})
}

// Send sends what was posted. Of each post Sent tells what became of it.
func (f *Fleet) Send() { f.posted.make(false, f.sendSlowly) }

func (f *Fleet) sendSlowly(c *sysCall) {
	if c.trap == unix.SYS_SENDMMSG {
		c.set(sendMessages(c.fd, f.out.hdr[c.first:][:c.a3], false))
		return
	}
	piece := unix.Iovec{Base: (*byte)(c.data)}
	piece.SetLen(int(c.a3))
	h := unix.Msghdr{Iov: &piece}
	h.SetIovlen(1)
	c.set(int(c.a3), sendto(c.fd, &h, false))
}

// Sent returns how many messages of post k the kernel took, and when it was handed them ([Ticks]). If it took none, the errno says why not the first. EAGAIN: the
// send buffer is full.
func (f *Fleet) Sent(k int) (n int, ticks uint64, errno syscall.Errno) {
	c := &f.posted.calls[k]
	if errno := c.errno(); errno != 0 {
		return 0, c.ticks, errno
	}
	if c.trap == unix.SYS_SENDTO {
		return 1, c.ticks, 0
	}
	return int(c.result), c.ticks, 0
}

// SendBy sends by socket i, now and alone, the messages that were added, from number from on. It returns how many the kernel took; if none, the errno says why
// not message from.
func (f *Fleet) SendBy(i int32, from int) (int, syscall.Errno) {
	return sendMessages(uintptr(f.fds[i]), f.out.hdr[from:f.out.used], false)
}

// Reset takes back what was added and posted.
func (f *Fleet) Reset() {
	f.out.used, f.out.vectors = 0, 0
	f.posted.reset()
}
