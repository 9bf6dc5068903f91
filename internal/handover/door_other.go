//go:build !linux

package handover

import (
	"errors"
	"fmt"
)

var errLinuxOnly = fmt.Errorf("sockets are handed over on Linux only: %w", errors.ErrUnsupported)

// Offer gives the sockets to be handed on. done is called when the visit is over: with true, they are the visitor's now.
type Offer func() (sockets []Socket, done func(taken bool), err error)

// Door is where a process can be visited: on this system there is none.
type Door struct{ _ byte }

// NewDoor fails: Linux only.
func NewDoor(string) (*Door, error) { return nil, errLinuxOnly }

// Discard does nothing here.
func (*Door) Discard() {}

// Open fails: Linux only.
func (*Door) Open(Offer, func()) error { return errLinuxOnly }

// Shut is false here.
func (*Door) Shut() bool { return false }

// Successor is 0 here.
func (*Door) Successor() int { return 0 }

// Close does nothing here.
func (*Door) Close() {}
