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
	rate    int  // datagrams a second; 0: as fast as they go
	train   int  // how many the kernel is given in one piece
	whole   bool // and they pass in one piece
	busy    bool // the tool shares its processor with a program that would take all of it, and has a quarter
}

// Where a tool has a processor for itself, a sender on the other one is too slow for small datagrams to bring any of these tools to its
// limit. On a busy processor each has one.
var workloads = []workload{
	{name: "64 bytes, flat out", payload: 64, train: 64},
	{name: "1,400 bytes, flat out", payload: 1400, train: 44},
	{name: "64 bytes, busy processor", payload: 64, train: 64, busy: true},
	{name: "1,400 bytes, busy processor", payload: 1400, train: 44, busy: true},
	{name: "64 bytes, 100,000/s", payload: 64, rate: 100_000, train: 1},
	{name: "64 bytes, whole trains, 500,000/s", payload: 64, rate: 500_000, train: 64, whole: true},
}

// result is one turn of one tool.
type result struct {
	tool, load string
	pass       int
	passed     int           // datagrams that came over the link while the tool captured
	captured   int           // datagrams in its file
	admitted   int           // that it says the kernel dropped for want of room
	took       time.Duration // of the load
	cpu        time.Duration // that the tool used, from its start to its end
	bytes      int64
}

func (r result) offeredRate() float64 { return float64(r.passed) / r.took.Seconds() }
func (r result) rate() float64        { return float64(r.captured) / r.took.Seconds() }
func (r result) lost() float64        { return max(0, 1-float64(r.captured)/float64(max(r.passed, 1))) }
func (r result) told() float64        { return float64(r.admitted) / float64(max(r.passed, 1)) }
func (r result) cpuPerPacket() float64 {
	return float64(r.cpu.Nanoseconds()) / float64(max(r.captured, 1))
}

// patience bounds the wait for a tool to listen, and to end.
const patience = 20 * time.Second

// measure gives one tool its turn.
func measure(ctx context.Context, o options, n network, t tool, w workload) (r result, err error) {
	r = result{tool: t.name, load: w.name}
	file := filepath.Join(o.folder, "capture.pcapng")
	defer func() { _ = os.Remove(file) }()
	if err = errors.Join(n.trains(w.whole), warm(file, o, w)); err != nil {
		return r, err
	}
	p, err := listen(ctx, n, t.command(file, o.buffer))
	if err != nil {
		return r, err
	}
	before := p.received()
	if r.took, err = offer(ctx, o, n, w); err != nil {
		_ = p.stop()
		return r, err
	}
	r.passed = p.received() - before
	if w.whole {
		r.passed *= w.train
	}
	if err := p.stop(); err != nil {
		return r, err
	}
	r.cpu = p.command.ProcessState.UserTime() + p.command.ProcessState.SystemTime()
	if r.admitted, err = t.admitted(p.said.String()); err != nil {
		return r, err
	}
	if w.whole {
		r.admitted *= w.train // each tool counts what the kernel did, and that is pieces
	}
	r.captured, r.bytes, err = count(file, w.payload)
	return r, err
}

// warm fills as much memory with a file as the tool will, and gives it back: whoever is the first to use memory of a virtual machine waits for
// it ten times as long as for the writing.
func warm(file string, o options, w workload) error {
	const most = 2_000_000 // datagrams a second
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	piece := make([]byte, 1<<20)
	for left := int(o.seconds.Seconds() * most * float64(min(w.payload, 600)+100)); left > 0 && err == nil; left -= len(piece) {
		_, err = f.Write(piece)
	}
	return errors.Join(err, f.Close(), os.Remove(file))
}

// offer sends the datagrams, with a busy program on the tool's processor if the workload has one, and returns how long it took.
func offer(ctx context.Context, o options, n network, w workload) (time.Duration, error) {
	me, err := os.Executable()
	if err != nil {
		return 0, err
	}
	if w.busy {
		words := inside(n.right, "1", spinning, []string{me, "spin"})
		c := exec.CommandContext(ctx, words[0], words[1:]...)
		if err := c.Start(); err != nil {
			return 0, err
		}
		defer func() { _ = errors.Join(c.Process.Kill(), c.Wait()) }()
	}
	words := inside(n.left, "0", sending, []string{me, "load", sink + ":" + port, fmt.Sprint(w.payload), fmt.Sprint(o.seconds.Seconds()), fmt.Sprint(w.rate), fmt.Sprint(w.train)})
	out, err := exec.CommandContext(ctx, words[0], words[1:]...).Output()
	var sent int
	var seconds float64
	if _, scanErr := fmt.Sscan(string(out), &sent, &seconds); err != nil || scanErr != nil {
		return 0, fmt.Errorf("the load said %q: %w", out, errors.Join(err, scanErr))
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// listener is a tool that captures.
type listener struct {
	command *exec.Cmd
	network network
	said    *strings.Builder
}

// listen starts a tool and waits until the kernel has a packet socket of its on the device.
func listen(ctx context.Context, n network, command []string) (*listener, error) {
	command = inside(n.right, "1", recording, command)
	p := &listener{command: exec.CommandContext(ctx, command[0], command[1:]...), network: n, said: &strings.Builder{}}
	p.command.Stderr = p.said
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if p.listens() {
			time.Sleep(200 * time.Millisecond) // for what it prepares after that
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

// stop ends the tool as a person does, after a moment in which it may write what it has: tcpdump is given a block only when it is full or a
// second old.
func (p *listener) stop() error {
	time.Sleep(1200 * time.Millisecond)
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

// count reads a capture to its end, and tells how many datagrams of that payload are in it: a train is as many as it has.
func count(file string, payload int) (datagrams int, bytes int64, err error) {
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
			return datagrams, info.Size(), nil
		case err != nil:
			return datagrams, info.Size(), err
		}
		datagrams += max((f.Length-heads)/payload, 1)
	}
}

// heads is how long the headers of a frame are: Ethernet, IPv4, UDP.
const heads = 14 + 20 + 8
