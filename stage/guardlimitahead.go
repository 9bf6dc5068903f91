package stage

// Four buckets for each datagram are four atomic exchanges, most of what it would cost. So a shard pays for its busy prefixes ahead, for several
// datagrams at once, and then uses up what it has paid for, alone and without an exchange. Only the address itself is charged each time.
//
// It makes the limit of a prefix no looser: only what is paid for is let in, and what is not used within aheadTicks is forfeited, so that what all
// shards let in during some time was paid for in it, or in those ticks before it: 1/32 of a burst more at the most. Nor does it make it much
// tighter: what is paid ahead is never more than 1/32 of what the shard has let in of that prefix before, nor than the limit has room for in
// aheadTicks, and where less than half a burst is left nobody pays ahead.
const (
	aheadTicks = burstTicks / 32
	aheadShare = 32
	mostAhead  = 31
	// aheadBits is the logarithm of how many prefixes of a family a shard can pay ahead for at a time.
	aheadBits = 10
)

// paidAhead is what one shard has paid ahead. Its zero value is nothing.
type paidAhead [families][1 << aheadBits]credit

// credit is what is paid for all prefixes of some addresses: those in one /24 or /64, which are in the same wider ones.
type credit struct {
	prefix uint64
	at     uint64 // when it was paid
	left   int    // datagrams
	used   uint32 // datagrams let in since it forfeited any
	seen   uint32 // used, when another prefix last wanted the place
}

// of returns the place for the credit of a prefix, which may be another's.
func (p *paidAhead) of(l *limiter, family int, prefix uint64) *credit {
	return &p[family][prefix*l.secret[5]>>(64-aheadBits)]
}

// good reports whether c is the credit of a prefix, and not forfeited.
func (c *credit) good(prefix, now uint64) bool { return c.prefix == prefix && now-c.at < aheadTicks }

// claim reports whether c is, or becomes, the place for the credit of a prefix. Another's gives way if nobody used it since it was last asked to.
func (c *credit) claim(prefix, now uint64) bool {
	switch {
	case c.good(prefix, now):
	case c.prefix == prefix:
		if c.left > 0 {
			c.left, c.used = 0, 0
		}
	case c.seen != c.used:
		c.seen = c.used
		return false
	default:
		*c = credit{prefix: prefix}
	}
	return true
}

// allow charges n datagrams of an address (IPv4 mapped, as words gives it), as many of them as all its buckets have room for, and returns that
// number. What is not allowed costs nothing, so that an address over its limit does not use up its neighbours'. What is paid ahead is the
// calling shard's, for this limiter.
func (l *limiter) allow(ahead *paidAhead, is4 bool, high, low, now uint64, n int) int {
	family, prefix := family6, high
	if is4 {
		family, prefix = family4, low>>8
	}
	address := bucket{hash: l.hash(0, high, low), cost: l.cost[family][0]}
	l.find(&address, now)
	if n = address.room(n); n == 0 {
		return 0
	}
	c := ahead.of(l, family, prefix)
	if n > c.left || !c.good(prefix, now) {
		return l.allowPaying(c, &address, family, prefix, now, n)
	}
	if !l.pay(&address, now, n) && !l.insist(&address, now, n) {
		return 0
	}
	c.left -= n
	c.used += uint32(n)
	return n
}

// allowPaying is allow where c, which may be another's, does not pay for all n datagrams.
func (l *limiter) allowPaying(c *credit, address *bucket, family int, prefix, now uint64, n int) int {
	if !c.claim(prefix, now) {
		c = new(credit) // to be forgotten
	}
	var buckets [3]bucket
	all := l.prefixes(&buckets, family, prefix)
	owing, more := n-c.left, min(uint64(c.used/aheadShare), l.aheadMost[family])
	for i := range all {
		b := &all[i]
		l.find(b, now)
		if owing = b.room(owing); owing+c.left == 0 {
			return 0
		}
		if b.owed+(uint64(owing)+more)*b.cost > burstTicks/2 {
			more = 0
		}
	}
	n = c.left + owing
	if !l.pay(address, now, n) && !l.insist(address, now, n) {
		return 0
	}
	for i := range all {
		b := &all[i]
		if l.pay(b, now, owing+int(more)) {
			continue
		}
		if more = 0; !l.insist(b, now, owing) {
			return 0
		}
	}
	c.at, c.left = now, int(more)
	c.used += uint32(n)
	return n
}

// prefixes returns the buckets of the prefixes that an address with this one belongs to.
func (l *limiter) prefixes(all *[3]bucket, family int, prefix uint64) []bucket {
	costs := &l.cost[family]
	if family == family4 {
		all[0] = bucket{hash: l.hash(1, 0, prefix), cost: costs[1]}
		return all[:1]
	}
	for i := range all {
		all[i] = bucket{hash: l.hash(1+i, prefix>>(8*i), 0), cost: costs[1+i]}
	}
	return all[:]
}
