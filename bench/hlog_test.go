package bench

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// What is written is read back by HdrHistogram's own reader: all samples, each in its second, and those without an answer at the time-out.
func TestWriteHlog(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	r := synthetic{seconds: 4, rate: 1e4, median: time.Millisecond, loss: 0.1}.result(t, random)
	r.Started = r.Started.Add(250 * time.Millisecond)
	r.Seconds = append([]Second{{Phase: PhaseWarmup, Start: -time.Second, Length: time.Second, Latency: r.Seconds[0].Latency}}, r.Seconds...)
	r.Seconds = append(r.Seconds, Second{Phase: PhaseDrain, Start: 4 * time.Second, Length: time.Second / 2})
	var text bytes.Buffer
	if err := WriteHlog(&text, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"#[Histogram log format version 1.3]", "#[StartTime: 1772366400 (seconds since epoch)", "\n0.250000,1.000000,", `"StartTimestamp","Interval_Length"`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%.600s", want, text.String())
		}
	}
	reader := hdr.NewHistogramLogReader(&text)
	var count, late int64
	intervals := 0
	for {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			break
		}
		if want := r.Started.UnixMilli() + int64(intervals)*1000; h.StartTimeMs() != want {
			t.Errorf("interval %d starts at %d, want %d", intervals, h.StartTimeMs(), want)
		}
		intervals++
		count += h.TotalCount()
		for _, bar := range h.Distribution() {
			if bar.To >= int64(time.Second) {
				late += bar.Count
			}
		}
	}
	if intervals != 5 || count != r.Latency.Count+r.Latency.Censored || late != r.Latency.Censored {
		t.Errorf("%d intervals of %d, %d of them without an answer; want 5 of %d, %d", intervals, count, late, r.Latency.Count+r.Latency.Censored, r.Latency.Censored)
	}
}
