//go:build unix

package main

import (
	"fmt"
	"syscall"
)

// fewestFiles is what Go's runtime and one socket take: three standard ones, the poller's two or three, the socket and its copy.
const fewestFiles = 8

// enoughFiles says what is wrong where so few files may be open that Go's runtime itself would die, without a sentence (ulimit -n).
func enoughFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return nil // then there is no limit to fear
	}
	if limit.Cur >= fewestFiles {
		return nil
	}
	return fmt.Errorf("only %d files may be open at once, and %d are needed: allow more with ulimit -n 64", limit.Cur, fewestFiles)
}

// fileLimit is how many files may be open.
func fileLimit() (float64, bool) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return float64(limit.Cur), err == nil
}

// processorSeconds is what this process has used of processors, for itself and in the system.
func processorSeconds() (float64, bool) {
	var used syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9, err == nil
}
