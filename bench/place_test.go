package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// No place gets more than was lost, and together they get it all, whatever the counters of this host say.
func TestPlacesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(-5, 100)
		before := counters{server: 50, own: 50, ownOK: true, way: 50, wayOK: true}
		after := counters{source: "x", server: uint64(50 + n.Draw(t, "server")), own: 50 + n.Draw(t, "own"), ownOK: rapid.Bool().Draw(t, "known"), way: uint64(50 + n.Draw(t, "way")), wayOK: true}
		c := Counts{Sent: 100, Lost: rapid.Int64Range(0, 100).Draw(t, "lost"), Late: rapid.Int64Range(0, 20).Draw(t, "late")}
		addUp(t, placesFromHere(c, before, after, "eth0", 1), c.Lost)
	})
}

func addUp(t interface{ Errorf(string, ...any) }, places []Place, lost int64) {
	sum := int64(0)
	for _, p := range places {
		sum += p.Count
		if p.Count < 0 || p.Counter == "" {
			t.Errorf("%+v", p)
		}
	}
	if sum != lost {
		t.Errorf("of %d lost %d are placed: %+v", lost, sum, places)
	}
}

// fateOfRequests is how often each thing happened to the requests of a phase.
type fateOfRequests struct{ answered, way, socket, inside, back, own, late int64 }

func drawFates(t *rapid.T, phase string) fateOfRequests {
	n := func(what string) int64 { return rapid.Int64Range(0, 9).Draw(t, phase+" "+what) }
	return fateOfRequests{n("answered"), n("way"), n("socket"), n("inside"), n("back"), n("own"), n("late")}
}

func (f fateOfRequests) counts() Counts {
	lost := f.way + f.socket + f.inside + f.back + f.own + f.late
	return Counts{Due: f.answered + lost, Sent: f.answered + lost, Answered: f.answered, Lost: lost, Late: f.late, Received: f.answered + f.late}
}

// What happened is known here: places are exact where the warm-up lost nothing, and never more than what happened.
func TestPlacesByTheServersCounters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFates(t, "measured")
		var warm fateOfRequests
		if rapid.Bool().Draw(t, "warm-up") {
			warm = drawFates(t, "warm-up")
		}
		c, w := f.counts(), warm.counts()
		answered := uint64(c.Answered + w.Answered + f.back + warm.back + f.own + warm.own + f.late + warm.late)
		inside := uint64(f.inside + warm.inside)
		from := ServerCounters{Received: 7, Answered: 5, KernelDrops: 3, KernelDropsKnown: true, Sockets: 1, Unanswered: map[string]uint64{"dropped: loss": 2}, Names: CounterNames{"received", "answered", "dropped"}}
		to := from
		to.Received, to.Answered, to.KernelDrops = 7+answered+inside, 5+answered, 3+uint64(f.socket+warm.socket)
		to.Unanswered = map[string]uint64{"dropped: loss": 2 + inside}
		g := (&serverWatch{first: from, last: to}).gain(c, w)
		if !g.Usable {
			t.Fatal(g.Why)
		}
		own := Place{Name: PlaceOwnReceive, Count: f.own + warm.own, Known: true, Counter: "own"}
		places := g.places(c, w, own)
		addUp(t, places, c.Lost)
		want := map[string]int64{PlaceWay: f.way, PlaceServer: f.socket, PlaceInServer: f.inside, PlaceWayBack: f.back, PlaceOwnReceive: f.own, PlaceLate: f.late}
		for _, p := range places {
			if n, ok := want[p.Name]; ok && (p.Count > n || w.Lost == 0 && p.Count != n || p.Count < n && !p.AtLeast) {
				t.Errorf("%s: %+v, want %d", p.Name, p, n)
			}
		}
	})
}

// What was sent away from the server's counters, or by others to it, is not made up: everything is then unplaced.
func TestServersCountersThatCannotBe(t *testing.T) {
	c := Counts{Sent: 100, Answered: 80, Lost: 20, Received: 80}
	for what, change := range map[string]func(*ServerCounters){
		"somebody else asks it": func(s *ServerCounters) { s.Received += 101 },
		"the network makes copies": func(s *ServerCounters) {
			s.Received, s.Answered, s.KernelDrops = s.Received+95, s.Answered+95, s.KernelDrops+6
		},
		"of 90 received 91":            func(s *ServerCounters) { s.Received, s.Answered = s.Received+90, s.Answered+91 },
		"another server's":             func(*ServerCounters) {},
		"started again":                func(s *ServerCounters) { s.Process = "2" },
		"not those of before":          func(s *ServerCounters) { s.Received -= 5 },
		"its counters are not":         func(s *ServerCounters) { s.Sockets++ },
		"that 79 were answered, and 8": func(s *ServerCounters) { s.Received, s.Answered = s.Received+100, s.Answered+79 },
	} {
		from := ServerCounters{Process: "1", Sockets: 1, Received: 50, Answered: 40, KernelDropsKnown: true, Source: "page"}
		to := from
		change(&to)
		g := (&serverWatch{first: from, last: to}).gain(c, Counts{})
		if g.Usable || !strings.Contains(g.Why, what) {
			t.Errorf("%s: usable %v, %s", what, g.Usable, g.Why)
		}
		if notes := (&Loss{Counters: g}).notes(); len(notes) != 1 || !strings.Contains(notes[0], "place no loss") {
			t.Errorf("%q", notes)
		}
	}
}

// A server that is asked by others is found out before the run and after it; one that cannot be read is an error before it, and a reason after it.
func TestWatchServer(t *testing.T) {
	broken := errors.New("broken")
	for name, each := range map[string]struct {
		received []uint64
		fails    int // the reading that fails; 0: none
		why      string
	}{
		"quiet": {received: []uint64{5, 5, 9, 9}}, "others before": {received: []uint64{5, 6, 9, 9}, why: "before the run"},
		"others after": {received: []uint64{5, 5, 9, 10}, why: "after the run"}, "gone": {received: []uint64{5, 5, 5, 5}, fails: 3, why: "broken"},
		"never there": {received: []uint64{5, 5}, fails: 1}, "gone before": {received: []uint64{5, 5}, fails: 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			w, err := watchServer(t.Context(), func(context.Context) (ServerCounters, error) {
				asked++
				if asked == each.fails {
					return ServerCounters{}, broken
				}
				return ServerCounters{Received: each.received[asked-1]}, nil
			})
			if each.fails == 1 || each.fails == 2 {
				if !errors.Is(err, broken) {
					t.Errorf("%s: %v", name, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			w.end(t.Context())
			if (each.why == "") != (w.why == "") || !strings.Contains(w.why, each.why) || asked > 4 {
				t.Errorf("%s: %q, asked %d times", name, w.why, asked)
			}
		})
	}
}

// Receive offload counts several that were dropped together as one: then the server's socket is a lower bound, and the way is not known.
func TestPlacesWithLowerBounds(t *testing.T) {
	c := Counts{Sent: 100, Answered: 60, Lost: 40}
	g := &ServerGain{Usable: true, Sent: 100, Received: 70, Answered: 65, KernelDrops: 10, KernelDropsKnown: true, KernelDropsAtLeast: true}
	got := map[string]Place{}
	for _, p := range g.places(c, Counts{}, Place{Name: PlaceOwnReceive, Known: true, AtLeast: true, Count: 2, Counter: "own"}) {
		got[p.Name] = p
	}
	for name, want := range map[string]struct {
		n              int64
		known, atLeast bool
	}{PlaceWay: {0, false, false}, PlaceServer: {10, true, true}, PlaceInServer: {5, true, false}, PlaceWayBack: {0, false, false}, PlaceOwnReceive: {2, true, true}, PlaceUnplaced: {23, true, false}} {
		if p := got[name]; p.Count != want.n || p.Known != want.known || p.AtLeast != want.atLeast {
			t.Errorf("%+v, want %+v", p, want)
		}
	}
}
