package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

func compare(t testing.TB, a, b []*Result) *Comparison {
	t.Helper()
	c, err := Compare(a, b, CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Two runs of the same are told apart no more often than the confidence allows, even though seconds resemble their neighbours.
func TestCompareFindsNothingInNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("a simulation of hundreds of runs")
	}
	for name, s := range map[string]synthetic{
		"10 s":                        {seconds: 10, rate: 1e5, median: 50 * time.Microsecond, noise: 0.02},
		"24 s, one like the next":     {seconds: 24, rate: 1e5, median: 50 * time.Microsecond, noise: 0.03, memo: 0.3},
		"12 s, with loss":             {seconds: 12, rate: 1e5, median: 50 * time.Microsecond, noise: 0.03, loss: 0.002},
		"12 s, steady as a metronome": {seconds: 12, rate: 1e4, median: 50 * time.Microsecond},
	} {
		t.Run(name, func(t *testing.T) {
			const pairs = 60
			found := 0
			for seed := range uint64(pairs) {
				random := rand.New(rand.NewPCG(seed, 7))
				if compare(t, []*Result{s.result(t, random)}, []*Result{s.result(t, random)}).Differs {
					found++
				}
			}
			t.Logf("%d of %d", found, pairs)
			// 5 % of 60 is 3, give or take 1.7.
			if found > 8 {
				t.Errorf("found a difference in %d of %d pairs of alike runs", found, pairs)
			}
		})
	}
}

// Runs that differ from each other more than their seconds do: three of each are enough to count that in.
func TestCompareRunsFindsNothingInNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("a simulation of hundreds of runs")
	}
	const pairs = 60
	s := synthetic{seconds: 3, rate: 1e5, median: 50 * time.Microsecond, noise: 0.01, between: 0.04}
	found := 0
	for seed := range uint64(pairs) {
		random := rand.New(rand.NewPCG(seed, 8))
		var a, b []*Result
		for range 4 {
			a, b = append(a, s.result(t, random)), append(b, s.result(t, random))
		}
		c := compare(t, a, b)
		if c.Method != MethodRuns {
			t.Fatal(c.Method)
		}
		if c.Differs {
			found++
		}
	}
	if found > 8 {
		t.Errorf("found a difference in %d of %d pairs of alike sets of runs", found, pairs)
	}
}

// A shift of 5 % is found, its size is right, and figures that did not change are let be.
func TestCompareFindsAShift(t *testing.T) {
	if testing.Short() {
		t.Skip("a simulation of hundreds of runs")
	}
	const pairs = 40
	found, covered := 0, 0
	for seed := range uint64(pairs) {
		random := rand.New(rand.NewPCG(seed, 9))
		s := synthetic{seconds: 20, rate: 1e5, median: 50 * time.Microsecond, noise: 0.02, loss: 0.001}
		a := s.result(t, random)
		s.rate *= 0.95
		s.median = s.median * 105 / 100
		c := compare(t, []*Result{a}, []*Result{s.result(t, random)})
		if c.Figures[measureRate].Verdict == VerdictLower && c.Figures[measureP50].Verdict == VerdictHigher && c.Figures[measureP99].Verdict != VerdictLower {
			found++
		}
		if f := c.Figures[measureP50]; f.Low <= 0.05 && 0.05 <= f.High {
			covered++
		}
	}
	if found < pairs*95/100 || covered < pairs*95/100 {
		t.Errorf("found a shift of 5 %% in %d of %d pairs; the interval held it in %d", found, pairs, covered)
	}
}

func TestCompareLossFromNone(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	s := synthetic{seconds: 20, rate: 1e5, median: 50 * time.Microsecond}
	a := s.result(t, random)
	s.loss = 0.01
	f := compare(t, []*Result{a}, []*Result{s.result(t, random)}).Figures[measureLoss]
	if f.Verdict != VerdictHigher || math.Abs(f.Change-0.01) > 0.005 || f.Low <= 0 {
		t.Errorf("%+v", f)
	}
	// None on either side is no proof that there is none.
	f = compare(t, []*Result{a}, []*Result{a}).Figures[measureLoss]
	if f.Verdict != VerdictAlike || f.High <= 0 || f.High > 1e-4 {
		t.Errorf("%+v", f)
	}
}

// With 2 % lost, the 99th percentile is 1 s or more: such a change has a lower bound only.
func TestCompareCensored(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	s := synthetic{seconds: 20, rate: 1e5, median: 50 * time.Microsecond}
	a := s.result(t, random)
	s.loss = 0.05
	b := s.result(t, random)
	f := compare(t, []*Result{a}, []*Result{b}).Figures[measureP99]
	if !f.BAtLeast || f.AAtLeast || f.B != float64(time.Second) || !f.HighOpen || f.LowOpen || f.Verdict != VerdictHigher {
		t.Errorf("%+v", f)
	}
	f = compare(t, []*Result{b}, []*Result{b}).Figures[measureP99]
	if !f.BAtLeast || !f.AAtLeast || f.Verdict != VerdictUnknown {
		t.Errorf("%+v", f)
	}
}

func TestCompareIsTheSameEachTime(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	s := synthetic{seconds: 9, rate: 1e5, median: time.Millisecond, noise: 0.1, loss: 0.01}
	a, b := []*Result{s.result(t, random)}, []*Result{s.result(t, random)}
	if x, y := compare(t, a, b), compare(t, a, b); !reflect.DeepEqual(x, y) {
		t.Errorf("%+v\n%+v", x, y)
	}
	if _, err := json.Marshal(compare(t, a, b)); err != nil {
		t.Error(err)
	}
}

func TestCompareRefuses(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	s := synthetic{seconds: 6, rate: 1e5, median: time.Millisecond}
	for want, change := range map[string]func(*Result){
		"payload (64 bytes and 512 bytes)":                     func(r *Result) { r.Settings.Payload = "512 bytes" },
		"flows (1 and 64)":                                     func(r *Result) { r.Settings.Flows = 64 },
		"mode (closed and open); they differ in rate":          func(r *Result) { r.Settings.Mode, r.Settings.Schedule = "open", "1000" },
		"B is invalid: offered 1000, achieved 900":             func(r *Result) { r.Outcome, r.Why = OutcomeInvalid, []string{"offered 1000, achieved 900."} },
		`B has no figures: its outcome is "no answer"`:         func(r *Result) { r.Outcome = OutcomeSilent },
		"timeout (1 s and 20 ms)":                              func(r *Result) { r.Settings.Timeout = 20 * time.Millisecond },
		"clock (kernel and user); they differ in UDP_SEGMENT ": func(r *Result) { r.Settings.Clock, r.Settings.GSO = UserClock, true },
	} {
		a, b := s.result(t, random), s.result(t, random)
		change(b)
		_, err := Compare([]*Result{a}, []*Result{b}, CompareOptions{})
		if !errors.Is(err, ErrIncomparable) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
		c, err := Compare([]*Result{a}, []*Result{b}, CompareOptions{Force: true})
		if err != nil || !strings.Contains(strings.Join(c.Notes, " "), want[:5]) {
			t.Errorf("by force: %v, %v", err, c)
		}
	}
}

func TestCompareTooShort(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	s := synthetic{seconds: 1, rate: 1e5, median: time.Millisecond}
	for _, f := range compare(t, []*Result{s.result(t, random)}, []*Result{s.result(t, random)}).Figures {
		if f.Verdict != VerdictUnknown || !strings.Contains(f.Why, "too short") {
			t.Errorf("%+v", f)
		}
	}
}

// Values of published tables of Student's t.
func TestStudentQuantile(t *testing.T) {
	for _, c := range []struct{ tail, freedom, want float64 }{
		{0.025, 1, 12.706}, {0.025, 4, 2.776}, {0.025, 10, 2.228}, {0.005, 30, 2.750}, {0.025, 120, 1.980}, {0.1, 2, 1.886}, {0.025, 5000, 1.960},
	} {
		if got := studentQuantile(c.tail, c.freedom); math.Abs(got-c.want) > 0.001 {
			t.Errorf("t(%g, %g) = %.4f, want %.3f", c.tail, c.freedom, got, c.want)
		}
	}
}

func TestReadResults(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	s := synthetic{seconds: 3, rate: 1e5, median: time.Millisecond, loss: 0.1}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	want := []*Result{s.result(t, random), s.result(t, random)}
	for _, r := range want {
		if err := encoder.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReadResults(&text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v", err)
	}
	for text, want := range map[string]string{
		"":                             "empty",
		"{":                            "unexpected EOF",
		"hello":                        "invalid character",
		"[]":                           "cannot unmarshal",
		"{}":                           "no schema",
		`{"schema":"dgram.event/1"}`:   `its schema is "dgram.event/1"`,
		`{"schema":"dgram.bench/2"}`:   "this program reads",
		`{"schema":"dgram.findmax/1"}`: "--find-max",
		`{"schema":"dgram.bench/1","totals":{"sent":-1}}`:                                                 "a count of -1",
		`{"schema":"dgram.bench/1","seconds":[{"length_ns":-5}]}`:                                         "second 1",
		`{"schema":"dgram.bench/1","latency":{"hdr":"HISTFAAAAB142pJpmSzMwMDAxQABzFCaEUzOmNZgD0HNAAA="}}`: "histogram",
		`{"schema":"dgram.bench/1","latency":{"count":1,"hdr":"!"}}`:                                      "histogram",
		`{"schema":"dgram.bench/1","elapsed_ns":-1}`:                                                      "impossible",
		`{"schema":"dgram.bench/1","elapsed_ns":1e400}`:                                                   "elapsed_ns",
	} {
		if _, err := ReadResults(strings.NewReader(text)); !errors.Is(err, ErrNotResult) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// Whatever a file holds, comparing it ends without harm, and in text that JSON can carry.
func FuzzReadResults(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 1))
	text, err := json.Marshal(synthetic{seconds: 2, rate: 1e3, median: time.Millisecond, loss: 0.1}.result(f, random))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"schema":"dgram.bench/1","outcome":"valid","elapsed_ns":1,"seconds":[{"phase":"measure","length_ns":1},{"phase":"measure","length_ns":9}]}`))
	f.Add([]byte(`{"schema":"dgram.bench/1"}{"schema":"dgram.bench/1"}{"schema":"dgram.bench/1"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		runs, err := ReadResults(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, ErrNotResult) {
				t.Fatal(err)
			}
			return
		}
		c, err := Compare(runs, runs, CompareOptions{Force: true})
		if err != nil {
			return
		}
		if _, err := json.Marshal(c); err != nil {
			t.Fatal(err)
		}
		if c.Differs {
			t.Fatalf("it differs from itself: %+v", c.Figures)
		}
	})
}
