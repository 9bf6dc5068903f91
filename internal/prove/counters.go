//go:build linux

package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"dgram/internal/testnet"
)

// counters are what the kernel of one namespace has counted: "Udp.InDatagrams", "Ip.InReceives", "Udp6InDatagrams" (proc_net(5), snmp and
// snmp6), and of the link "tx_dropped" and "rx_dropped".
type counters map[string]uint64

// count reads them.
func (w *world) read(n *testnet.NS) counters {
	w.Helper()
	c := counters{}
	n.Do(func() {
		for _, name := range []string{"snmp", "netstat"} {
			c.pairs(slurp(w.proof, "/proc/thread-self/net/"+name))
		}
		if text, err := os.ReadFile("/proc/thread-self/net/snmp6"); err == nil { // there is none without IPv6
			c.lines(string(text))
		}
		c.link(slurp(w.proof, "/proc/thread-self/net/dev"), n.Link)
	})
	return c
}

func slurp(p *proof, name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		p.Fatal(err)
	}
	return string(text)
}

// pairs reads the form in which a line of names is followed by one of values.
func (c counters) pairs(text string) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		for j := 1; j < min(len(names), len(values)); j++ {
			c[strings.TrimSuffix(names[0], ":")+"."+names[j]], _ = strconv.ParseUint(values[j], 10, 64)
		}
	}
}

func (c counters) lines(text string) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 2 {
			c[f[0]], _ = strconv.ParseUint(f[1], 10, 64)
		}
	}
}

// link reads one device's line of /proc/net/dev: eight numbers received, then eight sent, of which the fourth are drops.
func (c counters) link(text, name string) {
	for line := range strings.Lines(text) {
		device, rest, ok := strings.Cut(line, ":")
		if f := strings.Fields(rest); ok && strings.TrimSpace(device) == name && len(f) >= 16 {
			c["rx_packets"], _ = strconv.ParseUint(f[1], 10, 64)
			c["rx_dropped"], _ = strconv.ParseUint(f[3], 10, 64)
			c["tx_packets"], _ = strconv.ParseUint(f[9], 10, 64)
			c["tx_dropped"], _ = strconv.ParseUint(f[11], 10, 64)
		}
	}
}

// since returns what was counted between then and c.
func (c counters) since(then counters) counters {
	d := counters{}
	for name, n := range c {
		d[name] = n - then[name]
	}
	return d
}

// eventually waits until f reports true, and fails the proof when that takes longer than it may.
func (p *proof) eventually(what string, within time.Duration, f func() bool) {
	p.Helper()
	for deadline := time.Now().Add(within); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.Fatalf("%s: not within %v", what, within)
		}
	}
}

// still waits until f has returned the same number for a while.
func (p *proof) still(what string, within time.Duration, f func() uint64) {
	p.Helper()
	last, since := f(), time.Now()
	p.eventually(what, within, func() bool {
		if now := f(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 150*time.Millisecond
	})
}
