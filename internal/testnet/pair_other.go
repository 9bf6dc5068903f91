//go:build !linux

package testnet

import (
	"context"
	"os/exec"
	"testing"
)

// NS is one network namespace. This system has none: Pair never returns one.
type NS struct {
	Name string // as ip-netns(8) knows it
	Link string // the device that leads to the other namespace
}

// Pair skips the test, or fails it where CI is set: this system has no network namespaces.
func Pair(t testing.TB, _, _ string) (*NS, *NS) {
	t.Helper()
	Need(t, Namespaces)
	return nil, nil
}

// Command is never reached on this system.
func (n *NS) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, args...)
}

// Do is never reached on this system.
func (n *NS) Do(f func()) { f() }

func namespacesWork() bool { return false }
