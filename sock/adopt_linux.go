package sock

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// FromFD takes over a descriptor that somebody else opened, such as one that
// a parent process left, and asks the kernel for its family, type and
// protocol. See FromFDAs.
func FromFD(fd int) (*Socket, error) { return FromFDAs(fd, UNSPEC, 0, 0) }

// FromFDAs is FromFD with what is already known; what is zero is asked of the
// kernel (SO_DOMAIN, SO_TYPE and SO_PROTOCOL, socket(7)). On success the
// Socket owns the descriptor and has made it close-on-exec and nonblocking.
// O_NONBLOCK belongs to the open file description: whoever else has a copy of
// the descriptor meets a nonblocking socket too. On failure nothing about the
// descriptor is changed, and it is still the caller's to close.
func FromFDAs(fd int, family Family, typ Type, proto Proto) (*Socket, error) {
	if err := checkSocket(fd); err != nil {
		return nil, err
	}
	restore, err := prepare(uintptr(fd))
	if err != nil {
		return nil, &Error{Op: "fcntl", What: fmt.Sprintf("fd %d", fd), Err: err}
	}
	s, err := adopt(fd, family, typ, proto)
	if err != nil {
		restore()
		return nil, err
	}
	return s, nil
}

// FromFDBlocking is FromFD and BlockThreads in one, for a descriptor that another process receives from at the same time: of what belongs to the
// open file description and is shared, it changes nothing but what BlockThreads needs, and a process that has called BlockThreads has set that
// already. On success the Socket owns the descriptor and has made it close-on-exec; on failure it is still the caller's to close.
func FromFDBlocking(fd int) (*Socket, error) {
	if err := checkSocket(fd); err != nil {
		return nil, err
	}
	s, err := detect(fd, UNSPEC, 0, 0)
	if err != nil {
		return nil, err
	}
	unix.CloseOnExec(fd)
	if err := s.outside(fd, -1); err != nil {
		return nil, err
	}
	return s, nil
}

// prepare makes a descriptor close-on-exec and nonblocking, and gives a
// function that takes both back.
func prepare(fd uintptr) (restore func(), err error) {
	descriptor, err := unix.FcntlInt(fd, unix.F_GETFD, 0)
	if err != nil {
		return nil, err
	}
	status, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	if err != nil {
		return nil, err
	}
	restore = func() {
		_, _ = unix.FcntlInt(fd, unix.F_SETFD, descriptor)
		_, _ = unix.FcntlInt(fd, unix.F_SETFL, status)
	}
	if _, err = unix.FcntlInt(fd, unix.F_SETFD, descriptor|unix.FD_CLOEXEC); err == nil {
		_, err = unix.FcntlInt(fd, unix.F_SETFL, status|unix.O_NONBLOCK)
	}
	if err != nil {
		restore()
		return nil, err
	}
	return restore, nil
}

// checkSocket says what fd is when it is no socket.
func checkSocket(fd int) error {
	what := fmt.Sprintf("fd %d", fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		if err == unix.EBADF {
			return &Error{Op: "take over", What: what, Err: err, Hint: what + " is not open"}
		}
		return &Error{Op: "fstat", What: what, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		hint := fmt.Sprintf("%s is %s, not a socket", what, fileKind(fd, st.Mode))
		return &Error{Op: "take over", What: what, Err: unix.ENOTSOCK, Hint: hint}
	}
	return nil
}

func fileKind(fd int, mode uint32) string {
	// Newer kernels give epoll, event and timer descriptors the mode of a file.
	if link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil && strings.HasPrefix(link, "anon_inode:") {
		return "an internal descriptor of the kernel (" + link + ")"
	}
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "a regular file"
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFIFO:
		return "a pipe"
	case unix.S_IFCHR:
		return "a character device (a terminal, say)"
	case unix.S_IFBLK:
		return "a block device"
	case unix.S_IFLNK:
		return "a symbolic link"
	}
	return "no file with a name"
}

// adopt makes a Socket of a descriptor that is nonblocking already. On failure
// the descriptor stays open.
func adopt(fd int, family Family, typ Type, proto Proto) (*Socket, error) {
	s, err := detect(fd, family, typ, proto)
	if err != nil {
		return nil, err
	}
	if err := s.register(fd); err != nil {
		return nil, err
	}
	return s, nil
}

// detect makes a Socket that has no descriptor yet, of what is known and what the kernel says about fd.
func detect(fd int, family Family, typ Type, proto Proto) (*Socket, error) {
	what := fmt.Sprintf("fd %d", fd)
	detected := func(option Opt, known int) (int, error) {
		if known != 0 {
			return known, nil
		}
		var n int32
		if _, errno := getsockopt(uintptr(fd), option, intBytes(&n)); errno != 0 {
			return 0, &Error{Op: "getsockopt", What: what, Err: errno}
		}
		return int(n), nil
	}
	domain, err := detected(SODomain, int(family))
	if err != nil {
		return nil, err
	}
	kind, err := detected(SOType, kernelType(typ))
	if err != nil {
		return nil, err
	}
	number, err := detected(SOProtocol, int(proto))
	if err != nil {
		return nil, err
	}
	return &Socket{family: Family(domain), typ: Type(kernelType(Type(kind))), proto: Proto(number)}, nil
}

// unpollable keeps files that could not be registered: were they collected,
// their descriptors would be closed, and they are not ours to close.
var unpollable struct {
	sync.Mutex
	files []*os.File
}

// register hands fd to Go's poller.
func (s *Socket) register(fd int) error {
	name := fmt.Sprintf("%v %v fd %d", s.family, s.typ, fd)
	file := os.NewFile(uintptr(fd), name)
	if err := file.SetDeadline(time.Time{}); err != nil {
		unpollable.Lock()
		unpollable.files = append(unpollable.files, file)
		unpollable.Unlock()
		return &Error{Op: "take over", What: fmt.Sprintf("fd %d", fd), Err: err,
			Hint: "the descriptor already belongs to a file or connection of this process: hand over a copy of it"}
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return &Error{Op: "take over", What: name, Err: err}
	}
	s.file, s.raw, s.fd = file, raw, fd
	return nil
}
