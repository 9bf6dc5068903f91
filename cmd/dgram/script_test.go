package main

import (
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the program dgram, for the scripts and for every test that starts it as a process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"dgram": main})
}

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
