//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine is what figures depend on.
type machine struct {
	Kernel     string    `json:"kernel"`
	CPU        string    `json:"cpu"`
	CPUs       int       `json:"cpus"`
	Compiler   string    `json:"compiler"`
	Go         string    `json:"go"`
	Commit     string    `json:"commit"`
	LoadBefore string    `json:"load_before"`
	LoadAfter  string    `json:"load_after"`
	Began      time.Time `json:"began"`
	Ended      time.Time `json:"ended"`
}

func thisMachine() machine {
	compiler, _, _ := strings.Cut(says("cc", "--version"), "\n")
	return machine{
		Kernel: says("uname", "-srm"), CPU: processor(), CPUs: runtime.NumCPU(), Compiler: compiler, Go: runtime.Version(),
		Commit: says("git", "describe", "--always", "--dirty"), LoadBefore: loadAverage(), Began: time.Now(),
	}
}

func says(name string, args ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// busy is the CPU time that all processors have worked or were taken away by the host (proc_stat(5)).
func busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	f := strings.Fields(first) // cpu user nice system idle iowait irq softirq steal
	if len(f) < 9 {
		return 0, fmt.Errorf("/proc/stat begins with %q", first)
	}
	ticks := number(f[1]) + number(f[2]) + number(f[3]) + number(f[6]) + number(f[7]) + number(f[8])
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// cacheLine is the round trip of a cache line between the two processors, in nanoseconds.
func cacheLine(ctx context.Context, t tools) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, t.path("c2c"), loadCPU, serverCPU).Output()
	if err != nil {
		return 0, fmt.Errorf("c2c: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}
