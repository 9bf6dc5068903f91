package dgram

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// reportFate tells what an errno that a connected socket had in store says of a datagram sent before (RFC 1122, Section 4.1.3.3).
func reportFate(errno syscall.Errno) Fate {
	switch errno {
	case syscall.ECONNREFUSED:
		return Refused
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH:
		return Unreachable
	}
	return Undecided
}

// reports are the errors that a connected socket had in store, kept until Recv tells them. A send may be what finds one: it then wakes the
// Recv that waits by bringing its deadline forward.
type reports struct {
	mu       sync.Mutex
	errnos   []syscall.Errno
	deadline time.Time // what SetReadDeadline asked for
}

// maxReports bounds how many reports wait; more would say nothing new.
const maxReports = 256

var past = time.Unix(1, 0)

func (r *reports) setDeadline(s *net.UDPConn, t time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deadline = t
	if len(r.errnos) > 0 {
		return nil
	}
	return s.SetReadDeadline(t)
}

func (r *reports) add(s *net.UDPConn, errno syscall.Errno) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.errnos) < maxReports {
		r.errnos = append(r.errnos, errno)
	}
	_ = s.SetReadDeadline(past) // fails only on a closed socket, where nobody waits
}

func (r *reports) waiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.errnos) > 0
}

// take returns up to n reports, which are valid until the next add, and gives the socket back its deadline with the last.
func (r *reports) take(s *net.UDPConn, n int) []syscall.Errno {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.errnos) == 0 {
		return nil
	}
	n = min(n, len(r.errnos))
	taken := r.errnos[:n:n]
	if r.errnos = r.errnos[n:]; len(r.errnos) == 0 {
		_ = s.SetReadDeadline(r.deadline)
	}
	return taken
}
