package testpty

import (
	"os"
	"testing"
)

// missing ends a test for which there is no terminal: as skipped on a person's machine, as failed where CI is set.
func missing(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("this test needs a pseudoterminal: %v", err)
	}
	t.Skipf("this test needs a pseudoterminal: %v", err)
}
