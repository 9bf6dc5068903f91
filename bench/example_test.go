package bench_test

import (
	"context"
	"fmt"
	"time"

	"dgram/bench"
	"dgram/server"
)

// A closed loop for a tenth of a second: eight requests outstanding, and the next one sent when one is answered.
func Example() {
	ctx := context.Background()
	srv, err := server.Start(ctx, server.Config{Address: "127.0.0.1:0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Shutdown(ctx) }()
	r, err := bench.Run(ctx, bench.Config{Target: srv.Endpoint(), Flows: 4, Window: 2, Duration: 100 * time.Millisecond, Warmup: 50 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	p99, _ := r.Latency.Quantile(99)
	fmt.Println(r.Outcome, r.Totals.Sent == r.Totals.Answered, r.Loss.Total, p99.AtLeast, r.Settings.Matching)
	// Output: valid true 0 false token
}
