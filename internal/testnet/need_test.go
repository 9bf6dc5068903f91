package testnet

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// recorder stands in for a test that Need ends.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper() {}

func (r *recorder) Skip(args ...any) {
	r.skipped = fmt.Sprint(args...)
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) {
	r.failed = fmt.Sprint(args...)
	runtime.Goexit()
}

// need calls Need on a goroutine of its own, which Need may end.
func (r *recorder) need(tools []string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		Need(r, tools...)
	}()
	<-done
}

func TestNeed(t *testing.T) {
	for _, c := range []struct {
		name, ci      string
		tools         []string
		skipped, fail bool
	}{
		{"there, at home", "", []string{"go"}, false, false},
		{"there, CI", "true", []string{"go"}, false, false},
		{"nothing asked", "true", nil, false, false},
		{"missing, at home", "", []string{"go", "no-such-tool"}, true, false},
		{"missing, CI", "true", []string{"no-such-tool"}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("CI", c.ci)
			r := &recorder{TB: t}
			r.need(c.tools)
			if (r.skipped != "") != c.skipped || (r.failed != "") != c.fail {
				t.Fatalf("skipped %q, failed %q", r.skipped, r.failed)
			}
			if line := r.skipped + r.failed; line != "" && !strings.Contains(line, "no-such-tool") {
				t.Fatalf("the line does not name what is missing: %q", line)
			}
		})
	}
}
