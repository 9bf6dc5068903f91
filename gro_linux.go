package dgram

import (
	"sync"
	"sync/atomic"

	"dgram/sock"
)

// groSwitch turns receive offload (UDP_GRO, udp(7)) on while heavy flows arrive, and off again. For a flow whose sender or network card hands
// over many datagrams at once it saves most of the cost; for many small flows it costs more than it saves.
type groSwitch struct {
	on   atomic.Bool
	used atomic.Bool // it has been on: what was dropped may count for several

	mu     sync.Mutex // of turning, and of steady
	steady int        // how many want it to stay as it is: other processes receive from the socket too

	// Of the goroutine that receives alone.
	datagrams, messages, runs int      // since the last decision; a run is neighbours of one peer
	last                      Endpoint // of the run
	pause, penalty            int      // decisions to let pass before the next try
}

func (g *groSwitch) possible(o Options) bool { return g.on.Load() || o.AutoGRO != nil }

func (g *groSwitch) set(on bool) {
	g.on.Store(on)
	if on {
		g.used.Store(true)
	}
}

// What decides: after so many datagrams, a run of so many tells a heavy flow, and so many datagrams a message tell that offload is worth it. A
// try that was not is not repeated for a while, each time twice as long.
const (
	groDecision  = 1024
	groHeavyRun  = 8
	groWorthIt   = 2
	groMaxPause  = 4096
	groFirstTurn = 1
)

// watch counts a batch of n messages, and turns the offload on or off where what was counted says so.
func (g *groSwitch) watch(c *kernelConn, b *Batch, n int) {
	g.messages += n
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		g.datagrams += d.Count()
		if !d.Peer.is(&g.last) {
			g.runs, g.last = g.runs+1, d.Peer
		}
	}
	if g.datagrams < groDecision {
		return
	}
	heavy, worth := g.datagrams >= groHeavyRun*g.runs, g.datagrams >= groWorthIt*g.messages
	g.datagrams, g.messages, g.runs = 0, 0, 0
	switch on := g.on.Load(); {
	case on && worth:
		g.penalty = 0
	case on && g.turn(c, false):
		g.penalty = min(max(2*g.penalty, groFirstTurn), groMaxPause)
		g.pause = g.penalty
	case on: // it could not be turned off just now
	case g.pause > 0:
		g.pause--
	case heavy:
		g.turn(c, true)
	}
}

// turn leaves things as they are, and reports false, where they are to stay so, where the socket has no such option, and where what is queued is
// against it.
func (g *groSwitch) turn(c *kernelConn, on bool) bool {
	turned := g.tryTurn(c, on)
	if turned {
		c.options.AutoGRO(on)
	}
	return turned
}

func (g *groSwitch) tryTurn(c *kernelConn, on bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.steady > 0 || c.socket.Set(sock.UDPGRO, truth(on)) != nil {
		return false
	}
	// The kernel does not say of a message that it coalesced before where its datagrams end, once the offload is off: it would be taken for one. From
	// here on it coalesces no more, so a queue that is empty now holds no such message.
	if queued, err := c.socket.MemoryQueued(); !on && (err != nil || queued > 0) {
		if c.socket.Set(sock.UDPGRO, 1) == nil {
			return false
		}
	}
	g.set(on)
	return true
}

func (g *groSwitch) keep(steady bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if steady {
		g.steady++
	} else {
		g.steady--
	}
}
