//go:build !linux

package sock

// Ring is a receive ring of a PACKET socket; there is none on this system.
type Ring struct{ _ byte }

// Ring fails here.
func (*Socket) Ring(RingConfig) (*Ring, error) { return nil, unsupported("receive ring") }

// Socket is nil here.
func (*Ring) Socket() *Socket { return nil }

// Next fails here.
func (*Ring) Next(*RingFrame) error { return unsupported("receive ring") }

// Late is false here.
func (*Ring) Late() bool { return false }

// Drops is 0 here.
func (*Ring) Drops() uint64 { return 0 }

// Close fails here.
func (*Ring) Close() error { return unsupported("close") }
