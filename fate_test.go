package dgram_test

import (
	"strings"
	"sync"
	"testing"

	"dgram"
)

func TestFateNames(t *testing.T) {
	seen := map[string]bool{}
	for f := range dgram.NumFates {
		name := dgram.Fate(f).String()
		if name == "" || seen[name] || strings.Contains(name, "(") {
			t.Errorf("fate %d is called %q", f, name)
		}
		seen[name] = true
	}
	if got := dgram.Fate(dgram.NumFates).String(); got != "fate(14)" {
		t.Errorf("a fate that there is not is called %q", got)
	}
}

// TestNewReason lets many goroutines ask for the same reasons: each name has one number.
func TestNewReason(t *testing.T) {
	names := []string{"test a", "test b", "loss"}
	var wg sync.WaitGroup
	got := make([][3]dgram.Reason, 16)
	for i := range got {
		wg.Go(func() {
			for k, name := range names {
				got[i][k] = dgram.NewReason(name)
			}
		})
	}
	wg.Wait()
	for _, g := range got {
		if g != got[0] || g[0] == g[1] || g[2] != dgram.ReasonLoss {
			t.Fatalf("the same names gave %v and %v", got[0], g)
		}
	}
	if got[0][0].String() != "test a" || dgram.NoReason.String() != "" || !strings.HasPrefix(dgram.Reason(255).String(), "reason(") {
		t.Error("reasons have the wrong names")
	}
	defer func() {
		if recover() == nil {
			t.Error("a reason without a name was taken")
		}
	}()
	dgram.NewReason("")
}
