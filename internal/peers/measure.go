//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"time"
)

// loaded is what the load says at its end.
type loaded struct {
	Seconds    float64 `json:"seconds"`
	Sent       int     `json:"sent"`
	Replies    int     `json:"replies"`
	AllReplies int     `json:"all_replies"` // with those of the warm-up
	Lost       int     `json:"lost"`
	Late       int     `json:"late"`
	Wrong      int     `json:"wrong"`
	Errors     int     `json:"errors"`
	P50        float64 `json:"p50_us"`
	P99        float64 `json:"p99_us"`
	Max        float64 `json:"max_us"`
}

// measurement is one turn of one server.
type measurement struct {
	Case      string  `json:"case"`
	Server    string  `json:"server"`
	Pass      int     `json:"pass"`
	Clean     bool    `json:"clean"` // its whole pass is
	Rate      float64 `json:"replies_per_second"`
	CPU       float64 `json:"cpu_us_per_reply"`
	RSS       float64 `json:"rss_mib"`
	Ready     float64 `json:"ready_ms"`
	Idle      float64 `json:"idle_cpu"` // share of a CPU before the load
	Foreign   float64 `json:"foreign"`  // share of a CPU that something else used
	CacheLine float64 `json:"cache_line_ns"`
	Apart     float64 `json:"cache_line_ratio"` // after the run to before it, the larger to the smaller
	loaded
}

// load puts the load on a server and returns how much CPU time the load itself used.
func load(ctx context.Context, t tools, p *process, flags []string, seconds float64) (loaded, time.Duration, error) {
	const warmup = 0.3
	ctx, cancel := context.WithTimeout(ctx, time.Duration((seconds+warmup)*1e9)+20*time.Second)
	defer cancel()
	args := append([]string{"--cpu", loadCPU, "--seconds", fmt.Sprint(seconds), "--warmup", fmt.Sprint(warmup)}, flags...)
	c := exec.CommandContext(ctx, t.path("load"), append(args, host, p.port)...)
	var l loaded
	out, err := c.Output()
	if err != nil {
		return l, 0, fmt.Errorf("load: %w", err)
	}
	if err := json.Unmarshal(out, &l); err != nil {
		return l, 0, fmt.Errorf("load said %q: %w", out, err)
	}
	return l, c.ProcessState.UserTime() + c.ProcessState.SystemTime(), nil
}

// measure starts a server, looks at it idle and under load, and ends it.
func measure(ctx context.Context, t tools, s server, flags []string, seconds float64) (measurement, error) {
	m := measurement{Server: s.name}
	p, err := start(ctx, t, s)
	if err != nil {
		return m, err
	}
	defer p.stop()
	m.Ready = p.ready.Seconds() * 1e3
	m.Idle = idle(p)
	before, err := cacheLine(ctx, t)
	if err != nil {
		return m, err
	}
	busyBefore, err := busy()
	if err != nil {
		return m, err
	}
	began, used := time.Now(), p.usage().cpu
	l, own, err := load(ctx, t, p, flags, seconds)
	if err != nil {
		return m, err
	}
	wall, after := time.Since(began), p.usage()
	busyAfter, err := busy()
	if err != nil {
		return m, err
	}
	later, err := cacheLine(ctx, t)
	if err != nil {
		return m, err
	}
	used = after.cpu - used
	m.loaded = l
	m.Rate = float64(l.Replies) / l.Seconds
	m.CPU = used.Seconds() * 1e6 / float64(max(l.AllReplies, 1))
	m.RSS = float64(after.rss) / 1024
	m.Foreign = max(0, (busyAfter-busyBefore-used-own).Seconds()/wall.Seconds())
	m.CacheLine = (before + later) / 2
	m.Apart = max(before, later) / max(1, min(before, later))
	return m, nil
}

// idle is the share of a CPU that a server uses when nobody asks it, after it has had a moment to settle.
func idle(p *process) float64 {
	time.Sleep(100 * time.Millisecond)
	began, used := time.Now(), p.usage().cpu
	time.Sleep(200 * time.Millisecond)
	return (p.usage().cpu - used).Seconds() / time.Since(began).Seconds()
}
