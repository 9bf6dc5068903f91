package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// The manager hears of an idle server twice in the watchdog's time, of one that stands still nothing, and of one that goes on again.
func TestServeFeedsTheWatchdog(t *testing.T) {
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	const patience = 400 * time.Millisecond
	cmd := exec.Command(self(t), "serve", "127.0.0.1:0", "--quiet", "--shards", "2")
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+manager.LocalAddr().String(), "WATCHDOG_USEC=400000")
	s := serveWith(t, cmd)
	told(t, manager, "READY=1", &s.stderr)
	began := time.Now()
	for range 5 {
		told(t, manager, "WATCHDOG=1", &s.stderr)
	}
	if took := time.Since(began); took < 3*patience/2 {
		t.Errorf("five signs of life in %v, want one in %v", took, patience/2)
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(patience / 8) // what was on its way
	for err == nil {
		_ = manager.SetReadDeadline(time.Now().Add(2 * patience)) // what is measured is time
		_, err = manager.Read(make([]byte, 100))
		if time.Since(began) > 20*patience {
			t.Fatal("it stands still, and gives signs of life")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	told(t, manager, "WATCHDOG=1", &s.stderr)
	if r := runCall(t, "", s.addr, "hello"); r.code != 0 {
		t.Errorf("it answers %+v", r)
	}
	_, errs := s.stop(t)
	p := make([]byte, 100)
	for {
		_ = manager.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := manager.Read(p)
		if err != nil {
			t.Fatalf("it never said that it stops: %v: %s", err, errs)
		}
		if string(p[:n]) == "STOPPING=1" {
			return
		}
	}
}
