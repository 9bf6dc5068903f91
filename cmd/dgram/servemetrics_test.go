package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"dgram"
)

// freePort returns a TCP port of 127.0.0.1 that nobody has just now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, client *http.Client, url string) map[string]*dto.MetricFamily {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	families, err := parseMetrics(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", response.Status, err)
	}
	return families
}

// parseMetrics reads a page with Prometheus's own parser.
func parseMetrics(page io.Reader) (map[string]*dto.MetricFamily, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	return parser.TextToMetricFamilies(page)
}

// Whatever a label holds, Prometheus reads it as it is, but for bytes that are no text.
func TestExposition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.StringMatching(`["\\\n{},= a]*`)).Draw(t, "label")
		number := rapid.Float64().Draw(t, "value")
		help := rapid.StringMatching(`[a-z\\\n ]*`).Draw(t, "help")
		var x exposition
		x.one("a_total", "counter", help, number, "label", value, "other", "")
		x.one("b", "gauge", "", 1)
		families, err := parseMetrics(bytes.NewReader(x.text))
		if err != nil {
			t.Fatalf("%v: %q", err, x.text)
		}
		m := families["a_total"].GetMetric()
		if len(families) != 2 || len(m) != 1 || m[0].GetCounter().GetValue() != number || m[0].GetLabel()[0].GetValue() != strings.ToValidUTF8(value, "\ufffd") {
			t.Fatalf("%v is read from %q", families, x.text)
		}
	})
}

// sum adds up a family over all sockets.
func sum(f *dto.MetricFamily) (total float64) {
	for _, m := range f.GetMetric() {
		total += m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return total
}

// What Prometheus reads is the account that the server prints.
func TestMetricsAreTheAccount(t *testing.T) {
	needSignals(t)
	place := freePort(t)
	s := serveWith(t, exec.Command(self(t), "serve", "127.0.0.1:0", "--quiet", "--shards", "2", "--stage", `rule:"quiet" => ignore`, "--stage", "upper", "--stage", "loss:30%", "--seed", "1", "--metrics", place))
	for i := range 20 {
		runCall(t, "", s.addr, fmt.Sprint("hello ", i), "--timeout", "20ms", "--tries", "1")
	}
	runCall(t, "", s.addr, "quiet", "--timeout", "10ms", "--tries", "1")
	families := scrape(t, http.DefaultClient, "http://"+place+"/metrics")
	get := func(name string) int { return int(sum(families["dgram_"+name])) }
	received, dropped := get("received_datagrams_total"), get("dropped_datagrams_total")
	if received != 21 || dropped == 0 || get("ignored_datagrams_total") != 1 ||
		received != get("answered_datagrams_total")+get("ignored_datagrams_total")+dropped+get("failed_datagrams_total")+get("pending_datagrams") {
		t.Errorf("received %d, dropped %d: %v", received, dropped, families)
	}
	if label := families["dgram_dropped_datagrams_total"].GetMetric()[0].GetLabel(); fmt.Sprint(label) == "" || !strings.Contains(fmt.Sprint(label), "loss") {
		t.Errorf("dropped for %v", label)
	}
	if h := families["dgram_answer_duration_seconds"].GetMetric()[0].GetHistogram(); runtime.GOOS == "linux" &&
		(int(h.GetSampleCount()) != get("answered_datagrams_total") || h.GetSampleSum() <= 0) {
		t.Errorf("%v durations of %d answers", h, get("answered_datagrams_total"))
	}
	if len(families["dgram_received_datagrams_total"].GetMetric()) != 2 {
		t.Error("not one for each socket")
	}
	for _, page := range []string{"/healthz", "/readyz"} {
		if code, text := fetch(t, "http://"+place+page, ""); code != 200 || text != "ok\n" {
			t.Errorf("%s: %d %q", page, code, text)
		}
	}
	if code, text := fetch(t, "http://"+place+"/metrics", "evil.example"); code != http.StatusForbidden || strings.Contains(text, "dgram_") {
		t.Errorf("for another name: %d %q", code, text)
	}
	s.stop(t)
}

func fetch(t *testing.T, url, host string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

func TestMetricsOnAUnixSocket(t *testing.T) {
	needSignals(t)
	path := filepath.Join(t.TempDir(), "m")
	s := serveWith(t, exec.Command(self(t), "serve", "127.0.0.1:0", "--quiet", "--metrics", "unix:"+path))
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	if families := scrape(t, client, "http://localhost/metrics"); families["dgram_build_info"] == nil || families["process_start_time_seconds"] == nil && runtime.GOOS == "linux" {
		t.Errorf("there is only %v", families)
	}
	s.stop(t)
}

func TestMetricsWrong(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct{ place, want string }{
		{"0.0.0.0:9", "say --metrics-open if that is meant"}, {"[::]:9", "say --metrics-open"}, {"x", "give PORT, IP:PORT or unix:PATH"},
		{taken.Addr().String(), "--metrics: "}, {"unix:", "needs a path"}, {"", "go with --metrics"},
	} {
		args := []string{"serve", "127.0.0.1:0", "--metrics", c.place}
		if c.place == "" {
			args = append(args, "--metrics-host", "x")
		}
		out, err := exec.Command(self(t), args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("--metrics %q: %v %s, want %q", c.place, err, out, c.want)
		}
	}
}

// Names are written in three places: what is counted, what docs/metrics.md explains, and what the dashboard asks for.
func TestMetricsAreExplained(t *testing.T) {
	needSignals(t)
	place := freePort(t)
	s := serveWith(t, exec.Command(self(t), "serve", "127.0.0.1:0", "--quiet", "--stage", "loss:100%", "--metrics", place))
	runCall(t, "", s.addr, "lost", "--timeout", "10ms", "--tries", "1")
	families := scrape(t, http.DefaultClient, "http://"+place+"/metrics")
	for end := time.Now().Add(10 * time.Second); families["dgram_dropped_datagrams_total"] == nil && time.Now().Before(end); {
		families = scrape(t, http.DefaultClient, "http://"+place+"/metrics") // on a busy machine the server comes to it later than the client gives up
	}
	s.stop(t)
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range families {
		if strings.HasPrefix(name, "dgram_") && !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/metrics.md does not explain %s", name)
		}
	}
	dashboard, err := os.ReadFile("../../deploy/grafana/dgram.json")
	if err != nil || !json.Valid(dashboard) {
		t.Fatalf("the dashboard: %v", err)
	}
	for _, name := range regexp.MustCompile(`(dgram|process)_[a-z_]+`).FindAllString(string(dashboard), -1) {
		name = strings.TrimSuffix(name, "_bucket")
		if families[name] == nil && name != "dgram_failed_datagrams_total" && name != "process_cpu_seconds_total" {
			t.Errorf("the dashboard asks for %s, which is not there", name)
		}
	}
}

// Every duration is counted once, in the first bucket whose bound it does not exceed.
func TestDelays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		took := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(0, 1<<rapid.IntRange(1, 37).Draw(t, "bits")).Draw(t, "ns"))
		}), 1, 50).Draw(t, "durations")
		var d delays
		b := &dgram.Batch{}
		for _, each := range took {
			b.Datagrams = append(b.Datagrams, dgram.Datagram{Fate: dgram.Answered, Time: time.Now().Add(-each)})
		}
		b.Datagrams = append(b.Datagrams, dgram.Datagram{Fate: dgram.Answered}, dgram.Datagram{Fate: dgram.Dropped, Time: time.Now()})
		d.count(b)
		var x exposition
		d.write(&x)
		families, err := parseMetrics(bytes.NewReader(x.text))
		if err != nil {
			t.Fatal(err)
		}
		h := families["dgram_answer_duration_seconds"].GetMetric()[0].GetHistogram()
		if int(h.GetSampleCount()) != len(took) {
			t.Fatalf("%d of %d", h.GetSampleCount(), len(took))
		}
		for _, bucket := range h.GetBucket() {
			atLeast, atMost := 0, 0
			for _, each := range took { // each took a little longer than was said
				if each.Seconds() <= bucket.GetUpperBound() {
					atMost++
				}
				if (each + time.Second).Seconds() <= bucket.GetUpperBound() {
					atLeast++
				}
			}
			if n := int(bucket.GetCumulativeCount()); n > atMost || n < atLeast {
				t.Fatalf("%d up to %v s, want %d to %d of %v", n, bucket.GetUpperBound(), atLeast, atMost, took)
			}
		}
	})
}

type stampSwitch struct {
	on     bool
	turned int
}

func (s *stampSwitch) StampTimes(on bool) error {
	s.on = on
	s.turned++
	return nil
}

// Where answers are many the kernel says their times only now and then, and never stops for good; where they are few it always does.
func TestDelaysRestUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, gap := range []time.Duration{100 * time.Microsecond, 10 * time.Millisecond} { // between batches of 64
			s := &stampSwitch{on: true}
			tap := &delayTap{delays: new(delays), stamps: s, since: time.Now()}
			stamped, batches := 0, 200_000
			for range batches {
				b := &dgram.Batch{Datagrams: make([]dgram.Datagram, 64)}
				if s.on {
					stamped++
				}
				for i := range b.Datagrams {
					b.Datagrams[i].Fate = dgram.Answered
					if s.on {
						b.Datagrams[i].Time = time.Now().Add(-time.Microsecond)
					}
				}
				tap.Settled(b)
				time.Sleep(gap)
			}
			share := float64(stamped) / float64(batches)
			if busy := gap < time.Millisecond; busy && (share > 0.05 || share < 0.02 || s.turned < 20) || !busy && share < 1 {
				t.Errorf("a batch every %v: %.3f of them had times, turned %d times", gap, share, s.turned)
			}
		}
	})
}
