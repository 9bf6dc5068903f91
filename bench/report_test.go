package bench

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var keep = flag.String("keep", "", "write the report of TestReport to this file")

func TestReportDraft(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	r := synthetic{seconds: 30, rate: 1e5, median: 60 * time.Microsecond, loss: 0.0004, noise: 0.1, memo: 0.5}.result(t, random)
	r.Seconds = append([]Second{{Index: -1, Phase: PhaseWarmup, Start: -time.Second, Length: time.Second, Counts: r.Seconds[0].Counts, Latency: r.Seconds[3].Latency}}, r.Seconds...)
	var page bytes.Buffer
	if err := WriteReport(&page, r); err != nil {
		t.Fatal(err)
	}
	if *keep != "" {
		os.WriteFile(filepath.Clean(*keep), page.Bytes(), 0o644)
	}
}
