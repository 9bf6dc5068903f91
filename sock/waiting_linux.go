package sock

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// How a Receiver outside the poller waits, as traffic thins out: it looks again for a moment; it sleeps in the kernel and keeps its
// processor (the runtime's P) meanwhile; and where nothing has come for a while, it sleeps and lets the processor go.

// alone knows when datagrams come one at a time. A call with room for more looks once more after the first, in vain, before it returns: a third
// of what receiving costs. Once every so often it is given all the room, and as soon as that finds more than one, always.
type alone struct {
	run, left uint8
}

const aloneRun = 15 // calls with room for one, between two with all, at most

// room is how many messages the next call is to take, of at most all.
func (a *alone) room(all int) int {
	if a.left > 0 {
		return 1
	}
	return all
}

// took says how many the call found.
func (a *alone) took(n int) {
	switch {
	case a.left > 0:
		a.left--
	case n == 1:
		a.run = min(2*a.run+1, aloneRun)
		a.left = a.run
	default:
		a.run = 0
	}
}

// looks decides whether a receiver looks again for a moment before it sleeps. A peer with one request outstanding sends the next as
// soon as it has its answer, sooner than a thread falls asleep and is woken: then looking costs no more than sleeping would. Where it was in
// vain, the next looks are left out, twice as many each time.
type looks struct {
	skip, left uint8
}

const (
	looksAtOnce = 8  // empty looks take about as long as falling asleep and waking up
	looksSkip   = 64 // waits without a look, between two, at most
)

func (l *looks) worth() bool {
	if l.left > 0 {
		l.left--
		return false
	}
	return true
}

// soon takes what comes within a moment. It reports false if nothing did.
func (r *Receiver) soon(fd uintptr) bool {
	t := r.socket.thread
	for range looksAtOnce {
		if r.socket.closed.Load() || t.deadline.Load() != 0 {
			return false
		}
		if r.receive(fd, unix.MSG_DONTWAIT, false); r.err != unix.EAGAIN && r.err != unix.EINTR {
			r.looks.skip = 0
			return true
		}
	}
	r.looks.skip = min(max(2*r.looks.skip, 1), looksSkip)
	r.looks.left = r.looks.skip
	return false
}

// A runtime that is told of a call which lasts longer than some 20 µs takes the processor away from the thread, and its monitor, which then
// runs every 20 µs, costs as much as the server itself at a few thousand datagrams a second. A thread that does not tell keeps the
// processor. That is fair only while others are left for the rest of the program, and harmless because the runtime stops a
// thread in an untold call with a signal, again and again until it stands: a wait with a timeout ends at one.

// holdCount counts the threads that keep a processor while they wait.
type holdCount struct{ n atomic.Int32 }

var holders holdCount

// take reports whether one more thread may: at least one processor must be left.
func (h *holdCount) take() bool {
	if int(h.n.Add(1)) < runtime.GOMAXPROCS(0) {
		return true
	}
	h.n.Add(-1)
	return false
}

func (h *holdCount) leave() { h.n.Add(-1) }

// A turn is the socket's receive timeout, and bounds any wait inside the kernel. Go's runtime cannot stop the world (for its collector, or to
// change all threads) while a thread that was just about to go inside in a told call, when it began, stays there: as of Go 1.26 it looks for
// such threads once, and again only after up to a minute. So a receiver comes out now and then, though it has nothing to do; seldom where
// nothing has come for a while, since that is the cost of an idle server. With a timeout set, a signal ends a blocked receive with EINTR,
// even though the handler asks for calls to be restarted (signal(7), "Interruption of system calls").
const (
	receiveTurn = 50 * time.Millisecond
	quietTurn   = 500 * time.Millisecond
)

// setTurn sets the receive timeout. copyOf is the descriptor that fd has just become a copy of, or -1.
func setTurn(fd uintptr, copyOf int, turn time.Duration) unix.Errno {
	t := unix.NsecToTimeval(int64(turn))
	return setsockopt(fd, origin{fd: copyOf}, SORcvTimeo, unsafe.Slice((*byte)(unsafe.Pointer(&t)), unsafe.Sizeof(t)))
}

// holdAnew decides again whether the thread keeps its processor: somebody may have changed how many there are. One that keeps the last of them is woken
// every 10 ms, because everybody else is waiting for it.
func (t *thread) holdAnew() {
	if !t.holds.Load() {
		t.holds.Store(holders.take())
	} else if int(holders.n.Load()) >= runtime.GOMAXPROCS(0) {
		t.unpin()
	}
}

// quietTurns is how many fruitless wake-ups in a row (the runtime's, every 10 ms, or the ends of turns) make a receiver quiet: it lets
// its processor go.
const quietTurns = 8

// receiveWaiting makes one call that waits for a datagram, a turn or a signal.
func (r *Receiver) receiveWaiting(fd uintptr) {
	holds := r.socket.thread.holds.Load() && r.quiet < quietTurns
	r.receive(fd, unix.MSG_WAITFORONE, !holds)
	r.count(fd)
}

// count keeps count of wake-ups that brought nothing, and sets the turn by it. That the socket took another timeout before says that it takes this
// one; if it did not, turns would have the wrong length, no more.
func (r *Receiver) count(fd uintptr) {
	switch {
	case r.err != 0:
		r.socket.thread.holdAnew()
		if r.quiet++; r.quiet == quietTurns {
			setTurn(fd, -1, quietTurn)
		}
	case r.quiet >= quietTurns:
		setTurn(fd, -1, receiveTurn)
		fallthrough
	default:
		r.quiet = 0
	}
}
