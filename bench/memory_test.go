package bench

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dgram/dgramtest"

	"pgregory.net/rapid"
)

const inMemory = "192.0.2.1:53"

// bubble runs a load against an upper-case server on a network in memory, whose time is not the machine's. drops reads what the server's
// socket dropped.
func bubble(t *testing.T, c Config, settings ...dgramtest.Setting) (r *Result, drops uint64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := dgramtest.NewNetwork(settings...)
		server, err := n.Listen(inMemory)
		if err != nil {
			t.Fatal(err)
		}
		var seen atomic.Uint64 // it answers whatever it receives
		dgramtest.Serve(t, server, func(b []byte) []byte { seen.Add(1); return upper(b) })
		c.Target = dgramtest.Endpoint(inMemory)
		c.Dial = n.DialEndpoint
		c.ServerCounters = func(context.Context) (ServerCounters, error) {
			return ServerCounters{Source: "the server", Names: CounterNames{"received", "answered", "dropped"}, Sockets: 1,
				Received: seen.Load(), Answered: seen.Load(), KernelDrops: server.Drops().Count, KernelDropsKnown: true}, nil
		}
		r, err = Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		drops = server.Drops().Count
	})
	return r, drops
}

// balance fails the test unless the equations of the package's doc comment hold.
func balance(t interface{ Errorf(string, ...any) }, what string, c Counts) {
	if c.Due != c.Sent+c.Failed+c.Unsent || c.Sent != c.Answered+c.Wrong+c.Refused+c.Lost+c.Pending ||
		c.Received != c.Answered+c.Wrong+c.Late+c.Duplicate+c.Unmatched+c.Stray {
		t.Errorf("the books of the %s do not balance: %+v", what, c)
	}
}

func (r *Result) books(t interface{ Errorf(string, ...any) }) {
	balance(t, "warm-up", r.Warmup)
	balance(t, "measuring", r.Totals)
	var sum, warm Counts
	for _, s := range r.Seconds {
		if s.Phase == PhaseWarmup {
			warm.add(&s.Counts)
		} else {
			sum.add(&s.Counts)
		}
	}
	if sum != r.Totals {
		t.Errorf("the seconds add up to\n%+v, and the totals are\n%+v", sum, r.Totals)
	}
	var placed int64
	for _, p := range r.Loss.Places {
		placed += p.Count
	}
	if placed != r.Loss.Total || r.Loss.Total != r.Totals.Lost+r.Totals.Failed {
		t.Errorf("of %d lost and %d failed %d are placed", r.Totals.Lost, r.Totals.Failed, placed)
	}
	if r.Latency.Count != r.Totals.Answered || r.Latency.Censored != r.Totals.Unanswered() {
		t.Errorf("latency of %d, %d of them censored; answered %d, not answered %d", r.Latency.Count, r.Latency.Censored, r.Totals.Answered, r.Totals.Unanswered())
	}
}

// A server that stands still for 200 ms every 2 s makes a tenth of evenly spaced requests wait, evenly from 0 to 200 ms: a generator that
// waited along with it would see a handful of slow ones, and call the rest fast (coordinated omission).
func TestStandstillShowsAsTheArithmeticSays(t *testing.T) {
	const period, stop = 2 * time.Second, 200 * time.Millisecond
	for _, poisson := range []bool{false, true} {
		t.Run(fmt.Sprintf("poisson=%v", poisson), func(t *testing.T) {
			var begin time.Time
			c := Config{Schedule: Schedule{{From: 1000, To: 1000}}, Poisson: poisson, Duration: 10 * time.Second, Warmup: -1, Flows: 4}
			r, _ := bubble(t, c, dgramtest.Links(func(p dgramtest.Packet) dgramtest.Verdict {
				if begin.IsZero() {
					begin = time.Now()
				}
				if at := time.Since(begin) % period; p.To.Port() == 53 && at < stop {
					return dgramtest.Verdict{Delay: stop - at}
				}
				return dgramtest.Verdict{}
			}))
			r.books(t)
			if !r.Valid || r.Totals.Lost > 0 {
				t.Fatalf("valid %v %v, lost %d", r.Valid, r.Why, r.Totals.Lost)
			}
			near := 3 * time.Millisecond
			if poisson {
				near = 15 * time.Millisecond // 2,000 requests do wait, give or take their root
			}
			for percent, want := range map[float64]time.Duration{50: 0, 75: 0, 95: 100 * time.Millisecond, 99: 180 * time.Millisecond, 99.9: 198 * time.Millisecond, 100: stop} {
				q, _ := r.Latency.Quantile(percent)
				if math.Abs(float64(q.Value-want)) > float64(near) || q.AtLeast {
					t.Errorf("p%g is %v, the arithmetic says %v", percent, q, want)
				}
			}
		})
	}
}

// What is lost is counted to the last one, and placed where a counter tells.
func TestLossIsCountedExactly(t *testing.T) {
	burst := func(i uint64) bool { return i%200 >= 190 }
	every := func(n uint64) func(uint64) bool { return func(i uint64) bool { return i%n == n-1 } }
	for name, lose := range map[string]func(uint64) bool{"none": func(uint64) bool { return false }, "1 %": every(100), "5 %": every(20), "bursts": burst} {
		for _, mode := range []string{"open", "closed"} {
			t.Run(name+" "+mode, func(t *testing.T) {
				var there, back atomic.Int64
				c := Config{Flows: 3, Window: 5, Duration: 5 * time.Second, Warmup: -1, Timeout: 100 * time.Millisecond}
				if mode == "open" {
					c.Schedule = Schedule{{From: 2000, To: 2000}}
				}
				r, _ := bubble(t, c, dgramtest.Links(func(p dgramtest.Packet) dgramtest.Verdict {
					v := dgramtest.Verdict{Drop: lose(p.Index), Delay: 2 * time.Millisecond}
					if v.Drop && p.To.Port() == 53 {
						there.Add(1)
					} else if v.Drop {
						back.Add(1)
					}
					return v
				}))
				r.books(t)
				if want := there.Load() + back.Load(); r.Totals.Lost != want {
					t.Errorf("%d are called lost, and %d were", r.Totals.Lost, want)
				}
				q, _ := r.Latency.Quantile(99)
				if lost := r.Loss.Fraction; (lost > 0.01) != q.AtLeast {
					t.Errorf("with %.2f %% lost the 99th percentile is %v", 100*lost, q)
				}
			})
		}
	}
}

// A burst that overruns the server's socket is lost there, answers that overrun ours are our own loss, and both ways lose some: each is counted where
// it was.
func TestLossIsPlaced(t *testing.T) {
	var way, back atomic.Int64
	c := Config{Flows: 1, Window: 64, Duration: time.Second, Warmup: -1, Timeout: 50 * time.Millisecond}
	r, drops := bubble(t, c, dgramtest.Queue(16), dgramtest.Links(func(p dgramtest.Packet) dgramtest.Verdict {
		v := dgramtest.Verdict{Delay: time.Millisecond} // all of a window arrives at once
		switch there := p.To.Port() == 53; {
		case there && p.Index%50 == 0:
			v.Drop = true
			way.Add(1)
		case !there && p.Index%30 == 0:
			v.Drop = true
			back.Add(1)
		}
		return v
	}))
	r.books(t)
	places := placed(r)
	if drops == 0 || way.Load() == 0 || back.Load() == 0 || places[PlaceServer] != int64(drops) || places[PlaceWay] != way.Load() ||
		places[PlaceWayBack] != back.Load() || places[PlaceUnplaced] != 0 {
		t.Errorf("the server's socket dropped %d, the way %d, the way back %d; placed %v", drops, way.Load(), back.Load(), places)
	}
	if r.Loss.Server != r.Totals.Lost-places[PlaceOwnReceive] {
		t.Errorf("the server's loss is %d of %d, %d of them our own", r.Loss.Server, r.Totals.Lost, places[PlaceOwnReceive])
	}
}

func placed(r *Result) map[string]int64 {
	m := map[string]int64{}
	for _, p := range r.Loss.Places {
		m[p.Name] += p.Count
	}
	return m
}

// Whatever the network does, every request and every datagram is counted once.
func TestBooksBalance(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		chance := rapid.SampledFrom([]float64{0, 0, 0.01, 0.2, 0.9})
		link := dgramtest.Link{
			Seed: rapid.Uint64().Draw(rt, "seed"), Loss: chance.Draw(rt, "loss"), Duplicate: chance.Draw(rt, "duplicate"), Reorder: chance.Draw(rt, "reorder"),
			Delay: rapid.SampledFrom([]time.Duration{4 * time.Millisecond, 10 * time.Millisecond, 80 * time.Millisecond}).Draw(rt, "delay"), Jitter: rapid.SampledFrom([]time.Duration{0, 60 * time.Millisecond}).Draw(rt, "jitter"),
		}
		c := Config{
			Flows: rapid.IntRange(1, 5).Draw(rt, "flows"), Window: rapid.IntRange(1, 9).Draw(rt, "window"), Timeout: 100 * time.Millisecond, Seed: link.Seed,
			Duration: rapid.SampledFrom([]time.Duration{50 * time.Millisecond, 250 * time.Millisecond}).Draw(rt, "duration"), Warmup: rapid.SampledFrom([]time.Duration{-1, 100 * time.Millisecond}).Draw(rt, "warm-up"),
			Expect:  rapid.SampledFrom([]Expect{{}, {Kind: ExpectAny}, {Kind: ExpectEcho}}).Draw(rt, "expect"),
			Poisson: rapid.Bool().Draw(rt, "poisson"), Clock: rapid.SampledFrom([]Clock{KernelClock, UserClock}).Draw(rt, "clock"),
		}
		c.Workers = rapid.IntRange(1, c.Flows).Draw(rt, "workers")
		var err error
		if c.Payload, err = ParseSizes(rapid.SampledFrom([]string{"64", "1", "0", "5", "3:1,64:2"}).Draw(rt, "payload")); err != nil {
			rt.Fatal(err)
		}
		if rapid.Bool().Draw(rt, "open") {
			c.Schedule = Schedule{{From: 100, To: 1000, For: c.Duration}}
		} else if c.Payload.Source != "64" || c.Expect.Kind == ExpectAny {
			// Where any reply will do, each copy of one lets another request go, which is copied again: without an end.
			link.Duplicate = min(link.Duplicate, 0.01)
		}
		r, _ := bubble(t, c, dgramtest.Links(link.Rule()))
		r.books(rt)
		if clean := link.Loss+link.Reorder == 0 && link.Duplicate == 0 && link.Delay+link.Jitter < 50*time.Millisecond; clean && c.Expect.Kind == "" && r.Totals.Answered != r.Totals.Sent && c.Payload.Source == "64" {
			rt.Errorf("a clean network, and of %d sent %d were answered: %+v", r.Totals.Sent, r.Totals.Answered, r.Totals)
		}
	})
}

// A run that is broken off is a whole result all the same.
func TestInterruptedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := dgramtest.NewNetwork(dgramtest.Links(dgramtest.Link{Delay: 10 * time.Millisecond}.Rule()))
		server, err := n.Listen(inMemory)
		if err != nil {
			t.Fatal(err)
		}
		dgramtest.Serve(t, server, upper)
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		r, err := Run(ctx, Config{Target: dgramtest.Endpoint(inMemory), Dial: n.DialEndpoint, Schedule: Schedule{{From: 100, To: 100}}})
		if err != nil {
			t.Fatal(err)
		}
		r.books(t)
		if !r.Interrupted || r.ExitCode() != 130 || !r.Valid || r.Totals.Answered < 240 || r.Totals.Answered > 260 {
			t.Errorf("interrupted %v, exit %d, valid %v %v, answered %d", r.Interrupted, r.ExitCode(), r.Valid, r.Why, r.Totals.Answered)
		}
	})
}

// A server that dies in the middle is a result, second by second.
func TestServerThatDies(t *testing.T) {
	var begin time.Time
	r, _ := bubble(t, Config{Schedule: Schedule{{From: 100, To: 100}}, Duration: 6 * time.Second, Warmup: -1}, dgramtest.Links(func(p dgramtest.Packet) dgramtest.Verdict {
		if begin.IsZero() {
			begin = time.Now()
		}
		return dgramtest.Verdict{Drop: time.Since(begin) >= 3*time.Second}
	}))
	r.books(t)
	for _, s := range r.Seconds {
		if s.Phase == PhaseMeasure && (s.Counts.Answered > 0) != (s.Start < 3*time.Second) {
			t.Errorf("in the second from %v on %d were answered", s.Start, s.Counts.Answered)
		}
	}
	if r.Totals.Answered != 300 || r.Totals.Lost != 300 || len(r.Notes) < 3 {
		t.Errorf("%+v %q", r.Totals, r.Notes)
	}
}

// A rate that cannot be reached makes the run invalid, and what was never sent is counted.
func TestGeneratorThatFallsBehind(t *testing.T) {
	r, _ := bubble(t, Config{Schedule: Schedule{{From: 50, To: 50}}, Duration: 2 * time.Second, Warmup: -1, Dial: nil, Payload: Payload{Sizes: []Share{{Bytes: 2000, Weight: 1}}}},
		dgramtest.MaxPayload(1000))
	r.books(t)
	if r.Valid || r.Outcome != OutcomeInvalid || r.Totals.Failed != 100 || len(r.Failures) != 1 || r.Failures[0].Errno != "EMSGSIZE" {
		t.Errorf("%v %v %+v %v", r.Outcome, r.Why, r.Totals, r.Failures)
	}
}
