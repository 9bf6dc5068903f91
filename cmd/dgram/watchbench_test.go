package main

import (
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dgram/internal/testnet"
	"dgram/wire"
	"dgram/wire/pcapfile"
)

// writePairs writes so many packets, every second one the reply to the one before, of 20,000 flows.
func writePairs(b *testing.B, packets int) string {
	b.Helper()
	name := filepath.Join(b.TempDir(), "pairs.pcapng")
	w, err := pcapfile.Create(name, pcapfile.WriterConfig{Interfaces: []wire.Interface{{Name: "x", Link: wire.LinkRaw}}})
	if err != nil {
		b.Fatal(err)
	}
	server, at := netip.MustParseAddrPort("10.0.0.1:5000"), time.Now().UnixNano()
	var data []byte
	add := func(src, dst netip.AddrPort, payload string) {
		at += 1000
		data = wire.AppendUDP(data[:0], src, dst, 64, 0, []byte(payload))
		if err := w.Add(&wire.Frame{Time: at, Data: data, Length: len(data), Link: wire.LinkRaw}); err != nil {
			b.Fatal(err)
		}
	}
	for i := range packets / 2 {
		client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i % 200), byte(i / 200 % 100)}), uint16(20000+i%1000))
		add(client, server, fmt.Sprintf("request %d", i))
		add(server, client, fmt.Sprintf("REQUEST %d", i))
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return name
}

// BenchmarkWatchBesideTshark reads the same file with both programs, each process with its output to a pipe, and reports how many times as
// fast dgram watch is.
func BenchmarkWatchBesideTshark(b *testing.B) {
	testnet.Need(b, "tshark")
	const packets = 400_000
	file, dgram := writePairs(b, packets), self(b)
	// What tshark prints without -T are the columns: number, time, addresses, protocol, length, info.
	ours := func() []string { return []string{dgram, "watch", file} }
	theirs := func() []string { return []string{"tshark", "-n", "-r", file} }
	var mine, other time.Duration
	for range b.N {
		mine += timed(b, ours()...)
		other += timed(b, theirs()...)
	}
	b.ReportMetric(float64(packets*b.N)/mine.Seconds(), "packets/s")
	b.ReportMetric(other.Seconds()/mine.Seconds(), "x-tshark")
}

// timed runs a program to its end, reading what it prints, and returns how long that took.
func timed(b *testing.B, args ...string) time.Duration {
	b.Helper()
	begin := time.Now()
	out, err := exec.Command(args[0], args[1:]...).Output()
	if err != nil || strings.Count(string(out), "\n") < 400_000 {
		b.Fatalf("%s: %d bytes, %v", args[0], len(out), err)
	}
	return time.Since(begin)
}
