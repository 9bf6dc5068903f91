package bench

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseSchedule(t *testing.T) {
	for in, want := range map[string]string{
		"50k": "50k", "1000": "1k", "1k/10s,10k/10s": "1k/10s,10k/10s", "1000..50000/30s": "1k..50k/30s", "0..1M/20s, 1M/1m": "0..1M/20s,1M/1m0s", "2.5k": "2.5k",
		"1k/10s,0/5s,1k/10s": "1k/10s,0/5s,1k/10s",
	} {
		s, err := ParseSchedule(in)
		if err != nil || s.String() != want {
			t.Errorf("%q: %v, %v; want %s", in, s, err, want)
		}
	}
	for in, want := range map[string]string{
		"": "no rate", "fast": "no rate", "-1": "no rate", "1..2": "how long", "1,2": "how long", "1/0s": "length of time", "1/soon": "length of time",
		"0": "nothing would be sent", "0/1s,0..0/1s": "nothing would be sent", "2000M": "at most", "NaN": "no rate", "0x10": "no rate", "1/9999999h": "length of time", "1/5000h": "at most",
	} {
		if s, err := ParseSchedule(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want an error with %q", in, s, err, want)
		}
	}
}

// What is parsed writes itself in a form that parses to the same; requests are due one after another, inside the schedule, at its rate.
func FuzzSchedule(f *testing.F) {
	for _, s := range []string{"50k", "1k/10s,10k/10s", "1000..50000/30s", "0..1M/20s,0/1s,7..3/1ms", "1e-3/1h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(text)
		if err != nil {
			return
		}
		again, err := ParseSchedule(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q is written %q, which reads as %v, %v", text, s, again, err)
		}
		walk, count := cursor{left: s}, cursor{left: s}
		before := int64(0)
		for n := range 1000 {
			due, ok := walk.due(float64(n))
			if !ok {
				return
			}
			if due < before || s.Length() > 0 && due > int64(s.Length())+1 {
				t.Fatalf("%q: request %d is due at %d, the one before at %d", text, n, due, before)
			}
			if passed := count.passed(float64(due) / 1e9); due < math.MaxInt64/4 && math.Abs(passed-float64(n)) > 1e-3+float64(n)*1e-6+s.Peak()*2e-9 {
				t.Fatalf("%q: request %d is due when %g have passed", text, n, passed)
			}
			before = due
		}
	})
}

func TestRampSendsTheAreaUnderIt(t *testing.T) {
	s, err := ParseSchedule("1000..5000/10s,0/1s,100/1s")
	if err != nil {
		t.Fatal(err)
	}
	c := cursor{left: s}
	n := 0
	for {
		if _, ok := c.due(float64(n)); !ok {
			break
		}
		n++
	}
	if n != 30100 {
		t.Errorf("%d requests; the area is 30,000 and 100", n)
	}
	if s.At(5*time.Second) != 3000 || s.At(10500*time.Millisecond) != 0 || s.At(time.Hour) != 0 || s.Peak() != 5000 || s.Length() != 12*time.Second {
		t.Error("rates on the way are wrong")
	}
}

func TestPoissonGapsAreExponential(t *testing.T) {
	r := random{state: 1}
	const n = 200_000
	sum, squares, longer := 0.0, 0.0, 0
	for range n {
		v := r.exponential()
		sum, squares = sum+v, squares+v*v
		if v > 1 {
			longer++
		}
	}
	if mean := sum / n; math.Abs(mean-1) > 0.01 || math.Abs(squares/n-2) > 0.05 || math.Abs(float64(longer)/n-1/math.E) > 0.005 {
		t.Errorf("mean %g, of squares %g, longer than the mean %d", mean, squares/n, longer)
	}
}
