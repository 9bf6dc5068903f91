//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	host      = "127.0.0.1"
	loadCPU   = "0"
	serverCPU = "1"
)

// process is a running server, with whatever it has started itself, in a process group of its own.
type process struct {
	command *exec.Cmd
	port    string
	ready   time.Duration // from its start to its first answer
	ended   chan struct{}
	log     *os.File
}

// errStart is the error of a server that cannot be had here.
var errStart = errors.New("did not start")

// start runs a server and waits until it answers.
func start(ctx context.Context, t tools, s server) (*process, error) {
	if _, err := exec.LookPath(s.needs); err != nil {
		return nil, fmt.Errorf("%w: there is no %s on this machine", errStart, s.needs)
	}
	log, err := os.Create(t.path("log"))
	if err != nil {
		return nil, err
	}
	p := &process{port: freePort(), ended: make(chan struct{}), log: log}
	p.command = exec.Command("taskset", append([]string{"-c", serverCPU}, s.args(t.dir, host, p.port)...)...)
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	began := time.Now()
	if err := p.command.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	go func() {
		_ = p.command.Wait()
		close(p.ended)
	}()
	if err := p.await(ctx, began); err != nil {
		said, _ := os.ReadFile(log.Name())
		p.stop()
		line, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
		return nil, fmt.Errorf("%w: %w: %s", errStart, err, line)
	}
	return p, nil
}

// freePort is one that was free a moment ago: half of the servers cannot say which they got.
func freePort() string {
	conn, err := net.ListenPacket("udp4", host+":0")
	if err != nil {
		return "0"
	}
	defer func() { _ = conn.Close() }()
	return strconv.Itoa(conn.LocalAddr().(*net.UDPAddr).Port)
}

// await asks until there is an answer, for ten seconds.
func (p *process) await(ctx context.Context, began time.Time) error {
	conn, err := net.Dial("udp4", net.JoinHostPort(host, p.port))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	answer := make([]byte, 16)
	for time.Since(began) < 10*time.Second {
		if _, err := conn.Write([]byte("ready?")); err == nil {
			// The first answer of a server that has to start something takes longer; it answers every question once.
			_ = conn.SetReadDeadline(time.Now().Add(min(time.Since(began)/4+time.Millisecond, time.Second)))
			if n, err := conn.Read(answer); err == nil && string(answer[:n]) == "READY?" {
				p.ready = time.Since(began)
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
			return errors.New("ended at once")
		case <-time.After(200 * time.Microsecond):
		}
	}
	return errors.New("no right answer within 10 s")
}

func (p *process) stop() {
	_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
	<-p.ended
	_ = p.log.Close()
}

// usage is what the process group has used and holds.
type usage struct {
	cpu time.Duration
	rss int // KiB
}

func (p *process) usage() usage {
	var u usage
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		u.add(filepath.Dir(name), p.command.Process.Pid)
	}
	return u
}

// add adds a process of the group: what its threads ran (schedstat, in ns) and what children used that it has waited for (in ticks of 10 ms). Of a
// process that has just ended nothing can be read, and its parent has it.
func (u *usage) add(dir string, group int) {
	text, _ := os.ReadFile(dir + "/stat")
	_, after, _ := strings.Cut(string(text), ") ") // after the name, which may have spaces: state, parent, group (proc_pid_stat(5))
	f := strings.Fields(after)
	if len(f) < 22 || f[2] != strconv.Itoa(group) {
		return
	}
	u.cpu += time.Duration(number(f[13])+number(f[14])) * 10 * time.Millisecond
	u.rss += number(f[21]) * os.Getpagesize() / 1024
	tasks, _ := filepath.Glob(dir + "/task/*/schedstat")
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		if f := strings.Fields(string(text)); len(f) > 0 {
			u.cpu += time.Duration(number(f[0]))
		}
	}
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
