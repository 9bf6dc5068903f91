//go:build !linux

package testpty

import (
	"errors"
	"os"
	"testing"
)

// Terminal is a pseudoterminal. This package makes none on this system.
type Terminal struct{ Slave *os.File }

// Open skips the test, or fails it where CI is set.
func Open(t testing.TB, _ int) *Terminal {
	t.Helper()
	missing(t, errors.New("this system is not Linux"))
	return nil
}

// OpenRaw is as Open.
func OpenRaw(t testing.TB, columns int) *Terminal {
	t.Helper()
	return Open(t, columns)
}

// OpenFull is as Open.
func OpenFull(t testing.TB, columns, _ int) *Terminal {
	t.Helper()
	return Open(t, columns)
}

// Resize is never reached on this system.
func (x *Terminal) Resize(int, int) {}

// AwaitScreen is never reached on this system.
func (x *Terminal) AwaitScreen(string, func(string) bool) {}

// Printed is never reached on this system.
func (x *Terminal) Printed() []byte { return nil }

// Type is never reached on this system.
func (x *Terminal) Type(string) {}

// Await is never reached on this system.
func (x *Terminal) Await(...string) {}

// AwaitText is never reached on this system.
func (x *Terminal) AwaitText(string) {}

// Look is never reached on this system.
func (x *Terminal) Look(func(*Screen)) {}
