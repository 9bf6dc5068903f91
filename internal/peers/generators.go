//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A duel puts `dgram bench` beside another load generator: both on the CPU of the load, in turn, each against the same server (where theirs can
// talk to it), which runs on the other CPU.
type duel struct {
	name   string
	unit   string // what is counted in a second
	needs  string // the tool that has to be there
	server string // as in server.command
	apart  string // theirs wants a server of its own kind; or empty
	ours   string // flags of dgram bench
	theirs string
	rate   *regexp.Regexp // finds it in what theirs prints: a rate, or seconds and a number
	asked  float64        // the ratio that is wanted
	alike  bool           // both run equally long, so that their processor time a request can be compared
}

// turn is what one run came to.
type turn struct {
	rate float64 // a second
	cpu  float64 // seconds of processor time for each of rate
}

const (
	mmsgServer = "{dir}/mmsg {host} {port}"
	echoServer = "{dir}/dgram serve --quiet --stage echo {host}:{port}"
)

// duels are for one second each. load.c checks every reply, as bench does, and takes the time in user space; bench does once by the kernel's stamps, which
// is its default, and once as load.c.
func duels() []duel {
	closed := func(flows, window int, clock string) duel {
		return duel{
			fmt.Sprintf("closed loop, %d flows of %d, %s's clock, beside load.c", flows, window, clock), "answers", "cc", mmsgServer, "",
			fmt.Sprintf("--clock %s --size 64 --flows %d --window %d", clock, flows, window),
			fmt.Sprintf("{dir}/load --seconds 1 --warmup 0.3 --size 64 --flows %d --window %d {host} {port}", flows, window),
			regexp.MustCompile(`(?s)"seconds": ?([\d.]+).*"replies": ?(\d+)`), 1, true,
		}
	}
	var all []duel
	for _, clock := range []string{"kernel", "user"} {
		all = append(all, closed(1, 1, clock), closed(1, 64, clock), closed(64, 1, clock), closed(64, 4, clock), closed(1024, 1, clock))
	}
	all = append(all,
		duel{
			"closed loop, beside sockperf ping-pong", "answers", "sockperf", mmsgServer, "sockperf server -i {host} -p {port}", "--flows 64 --window 4 --size 64",
			"sockperf ping-pong -i {host} -p {port} -m 64 -t 1", regexp.MustCompile(`\[Valid Duration\] RunTime=([\d.]+) sec.*ReceivedMessages=(\d+)`), 3, false,
		},
		duel{
			"closed loop, beside dnsperf", "answers", "dnsperf", echoServer, "", "--expect echo --flows 16 --window 64 --size 35 --gso --gro",
			"dnsperf -s {host} -p {port} -d {dir}/questions -c 64 -q 256 -l 1", regexp.MustCompile(`Queries per second:\s+([\d.]+)`), 3, false,
		})
	for _, size := range []string{"64", "1400"} {
		all = append(all,
			duel{
				"one way, " + size + " bytes, beside sockperf throughput", "datagrams", "sockperf", mmsgServer, "", "--one-way --size " + size,
				"sockperf throughput -i {host} -p {port} -t 1 -m " + size, regexp.MustCompile(`Message Rate is ([\d.]+)`), 1.5, false,
			},
			duel{
				"one way, " + size + " bytes, beside iperf3 -u", "datagrams", "iperf3", mmsgServer, "iperf3 -s -p {port}", "--one-way --size " + size,
				"iperf3 -u -c {host} -p {port} -b 0 -t 1 --json -l " + size, regexp.MustCompile(`(?s)"sum":.*?"seconds":\s*([\d.]+).*?"packets":\s*(\d+)`), 1.5, false,
			})
	}
	return all
}

// generators runs all duels that match, and writes a table of their ratios.
func generators(ctx context.Context, o options) error {
	t, err := build(ctx)
	if err != nil {
		return err
	}
	defer t.remove()
	var questions bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&questions, "host%d.example.com A\n", i)
	}
	if err := os.WriteFile(t.path("questions"), questions.Bytes(), 0o666); err != nil {
		return err
	}
	fmt.Println("| case | counted | dgram bench | the other | ratio | asked | CPU a request |\n|---|---|--:|--:|--:|--:|--:|")
	for _, d := range duels() {
		if !o.cases.MatchString(d.name) || ctx.Err() != nil {
			continue
		}
		if _, err := exec.LookPath(d.needs); err != nil {
			fmt.Fprintf(os.Stderr, "left out: %s: there is no %s on this machine\n", d.name, d.needs)
			continue
		}
		if err := d.run(ctx, t, o.passes); err != nil {
			fmt.Fprintf(os.Stderr, "left out: %s: %v\n", d.name, err)
		}
	}
	return ctx.Err()
}

// run lets both have their turns against one server, and prints the medians. The ratios are those within each pass.
func (d duel) run(ctx context.Context, t tools, passes int) error {
	fill := strings.NewReplacer("{dir}", t.dir, "{host}", host, "{port}", freePort())
	stop, err := serve(ctx, fill, d.server)
	if err != nil {
		return err
	}
	defer stop()
	theirs := fill
	if d.apart != "" {
		theirs = strings.NewReplacer("{dir}", t.dir, "{host}", host, "{port}", freePort())
		if stop, err = serve(ctx, theirs, d.apart); err != nil {
			return err
		}
		defer stop()
	}
	var own, other, ratios, cpu []float64
	for pass := range passes {
		us, err := d.bench(ctx, fill)
		if err != nil {
			return err
		}
		them, err := d.other(ctx, theirs)
		if err != nil {
			return err
		}
		own, other, ratios, cpu = append(own, us.rate), append(other, them.rate), append(ratios, us.rate/them.rate), append(cpu, us.cpu/them.cpu)
		fmt.Fprintf(os.Stderr, "%s: pass %d of %d: %.0f and %.0f %s a second\n", d.name, pass+1, passes, us.rate, them.rate, d.unit)
	}
	cost := ""
	if d.alike {
		cost = interval(cpu)
	}
	fmt.Printf("| %s | %s/s | %.0f | %.0f | %s | %.1f | %s |\n", d.name, d.unit, median(own), median(other), interval(ratios), d.asked, cost)
	return nil
}

// serve starts the server and waits until its port is taken.
func serve(ctx context.Context, fill *strings.Replacer, server string) (stop func(), err error) {
	c := exec.Command("taskset", append([]string{"-c", serverCPU}, strings.Fields(fill.Replace(server))...)...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		_ = c.Wait()
	}
	began := time.Now()
	for !taken(fill.Replace("{port}")) {
		if ctx.Err() != nil || time.Since(began) > 10*time.Second {
			stop()
			return nil, fmt.Errorf("%s did not start within 10 s", server)
		}
		time.Sleep(time.Millisecond)
	}
	return stop, nil
}

// taken reports whether a socket of this machine has the port, UDP or (iperf3's) TCP.
func taken(port string) bool {
	number, _ := strconv.Atoi(port)
	local := fmt.Sprintf(":%04X ", number)
	for _, name := range []string{"/proc/net/udp", "/proc/net/tcp", "/proc/net/tcp6"} {
		if text, _ := os.ReadFile(name); strings.Contains(string(text), local) {
			return true
		}
	}
	return false
}

func (d duel) bench(ctx context.Context, fill *strings.Replacer) (turn, error) {
	out, cpu, err := onLoadCPU(ctx, fill.Replace("{dir}/dgram bench {host}:{port} --quiet --json --duration 1s --warmup 300ms "+d.ours))
	if err != nil {
		return turn{}, err
	}
	var report struct {
		Rates struct{ Achieved, Answered float64 }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return turn{}, fmt.Errorf("dgram bench said %q: %w", out, err)
	}
	rate := report.Rates.Answered
	if d.unit == "datagrams" {
		rate = report.Rates.Achieved
	}
	return turn{rate, cpu / rate}, nil
}

func (d duel) other(ctx context.Context, fill *strings.Replacer) (turn, error) {
	words := fill.Replace(d.theirs)
	out, cpu, err := onLoadCPU(ctx, words)
	if err != nil {
		return turn{}, err
	}
	found := d.rate.FindSubmatch(out)
	if found == nil {
		return turn{}, fmt.Errorf("%s said nothing that looks like %v: %q", words, d.rate, out)
	}
	rate, seconds := 0.0, 1.0
	if rate, err = strconv.ParseFloat(string(found[len(found)-1]), 64); err == nil && len(found) > 2 {
		seconds, err = strconv.ParseFloat(string(found[1]), 64)
	}
	if err == nil && (rate <= 0 || seconds <= 0) {
		err = fmt.Errorf("%s counted nothing", words)
	}
	return turn{rate / seconds, cpu / (rate / seconds)}, err
}

// onLoadCPU runs a generator, for 20 s at most, and returns what it printed and the seconds of processor time that it took.
func onLoadCPU(ctx context.Context, words string) ([]byte, float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var out, trouble bytes.Buffer
	c := exec.CommandContext(ctx, "taskset", append([]string{"-c", loadCPU}, strings.Fields(words)...)...)
	c.Stdout, c.Stderr = &out, &trouble
	if err := c.Run(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(trouble.String()+out.String()), "\n")
		return nil, 0, fmt.Errorf("%s: %w: %s", words, err, line)
	}
	return append(out.Bytes(), trouble.Bytes()...), (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds(), nil
}
