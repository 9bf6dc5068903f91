// Command dgram serves, calls and explains UDP datagrams, and says what happened to every one.
//
// Each verb is a file with a value of type verb; the list of them is in verbs.go. run is the whole program but for the process around it.
package main

import (
	"context"
	"fmt"
	"os"

	"dgram/internal/terminal"
)

func main() {
	if err := enoughFiles(); err != nil {
		fmt.Fprintln(os.Stderr, "dgram:", err)
		os.Exit(exitError)
	}
	terminal.SurvivePipes()
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
