//go:build linux && !amd64 && !arm64

package sock

import (
	"syscall"
	"time"
	"unsafe"
)

func makeCalls(calls *sysCall, n int, untilMiss bool) (made int, end uint64) {
	for hit := false; made < n; {
		c := &unsafe.Slice(calls, n)[made]
		c.ticks = Ticks()
		r, _, errno := syscall.RawSyscall6(c.trap, c.fd, uintptr(c.data), c.a3, c.a4, 0, 0)
		c.set(int(r), errno)
		if made++; errno == 0 {
			hit = true
		} else if untilMiss && hit {
			break
		}
	}
	return made, Ticks()
}

var started = time.Now()

// Ticks is the clock's own reading, in nanoseconds: the counter of this kind of processor is not known here.
func Ticks() uint64 { return uint64(time.Since(started)) }
