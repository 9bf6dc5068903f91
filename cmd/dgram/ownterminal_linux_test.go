package main

import (
	"os/exec"
	"syscall"
)

// ownTerminal makes the program's stdin its controlling terminal, so that Ctrl-C there is a signal to it alone.
func ownTerminal(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
}
