package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"dgram/internal/testnet"
	"dgram/wire"
	"dgram/wire/pcapfile"
)

// dissected is a file as tshark shows it, a packet a line; it must have nothing to say against the file, nor capinfos.
func dissected(t *testing.T, path string, fields ...string) []string {
	t.Helper()
	args := []string{"-r", path, "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator=;"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out := wireshark(t, "tshark", args...)
	if info := wireshark(t, "capinfos", path); !strings.Contains(info, "rebuilt") {
		t.Errorf("the section's comment does not say that headers are rebuilt:\n%s", info)
	}
	return strings.Split(strings.TrimSpace(out), "\n")
}

func wireshark(t *testing.T, name string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, errs.String())
	}
	for line := range strings.Lines(errs.String()) {
		if !strings.HasPrefix(line, "Running as user") {
			t.Errorf("%s %s: %s", name, args[len(args)-1], line)
		}
	}
	return out.String()
}

var milliseconds = regexp.MustCompile(`after [0-9]+\.[0-9]{3} m?s`)

// Both ends record what they exchange, over every transport, and tshark sees it as it was.
func TestPcapAsTshark(t *testing.T) {
	testnet.NotUnderRace(t, "it is about what tshark reads")
	testnet.Need(t, "tshark", "capinfos")
	binary := self(t)
	for _, c := range []struct{ name, address, bind string }{
		{"IPv4", "127.0.0.1:0", ""}, {"IPv6", "[::1]:0", ""}, {"wildcard", "0.0.0.0:0", ""}, {"unix", "unixgram:", "unixgram:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			servers, callers := filepath.Join(dir, "s.pcapng"), filepath.Join(dir, "c.pcapng")
			if c.name == "unix" {
				c.address += filepath.Join(dir, "s")
			}
			s, err := startServe(t, binary, c.address, "--pcap", servers, "--stage", `rule:"no" => ignore`, "--stage", "upper")
			if err != nil {
				t.Fatal(err)
			}
			target := strings.Replace(s.at.URL(), "0.0.0.0", "127.0.0.1", 1)
			cmd := exec.Command(binary, "call", target, "--pcap", callers, "--timeout", "200ms", "--tries", "2")
			cmd.Stdin = strings.NewReader("hello\nno\n")
			cmd.Stderr = io.Discard
			start(t, cmd)
			exitsWith(t, cmd, exitSilent)
			stop(t, s)
			want := []string{
				"hello;0x00000001;answered by No. 2 T", "HELLO;0x00000002;reply to No. 1 T",
				"no;0x00000001;ignored: no reply was wanted", "no;0x00000001;ignored: no reply was wanted",
			}
			sameLines(t, dissected(t, servers, "data.data", "frame.packet_flags_direction", "frame.comment"), want)
			want = []string{
				"hello;0x00000002;in flight", "HELLO;0x00000001;reply to No. 1 T",
				"no;0x00000002;in flight", "no;0x00000002;retry of No. 3, which had no reply T",
			}
			sameLines(t, dissected(t, callers, "data.data", "frame.packet_flags_direction", "frame.comment"), want)
			if c.name == "unix" {
				for line := range strings.Lines(wireshark(t, "tshark", "-r", servers)) {
					if !strings.Contains(line, " UNIX ") {
						t.Errorf("a unix datagram is shown as %q", line)
					}
				}
				return
			}
			addresses(t, servers, s.at.Port())
			addresses(t, callers, s.at.Port())
		})
	}
}

// addresses holds that every packet is between loopback's ends, with right checksums and the server's port on the right side.
func addresses(t *testing.T, path string, port uint16) {
	t.Helper()
	for i, line := range dissected(t, path, "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "udp.checksum.status", "udp.srcport", "udp.dstport") {
		f := strings.Split(line, ";")
		if len(f) != 7 {
			t.Fatalf("%q", line)
		}
		src, dst := f[0]+f[1], f[2]+f[3]
		if src != dst || src != "127.0.0.1" && src != "::1" || f[4] != "1" {
			t.Errorf("%s: packet %d is %q", path, i+1, line)
		}
		if at := 5 + (i+1)%2*1; i < 2 && f[at] != fmt.Sprint(port) {
			t.Errorf("%s: packet %d is %q; the server's port is %d", path, i+1, line, port)
		}
	}
}

// sameLines compares what tshark shows, payloads as text and times left out.
func sameLines(t *testing.T, got, want []string) {
	t.Helper()
	for i := range got {
		hexed, rest, _ := strings.Cut(got[i], ";")
		var payload []byte
		if _, err := fmt.Sscanf(hexed, "%x", &payload); err != nil {
			t.Errorf("%q: %v", got[i], err)
		}
		got[i] = string(payload) + ";" + milliseconds.ReplaceAllString(rest, "T")
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("tshark shows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func stop(t *testing.T, s *serving) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, s.out)
	exitsWith(t, s.cmd, 0)
}

// countFile reads a capture to its end, which must be one.
func countFile(t *testing.T, path string) (packets int, drops uint64, comment string) {
	t.Helper()
	r, err := pcapfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		var f wire.Frame
		err := r.Next(&f)
		if errors.Is(err, io.EOF) {
			return packets, r.Drops(), r.Comment()
		}
		if err != nil {
			t.Fatal(err)
		}
		packets++
	}
}

// A server that is killed at any moment, under load, leaves a file that reads to its end.
func TestPcapKilled(t *testing.T) {
	testnet.Need(t, "tshark", "capinfos")
	binary := self(t)
	for i := range 6 {
		path := filepath.Join(t.TempDir(), "k.pcapng")
		s, err := startServe(t, binary, "127.0.0.1:0", "--stage", "echo", "--pcap", path)
		if err != nil {
			t.Fatal(err)
		}
		w := startWork(t, s.at)
		grown(t, path, int64(i+1)*200<<10)
		if err := s.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = s.cmd.Wait()
		close(w.stop)
		packets, _, _ := countFile(t, path)
		if packets < 500 {
			t.Errorf("only %d packets in the file", packets)
		}
		if i == 0 {
			dissected(t, path, "frame.number")
		}
	}
}

// grown waits until a file has so many bytes.
func grown(t *testing.T, path string, size int64) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Microsecond) {
		if info, err := os.Stat(path); err == nil && info.Size() >= size {
			return
		}
	}
	t.Fatalf("%s does not grow to %d bytes", path, size)
}

// A disk that is full is said once; serving goes on.
func TestPcapFullDisk(t *testing.T) {
	binary := self(t)
	if _, err := startServe(t, binary, "127.0.0.1:0", "--pcap", "/dev/full"); err == nil {
		t.Fatal("a file that cannot take its header is none")
	}
	limited := exec.Command("sh", "-c", `ulimit -f 8; trap "" XFSZ; exec "$0" "$@"`, binary, "serve", "127.0.0.1:0", "--stage", "echo", "--json", "--quiet", "--pcap", filepath.Join(t.TempDir(), "f.pcapng"))
	s, err := runServe(t, limited)
	if err != nil {
		t.Fatal(err)
	}
	w := startWork(t, s.at)
	for end := time.Now().Add(patience); w.sent.Load() < 20000 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	close(w.stop)
	if err := <-w.done; err != nil {
		t.Errorf("with a full disk: %v", err)
	}
	stop(t, s)
	if n := strings.Count(s.stderr.String(), "nothing more is recorded"); n != 1 {
		t.Errorf("said %d times: %s", n, s.stderr.String())
	}
}

// With --user and confinement the file, which was opened before, is still written.
func TestPcapConfined(t *testing.T) {
	needRoot(t)
	binary, path := self(t), filepath.Join(t.TempDir(), "u.pcapng")
	s, err := startServe(t, binary, "127.0.0.1:0", "--user", "nobody", "--pcap", path)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "call", s.at.String(), "hello")
	start(t, cmd)
	exitsWith(t, cmd, 0)
	stop(t, s)
	if n, drops, comment := countFile(t, path); n != 2 || drops != 0 || !strings.Contains(comment, "2 packets recorded; 0 left out") {
		t.Errorf("%d packets, %d drops, %q", n, drops, comment)
	}
}

// bench records too: every request has its reply, or what is not there is counted.
func TestPcapBench(t *testing.T) {
	testnet.Need(t, "tshark", "capinfos")
	binary, path := self(t), filepath.Join(t.TempDir(), "b.pcapng")
	s, err := startServe(t, binary, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, transport := range []string{"--portable=false", "--portable"} {
		cmd := exec.Command(binary, "bench", s.at.String(), "--rate", "2000", "--flows", "3", "--duration", "300ms", "--warmup", "0", "--quiet", "--pcap", path, transport)
		start(t, cmd)
		_ = cmd.Wait() // valid or not, as busy as this machine is
		replies := 0
		lines := dissected(t, path, "frame.comment", "udp.srcport", "udp.checksum.status")
		for _, line := range lines {
			if strings.HasPrefix(line, "reply to No. ") {
				replies++
			}
			if !strings.HasSuffix(line, ";1") || !strings.HasPrefix(line, "in flight;") && !strings.Contains(line, fmt.Sprint(";", s.at.Port(), ";")) {
				t.Errorf("%q", line)
			}
		}
		if n := len(lines); n < 600 || replies < n/2-20 {
			t.Errorf("%s: %d packets, %d of them replies", transport, n, replies)
		}
	}
	stop(t, s)
}
