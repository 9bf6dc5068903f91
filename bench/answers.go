package bench

// heard notes that somebody is there.
func (w *worker) heard() {
	if !w.shared.heard.Load() {
		w.shared.heard.Store(true)
	}
}

// arrived settles what a datagram from the server on a flow, received at a time by the run's clock, means.
func (w *worker) arrived(i int32, b []byte, at int64) {
	w.active = w.now
	w.heard()
	w.token, w.kind = w.requests.tokenAt(b)
	place, what := w.match(i, b)
	if w.watch != nil {
		w.watch.arrived(i, b, at, place, what)
	}
	if what == isPending {
		w.answer(place, b, at)
		return
	}
	c := w.cur.counts(w.warm())
	c.Received++
	c.ReceivedBytes += int64(len(b))
	switch what {
	case wasAnswered:
		c.Duplicate++
	case wasGivenUp:
		c.Late++
	default:
		c.Unmatched++
	}
}

// match finds the request that a datagram answers, or says what else it is. Its token has been read.
func (w *worker) match(i int32, b []byte) (int32, past) {
	if w.lineup != nil {
		return w.matchAny(i, b)
	}
	w.tokens++
	if w.kind&notToken != 0 {
		return 0, neverSent
	}
	return w.own(i, w.token)
}

// own is find for an answer that came by flow i: what another flow sent was not sent here.
func (w *worker) own(i int32, token uint32) (int32, past) {
	place, what := w.table.find(token, w.requests.mask)
	if what == isPending && w.table.places[place].flow != i {
		return place, neverSent
	}
	return place, what
}

// matchAny looks for a token anywhere in the answer, and else goes by order.
func (w *worker) matchAny(i int32, b []byte) (int32, past) {
	if w.requests.letters == tokenLetters {
		if place, what := w.search(i, b); what != neverSent {
			w.tokens++
			return place, what
		}
	}
	w.orders++
	return w.matchOrder(i, b)
}

// searched bounds how far into an answer a token is looked for, bytes.
const searched = 1024

// search looks for the token of a request of flow i, first where the last one was.
func (w *worker) search(i int32, b []byte) (int32, past) {
	if at := w.hint; at+tokenLetters <= len(b) {
		if token, kind := getToken(b[at : at+tokenLetters]); kind&notToken == 0 {
			if place, what := w.own(i, token); what != neverSent {
				return place, what
			}
		}
	}
	for at := 0; at+tokenLetters <= min(len(b), searched); {
		if bad := lastNoLetter(b[at : at+tokenLetters]); bad >= 0 {
			at += bad + 1
			continue
		}
		token, _ := getToken(b[at : at+tokenLetters])
		if place, what := w.own(i, token); what == isPending {
			w.hint = at
			return place, what
		}
		at++
	}
	return 0, neverSent
}

// lastNoLetter is the last place in b that has no letter of a token, -1 if there is none.
func lastNoLetter(b []byte) int {
	for i := len(b) - 1; i >= 0; i-- {
		if tokenLetter[b[i]]&notToken != 0 {
			return i
		}
	}
	return -1
}

// lookedThrough bounds how many pending requests of a flow an answer is compared with.
const lookedThrough = 64

// matchOrder takes the answer for one to the flow's oldest request, or, where the right answer is known to the byte, to the oldest that
// it is right for.
func (w *worker) matchOrder(i int32, b []byte) (int32, past) {
	f, oldest := &w.flows[i], w.lineup.head[i]
	if w.plan.expect.exact() {
		for place, n := oldest, 0; place >= 0 && n < lookedThrough; place, n = w.lineup.next[place], n+1 {
			if w.right(place, b) {
				return place, isPending
			}
		}
	}
	switch {
	case oldest >= 0:
		return oldest, isPending
	case f.givenUp > 0:
		f.givenUp--
		return 0, wasGivenUp
	case f.answered:
		return 0, wasAnswered
	}
	return 0, neverSent
}

// right reports whether b, whose token has been read, is the right answer to a pending request.
func (w *worker) right(place int32, b []byte) bool {
	r := &w.table.places[place]
	switch e := &w.plan.expect; e.Kind {
	case ExpectAny:
		return true
	case ExpectMatch:
		return e.Pattern.Match(b)
	case ExpectEcho:
		if w.requests.token >= 0 && w.kind != lowerToken {
			return false
		}
	default:
		if w.requests.token >= 0 && w.kind != upperToken {
			return false
		}
	}
	var seq uint64
	if w.table.seqs != nil {
		seq = w.table.seqs[place]
	}
	return w.requests.isRight(b, int(r.form), seq, w.first+r.flow)
}

// shownWrong is how much of the first wrong answer is kept, to be shown, bytes.
const shownWrong = 48

// answer settles a pending request with b, its answer.
func (w *worker) answer(place int32, b []byte, at int64) {
	r := &w.table.places[place]
	c := w.cur.counts(r.warm)
	c.Received++
	c.ReceivedBytes += int64(len(b))
	if !w.right(place, b) {
		c.Wrong++
		if w.wrong == nil {
			w.wrong = append([]byte{}, b[:min(len(b), shownWrong)]...)
		}
		w.release(place, true)
		return
	}
	latency := at - r.due
	if latency > int64(w.plan.timeout) {
		c.Lost++
		c.Late++
		w.release(place, false)
		if w.lineup != nil {
			w.flows[r.flow].givenUp--
		}
		return
	}
	c.Answered++
	f := &w.flows[r.flow]
	if f.answered && int32(r.order-f.last) < 0 {
		c.Reordered++
	} else {
		f.last, f.answered = r.order, true
	}
	if r.warm == w.warm() {
		if w.unmeasured.wanted {
			w.unmeasured.put(r.due)
		} else {
			w.cur.latency.record(latency)
		}
	}
	w.release(place, true)
}

// unmeasured is an answer whose latency is recorded when the next request is on its way.
type unmeasured struct {
	wanted bool // the port measures
	due    int64
	has    bool
}

func (u *unmeasured) put(due int64) { u.due, u.has = due, true }

func (u *unmeasured) take() (due int64, ok bool) {
	ok, u.has = u.has, false
	return u.due, ok
}

// stray counts a datagram from somebody who was not asked.
func (w *worker) stray(b []byte) {
	c := w.cur.counts(w.warm())
	c.Received++
	c.ReceivedBytes += int64(len(b))
	c.Stray++
}

// notice settles the request that a report of the network quotes, refused or otherwise undeliverable. Where the quotation does not tell
// which it was, the report is counted, and the request is left to be lost.
func (w *worker) notice(i int32, quoted []byte) {
	w.active = w.now
	w.shared.refused.Add(1)
	w.cur.counts(w.warm()).Notices++
	place := w.quoted(i, quoted)
	if place < 0 {
		if w.plan.oneWay {
			w.cur.counts(w.warm()).Refused++
		}
		return
	}
	w.cur.counts(w.table.places[place].warm).Refused++
	w.release(place, false)
	w.retry(i)
}

// quoted finds the pending request of flow i that a report is about; -1: none.
func (w *worker) quoted(i int32, quoted []byte) int32 {
	if w.plan.oneWay {
		return -1
	}
	if token, kind := w.requests.tokenAt(quoted); kind&notToken == 0 {
		if place, what := w.own(i, token); what == isPending {
			return place
		}
		return -1
	}
	if w.lineup != nil {
		return w.lineup.head[i]
	}
	return -1
}

// drained is told when what a flow had has been handed over: a closed loop makes as many requests as were answered. They are sent by flush.
func (w *worker) drained(i int32) {
	if w.sending && !w.plan.open && !w.plan.oneWay && !w.flows[i].waiting {
		w.refill(i)
	}
}

// outstanding is how many answers a flow may have.
func (w *worker) outstanding(i int32) int {
	if w.plan.oneWay {
		return maxBatch
	}
	return max(w.plan.window-int(w.flows[i].free), 0)
}

// stamped is when a datagram was received: by the kernel's stamp, nanoseconds since 1970, where there is one, else when it was read.
func (w *worker) stamped(kernel, read int64) int64 {
	if kernel == 0 || w.plan.clock != KernelClock {
		return read
	}
	return w.clock.stamp(kernel)
}
