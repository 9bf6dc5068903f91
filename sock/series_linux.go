package sock

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// sysCall is a system call on a socket that does not wait, of four arguments at most, and what came of it. series_linux_*.s know where its fields are.
type sysCall struct {
	trap   uintptr
	fd     uintptr
	data   unsafe.Pointer // which also keeps it where it is
	a3, a4 uintptr
	result uintptr // what it returned, or -errno
	ticks  uint64  // by the processor's counter: just before it
	first  int     // of the messages that it moves
}

// errno is why the call failed; 0: it did not.
func (c *sysCall) errno() unix.Errno {
	if c.result > ^uintptr(4095) {
		return unix.Errno(-c.result)
	}
	return 0
}

// series is system calls that are made one right behind the other: what the kernel leaves in the processor's caches for the next one is still
// there, and of this program nothing comes between that would have to be fetched each time.
type series struct {
	calls []sysCall
	made  int    // of them
	end   uint64 // by the processor's counter: just after the last that was made
}

// reset forgets the calls, but goes on to refer to what they pointed to until others take their places.
func (s *series) reset() { s.calls, s.made = s.calls[:0], 0 }

// make makes the calls; untilMiss ends the series with the first that fails behind one that did not. A tracer is told of each by slow, which makes it.
func (s *series) make(untilMiss bool, slow func(*sysCall)) {
	switch {
	case len(s.calls) == 0:
	case tracer.Load() != nil:
		s.makeSlow(untilMiss, slow)
	default:
		s.made, s.end = makeCalls(&s.calls[0], len(s.calls), untilMiss)
	}
}

func (s *series) makeSlow(untilMiss bool, slow func(*sysCall)) {
	for hit := false; s.made < len(s.calls); {
		c := &s.calls[s.made]
		c.ticks = Ticks()
		slow(c)
		if s.made++; c.errno() == 0 {
			hit = true
		} else if untilMiss && hit {
			break
		}
	}
	s.end = Ticks()
}

// after is the processor's counter just after call k.
func (s *series) after(k int) uint64 {
	if k+1 < s.made {
		return s.calls[k+1].ticks
	}
	return s.end
}

// set notes what a call returned that was made another way.
func (c *sysCall) set(n int, errno unix.Errno) {
	if c.result = uintptr(n); errno != 0 {
		c.result = -uintptr(errno)
	}
}
