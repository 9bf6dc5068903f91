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

// sending shows the requests of a batch before they are sent.
func (v *watch) sending(w *worker, flow int32, n int) {
	if v == nil {
		return
	}
	v.out.Reset()
	for k := range n {
		d := v.out.Append()
		d.Peer, d.Data = v.target, w.payloads[k]
	}
	v.out.Number()
	for k := range n {
		if place := w.taken[k]; place >= 0 {
			v.ids[place] = v.out.Datagrams[k].ID
		}
	}
	v.taps[flow].Sending(v.out)
}

// sent shows what became of them.
func (v *watch) sent(w *worker, flow int32, n int) {
	if v == nil {
		return
	}
	for k := range n {
		d := &v.out.Datagrams[k]
		if d.Fate = dgram.Pending; w.failed[k] != 0 {
			d.Fate, d.Err = dgram.Failed, w.failed[k]
		}
	}
	v.taps[flow].Settled(v.out)
}

// arrived keeps a datagram until the others of the same turn are there too. what says whether it answers the request at that place.
func (v *watch) arrived(flow int32, b []byte, at int64, place int32, what past) {
	if v == nil {
		return
	}
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

// show shows what has arrived; its bytes are about to be overwritten.
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
