package bench

import (
	"encoding/json"
	"net"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"dgram"
	"dgram/dgramtest"
)

// quick is a load that lasts no longer than a test may.
func quick(at dgram.Endpoint) Config {
	return Config{Target: at, Flows: 4, Window: 4, Duration: 200 * time.Millisecond, Warmup: 50 * time.Millisecond, Timeout: 300 * time.Millisecond}
}

func mustRun(t *testing.T, c Config) *Result {
	t.Helper()
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	r.books(t)
	return r
}

// Over real sockets: each way to send, to match and to read the clock.
func TestLoopback(t *testing.T) {
	at := dgramtest.NewServer(t, upper)
	for name, change := range map[string]func(*Config){
		"closed":         func(*Config) {},
		"one of one":     func(c *Config) { c.Flows, c.Window = 1, 1 },
		"user clock":     func(c *Config) { c.Clock = UserClock },
		"workers":        func(c *Config) { c.Workers = 2 },
		"many flows":     func(c *Config) { c.Flows, c.Window = 300, 1 },
		"open":           func(c *Config) { c.Schedule = Schedule{{From: 2000, To: 2000}} },
		"open, sleeping": func(c *Config) { c.Schedule = Schedule{{From: 100, To: 100}} },
		"poisson ramp":   func(c *Config) { c.Schedule, c.Poisson = Schedule{{From: 0, To: 4000, For: c.Duration}}, true },
		"offloads":       func(c *Config) { c.GSO, c.GRO, c.Flows, c.Window = true, true, 1, 128 },
		"strangers seen": func(c *Config) { c.Stray = true },
		"portable":       func(c *Config) { c.Options.Portable = true },
		"empty":          func(c *Config) { c.Payload = Payload{Sizes: []Share{{Bytes: 0, Weight: 1}}} },
		"short":          func(c *Config) { c.Payload = Payload{Sizes: []Share{{Bytes: 2, Weight: 1}}} },
		"mixed":          func(c *Config) { c.Payload, _ = ParseSizes("12:70%,512:20%,1400:10%") },
		"largest": func(c *Config) {
			c.Payload, c.Flows, c.Window = Payload{Sizes: []Share{{Bytes: dgram.MaxPayload, Weight: 1}}}, 1, 1
		},
		"template":        func(c *Config) { c.Payload, _ = ParseTemplate("hello {seq} of {flow}: {token}") },
		"without a token": func(c *Config) { c.Payload, _ = ParseTemplate("hello {seq}") },
		"records":         func(c *Config) { c.Payload, _ = ReadRecords(strings.NewReader("one\ntwo\n\nthree"), "records") },
		"any":             func(c *Config) { c.Expect.Kind = ExpectAny },
		"pattern":         func(c *Config) { c.Expect = Expect{Kind: ExpectMatch, Pattern: regexp.MustCompile("^[A-P]{8}")} },
	} {
		t.Run(name, func(t *testing.T) {
			c := quick(at)
			change(&c)
			r := mustRun(t, c)
			// A machine that is busy with other tests makes a run invalid, and rightly; it must not make an answer wrong.
			if r.Totals.Answered == 0 || r.Totals.Wrong+r.Totals.Unmatched+r.Totals.Stray+r.Totals.Duplicate > 0 || r.Outcome != OutcomeValid && r.Outcome != OutcomeInvalid {
				t.Errorf("%s: %+v %v %q", r.Outcome, r.Totals, r.Why, r.Notes)
			}
			if p50, _ := r.Latency.Quantile(50); p50.Value <= 0 || p50.Value > time.Second {
				t.Errorf("the median is %v", p50)
			}
		})
	}
}

// The histograms of the seconds are those of the whole, taken apart. They become text when the load is over, and not while it runs.
func TestSecondsMakeTheWhole(t *testing.T) {
	c := quick(dgramtest.NewServer(t, upper))
	c.Workers = 2
	var told []Second
	c.OnSecond = func(s Second) { told = append(told, s) }
	r := mustRun(t, c)
	if len(told) == 0 {
		t.Error("no second was told")
	}
	for _, s := range told {
		if s.Latency.HDR != "" || s.Latency.Count != r.Seconds[s.Index].Latency.Count {
			t.Errorf("second %d was told with %+v, the result has %+v", s.Index, s.Latency, r.Seconds[s.Index].Latency)
		}
	}
	whole, err := r.Latency.Histogram()
	if err != nil {
		t.Fatal(err)
	}
	sum := hdr.New(lowestNS, highestNS, digits)
	for i := range r.Seconds {
		s := &r.Seconds[i]
		if s.Phase == PhaseWarmup || s.Latency.Count == 0 {
			continue
		}
		h, err := s.Latency.Histogram()
		if err != nil || h.TotalCount() != s.Latency.Count {
			t.Fatalf("second %d: %v of %d: %v", i, h, s.Latency.Count, err)
		}
		sum.Merge(h)
	}
	if !sum.Equals(whole) {
		t.Errorf("%d samples up to %d ns in the seconds, %d up to %d in the whole", sum.TotalCount(), sum.Max(), whole.TotalCount(), whole.Max())
	}
}

func TestMatchingIsSaid(t *testing.T) {
	upperAt, fixedAt := dgramtest.NewServer(t, upper), dgramtest.NewServer(t, func([]byte) []byte { return []byte("pong") })
	wrapAt := dgramtest.NewServer(t, func(b []byte) []byte { return append([]byte("you said "), b...) })
	for _, c := range []struct {
		at     dgram.Endpoint
		expect string
		want   string
	}{{upperAt, "upper", "token"}, {upperAt, "any", "token"}, {fixedAt, "any", "order"}, {fixedAt, "^pong$", "order"}, {wrapAt, "^you said", "token"}} {
		config := quick(c.at)
		config.Expect, _ = ParseExpect(c.expect)
		if r := mustRun(t, config); r.Settings.Matching != c.want || r.Totals.Answered == 0 || r.Totals.Wrong > 0 {
			t.Errorf("expecting %q: matched by %q, not %q; %+v", c.expect, r.Settings.Matching, c.want, r.Totals)
		}
	}
}

func TestWrongAnswersAreQuoted(t *testing.T) {
	c := quick(dgramtest.NewServer(t, func(b []byte) []byte { return b }))
	r := mustRun(t, c)
	if r.Totals.Answered > 0 || r.Totals.Wrong == 0 || !slices.ContainsFunc(r.Notes, func(s string) bool { return strings.Contains(s, "not what was expected") }) {
		t.Errorf("%+v %q", r.Totals, r.Notes)
	}
	if q, _ := r.Latency.Quantile(50); !q.AtLeast {
		t.Errorf("nothing was answered rightly, and the median is %v", q)
	}
}

// Where nobody is, a run ends soon, and says what it met.
func TestNobodyThere(t *testing.T) {
	closed, err := dgram.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Local()
	closed.Close()
	deaf, err := dgram.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deaf.Close() })
	for _, portable := range []bool{false, true} {
		for _, open := range []bool{false, true} {
			c := Config{Target: nobody, Duration: time.Minute, Timeout: 200 * time.Millisecond}
			c.Options.Portable = portable
			if open {
				c.Schedule = Schedule{{From: 1000, To: 1000}}
			}
			begin := time.Now()
			if r := mustRun(t, c); r.Outcome != OutcomeRefused || r.ExitCode() != 3 || r.Warmup.Answered > 0 {
				t.Errorf("portable %v, open %v: %v %+v", portable, open, r.Outcome, r.Warmup)
			}
			c.Target = deaf.Local()
			if r := mustRun(t, c); r.Outcome != OutcomeSilent || r.ExitCode() != 2 || r.Warmup.Lost == 0 {
				t.Errorf("portable %v, open %v: %v %+v", portable, open, r.Outcome, r.Warmup)
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		}
	}
}

func TestBadConfigs(t *testing.T) {
	at := dgram.MustParseEndpoint("127.0.0.1:9")
	for name, c := range map[string]struct {
		Config
		want string
	}{
		"no target":      {Config{}, "no address"},
		"negative flows": {Config{Target: at, Flows: -1}, "at least one"},
		"window":         {Config{Target: at, Window: -1}, "at least one"},
		"workers":        {Config{Target: at, Workers: 2}, "each worker needs a flow"},
		"timeout":        {Config{Target: at, Timeout: time.Hour}, "60 s is the longest"},
		"clock":          {Config{Target: at, Clock: "sun"}, "no clock"},
		"window of all":  {Config{Target: at, Flows: 1000, Window: 1 << 20}, "smaller window"},
		"a million":      {Config{Target: at, Flows: 1_000_000}, "flows need as many"},
		"pattern":        {Config{Target: at, Expect: Expect{Kind: ExpectMatch}}, "no pattern"},
		"template":       {Config{Target: at, Payload: Payload{Template: "{"}}, "missing"},
	} {
		if r, err := Run(t.Context(), c.Config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %q", name, r, err, c.want)
		}
	}
}

func TestFlowErrorsSayWhatToDo(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{syscall.EMFILE: "ulimit -n", syscall.ENFILE: "fs.file-max", syscall.EADDRINUSE: "ip_local_port_range", syscall.ENOMEM: "fewer flows"} {
		if err := flowError(10, 100, errno); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "flow 11 of 100") {
			t.Errorf("%v", err)
		}
	}
	if err := checkLimits(1_000_000, dgram.UDP); err == nil {
		t.Skip("this machine allows a million flows")
	} else if !strings.Contains(err.Error(), "ulimit -n") && !strings.Contains(err.Error(), "ip_local_port_range") {
		t.Errorf("%v", err)
	}
}

func TestStrangersAndDuplicatesAreCountedApart(t *testing.T) {
	other, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			answer := upper(b[:n])
			for _, conn := range []net.PacketConn{other, server, server} {
				_, _ = conn.WriteTo(answer, from) // the load may be over
			}
			_, _ = server.WriteTo([]byte("what is this?"), from)
		}
	}()
	at, err := dgram.ParseEndpoint(server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]func(*Config){
		"open":             func(c *Config) { c.Flows, c.Schedule = 16, Schedule{{From: 2000, To: 2000}} },
		"open, by user":    func(c *Config) { c.Flows, c.Schedule, c.Clock = 16, Schedule{{From: 2000, To: 2000}}, UserClock },
		"open, stray":      func(c *Config) { c.Stray, c.Schedule = true, Schedule{{From: 500, To: 500}} },
		"closed":           func(*Config) {},
		"closed, one flow": func(c *Config) { c.Flows, c.Window = 1, 1 },
	} {
		c := quick(at)
		c.Warmup, c.Timeout = -1, 5*time.Second
		set(&c)
		r := mustRun(t, c)
		strays := int64(0) // a connected socket sees none
		if c.Stray {
			strays = r.Totals.Answered
		}
		if n := r.Totals.Answered; n == 0 || n != r.Totals.Sent || r.Totals.Stray != strays || r.Totals.Duplicate != n || r.Totals.Unmatched != n {
			t.Errorf("%s: %+v", name, r.Totals)
		}
	}
}

func TestResultIsJSON(t *testing.T) {
	r := mustRun(t, quick(dgramtest.NewServer(t, upper)))
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := json.Unmarshal(b, &back); err != nil || back.Schema != Schema || back.Totals != r.Totals {
		t.Fatalf("%v %+v", err, back.Totals)
	}
	h, err := back.Latency.Histogram()
	if err != nil || h.TotalCount() != r.Totals.Answered {
		t.Errorf("%v: the histogram holds %v of %d", err, h, r.Totals.Answered)
	}
	for _, q := range r.Latency.Quantiles {
		if got := back.Latency.Of(h, q.Percent); got != q {
			t.Errorf("out of the histogram p%g is %v, in the table %v", q.Percent, got, q)
		}
	}
}
