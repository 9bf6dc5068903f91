package bench

import (
	"time"

	"dgram"
)

// port is what a worker sends and receives through: the sockets of its flows.
type port interface {
	// receive tells w of everything that has arrived, and waits for it at most so long: arrived and notice for each datagram and
	// report, then drained for the flow, and flush.
	receive(w *worker, wait time.Duration)
	// send sends w's requests that stand in its batch from one place to another, and tells it when they left. It puts an errno into w.failed for each
	// that the system did not take, 0 for the others.
	send(w *worker, from, to int)
	// spins says that looking again and again without waiting makes sense.
	spins() bool
	// drops is how many datagrams the sockets dropped because they were full. It may be called from any goroutine.
	drops() (n int64, known, atLeast bool)
	// traits are what a Result says of the sockets.
	traits() traits
	// taps makes the taps of the flows.
	taps(of func(dgram.Conn) dgram.Tap) []dgram.Tap
	close() error
}

type traits struct {
	transport  string
	timestamps bool
	gso, gro   bool
	measures   bool // it records latencies itself, when the next request is on its way
}

// sendPatience is how long a request waits for room in a full send buffer (EAGAIN) before it counts as failed.
const sendPatience = 100 * time.Millisecond
