//go:build !unix

package stage

import (
	"os"
	"syscall"
)

// ownGroup asks for nothing: there are no process groups here.
func ownGroup() *syscall.SysProcAttr { return nil }

// killGroup kills the program; what it started goes on.
func killGroup(p *os.Process) error { return p.Kill() }
