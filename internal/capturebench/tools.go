//go:build linux

package main

import "strconv"

// tool is a program that records.
type tool struct {
	name, needs string
	command     func(file string, megabytes int) []string
}

// contenders are the tools that are compared; ours is the first.
func contenders(ours string) []tool {
	size := strconv.Itoa
	return []tool{
		{"dgram watch", ours, func(file string, megabytes int) []string {
			return []string{ours, "watch", device, filter, "--quiet", "--write", file, "--buffer", size(megabytes) + "MiB"}
		}},
		{"dumpcap", "dumpcap", func(file string, megabytes int) []string {
			return []string{"dumpcap", "-q", "-p", "-i", device, "-f", filter, "-B", size(megabytes), "-w", file}
		}},
		{"tcpdump", "tcpdump", func(file string, megabytes int) []string {
			return []string{"tcpdump", "-p", "-n", "-Z", "root", "-i", device, "-B", size(megabytes * 1024), "-w", file, filter}
		}},
	}
}
