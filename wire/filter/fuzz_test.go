package filter

import (
	"testing"

	"dgram/wire"
)

// seeds are all filters that the other tests know.
func seeds(f *testing.F, add func(expr string)) {
	f.Helper()
	for _, list := range [][]string{understood, onEthernet, wrong} {
		for _, expr := range list {
			add(expr)
		}
	}
	for expr := range refused {
		add(expr)
	}
}

// FuzzParse: no filter does harm, and what is understood keeps its meaning in its own words.
func FuzzParse(f *testing.F) {
	seeds(f, func(expr string) { f.Add(expr) })
	f.Fuzz(func(t *testing.T, expr string) {
		if len(expr) > 10_000 {
			return
		}
		parsed, err := Parse(expr)
		if err != nil {
			_ = err.Error()
			return
		}
		roundTrip(t, parsed)
	})
}

// FuzzFilter: the program and Match agree about every frame, and a kernel passes whatever Match takes.
func FuzzFilter(f *testing.F) {
	m := newMaker(1)
	seeds(f, func(expr string) {
		link := uint8(m.IntN(len(links)))
		f.Add(expr, link, m.frame(links[link], odd{fragments: 6, extended: 6}).Data)
	})
	f.Fuzz(func(t *testing.T, expr string, link uint8, data []byte) {
		filter, err := Parse(expr)
		if err != nil || len(data) > 1<<16 {
			return
		}
		frame := &wire.Frame{Data: data, Length: len(data), Link: links[int(link)%len(links)]}
		p := decoded(frame)
		if _, err := filter.Compile(frame.Link, 0); err != nil {
			filter.Match(frame, p)
			return
		}
		agree(t, filter, compiled(t, filter, frame.Link, false), compiled(t, filter, frame.Link, true), frame)
	})
}
