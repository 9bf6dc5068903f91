// Tally runs go test, prints a line for each package and everything about a test that failed, and enters every test
// in a book, from which test.sh counts what passed, failed and was skipped.
//
//	go run ./scripts/tally BOOK [arguments of go test]
//
// The book is a text file that grows with each run: outcome, package and test, separated by tabs. A test that has
// subtests is entered by its subtests; a fuzz target, with all its seeds, once. Whatever began and did not end has
// failed, and so has a package that fails without a test to blame (it did not build, or it exited). Tally ends with
// the exit status of go test.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./scripts/tally BOOK [arguments of go test]")
		os.Exit(2)
	}
	status, err := run(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(2)
	}
	os.Exit(status)
}

// run runs go test with its events going into the book, and returns its exit status.
func run(book string, args []string) (int, error) {
	file, err := os.OpenFile(book, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return 0, fmt.Errorf("opening the book: %w", err)
	}
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return 0, fmt.Errorf("running go test: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("running go test: %w", err)
	}
	failed, err := count(events, os.Stdout, file)
	if err != nil { // let go test end, rather than block on a pipe that nobody reads
		_, _ = io.Copy(io.Discard, events)
	}
	err = errors.Join(err, file.Close())
	var exit *exec.ExitError
	if wait := cmd.Wait(); errors.As(wait, &exit) {
		return max(exit.ExitCode(), 1), err
	} else if wait != nil {
		return 0, errors.Join(err, wait)
	}
	if failed {
		return 1, err
	}
	return 0, err
}
