package systemd

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Socket is a descriptor that the process was started with.
type Socket struct {
	FD   int
	Name string // what the socket unit calls it (FileDescriptorName=); "" if it is not named
}

// firstFD is SD_LISTEN_FDS_START.
const firstFD = 3

// mostFDs bounds what a count may be: more files than a process can have open are none.
const mostFDs = 1 << 16

// Sockets returns the descriptors that are meant for this process. It takes the variables that say so out of the environment, so that no child takes them
// for its own. It does not look what the descriptors are.
func Sockets() ([]Socket, error) {
	pid, count, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, fmt.Errorf("take %s out of the environment: %w", name, err)
		}
	}
	if pid == "" || count == "" {
		return nil, nil
	}
	if own, err := strconv.Atoi(pid); err != nil {
		return nil, fmt.Errorf("LISTEN_PID=%q is no process number", pid)
	} else if own != os.Getpid() {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > mostFDs {
		return nil, fmt.Errorf("LISTEN_FDS=%q is no number of descriptors", count)
	}
	all := make([]Socket, n)
	named := strings.Split(names, ":")
	for i := range all {
		all[i].FD = firstFD + i
		if names != "" && i < len(named) {
			all[i].Name = named[i]
		}
	}
	return all, nil
}
