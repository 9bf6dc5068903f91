package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// stream writes events in a short hand: "action test output", with - for no test.
func stream(lines ...string) string {
	var s strings.Builder
	for _, line := range lines {
		part := strings.SplitN(line, " ", 3)
		e := event{Action: part[0], Package: "p"}
		if len(part) > 1 && part[1] != "-" {
			e.Test = part[1]
		}
		if len(part) > 2 {
			e.Output = part[2] + "\n"
		}
		text, _ := json.Marshal(e)
		s.Write(append(text, '\n'))
	}
	return s.String()
}

func TestCount(t *testing.T) {
	for _, c := range []struct {
		name, events, book, says string
		failed                   bool
	}{
		{"pass and skip",
			stream("run A", "pass A", "run B", "output B     b_test.go:1: no such tool", "skip B", "pass -"),
			"pass\tp\tA\nskip\tp\tB\n", "skip  p B: b_test.go:1: no such tool", false},
		{"a failure is shown",
			stream("run A", "output A === RUN A", "output A a_test.go:9: broken", "fail A", "fail -"),
			"fail\tp\tA\n", "a_test.go:9: broken\n", true},
		{"subtests stand for their parent",
			stream("run A", "run A/x", "pass A/x", "run A/y", "skip A/y", "pass A", "pass -"),
			"pass\tp\tA/x\nskip\tp\tA/y\n", "1 passed, 0 failed, 1 skipped", false},
		{"a parent that fails by itself",
			stream("run A", "run A/x", "pass A/x", "fail A", "fail -"),
			"fail\tp\tA\npass\tp\tA/x\n", "1 passed, 1 failed", true},
		{"a name that begins like another is no subtest",
			stream("run A", "pass A", "run AB", "pass AB", "pass -"),
			"pass\tp\tA\npass\tp\tAB\n", "2 passed", false},
		{"a fuzz target counts once",
			stream("run FuzzA", "run FuzzA/seed#0", "pass FuzzA/seed#0", "pass FuzzA", "pass -"),
			"pass\tp\tFuzzA\n", "1 passed", false},
		{"what did not end has failed",
			stream("run A", "pass A", "run B", "output B panic: no", "fail -"),
			"pass\tp\tA\nfail\tp\tB\n", "panic: no\n", true},
		{"a package that does not build",
			stream("output - FAIL p [build failed]", "fail -"),
			"fail\tp\t(package)\n", "[build failed]", true},
		{"a package that exits after its tests",
			stream("run A", "pass A", "output - exit status 3", "fail -"),
			"pass\tp\tA\nfail\tp\t(package)\n", "exit status 3", true},
		{"no tests", stream("output - ? p [no test files]", "skip -"), "", "", false},
		{"go's own words", "go: downloading x\n", "", "go: downloading x\n", false},
		{"a last line without its end", strings.TrimSuffix(stream("run A", "pass A", "pass -"), "\n"), "pass\tp\tA\n", "ok", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var screen, book strings.Builder
			failed, err := count(strings.NewReader(c.events), &screen, &book)
			if err != nil || failed != c.failed {
				t.Errorf("failed = %v, %v; want %v", failed, err, c.failed)
			}
			if book.String() != c.book {
				t.Errorf("the book has\n%swant\n%s", book.String(), c.book)
			}
			if !strings.Contains(screen.String(), c.says) || strings.Contains(screen.String(), "=== RUN") {
				t.Errorf("the screen shows\n%swhich should have %q", screen.String(), c.says)
			}
		})
	}
}

// Whatever the events, count ends, and it says that something failed exactly when the book does.
func FuzzCount(f *testing.F) {
	f.Add(stream("run A", "run A/x", "fail A/x", "fail A", "fail -"))
	f.Add("{}\n{\"Action\":\"pass\"}\nnot json")
	f.Fuzz(func(t *testing.T, events string) {
		var screen, book strings.Builder
		failed, err := count(strings.NewReader(events), &screen, &book)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(events, `\`) {
			return // an escape can put a line end into a name, which go's names never have
		}
		if strings.Contains("\n"+book.String(), "\nfail\t") != failed {
			t.Fatalf("failed = %v, and the book has\n%s", failed, book.String())
		}
	})
}
