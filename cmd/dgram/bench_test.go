package main

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"dgram/bench"
	"dgram/internal/testpty"
)

// Ctrl-C in the middle: the code is 130, and the figures, the page and the log are those of what ran.
func TestBenchInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process there cannot be sent an interrupt")
	}
	dir := t.TempDir()
	report := filepath.Join(dir, "run.html")
	cmd := exec.Command(self(t), "bench", upperServer(t), "--duration", "1h", "--warmup", "0", "--json", "--report", report)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, cmd)
	// The half-written page is there from before the first datagram on. A second later there is something to report.
	waitFor(t, func() bool { names, _ := filepath.Glob(filepath.Join(dir, ".run.html.*")); return len(names) == 1 })
	time.Sleep(1200 * time.Millisecond) // what is measured is time
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its state tells
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	runs, err := bench.ReadResults(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if r := runs[0]; !r.Interrupted || r.Totals.Answered == 0 || r.Elapsed < 500*time.Millisecond || len(r.Seconds) == 0 {
		t.Errorf("interrupted %v, %d answered in %v, %d seconds", r.Interrupted, r.Totals.Answered, r.Elapsed, len(r.Seconds))
	}
	page, err := os.ReadFile(report)
	if err != nil || !strings.Contains(string(page), "interrupted") && !strings.Contains(string(page), "INVALID") {
		t.Errorf("the page: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func waitFor(t *testing.T, what func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !what(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came")
		}
	}
}

// The JSON of a run has these fields, and another program may rely on them.
func TestBenchJSONShape(t *testing.T) {
	var stdout strings.Builder
	code := run(t.Context(), []string{"bench", upperServer(t), "--duration", "300ms", "--warmup", "50ms", "--json", "--quiet"}, nil, &stdout, io.Discard)
	if code != exitOK && code != exitInvalid {
		t.Fatalf("exit code %d", code)
	}
	if strings.Count(stdout.String(), "\n") != 1 {
		t.Errorf("not one line: %.200s", stdout.String())
	}
	var r map[string]any
	if err := json.Unmarshal([]byte(stdout.String()), &r); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"schema", "settings.target", "settings.flows", "settings.timeout_ns", "environment.kernel", "environment.cpu", "started", "elapsed_ns",
		"outcome", "valid", "why", "rates.offered", "rates.achieved", "rates.answered", "totals.sent", "totals.answered", "totals.lost", "warmup.sent",
		"latency.count", "latency.censored", "latency.quantiles", "latency.hdr", "scheduling.quantiles", "loss.places", "loss.server", "cpu.user_ns", "seconds",
	} {
		at := any(r)
		for _, name := range strings.Split(path, ".") {
			object, _ := at.(map[string]any)
			field, ok := object[name]
			if !ok {
				t.Errorf("no %s", path)
				break
			}
			at = field
		}
	}
	if r["schema"] != bench.Schema {
		t.Errorf("schema %v", r["schema"])
	}
}

func TestBenchFindMaxProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	var stdout strings.Builder
	code := run(t.Context(), []string{"bench", upperServer(t), "--find-max", "--p99", "0", "--loss", "50%", "--searches", "1", "--duration", "20ms",
		"--warmup", "0", "--timeout", "50ms", "--json"}, nil, &stdout, io.Discard)
	var r bench.FindMaxResult
	if err := json.Unmarshal([]byte(stdout.String()), &r); err != nil {
		t.Fatalf("%v: %.200s", err, stdout.String())
	}
	if code != exitOK && code != exitInvalid || r.Schema != bench.FindMaxSchema || r.Rate <= 0 || len(r.Trials) == 0 {
		t.Errorf("exit code %d, %+v", code, r.Rate)
	}
}

func TestSparkline(t *testing.T) {
	for want, values := range map[string][]float64{"": nil, "▁": {0}, "▁█": {0, 5}, "▅█▁": {50, 100, 1}} {
		if got := sparkline(values); got != want {
			t.Errorf("%v: %q, want %q", values, got, want)
		}
	}
}

func TestTimeLeft(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "1 s", 8 * time.Second: "8 s", 125 * time.Second: "2 min 5 s", 70 * time.Minute: "1 h 10 min"} {
		if got := timeLeft(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestShare(t *testing.T) {
	for text, want := range map[string]share{"0.1%": 0.001, "0.001": 0.001, "1 %": 0.01, "0": 0, "100%": 1} {
		var got share
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "%", "-1", "1.5", "NaN", "200%", "x"} {
		if err := new(share).Set(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if s := share(0.001); s.String() != "0.1%" {
		t.Error(s.String())
	}
}

// Outputs appear whole or not at all, keep the old file's mode, follow links, and write straight to what is no regular file.
func TestOutputs(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "run.html")
	fill := func(text string) func(*os.File) error {
		return func(f *os.File) error { _, err := f.WriteString(text); return err }
	}
	read := func() string { text, _ := os.ReadFile(name); return string(text) }
	try := func(o output, end func(*outputs) error) error {
		files, err := openOutputs(o)
		if err != nil {
			return err
		}
		defer files.abandon()
		return end(files)
	}
	if err := try(output{"--report", name}, func(*outputs) error { return nil }); err != nil || read() != "" {
		t.Errorf("%v, %q", err, read())
	}
	if err := try(output{"--report", name}, func(f *outputs) error { return f.write(name, fill("one")) }); err != nil || read() != "one" {
		t.Errorf("%v, %q", err, read())
	}
	if runtime.GOOS != "windows" {
		link := filepath.Join(dir, "link")
		if err := os.Symlink("run.html", link); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := try(output{"--report", link}, func(f *outputs) error { return f.write(link, fill("two")) }); err != nil || read() != "two" {
			t.Errorf("%v, %q", err, read())
		}
		if info, err := os.Lstat(name); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if err := try(output{"--report", os.DevNull}, func(f *outputs) error { return f.write(os.DevNull, fill("x")) }); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
			t.Fatal("the null device was replaced by a file")
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 2 {
		t.Errorf("%v, %v", entries, err)
	}
}

// On a terminal one line renews itself while the run goes on, and makes room for the table.
func TestBenchLiveLine(t *testing.T) {
	terminal := testpty.Open(t, 100)
	cmd := exec.Command(self(t), "bench", upperServer(t), "--duration", "1h", "--warmup", "0", "--rate", "500")
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal.Slave, terminal.Slave, terminal.Slave
	ownTerminal(cmd)
	start(t, cmd)
	terminal.AwaitText("█  lost 0 %  p50 ")
	terminal.AwaitText(" s left")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	exitsWith(t, cmd, exitInterrupted)
	terminal.AwaitText("interrupted after ")
	terminal.AwaitText("answers ")
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		name string
		x    float64
		want string
	}{
		{"rate", -0.0213, "−2.1 %"}, {"p99", 0.00031, "+0.03 %"}, {"p50", 12.5, "× 13.5"}, {"p99", 1e6, "× 1,000,001"},
		{"loss", 0.0012, "+0.12 points"}, {"loss", 0, "+0.0 points"}, {"p99", 1e300, "× 1,000,000,000,000,000"},
	} {
		if got := change(c.name, c.x); got != c.want {
			t.Errorf("%s %g: %q, want %q", c.name, c.x, got, c.want)
		}
	}
}
