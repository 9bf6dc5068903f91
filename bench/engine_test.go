package bench

import (
	"testing"
	"time"

	"dgram/dgramtest"
)

func TestLoopback(t *testing.T) {
	at := dgramtest.NewServer(t, upper)
	r, err := Run(t.Context(), Config{Target: at, Flows: 4, Window: 4, Duration: 300 * time.Millisecond, Warmup: 100 * time.Millisecond, Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Valid || r.Totals.Answered == 0 || r.Totals.Wrong+r.Totals.Lost > 0 {
		t.Errorf("%+v %v %v", r.Totals, r.Why, r.Notes)
	}
}
