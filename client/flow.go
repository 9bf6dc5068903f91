package client

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dgram"
)

// flow is one socket and its receiving goroutine. Requests go from it to one address.
type flow struct {
	client  *Client
	conn    dgram.Conn
	local   dgram.Endpoint // of conn
	address int            // which of the peer's
	peer    dgram.Endpoint // that address
	alias   dgram.Endpoint // another name of the same unix socket, where it answered under one
	anyPeer bool
	fresh   bool      // for one attempt only
	until   time.Time // a fresh one closes then; zero while its exchange is outstanding

	// Under the client's lock.
	open   []*claim // of the outstanding exchanges, the oldest first
	past   memory
	habit  habit
	broken error // why nothing can be received any more

	sendMu sync.Mutex // held while one attempt is sent, so that open is in the order of sending
	out    *dgram.Batch
}

// receiveSlots is how many datagrams one Recv takes at most.
const receiveSlots = 32

// receive runs until the socket is closed.
func (f *flow) receive() {
	defer f.client.running.Done()
	slots := receiveSlots
	if f.fresh {
		slots = 4
	}
	b := f.conn.NewBatch(slots)
	for failures := 0; ; {
		err := f.conn.Recv(b)
		if dgram.IsClosed(err) {
			return
		}
		if err != nil {
			f.client.account.ReceiveFailed()
			if failures++; failures == receiveFailures {
				f.breakDown(err)
				return
			}
			continue
		}
		failures = 0
		f.take(b)
	}
}

// receiveFailures in a row mean that a socket will never receive again.
const receiveFailures = 16

func (f *flow) breakDown(err error) {
	f.client.mu.Lock()
	defer f.client.unlock()
	for len(f.open) > 0 {
		f.open[0].exchange.end(Failed, err)
	}
	f.broken = err
}

// take deals with what Recv brought.
func (f *flow) take(b *dgram.Batch) {
	f.client.mu.Lock()
	defer f.client.unlock()
	now := time.Now()
	for i := range b.Datagrams {
		if d := &b.Datagrams[i]; d.Notice() {
			f.notice(d)
		} else {
			f.datagram(d, now)
		}
	}
}

// notice gives an attempt the fate that the network reports. Of the exchanges whose request begins as the report quotes it, it is about
// the oldest, and there about the last attempt: an earlier one would have been reported long ago.
func (f *flow) notice(d *dgram.Datagram) {
	if d.Peer.IsValid() && !f.isPeer(d.Peer) && !f.anyPeer {
		return
	}
	for _, cl := range f.open {
		if !bytes.HasPrefix(cl.request, d.Data) {
			continue
		}
		if a := cl.exchange.lastPending(f); a != nil {
			cl.sent--
			cl.exchange.settle(a, d.Fate, d.Err)
			cl.exchange.setback(a)
			return
		}
	}
}

// datagram gives one that was received its fate.
func (f *flow) datagram(d *dgram.Datagram, now time.Time) {
	if !f.anyPeer && !f.isPeer(d.Peer) {
		f.stranger(d, now)
		return
	}
	cl, how := f.pair(d.Data, now)
	switch {
	case cl == nil:
		f.tell(d, dgram.Stray, 0, now)
	case cl.exchange == nil && f.client.options.Collect > 0:
		f.tell(d, dgram.Late, cl.number, now)
	case cl.exchange == nil:
		f.tell(d, f.past.further(cl), cl.number, now)
	case f.client.options.Collect > 0 && cl.exchange.has(d):
		f.tell(d, dgram.Duplicate, cl.number, now)
	default:
		cl.exchange.answer(cl, how, d, now)
	}
}

// tell reports the fate of a received datagram that no exchange keeps.
func (f *flow) tell(d *dgram.Datagram, fate dgram.Fate, exchange uint64, now time.Time) {
	dgram.TellLate(f.conn, d.ID, fate)
	if f.client.events != nil {
		f.client.observe(Event{Fate: fate, Exchange: exchange, Reply: newReply(d, now)})
	}
}

// maxStrangers is how many strangers' answers an exchange keeps.
const maxStrangers = 16

// stranger keeps an answer from an address that was not asked with the exchange that it seems to be about.
func (f *flow) stranger(d *dgram.Datagram, now time.Time) {
	var about *claim
	for _, cl := range f.open {
		if accept := f.client.options.Match.Accept; accept != nil && accept(cl.request, d.Data) {
			about = cl
			break
		}
		if about == nil || len(cl.exchange.Strangers) < len(about.exchange.Strangers) {
			about = cl
		}
	}
	if about == nil {
		f.tell(d, dgram.Stray, 0, now)
		return
	}
	f.tell(d, dgram.Stray, about.number, now)
	if e := about.exchange; len(e.Strangers) < maxStrangers {
		r := newReply(d, now)
		e.time(&r, f, PairedOrder)
		e.Strangers = append(e.Strangers, r)
	}
}

// isPeer reports whether e is the address that was asked.
func (f *flow) isPeer(e dgram.Endpoint) bool {
	switch {
	case e.Same(f.peer) || e == f.alias && e.IsValid():
		return true
	case e.Network() == dgram.Unixgram:
		return f.isAlias(e)
	}
	// A zone may be written as a name or as a number, or be missing where a socket knows its only interface.
	a, b := e.Addr(), f.peer.Addr()
	return e.Port() == f.peer.Port() && a.IsLinkLocalUnicast() && a.WithZone("") == b.WithZone("")
}

// isAlias reports whether a unix socket that answers under another path is the one that was asked: a server may have bound a relative
// path, which means something else here.
func (f *flow) isAlias(e dgram.Endpoint) bool {
	asked, got := f.peer.Path(), e.Path()
	if asked == "" || got == "" || asked[0] == '@' || got[0] == '@' {
		return false
	}
	a, errA := os.Stat(asked)
	b, errB := os.Stat(got)
	same := errA == nil && errB == nil && os.SameFile(a, b) || !filepath.IsAbs(got) && filepath.Base(got) == filepath.Base(asked)
	if same {
		f.alias = e
	}
	return same
}
