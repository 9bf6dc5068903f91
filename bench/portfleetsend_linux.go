package bench

import (
	"syscall"
	"time"

	"dgram/sock"
)

// post is the requests of one flow, by their places in the batch, and their messages.
type post struct{ from, to, first, messages int }

// send implements port.
func (f *fleetPort) send(w *worker, from, to int) {
	f.fleet.Reset()
	f.first, f.posts = f.first[:0], f.posts[:0]
	for from < to {
		end := w.oneFlow(from, to)
		p := post{from, end, len(f.first), 1}
		if end == from+1 && !f.to.IsValid() {
			f.fleet.PostOne(w.by[from], w.payloads[from])
		} else {
			f.gather(w.payloads[:end], from)
			f.fleet.Post(w.by[from], p.first)
			p.messages = len(f.first) - p.first
		}
		f.posts = append(f.posts, p)
		from = end
	}
	begin := f.moment(w)
	f.fleet.Send()
	end := begin
	if len(f.posts) > 1 {
		end = f.moment(w)
	}
	undone := f.posts[:0]
	for k, p := range f.posts {
		n, ticks, _ := f.fleet.Sent(k)
		w.left(p.from, p.to, between(begin, end, ticks))
		clear(w.failed[p.from:p.to])
		if n < p.messages {
			if n > 0 {
				p.from = f.first[p.first+n]
			}
			undone = append(undone, p)
		}
	}
	w.now = end.at
	for _, p := range undone {
		f.sendAgain(w.by[p.from], w.payloads[p.from:p.to], w.failed[p.from:p.to])
	}
}

// sendAgain sends requests of a flow that the kernel has not taken. What EAGAIN keeps out is tried for a while; an errno that the socket had in store is not
// the request's own.
func (f *fleetPort) sendAgain(flow int32, requests [][]byte, failed []syscall.Errno) {
	for from := 0; from < len(requests); {
		f.fleet.Reset()
		f.first = f.first[:0]
		f.gather(requests, from)
		done, errno := f.push(flow)
		if done == len(f.first) {
			return
		}
		from = f.first[done]
		if f.refused(errno) {
			continue
		}
		failed[from] = errno
		from++
	}
}

// gather makes messages of the requests from one on: one of each, or one of many of one size.
func (f *fleetPort) gather(requests [][]byte, from int) {
	size, count, total := 0, 0, 0
	for k := from; k < len(requests); k++ {
		b := requests[k]
		if f.gso && count > 0 && count < sock.MaxSegments && len(b) == size && total+size <= maxSuper {
			f.fleet.AddSegment(b, size)
			count, total = count+1, total+size
			continue
		}
		f.fleet.Add(f.to, b)
		f.first = append(f.first, k)
		size, count, total = len(b), 1, len(b)
		if size == 0 {
			count = 0
		}
	}
}

// maxSuper bounds the payload of one message of many datagrams (udp(7), UDP_SEGMENT).
const maxSuper = 65000

// storedTries bounds how often a message is sent again because of an errno that may belong to an earlier one.
const storedTries = 4

// push sends what was gathered; it returns how many messages went, and why the next did not.
func (f *fleetPort) push(flow int32) (int, syscall.Errno) {
	done, tries := 0, 0
	var until time.Time
	for done < len(f.first) {
		n, errno := f.fleet.SendBy(flow, done)
		if errno == 0 {
			done, tries = done+n, 0
			continue
		}
		switch {
		case errno == syscall.EAGAIN && until.IsZero():
			until = time.Now().Add(sendPatience)
		case errno == syscall.EAGAIN && time.Now().Before(until):
			time.Sleep(sendNap)
		case stored(errno) && tries < storedTries:
			tries++
		default:
			return done, errno
		}
	}
	return done, 0
}

const sendNap = 20 * time.Microsecond

// stored reports whether errno may be an ICMP error about an earlier datagram, which the next send is told of, and does not send (ip(7)).
func stored(errno syscall.Errno) bool {
	switch errno {
	case syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENONET, syscall.ENOPROTOOPT,
		syscall.EOPNOTSUPP, syscall.EPROTO, syscall.EACCES:
		return true
	}
	return false
}

// refused reports that it was the segmentation that was not taken, and does without from now on.
func (f *fleetPort) refused(errno syscall.Errno) bool {
	if !f.gso || (errno != syscall.EIO && errno != syscall.EINVAL && errno != syscall.EMSGSIZE) {
		return false
	}
	f.gso, f.kind.gso = false, false
	return true
}
