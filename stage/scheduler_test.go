package stage

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The scheduler gives things back as a stable sort by time would.
func TestSchedulerIsAStableSort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type thing struct {
			due   time.Time
			order int
		}
		base := time.Unix(0, 0)
		var s scheduler[thing]
		var truth []thing
		for i, n := range rapid.SliceOf(rapid.IntRange(-1, 20)).Draw(t, "due") {
			if n >= 0 {
				one := thing{base.Add(time.Duration(n)), i}
				s.add(one.due, one)
				truth = append(truth, one)
				slices.SortStableFunc(truth, func(a, b thing) int { return a.due.Compare(b.due) })
				continue
			}
			now := base.Add(10)
			got, ok := s.take(now)
			if want := len(truth) > 0 && !truth[0].due.After(now); ok != want {
				t.Fatalf("take: %v, want %v", ok, want)
			}
			if ok {
				if got != truth[0] {
					t.Fatalf("took %v, want %v", got, truth[0])
				}
				truth = truth[1:]
			}
			if due, ok := s.next(); ok != (len(truth) > 0) || ok && !due.Equal(truth[0].due) {
				t.Fatalf("next: %v %v", due, ok)
			}
		}
	})
}

func TestBudget(t *testing.T) {
	b := budget{maxCount: 2, maxBytes: 2*entryBytes + 10}
	take := func(n int, want bool) {
		t.Helper()
		if ok, open := b.take(n); ok != want || !open {
			t.Errorf("take %d: %v %v", n, ok, open)
		}
	}
	take(11+entryBytes, false)
	take(4, true)
	take(7, false)
	take(6, true)
	take(0, false)
	idle := b.whenIdle()
	if b.change(4, 5) || !b.change(4, 3) {
		t.Error("change")
	}
	b.give(3)
	select {
	case <-idle:
		t.Error("idle with one held")
	default:
	}
	b.give(6)
	<-idle
	<-b.whenIdle()
	if b.bytes != 0 || !b.empty() {
		t.Errorf("%d bytes are left", b.bytes)
	}
	b.close()
	if ok, open := b.take(0); ok || open {
		t.Error("took after close")
	}
}
