//go:build unix

package bench

import (
	"fmt"
	"math"
	"os"
	"syscall"
)

// descriptors is how many descriptors this process may have open (RLIMIT_NOFILE, getrlimit(2)); Go has raised it as far as it may.
func descriptors() (int, bool) {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0, false
	}
	if limit.Cur > math.MaxInt32 {
		return math.MaxInt32, true
	}
	return int(limit.Cur), true
}

// ports is the range that source ports are given out from (ip(7)), where the system tells.
func ports() (first, last int, ok bool) {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0, 0, false
	}
	n, _ := fmt.Sscan(string(b), &first, &last)
	return first, last, n == 2
}

// processorTime is what this process has used so far (getrusage(2)).
func processorTime() (user, system int64) {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0, 0
	}
	return syscall.TimevalToNsec(u.Utime), syscall.TimevalToNsec(u.Stime)
}
