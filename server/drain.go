package server

import (
	"errors"
	"os"
	"time"

	"dgram"
)

// quiet is how long nothing must arrive for the system's queue to be taken as empty. A read that finds the queue full does not wait for it.
const quiet = 50 * time.Millisecond

// drain takes what the system had queued when the server was stopped; what closing the socket would lose. It ends when nothing has arrived for a
// while, or, where datagrams keep coming, when so much has that all that was queued is among it.
func (sh *shard) drain(b *dgram.Batch) {
	left := sh.queueBound()
	for !left.spent() && time.Now().Before(sh.server.deadline) && sh.server.forced.Err() == nil {
		if b = sh.fit(b); b == nil {
			return
		}
		if sh.conn.SetReadDeadline(time.Now().Add(quiet)) != nil {
			return
		}
		err := sh.conn.Recv(b)
		switch {
		case err == nil:
			left.take(b)
			sh.take(b)
		case dgram.IsClosed(err), errors.Is(err, os.ErrDeadlineExceeded):
			return
		default:
			left.errors--
			sh.account.ReceiveFailed()
			sh.server.cfg.OnError(err)
		}
	}
}

// bound is more than a socket's queue can hold.
type bound struct{ datagrams, bytes, errors int }

const (
	defaultReceiveBuffer = 4 << 20 // that of dgram.Options
	leastReceiveBuffer   = 64 << 10
	// Linux grants twice what is asked for (socket(7)), and charges each buffer that it queues with its bookkeeping, more than this.
	leastCharge = 512
	// A buffer that receive offload coalesced has at most so many datagrams (udp(7)).
	mostSegments = 64
)

// queueBound is computed from what is queued, or where the system does not tell that, from the receive buffer. The queue is first in, first out: when so
// many datagrams, or so many bytes, have been received, what was queued before them has been too.
func (sh *shard) queueBound() bound {
	bytes := sh.server.cfg.Options.ReceiveBuffer
	if bytes <= 0 {
		bytes = defaultReceiveBuffer
	}
	bytes = 2 * max(bytes, leastReceiveBuffer)
	if c, ok := sh.raw.(interface{ Queued() (int, bool) }); ok {
		if queued, known := c.Queued(); known {
			bytes = max(queued, leastReceiveBuffer) // what is on its way at this moment has its chance too
		}
	}
	datagrams := bytes / leastCharge
	if sh.conn.Caps().GRO {
		datagrams *= mostSegments
	}
	return bound{datagrams: datagrams, bytes: bytes, errors: 16}
}

func (l *bound) take(b *dgram.Batch) {
	l.datagrams -= b.Count()
	for i := range b.Datagrams {
		l.bytes -= len(b.Datagrams[i].Data)
	}
}

func (l *bound) spent() bool { return l.datagrams <= 0 || l.bytes <= 0 || l.errors <= 0 }
