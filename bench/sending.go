package bench

import "syscall"

// refills are the flows of a closed loop that have room in their window and are not sent by just now because an answer came: all of them
// at the start, then those whose request was lost, refused or not taken. They are filled at the next tick, so that a server that refuses
// everything is asked again a thousand times a second, and not a million.
type refills struct {
	flows []int32
	from  int
}

// refillsATurn bounds how many flows are filled before answers are looked at again: at the start all are empty.
const refillsATurn = 64

// retry puts a flow where the next tick finds it.
func (w *worker) retry(i int32) {
	if w.plan.open || w.plan.oneWay || w.flows[i].waiting {
		return
	}
	w.flows[i].waiting = true
	w.refills.flows = append(w.refills.flows, i)
}

func (w *worker) refillWaiting() {
	q := &w.refills
	n := min(len(q.flows)-q.from, refillsATurn)
	for range n {
		i := q.flows[q.from]
		q.from++
		w.flows[i].waiting = false
		w.refill(i)
	}
	w.flush()
	if q.from == len(q.flows) {
		q.flows, q.from = q.flows[:0], 0
	} else if q.from > cap(q.flows)/2 {
		q.flows = q.flows[:copy(q.flows, q.flows[q.from:])]
		q.from = 0
	}
}

// refill makes as many requests of a flow as its window has room for, and leaves the last of them to flush; where one fails there are no more.
func (w *worker) refill(i int32) {
	f := &w.flows[i]
	for f.free > 0 && !f.waiting {
		n := int(min(f.free, maxBatch))
		if w.batch+n > maxBatch { // those of one flow go together
			w.flush()
			continue
		}
		for range n {
			w.add(i, w.now)
		}
	}
}

// sendDue sends what an open loop has due by now, but not so much of it that answers would have to wait.
func (w *worker) sendDue() {
	for sent := 0; sent < maxBatch && w.isDue(); {
		for w.batch < maxBatch && w.isDue() {
			i := w.nextFlow()
			limit := maxBatch
			if len(w.flows) > 1 {
				limit = min(w.batch+w.perFlow(), maxBatch)
			}
			for w.batch < limit && w.isDue() {
				w.add(i, w.nextDue)
				w.advance()
			}
		}
		sent += w.batch
		w.flush()
		w.now = w.clock.now()
	}
}

// isDue reports whether the next request of this phase is due, and can be kept count of.
func (w *worker) isDue() bool { return w.nextDue <= w.now && w.nextDue < w.until() && !w.table.full() }

// perFlow is how many of the requests that are due go by one flow together: one, until the generator is behind.
func (w *worker) perFlow() int {
	behind := float64(w.now-w.nextDue) * w.rate / 1e9
	return int(min(max(behind/float64(len(w.flows)), 1), maxBatch))
}

func (w *worker) nextFlow() int32 {
	i := w.turn
	if w.turn++; int(w.turn) == len(w.flows) {
		w.turn = 0
	}
	return i
}

// flood sends one batch, one way, as fast as the kernel takes it.
func (w *worker) flood() {
	i := w.nextFlow()
	for range maxBatch {
		w.add(i, w.now)
	}
	w.flush()
}

// add makes the next request of a flow and puts it into the batch.
func (w *worker) add(i int32, due int64) {
	place, order := int32(-1), w.table.next
	form := w.chooseForm()
	if w.plan.oneWay {
		w.table.next++
	} else {
		var r *request
		place, r = w.table.take(due, i)
		order = r.order
		r.form, r.warm = uint16(form), w.warm()
		if w.table.seqs != nil {
			w.table.seqs[place] = w.seq
		}
		if w.lineup != nil {
			w.lineup.add(i, place)
		}
		w.flows[i].free--
	}
	k := w.batch
	b := &w.buffers[k]
	request := w.requests.forms[form].request
	if b.form != form {
		b.form = form
		copy(b.bytes, request)
	}
	payload := b.bytes[:len(request)]
	w.requests.fill(payload, form, order, w.seq, w.first+i)
	w.payloads[k], w.taken[k], w.by[k] = payload, place, i
	w.batch++
	w.seq++
}

func (w *worker) chooseForm() int {
	r := w.requests
	if len(r.forms) == 1 {
		return 0
	}
	if r.weights == nil {
		return int((w.seq + uint64(w.first)) % uint64(len(r.forms)))
	}
	v := w.random.unit()
	for i, limit := range r.weights {
		if v < limit {
			return i
		}
	}
	return len(r.forms) - 1
}

// flush sends the batch and counts what became of each request.
func (w *worker) flush() {
	n := w.batch
	w.batch = 0
	for from, to := 0, 0; from < n; from = to {
		if to = n; w.watch != nil {
			to = w.oneFlow(from, n)
		}
		w.watch.sending(w, from, to)
		w.port.send(w, from, to)
		w.watch.sent(w, from, to)
	}
	c := w.cur.counts(w.warm())
	for k := range n {
		c.Due++
		if w.failed[k] != 0 {
			w.sendFailed(c, w.by[k], w.taken[k], w.failed[k])
			continue
		}
		c.Sent++
		c.SentBytes += int64(len(w.payloads[k]))
	}
}

// oneFlow is where the requests end, of those in the batch from one place to another, that go by the same flow as the first.
func (w *worker) oneFlow(from, to int) int {
	for k := from + 1; k < to; k++ {
		if w.by[k] != w.by[from] {
			return k
		}
	}
	return to
}

// left notes when the requests in the batch from one place to another were handed over. Those of a closed loop were due then.
func (w *worker) left(from, to int, at int64) {
	w.now, w.active = at, at
	if w.plan.oneWay {
		return
	}
	for _, place := range w.taken[from:to] {
		r := &w.table.places[place]
		if w.plan.open {
			w.cur.scheduling.record(at - r.due)
		} else {
			r.due = at
		}
	}
}

func (w *worker) sendFailed(c *Counts, i, place int32, errno syscall.Errno) {
	c.Failed++
	w.cur.failures[errno]++
	if place >= 0 {
		w.release(place, false)
		w.retry(i)
	}
}
