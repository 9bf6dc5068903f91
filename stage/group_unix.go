//go:build unix

package stage

import (
	"os"
	"syscall"
)

// ownGroup puts a program into a process group of its own, so that it can be killed with all that it starts (setpgid(2)).
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills every process of p's group (kill(2) with a negative number).
func killGroup(p *os.Process) error {
	if err := syscall.Kill(-p.Pid, syscall.SIGKILL); err != nil {
		return os.ErrProcessDone
	}
	return nil
}
