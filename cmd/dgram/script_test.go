package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the program dgram, for the scripts and for every test that starts it as a process.
func TestMain(m *testing.M) {
	if os.Getenv(raceOptions) == "" {
		_ = os.Setenv(raceOptions, "atexit_sleep_ms=0") // the name is a good one
	}
	testscript.Main(m, map[string]func(){"dgram": main})
}

// raceOptions is the variable of the race detector, which lets every process sleep for a second before it ends (go.dev/doc/articles/race_detector).
const raceOptions = "GORACE"

// TestScripts runs testdata/*.txtar: one file for each matter, named after its verb. What they can say is told at scriptCommands.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		Setup:               setUpScript,
		Cmds:                scriptCommands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Deadline:            time.Now().Add(2 * time.Minute),
	})
}
