package bench

import (
	"time"

	"dgram"
)

// watch shows what a worker sends and receives to a tap of each of its flows. A worker without one pays nothing for it.
type watch struct {
	taps    []dgram.Tap // by flow
	target  dgram.Endpoint
	base    time.Time
	out, in *dgram.Batch
	ids     []uint64 // by place in the table: the number of the request
	flow    int32    // that in belongs to
}

// newWatch returns nil where nobody wants to know.
func newWatch(w *worker, taps []dgram.Tap) *watch {
	if len(taps) == 0 {
		return nil
	}
	return &watch{taps: taps, target: w.plan.target, out: dgram.NewBatch(maxBatch, nil), in: dgram.NewBatch(maxBatch, nil), ids: make([]uint64, len(w.table.places))}
}

// sending shows the requests that stand in the batch from one place to another, all of one flow, before they are sent.
func (v *watch) sending(w *worker, from, to int) {
	if v == nil {
		return
	}
	v.out.Reset()
	for _, b := range w.payloads[from:to] {
		d := v.out.Append()
		d.Peer, d.Data = v.target, b
	}
	v.out.Number()
	for k, place := range w.taken[from:to] {
		if place >= 0 {
			v.ids[place] = v.out.Datagrams[k].ID
		}
	}
	v.taps[w.by[from]].Sending(v.out)
}

// sent shows what became of them.
func (v *watch) sent(w *worker, from, to int) {
	if v == nil {
		return
	}
	for k, errno := range w.failed[from:to] {
		d := &v.out.Datagrams[k]
		if d.Fate = dgram.Pending; errno != 0 {
			d.Fate, d.Err = dgram.Failed, errno
		}
	}
	v.taps[w.by[from]].Settled(v.out)
}

// arrived keeps a datagram until the others of the same turn are there too. what says whether it answers the request at that place.
func (v *watch) arrived(flow int32, b []byte, at int64, place int32, what past) {
	if flow != v.flow {
		v.show()
	}
	v.flow = flow
	d := v.in.Append()
	if d == nil {
		v.show()
		d = v.in.Append()
	}
	d.Peer, d.Data, d.Time = v.target, b, v.base.Add(time.Duration(at))
	if what == isPending {
		d.Re = v.ids[place]
	}
}

// show shows what has arrived by one flow; its bytes are about to be overwritten.
func (v *watch) show() {
	if v == nil || len(v.in.Datagrams) == 0 {
		return
	}
	id := dgram.NextIDs(len(v.in.Datagrams))
	for i := range v.in.Datagrams {
		v.in.Datagrams[i].ID = id + uint64(i)
	}
	v.taps[v.flow].Received(v.in)
	v.in.Reset()
}

// bound is a Conn whose address is known better than when it was opened.
type bound struct {
	dgram.Conn
	local dgram.Endpoint
}

func (p bound) Local() dgram.Endpoint { return p.local }
