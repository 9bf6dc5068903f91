package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dgram/internal/testnet"
)

// A server that nobody asks leaves the processor alone. Idle ones take about 0.3 ms in each second; whoever looks again and again, or is woken
// every few microseconds, takes fifty times the bound. What is counted is time on a processor, to which it is all the same how busy the machine is.
func TestServeIdle(t *testing.T) {
	testnet.NotUnderRace(t, "it counts processor time")
	const period, bound = time.Second, 20 * time.Millisecond
	servers := map[string]*served{}
	for _, flags := range []string{"", "--portable", "--shards 2", "--json --takeover " + filepath.Join(t.TempDir(), "door"), "--metrics 127.0.0.1:0", "--spin"} {
		args := append([]string{"serve", "127.0.0.1:0"}, strings.Fields(flags)...)
		servers[flags] = serveWith(t, exec.Command(self(t), args...))
	}
	before := map[string]time.Duration{}
	for flags, s := range servers {
		before[flags] = onProcessor(t, s.cmd.Process.Pid)
	}
	<-time.After(period) // this is what is tested, not what is waited for
	for flags, s := range servers {
		took := onProcessor(t, s.cmd.Process.Pid) - before[flags]
		if spins := flags == "--spin"; took > bound != spins { // one that spins shows that the bound can be passed
			t.Errorf("serve %s took %v of %v", flags, took, period)
		}
		t.Logf("serve %s: %v", flags, took)
	}
}

// onProcessor is how long the threads of a process have run (schedstat, Linux's Documentation/scheduler/sched-stats.rst).
func onProcessor(t *testing.T, pid int) (sum time.Duration) {
	t.Helper()
	for _, text := range ofThreads(t, pid, "schedstat") {
		var run int64
		if _, err := fmt.Sscan(text, &run); err != nil {
			t.Fatalf("schedstat says %q", text)
		}
		sum += time.Duration(run)
	}
	return sum
}
