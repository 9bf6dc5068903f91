package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// ofThreads returns what a file of each thread of a process says (proc_pid_task(5)).
func ofThreads(t *testing.T, pid int, file string) (texts []string) {
	t.Helper()
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/%s", pid, file))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if text, err := os.ReadFile(name); err == nil { // else the thread has ended
			texts = append(texts, string(text))
		}
	}
	if len(texts) == 0 {
		t.Fatalf("process %d has no threads", pid)
	}
	return texts
}
