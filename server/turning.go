package server

import (
	"context"
	"time"
)

// Turning reports whether every receiving loop takes a turn before ctx ends: it has come back from the system, and is not stuck in what is
// done to a datagram. One that waits for datagrams is woken for it. Of a server that stops it is false. A service manager's watchdog
// (sd_notify(3)) is fed by this, so that it notices a server that has a process and no life.
func (s *Server) Turning(ctx context.Context) bool {
	before, ok := s.nudge()
	if !ok {
		return false
	}
	for i, sh := range s.shards {
		for sh.turns.Load() == before[i] {
			select {
			case <-ctx.Done():
				return false
			case <-s.done:
				return false
			case <-time.After(turnPoll):
			}
		}
	}
	return true
}

// turnPoll is how often a loop that was woken is looked at.
const turnPoll = time.Millisecond

// nudge wakes every loop, and returns how many turns each had taken. Not while the server stops: a drain has deadlines of its own.
func (s *Server) nudge() (turns []uint64, ok bool) {
	s.nudging.Lock()
	defer s.nudging.Unlock()
	if s.stopped() {
		return nil, false
	}
	for _, sh := range s.shards {
		turns = append(turns, sh.turns.Load())
		_ = sh.conn.SetReadDeadline(time.Now()) // fails only if it is closed: then it does not turn
	}
	return turns, true
}
