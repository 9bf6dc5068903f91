package watchscreen

import (
	"strconv"

	"dgram/wire"
	"dgram/wire/app"
	"dgram/wire/filter"
)

// matcher is a filter that can be asked about what is kept.
type matcher struct {
	text   string
	filter *filter.Filter
}

// newMatcher reads a filter; nil for an empty one.
func newMatcher(text string) (*matcher, error) {
	if blank(text) {
		return nil, nil
	}
	f, err := filter.Parse(text)
	if err != nil {
		return nil, err
	}
	return &matcher{text, f}, nil
}

func blank(text string) bool {
	for _, r := range text {
		if r != ' ' {
			return false
		}
	}
	return true
}

// criterion returns what the listing asks: the filter, and the flow in both directions. nil: everything.
func criterion(m *matcher, flow *wire.Flow) func(*Kept) bool {
	if m == nil && flow == nil {
		return nil
	}
	var f wire.Frame
	var p wire.Packet
	var message app.Message
	return func(k *Kept) bool {
		k.decode(&f, &p, &message)
		if flow != nil && !belongs(&p, *flow) {
			return false
		}
		return m == nil || m.filter.Match(&f, &p)
	}
}

// belongs reports whether a packet is of a flow, in either direction, or reports an error about one that is.
func belongs(p *wire.Packet, flow wire.Flow) bool {
	own := p.Flow()
	return own == flow || own == flow.Reverse() || p.HasQuoted && (p.Quoted == flow || p.Quoted == flow.Reverse())
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }
