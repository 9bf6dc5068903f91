//go:build unix

package prompt

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stopTime is how long a stop may take to begin.
const stopTime = 100 * time.Millisecond

// stop stops the program, and those that were started with it, until the shell continues them (signal(7), SIGTSTP). Where there is no shell to
// do that the system ignores it, so nobody waits for SIGCONT without end.
func stop() {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	if syscall.Kill(0, syscall.SIGTSTP) != nil {
		return
	}
	select {
	case <-continued:
	case <-time.After(stopTime):
	}
}
