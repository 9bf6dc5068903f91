package capture

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// A station is an interface that was named, and how it was when last looked at.
type station struct {
	name  string
	index int
	state error // nil: up; ErrDown, ErrGone
}

// look looks at the interfaces that were named and tells the first that has gone down or away since. Once none is left the capture ends with
// that.
func (l *Live) look() error {
	l.mu.Lock()
	if len(l.named) > 1 && l.ended == nil {
		l.lookNext = time.Now().Add(lookEvery)
		l.lookAt = l.lookNext.UnixNano()
		_ = l.arm()
	}
	l.mu.Unlock()
	gone := 0
	for _, s := range l.named {
		state := l.stateOf(s)
		if errors.Is(state, ErrGone) {
			gone++
		}
		if gone == len(l.named) {
			return l.end(fmt.Errorf("capture on %s: %w, and none is left to capture on", s.name, state))
		}
		if errors.Is(state, s.state) {
			continue
		}
		if s.state = state; state != nil {
			return fmt.Errorf("capture on %s: %w", s.name, state)
		}
	}
	return nil
}

func (l *Live) stateOf(s *station) error {
	d, err := l.ring.Socket().Device(s.index)
	switch {
	case errors.Is(err, syscall.ENODEV):
		return ErrGone
	case err == nil && !d.Up:
		return ErrDown
	}
	return nil
}
