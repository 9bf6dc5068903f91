package sock

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls that Receivers, Senders and Fleets move datagrams with, each told to the tracer. Of a call that is told, Go's runtime knows, so that other
// goroutines have the processor meanwhile. A thread that has nothing else to do does not tell of one that does not wait: under load the runtime would give
// the processor away in every call and take it back, which costs more than the call's own bookkeeping.

// call makes one. What its pointers point to stays where it is until it returns. Package unix would hand the call on to package syscall with all its words
// through memory.
//
//go:uintptrescapes
func call(told bool, trap, a1, a2, a3, a4, a5, a6 uintptr) (uintptr, unix.Errno) {
	if told {
		n, _, errno := syscall.Syscall6(trap, a1, a2, a3, a4, a5, a6)
		return n, errno
	}
	n, _, errno := syscall.RawSyscall6(trap, a1, a2, a3, a4, a5, a6)
	return n, errno
}

// recvmmsg receives as many messages as there are headers, at most, and returns how many.
func recvmmsg(fd uintptr, h []mmsghdr, flags uintptr, told bool) (int, unix.Errno) {
	n, errno := call(told, unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&h[0])), uintptr(len(h)), flags, 0, 0)
	if put := place(); put != nil {
		put(batchCall("recvmmsg", fd, h, Flags(flags), n, errno))
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// recvfrom receives one datagram into the buffer and the name of h, and notes in h what recvmmsg would. It has no header to read and none to write back,
// which is a third of what looking in vain costs.
func recvfrom(fd uintptr, h *mmsghdr, flags uintptr, told bool) unix.Errno {
	flags |= unix.MSG_TRUNC // which returns the whole length
	var nameLen *uint32
	if h.hdr.Name != nil {
		nameLen = &h.hdr.Namelen
	}
	n, errno := call(told, unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(h.hdr.Iov.Base)), uintptr(h.hdr.Iov.Len), flags,
		uintptr(unsafe.Pointer(h.hdr.Name)), uintptr(unsafe.Pointer(nameLen)))
	if put := place(); put != nil {
		put(fromCall(fd, h, Flags(flags), n, errno))
	}
	if errno == 0 {
		h.n = uint32(n)
		h.fit()
	}
	return errno
}

// fit notes, where n is the whole length of a datagram that recvfrom returned, what recvmsg would.
func (h *mmsghdr) fit() {
	h.hdr.Flags = 0
	if room := uint32(h.hdr.Iov.Len); h.n > room {
		h.hdr.Flags, h.n = unix.MSG_TRUNC, room
	}
}

// recvmsg receives one message by its header, control messages and all, which costs a tenth less than recvmmsg of one.
func recvmsg(fd uintptr, h *mmsghdr, flags uintptr, told bool) unix.Errno {
	n, errno := call(told, unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&h.hdr)), flags, 0, 0, 0)
	if put := place(); put != nil {
		put(messageCall("recvmsg", fd, &h.hdr, Flags(flags), n, errno))
	}
	if errno == 0 {
		h.n = uint32(n)
	}
	return errno
}

// receiveMessages receives as many messages as there are headers, at most, by the cheapest of the calls that do, and returns how many.
func receiveMessages(fd uintptr, h []mmsghdr, flags uintptr, told bool) (n int, errno unix.Errno) {
	switch {
	case len(h) > 1:
		return recvmmsg(fd, h, flags, told)
	case h[0].hdr.Control == nil:
		errno = recvfrom(fd, &h[0], flags&^unix.MSG_WAITFORONE, told)
	default:
		errno = recvmsg(fd, &h[0], flags&^unix.MSG_WAITFORONE, told)
	}
	if errno != 0 {
		return 0, errno
	}
	return 1, 0
}

// Nothing that is sent waits in the kernel, or raises SIGPIPE.
const sendFlags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL

// sendmmsg sends messages, and returns how many the kernel took.
func sendmmsg(fd uintptr, h []mmsghdr, told bool) (int, unix.Errno) {
	put := place()
	n, errno := call(told, unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&h[0])), uintptr(len(h)), sendFlags, 0, 0)
	if put != nil {
		put(batchCall("sendmmsg", fd, h, sendFlags, n, errno))
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// sendto sends one message of one piece with nothing beside it.
func sendto(fd uintptr, h *unix.Msghdr, told bool) unix.Errno {
	put := place()
	n, errno := call(told, unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(h.Iov.Base)), uintptr(h.Iov.Len), sendFlags,
		uintptr(unsafe.Pointer(h.Name)), uintptr(h.Namelen))
	if put != nil {
		put(toCall(fd, h, sendFlags, n, errno))
	}
	return errno
}

// sendMessages sends messages by the cheaper of the two calls, and again where a signal came between; it returns how many the kernel took.
func sendMessages(fd uintptr, h []mmsghdr, told bool) (n int, errno unix.Errno) {
	plain := len(h) == 1 && h[0].hdr.Iovlen == 1 && h[0].hdr.Control == nil
	for {
		if plain {
			n, errno = 1, sendto(fd, &h[0].hdr, told)
		} else {
			n, errno = sendmmsg(fd, h, told)
		}
		switch errno {
		case 0:
			return n, 0
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}
