package client

// route is the way of an exchange through the addresses of its peer: one attempt at each that is open, then the next round.
type route struct {
	addresses []int // places in Client.peers; shared, never changed
	tries     int   // rounds
	round     int   // from 0
	at        int   // place in addresses of the attempt being made, -1 before the first
	closed    uint32
}

// maxAddresses is how many addresses of a name are tried: as many as route.closed has bits.
const maxAddresses = 32

// next moves to the next attempt; false: there is none.
func (r *route) next() bool {
	round, at, ok := r.peek()
	if ok {
		r.round, r.at = round, at
	}
	return ok
}

// more reports whether another attempt may follow.
func (r *route) more() bool {
	_, _, ok := r.peek()
	return ok
}

func (r *route) peek() (round, at int, ok bool) {
	round, at = r.round, r.at
	for range 2 * len(r.addresses) {
		if at++; at == len(r.addresses) {
			round, at = round+1, 0
		}
		if round >= r.tries {
			return 0, 0, false
		}
		if r.open(r.addresses[at]) {
			return round, at, true
		}
	}
	return 0, 0, false
}

// address is the one that the attempt being made goes to.
func (r *route) address() int { return r.addresses[r.at] }

func (r *route) open(address int) bool { return r.closed&(1<<address) == 0 }

func (r *route) close(address int) { r.closed |= 1 << address }
