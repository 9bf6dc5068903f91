package sock

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelTime is struct __kernel_timespec of linux/time_types.h, as long on every processor.
type kernelTime struct{ seconds, nanoseconds int64 }

// readStamp asks for the kernel's receive time of the datagram that was taken from fd last (SIOCGSTAMPNS, socket(7)). The first time it has the kernel keep such
// times from then on, and returns ENOENT. The call is over at once.
func readStamp(fd uintptr, s *kernelTime) unix.Errno {
	_, errno := call(false, unix.SYS_IOCTL, fd, unix.SIOCGSTAMPNS_NEW, uintptr(unsafe.Pointer(s)), 0, 0, 0)
	return errno
}

// KeepStamps has the kernel keep the receive time of what is taken from the socket, for [Fleet.Stamp]. For one who takes datagrams one at a time
// and has no need of other control messages it is cheaper than SO_TIMESTAMPNS, whose looks in vain have a header to read. Like that, it begins a moment later
// where nobody else on the machine has asked for such times: a stamp is then of when it is read. Linux 5.1.
func (s *Socket) KeepStamps() error {
	var t kernelTime
	var errno unix.Errno
	if err := s.control(func(fd uintptr) { errno = readStamp(fd, &t) }); err != nil {
		return err
	}
	if errno != 0 && errno != unix.ENOENT {
		return fmt.Errorf("ioctl SIOCGSTAMPNS: %w", errno)
	}
	return nil
}

// Stamp returns when the kernel received the datagram that was taken from socket i last, of a Socket that was told to KeepStamps, in nanoseconds since 1970;
// 0: it does not say.
func (f *Fleet) Stamp(i int32) int64 {
	if readStamp(uintptr(f.fds[i]), &f.stamp) != 0 {
		return 0
	}
	return f.stamp.seconds*1e9 + f.stamp.nanoseconds
}
