package stage

import (
	"math"

	"dgram"
)

// egress is the one way out, for the pipeline, handlers and delays alike: it refuses what cannot be a reply, sends, and adds the copies that
// were asked for.
type egress struct {
	conn   dgram.Conn
	guards *Guards      // nil: there are none
	copies *dgram.Batch // made when the first copy is asked for
	extras []extraCopies
}

// extraCopies asks for copies of the datagram in a slot of the batch that is about to be sent.
type extraCopies struct{ slot, copies int }

// hasAddress gives d, if it came from a peer that nothing can be sent to, its fate and reports false: an unnamed unix socket, or source port
// 0, which UDP allows for "no reply" (RFC 768).
func hasAddress(d *dgram.Datagram) bool {
	p := &d.Peer
	network := p.Network()
	if network.IP() && p.Port() != 0 || network == dgram.Unixgram && p.Path() != "" {
		return true
	}
	d.DropFor(dgram.ReasonNoAddress)
	return false
}

// admit gives d a fate and reports false if it cannot be sent. Where final, d is the reply as it is to go out.
func (o *egress) admit(d *dgram.Datagram, asked *request, final bool) bool {
	if len(d.Data) > dgram.MaxPayload && d.Count() == 1 {
		d.DropFor(dgram.ReasonTooBig)
		return false
	}
	if !hasAddress(d) {
		return false
	}
	if final && o.guards != nil && len(d.Data) > o.guards.allowance(asked) {
		d.DropFor(dgram.ReasonAmplify)
		o.guards.first(dgram.ReasonAmplify, d.Peer)
		return false
	}
	return true
}

// allowance is how many bytes may go out for a request, copies included.
func (g *Guards) allowance(asked *request) int {
	switch most := g.config.MaxReply; {
	case asked.near || most < 0:
		return math.MaxInt
	default:
		return max(asked.size, most)
	}
}

// leave notes that the reply in that slot is about to be sent, and that it is to have extra copies: as many of them as may be.
func (o *egress) leave(b *dgram.Batch, slot int, asked *request, extra int) {
	d := &b.Datagrams[slot]
	if o.guards != nil && o.guards.loops != nil {
		o.guards.loops.replied(asked, d)
	}
	if extra <= 0 {
		return
	}
	copies := min(extra, MaxExtra)
	if o.guards != nil {
		// Copies of nothing weigh nothing as payload, and yet are packets: an empty reply counts as a byte.
		copies = min(copies, o.guards.allowance(asked)/max(len(d.Data), 1)-1)
		if copies < extra {
			o.guards.first(dgram.ReasonAmplify, d.Peer)
		}
	}
	if copies > 0 {
		o.extras = append(o.extras, extraCopies{slot, copies})
	}
}

// send sends b, which is done even when nothing is to be sent, because taps take the account of b there; then the copies of what was
// taken.
func (o *egress) send(b *dgram.Batch) error {
	err := o.conn.Send(b)
	if len(o.extras) > 0 {
		if err == nil {
			err = o.sendCopies(b)
		}
		o.extras = o.extras[:0]
	}
	return err
}

func (o *egress) sendCopies(b *dgram.Batch) error {
	if o.copies == nil {
		o.copies = o.conn.NewBatch(b.Cap())
	}
	o.copies.Reset()
	for _, x := range o.extras {
		d := &b.Datagrams[x.slot]
		if d.Fate != dgram.Answered {
			continue
		}
		for range x.copies {
			if addCopy(o.copies, d) {
				continue
			}
			if err := o.conn.Send(o.copies); err != nil {
				return err
			}
			o.copies.Reset()
			addCopy(o.copies, d)
		}
	}
	if len(o.copies.Datagrams) == 0 {
		return nil
	}
	return o.conn.Send(o.copies)
}

// addCopy reports false, and adds nothing, when b is full.
func addCopy(b *dgram.Batch, d *dgram.Datagram) bool {
	c := b.Add(d.Peer, d.Data)
	if c == nil {
		return false
	}
	address(c, d)
	c.ID, c.Copy = d.Request(), true
	return true
}

// address gives to all that from has but its bytes, numbers and fate.
func address(to, from *dgram.Datagram) {
	to.Peer, to.Local, to.Interface = from.Peer, from.Local, from.Interface
	to.Time, to.TTL, to.TOS, to.Truncated = from.Time, from.TTL, from.TOS, from.Truncated
}
