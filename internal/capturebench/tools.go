//go:build linux

package main

import (
	"fmt"
	"regexp"
	"strconv"
)

// tool is a program that records.
type tool struct {
	name, needs string
	command     func(file string, megabytes int) []string
	drops       *regexp.Regexp // where it says in the end how many packets the kernel dropped
}

// contenders are the tools that are compared; ours is the first.
func contenders(ours string) []tool {
	size := strconv.Itoa
	return []tool{
		{"dgram watch", ours, func(file string, megabytes int) []string {
			return []string{ours, "watch", device, filter, "--quiet", "--write", file, "--buffer", size(megabytes) + "MiB"}
		}, regexp.MustCompile(`(?m)^dropped +(\d+|none) by the system`)},
		{"dumpcap", "dumpcap", func(file string, megabytes int) []string {
			return []string{"dumpcap", "-q", "-p", "-i", device, "-f", filter, "-B", size(megabytes), "-w", file}
		}, regexp.MustCompile(`received/dropped on interface '.*': \d+/(\d+)`)},
		{"tcpdump", "tcpdump", func(file string, megabytes int) []string {
			return []string{"tcpdump", "-p", "-n", "-Z", "root", "-i", device, "-B", size(megabytes * 1024), "-w", file, filter}
		}, regexp.MustCompile(`(\d+) packets? dropped by kernel`)},
	}
}

// admitted is how many packets the tool says that the kernel dropped.
func (t tool) admitted(said string) (int, error) {
	found := t.drops.FindStringSubmatch(said)
	switch {
	case found == nil:
		return 0, fmt.Errorf("it does not say what the kernel dropped; it said: %s", said)
	case found[1] == "none":
		return 0, nil
	}
	return strconv.Atoi(found[1])
}
