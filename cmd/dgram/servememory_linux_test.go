package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"dgram"
	"dgram/internal/testnet"
)

// A server takes 16 MiB and the memory of its batch at most. How much of a program's file is in memory is up to the system, which maps what it happens
// to have, in pieces of its own choice: so all of the file is counted. What the process has of its own is bounded by itself, and one flow's small
// requests touch little of the batch.
func TestServeIsSmall(t *testing.T) {
	testnet.NotUnderRace(t, "it is about the program's memory, and that of the race detector is not")
	if os.Getpagesize() != 4096 {
		t.Skipf("this system hands out memory by %d bytes, and the figures are about 4,096", os.Getpagesize())
	}
	binary := filepath.Join(t.TempDir(), "dgram")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := serveInSmallPages(t, exec.Command(binary, "serve", "127.0.0.1:0", "--quiet"))
	askUpper(t, s.addr, 1000)
	own, mapped := residentMemory(t, s.cmd.Process.Pid, "RssAnon"), residentMemory(t, s.cmd.Process.Pid, "RssFile")
	file, batch := loadedSize(t, binary), batchSize(t)
	t.Logf("KiB: own %d, mapped %d, of a program of %d; batch %d", own>>10, mapped>>10, file>>10, batch>>10)
	if most := int64(5 << 20); own > most {
		t.Errorf("%d KiB of its own, more than %d: look at what packages make at their start (GODEBUG=inittrace=1) and at what serve makes", own>>10, most>>10)
	}
	if most := 16<<20 + batch; own+max(file, mapped) > most {
		t.Errorf("%d KiB of its own and %d of files are more than %d: see what the program is made of (go tool nm -size -sort size)",
			own>>10, max(file, mapped)>>10, most>>10)
	}
	s.stop(t)
}

// serveInSmallPages starts a server that gets no memory in huge pages, of which one touched byte counts 2 MiB, and as many threads as on two processors.
func serveInSmallPages(t *testing.T, cmd *exec.Cmd) *served {
	t.Helper()
	const disableHugePages = 41 // PR_SET_THP_DISABLE, prctl(2): inherited by what this process starts
	set := func(on uintptr) {
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, disableHugePages, on, 0, 0, 0, 0); errno != 0 {
			t.Log("prctl:", errno)
		}
	}
	set(1)
	defer set(0)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=3", "GOGC=", "GOMEMLIMIT=", "GODEBUG=")
	return serveWith(t, cmd)
}

// askUpper sends n requests, one after the other, and sees each answered.
func askUpper(t *testing.T, address string, n int) {
	t.Helper()
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	reply := make([]byte, 100)
	for i := range n {
		request := fmt.Appendf(nil, "request %56d", i)
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
		got, err := conn.Read(reply)
		if err != nil || !bytes.Equal(reply[:got], bytes.ToUpper(request)) {
			t.Fatalf("%q is answered with %q: %v", request, reply[:got], err)
		}
	}
}

// residentMemory reads a field of /proc/PID/status (proc_pid_status(5)), in bytes.
func residentMemory(t *testing.T, pid int, field string) int64 {
	t.Helper()
	var kib int64
	if _, err := fmt.Sscan(statusOf(t, pid)[0][field], &kib); err != nil { // the threads have one memory
		t.Fatalf("%s: %v", field, err)
	}
	return kib << 10
}

// loadedSize is how much of a program's file belongs into memory: without symbols and what debuggers read.
func loadedSize(t *testing.T, binary string) (n int64) {
	t.Helper()
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			n += int64(p.Filesz)
		}
	}
	return n
}

// batchSize is what is made for a socket of a server: the batch that it receives into, and what it sends with.
func batchSize(t *testing.T) int64 {
	t.Helper()
	c, err := dgram.ListenEndpoint(dgram.MustParseEndpoint("127.0.0.1:0"), dgram.Options{AutoGRO: func(bool) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b := c.NewBatch(64) // server.Config.Batch
	d := b.Append()
	d.Peer, d.Data = c.Local(), []byte("x")
	if err := c.Send(b); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}
