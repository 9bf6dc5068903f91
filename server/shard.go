package server

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"dgram"
	"dgram/ledger"
	"dgram/stage"
)

// shard is one socket and the goroutine that receives from it.
type shard struct {
	server  *Server
	raw     dgram.Conn
	conn    dgram.Conn // raw with its taps
	line    *stage.Line
	account *ledger.Account
	slots   int                            // of the batch that it receives into
	turns   atomic.Uint64                  // of receive
	final   atomic.Pointer[ledger.Summary] // once the socket is closed

	drops uint64                 // of the socket, before it was this server's
	given atomic.Pointer[uint64] // drops of the socket when another server took it
}

func newShard(s *Server, from *socket) *shard {
	conn := from.Conn
	account := ledger.NewAccount(ledger.Serving)
	taps := append([]dgram.Tap{account}, s.cfg.Taps(conn)...)
	conn = dgram.WithTaps(conn, taps...)
	o := s.cfg.Line
	o.Sequence, o.Direction = &s.sequence, stage.Request
	return &shard{server: s, raw: from.Conn, drops: from.drops, conn: conn, account: account, line: stage.NewLine(s.cfg.Plan, conn, o)}
}

// receive takes and answers until the server stops, and then what the system had queued by then, unless another server takes that.
func (sh *shard) receive() {
	sh.slots = sh.server.cfg.Batch
	b := sh.conn.NewBatch(sh.slots)
	var trouble backoff
	for {
		sh.turns.Add(1)
		if b = sh.fit(b); b == nil {
			return
		}
		err := sh.conn.Recv(b)
		switch {
		case err == nil:
			trouble = 0
			if sh.take(b); sh.server.stopped() {
				sh.end(b)
				return
			}
		case dgram.IsClosed(err):
			if !sh.server.stopped() { // the other sockets go on
				sh.server.cfg.OnError(err)
			}
			return
		case errors.Is(err, os.ErrDeadlineExceeded): // stop has set it, or Turning
			_ = sh.conn.SetReadDeadline(time.Time{}) // before the look: stop closes stopping before it sets its own
			if sh.server.stopped() {
				sh.end(b)
				return
			}
		default:
			sh.account.ReceiveFailed()
			sh.server.cfg.OnError(err)
			if trouble.wait(sh.server.stopping); sh.server.stopped() {
				sh.end(b)
				return
			}
		}
	}
}

// end is the last of receive, with nothing in b.
func (sh *shard) end(b *dgram.Batch) {
	<-sh.server.stopping
	if !sh.server.left {
		sh.drain(b)
	}
}

// keep has the Conn leave its socket as it is, where it can be told to.
func (sh *shard) keep(steady bool) {
	if g, ok := sh.raw.(dgram.Giver); ok {
		g.Keep(steady)
	}
}

func (sh *shard) take(b *dgram.Batch) {
	if s := sh.server; s.cfg.Count > 0 && s.taken.Add(arrivals(b)) >= s.cfg.Count {
		defer s.stop()
	}
	// An error means that the socket was closed, which the next Recv says too.
	_ = sh.line.Process(b)
}

// arrivals counts the datagrams of a batch that are no notices.
func arrivals(b *dgram.Batch) (n uint64) {
	for i := range b.Datagrams {
		if d := &b.Datagrams[i]; !d.Notice() {
			n += uint64(d.Count())
		}
	}
	return n
}

// fit returns a batch that holds no more than what Count leaves to be received, and nil if that is nothing.
func (sh *shard) fit(b *dgram.Batch) *dgram.Batch {
	count := sh.server.cfg.Count
	if count == 0 {
		return b
	}
	taken := sh.server.taken.Load()
	switch {
	case taken >= count:
		return nil
	case count-taken < uint64(sh.slots):
		sh.slots = int(count - taken)
		return sh.conn.NewBatch(sh.slots)
	}
	return b
}

// close waits for what is held, until ctx ends, and closes the socket. The account is final afterwards.
func (sh *shard) close(ctx context.Context) {
	_ = sh.line.Drain(ctx) // what did not make it is in the account
	_ = sh.line.Close()
	end := sh.now()
	_ = sh.conn.Close()
	sh.final.Store(&end)
}

func (sh *shard) summary() ledger.Summary {
	if end := sh.final.Load(); end != nil {
		return *end
	}
	return sh.now()
}

func (sh *shard) now() ledger.Summary {
	s := sh.account.Summary()
	s.SetDrops(sh.ownDrops())
	return s
}

// ownDrops are those from when the socket became this server's to when it became another's.
func (sh *shard) ownDrops() dgram.Drops {
	d := sh.conn.Drops()
	if given := sh.given.Load(); given != nil {
		d.Count = *given
	}
	d.Count -= sh.drops
	return d
}

// backoff waits longer each time, from 1 ms up to a second.
type backoff time.Duration

func (b *backoff) wait(stopping <-chan struct{}) {
	d := min(max(2*time.Duration(*b), time.Millisecond), time.Second)
	*b = backoff(d)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-stopping:
	}
}
