// Command dgram serves, calls and explains UDP datagrams, and says what happened to every one.
//
// Each verb is a file with a value of type verb; the list of them is in verbs.go. run is the whole program but for the process around it.
package main

import (
	"context"
	"os"

	"dgram/internal/terminal"
)

func main() {
	terminal.SurvivePipes()
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
