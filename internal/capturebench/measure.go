//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"dgram/wire"
	"dgram/wire/pcapfile"
)

// workload is traffic of one kind.
type workload struct {
	name    string
	payload int
	rate    int // datagrams a second; 0: as fast as they go
}

var workloads = []workload{
	{"64 bytes, flat out", 64, 0},
	{"1,400 bytes, flat out", 1400, 0},
	{"64 bytes, 100,000/s", 64, 100_000},
}

// result is one turn of one tool.
type result struct {
	tool, load string
	pass       int
	passed     int           // packets that came over the link while the tool captured
	captured   int           // packets in its file
	took       time.Duration // of the load
	cpu        time.Duration // that the tool used, from its start to its end
	bytes      int64
}

func (r result) offeredRate() float64 { return float64(r.passed) / r.took.Seconds() }
func (r result) rate() float64        { return float64(r.captured) / r.took.Seconds() }
func (r result) lost() float64        { return max(0, 1-float64(r.captured)/float64(max(r.passed, 1))) }
func (r result) cpuPerPacket() float64 {
	return float64(r.cpu.Nanoseconds()) / float64(max(r.captured, 1))
}

// patience bounds the wait for a tool to listen, and to end.
const patience = 20 * time.Second

// measure gives one tool its turn.
func measure(ctx context.Context, o options, n network, t tool, w workload) (result, error) {
	r := result{tool: t.name, load: w.name}
	file := filepath.Join(o.folder, "capture.pcapng")
	defer func() { _ = os.Remove(file) }()
	p, err := listen(ctx, n, t.command(file, o.buffer))
	if err != nil {
		return r, err
	}
	before := p.received()
	me, err := os.Executable()
	if err != nil {
		return r, err
	}
	sender := inside(n.left, "0", []string{me, "load", sink + ":" + port, fmt.Sprint(w.payload), fmt.Sprint(o.seconds.Seconds()), fmt.Sprint(w.rate)})
	out, err := exec.CommandContext(ctx, sender[0], sender[1:]...).Output()
	var sent int
	var seconds float64
	if _, scanErr := fmt.Sscan(string(out), &sent, &seconds); err != nil || scanErr != nil {
		_ = p.stop()
		return r, fmt.Errorf("the load said %q: %w", out, errors.Join(err, scanErr))
	}
	r.passed, r.took = p.received()-before, time.Duration(seconds*float64(time.Second))
	if err := p.stop(); err != nil {
		return r, err
	}
	r.cpu = p.command.ProcessState.UserTime() + p.command.ProcessState.SystemTime()
	r.captured, r.bytes, err = count(file)
	return r, err
}

// listener is a tool that captures.
type listener struct {
	command *exec.Cmd
	network network
	said    *strings.Builder
}

// listen starts a tool and waits until the kernel has a packet socket of its on the device.
func listen(ctx context.Context, n network, command []string) (*listener, error) {
	command = inside(n.right, "1", command)
	p := &listener{command: exec.CommandContext(ctx, command[0], command[1:]...), network: n, said: &strings.Builder{}}
	p.command.Stderr = p.said
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if p.listens() {
			return p, nil
		}
	}
	_ = p.stop()
	return nil, fmt.Errorf("it did not listen within %v; it said: %s", patience, p.said)
}

// listens looks for a running packet socket with a receive queue in the tool's namespace (packet(7), /proc/net/packet).
func (p *listener) listens() bool {
	its, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", p.command.Process.Pid))
	if err != nil {
		return false
	}
	if ours, err := os.Stat("/run/netns/" + p.network.right); err != nil || !os.SameFile(its, ours) {
		return false // it is on its way there
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/packet", p.command.Process.Pid))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 5 && f[3] == "0003" && f[5] == "1" { // every protocol, running
			return true
		}
	}
	return false
}

// received is how many packets the device in the tool's namespace has received.
func (p *listener) received() int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/dev", p.command.Process.Pid))
	for line := range strings.Lines(string(b)) {
		name, counts, _ := strings.Cut(strings.TrimSpace(line), ":")
		var bytes, packets int
		if _, err := fmt.Sscan(counts, &bytes, &packets); name == device && err == nil {
			return packets
		}
	}
	return 0
}

// stop ends the tool as a person does, after a moment in which it may write what it has.
func (p *listener) stop() error {
	time.Sleep(300 * time.Millisecond)
	_ = p.command.Process.Signal(syscall.SIGINT)
	ended := make(chan error, 1)
	go func() { ended <- p.command.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("it ended with %w; it said: %s", err, p.said)
		}
		return nil
	case <-time.After(patience):
		return fmt.Errorf("it did not end within %v (%w); it said: %s", patience, errors.Join(p.command.Process.Kill(), <-ended), p.said)
	}
}

// count reads a capture to its end.
func count(file string) (packets int, bytes int64, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, 0, err
	}
	source, err := pcapfile.Open(file)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = source.Close() }()
	var f wire.Frame
	for {
		switch err := source.Next(&f); {
		case errors.Is(err, io.EOF):
			return packets, info.Size(), nil
		case err != nil:
			return packets, info.Size(), err
		}
		packets++
	}
}
