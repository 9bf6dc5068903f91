package testnet

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Namespaces, given to Need among the tools, stands for the right to make network namespaces.
const Namespaces = "the right to make network namespaces (be root)"

// Need makes sure that every tool named is on the PATH (or, for Namespaces, that they can be made). When one is
// missing it ends the test with one line that names all that are missing: as skipped on a person's machine, as failed
// where the environment variable CI is set, so that a build machine can never lose a test in silence.
func Need(t testing.TB, tools ...string) {
	t.Helper()
	var missing []string
	for _, tool := range tools {
		if !available(tool) {
			missing = append(missing, tool)
		}
	}
	if len(missing) == 0 {
		return
	}
	Missing(t, strings.Join(missing, ", ")+": ./test.sh says how to get what is missing")
}

// Missing ends a test for want of something that the test has looked for itself, as Need does: what names it.
func Missing(t testing.TB, what string) {
	t.Helper()
	line := "this test needs " + what
	if os.Getenv("CI") != "" {
		t.Fatal(line)
	}
	t.Skip(line)
}

func available(tool string) bool {
	if tool == Namespaces {
		return namespacesWork()
	}
	_, err := exec.LookPath(tool)
	return err == nil
}

// NotUnderRace leaves a test out where the race detector, which makes everything some ten times slower, has nothing to find in it: why says it.
// Without the race detector every test runs.
func NotUnderRace(t testing.TB, why string) {
	t.Helper()
	if underRace {
		t.Skip("left out under the race detector: " + why)
	}
}
