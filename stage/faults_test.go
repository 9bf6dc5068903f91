package stage

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dgram"
)

// ask returns what one stage does to a datagram.
func ask(spec string, c Context) Effect {
	var e Effect
	d := dgram.NewBatch(1, nil).Append()
	MustParse(spec).Build().Run(&c, d, &e, 0)
	return e
}

// The golden file holds what each fault does to the first datagrams of some flows: it must never change, or no run could be repeated.
func TestFaultsToTheByte(t *testing.T) {
	var all strings.Builder
	for _, spec := range []string{"loss:10%", "loss:0.5", "duplicate:25%", "delay:20ms", "delay:20ms±5ms"} {
		for _, c := range []Context{{}, {Seed: 1}, {Seed: 1, Flow: 1}, {Seed: 1, Flow: 1, Direction: Reply}} {
			fmt.Fprintf(&all, "%s seed %d flow %d %v:", spec, c.Seed, c.Flow, c.Direction)
			for c.Index = range 32 {
				e := ask(spec, c)
				switch {
				case strings.HasPrefix(spec, "delay:"):
					if c.Index < 4 {
						fmt.Fprintf(&all, " %v", e.Delay)
					}
				case e.Drop != dgram.NoReason || e.Extra > 0:
					all.WriteString(" x")
				default:
					all.WriteString(" .")
				}
			}
			all.WriteByte('\n')
		}
	}
	checkGolden(t, "faults.golden", all.String())
}

func TestMixIsSplitMix64(t *testing.T) {
	// The generator's published first numbers for the seed 1234567.
	state, want := uint64(1234567), []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423}
	for i, w := range want {
		if got := mix(state + uint64(i)*0x9e3779b97f4a7c15); got != w {
			t.Errorf("number %d: %d, want %d", i, got, w)
		}
	}
}

// Shares come out as asked, for flows and for indices alike, within five standard deviations.
func TestSharesComeOut(t *testing.T) {
	const n = 20000
	for _, p := range []float64{0, 0.001, 0.1, 0.5, 0.9, 1} {
		spec := fmt.Sprintf("loss:%v", p)
		for _, alongFlow := range []bool{true, false} {
			lost := 0.0
			stage := MustParse(spec).Build()
			for i := range uint64(n) {
				c := &Context{Seed: 42, Index: i}
				if !alongFlow {
					c.Flow, c.Index = i, 3
				}
				var e Effect
				d := dgram.Datagram{}
				stage.Run(c, &d, &e, 0)
				if e.Drop == dgram.ReasonLoss {
					lost++
				}
			}
			if bound := 5 * math.Sqrt(n*p*(1-p)); math.Abs(lost-n*p) > bound {
				t.Errorf("%s along the flow %v: %v of %d lost, more than %.0f off", spec, alongFlow, lost, n, bound)
			}
		}
	}
}

func TestFaultsAreIndependent(t *testing.T) {
	both := 0
	const n = 10000
	for i := range uint64(n) {
		c := Context{Seed: 7, Index: i}
		if ask("loss:50%", c).Drop != 0 && ask("duplicate:50%", c).Extra != 0 {
			both++
		}
	}
	if math.Abs(float64(both)-n/4) > 5*math.Sqrt(n*3/16.) {
		t.Errorf("lost and duplicated both: %d of %d", both, n)
	}
}

func TestFaultsArePure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Context{
			Seed: rapid.Uint64().Draw(t, "seed"), Flow: rapid.Uint64().Draw(t, "flow"), Index: rapid.Uint64().Draw(t, "index"),
			Direction: Direction(rapid.IntRange(0, 1).Draw(t, "direction")),
		}
		spec := rapid.SampledFrom([]string{"loss:30%", "duplicate:30%", "delay:10ms±10ms", "delay:1h"}).Draw(t, "spec")
		other := c // what else is in the context changes nothing
		other.Sequence, other.Now = 99, time.Now()
		first := ask(spec, c)
		if first != ask(spec, c) || first != ask(spec, other) {
			t.Fatalf("%s: not the same twice", spec)
		}
		if d := first.Delay; strings.HasPrefix(spec, "delay:10ms") && (d < 0 || d > 20*time.Millisecond) {
			t.Fatalf("%s: %v", spec, d)
		}
	})
}

func TestJitterReachesBothEnds(t *testing.T) {
	var seen [5]bool
	for i := range uint64(1000) {
		seen[ask("delay:2ns±2ns", Context{Index: i}).Delay] = true
	}
	if slices.Contains(seen[:], false) {
		t.Errorf("from 0 to 4 ns came %v", seen)
	}
}

func TestFlowOf(t *testing.T) {
	const a, b, c = "192.0.2.1:1000", "192.0.2.2:12345", "[fe80::1%eth0]:5"
	flow := func(p, l string) uint64 { return FlowOf(dgram.MustParseEndpoint(p), dgram.MustParseEndpoint(l)) }
	if got, want := flow(a, b), uint64(0x4a72bdd23bf4a3fe); got != want {
		t.Errorf("the flow's number changed: %#x, want %#x", got, want)
	}
	distinct := map[uint64]string{}
	for _, pair := range [][2]string{
		{a, b}, {b, a}, {a, a}, {a, c}, {c, a}, {"[fe80::1%eth1]:5", a}, {"192.0.2.1:1001", b}, {"unixgram:///a", b}, {"unixgram:///b", b},
		{"unixgram:@a", b},
	} {
		n := flow(pair[0], pair[1])
		if other, ok := distinct[n]; ok {
			t.Errorf("%v and %s are one flow", pair, other)
		}
		distinct[n] = fmt.Sprint(pair)
	}
	if flow("udp4://"+a, "udp://"+b) != flow(a, b) {
		t.Error("the network's name changes the flow")
	}
}

func TestIndexTable(t *testing.T) {
	var table indexTable
	for want := range uint64(5) {
		if got := table.next(77); got != want {
			t.Errorf("flow 77: %d, want %d", got, want)
		}
	}
	if got := table.next(78); got != 0 {
		t.Errorf("another flow begins with %d", got)
	}
	if got := table.next(77 + indexSlots); got != 5 {
		t.Errorf("flows that share a counter share the count: %d", got)
	}
}
