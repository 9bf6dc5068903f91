package bench

// lineup keeps each flow's pending requests in the order in which they were sent, for answers that carry no token.
type lineup struct {
	prev, next []int32 // by place
	head, tail []int32 // by flow; -1: none
}

func newLineup(places, flows int) *lineup {
	l := &lineup{prev: make([]int32, places), next: make([]int32, places), head: make([]int32, flows), tail: make([]int32, flows)}
	for i := range flows {
		l.head[i], l.tail[i] = -1, -1
	}
	return l
}

func (l *lineup) add(flow, place int32) {
	l.prev[place], l.next[place] = l.tail[flow], -1
	if l.tail[flow] >= 0 {
		l.next[l.tail[flow]] = place
	} else {
		l.head[flow] = place
	}
	l.tail[flow] = place
}

func (l *lineup) remove(flow, place int32) {
	p, n := l.prev[place], l.next[place]
	if p >= 0 {
		l.next[p] = n
	} else {
		l.head[flow] = n
	}
	if n >= 0 {
		l.prev[n] = p
	} else {
		l.tail[flow] = p
	}
}
