package bench

import (
	"context"
	"fmt"
	"time"
)

// ServerCounters is what a server says of the sockets that it is asked at, since it began.
type ServerCounters struct {
	Source  string       // where this was read, for a person
	Names   CounterNames // how the source calls the counters
	Process string       // another one after the server was started again; "" where that is not known
	Sockets int          // that were added up

	Received   uint64            // datagrams that the server took from its sockets
	Answered   uint64            // those of them whose reply the system took
	Unanswered map[string]uint64 // the others, by what became of them, in words: "dropped: busy"

	KernelDrops        uint64 // datagrams that were dropped before they could be received
	KernelDropsKnown   bool   // false: nobody counted them
	KernelDropsAtLeast bool   // there may have been more, but only where there were any
}

// CounterNames are the names under which a person finds the counters at their source.
type CounterNames struct{ Received, Answered, KernelDrops string }

// ServerGain is what a server counted during a run, from before the warm-up until the last answer. Unlike Totals it has the warm-up in it.
type ServerGain struct {
	Source  string `json:"source"`
	Usable  bool   `json:"usable"` // loss was placed by it
	Why     string `json:"why,omitempty"`
	Sockets int    `json:"sockets"`

	Sent       int64            `json:"sent"` // requests, by this program
	Received   int64            `json:"received"`
	Answered   int64            `json:"answered"`
	Unanswered map[string]int64 `json:"unanswered,omitempty"`

	KernelDrops        int64 `json:"kernel_drops"`
	KernelDropsKnown   bool  `json:"kernel_drops_known"`
	KernelDropsAtLeast bool  `json:"kernel_drops_at_least"`

	names CounterNames
	loose bool // some places are lower bounds because of the warm-up, or of a run that was broken off
}

// quiet is how long a server is listened to before the first request, and again after the last answer: what it receives then is somebody else's.
const quiet = 100 * time.Millisecond

// serverWatch reads a server's counters before and after a run.
type serverWatch struct {
	read        func(context.Context) (ServerCounters, error)
	first, last ServerCounters
	why         string // why they cannot be used
}

// watchServer reads the counters before anything is sent. The error says why they cannot be read. Without a way to read them it returns nil.
func watchServer(ctx context.Context, read func(context.Context) (ServerCounters, error)) (*serverWatch, error) {
	if read == nil {
		return nil, nil
	}
	w := &serverWatch{read: read}
	before, first, err := w.twice(ctx)
	w.first = first
	switch {
	case ctx.Err() != nil:
		w.why = "the run was broken off before it began"
	case err != nil:
		return nil, fmt.Errorf("read the server's counters before the run: %w", err)
	case first.Received != before.Received:
		w.why = fmt.Sprintf("somebody else asks the server, too: it received datagrams in the %v before the run", quiet)
	}
	return w, nil
}

// end reads the counters after the run.
func (w *serverWatch) end(ctx context.Context) {
	if w == nil {
		return
	}
	after, last, err := w.twice(ctx)
	w.last = last
	switch {
	case w.why != "":
	case err != nil:
		w.why = fmt.Sprintf("they could not be read after the run: %v", err)
	case last.Received != after.Received:
		w.why = fmt.Sprintf("somebody else asks the server, too: it received datagrams in the %v after the run", quiet)
	}
}

func (w *serverWatch) twice(ctx context.Context) (a, b ServerCounters, err error) {
	if a, err = w.read(ctx); err != nil {
		return a, a, err
	}
	select {
	case <-ctx.Done():
	case <-time.After(quiet):
	}
	b, err = w.read(ctx)
	return a, b, err
}

// gain is what the counters gained, and whether that can be: c and warmup are what we counted ourselves.
func (w *serverWatch) gain(c, warmup Counts) *ServerGain {
	if w == nil {
		return nil
	}
	a, b := &w.first, &w.last
	g := &ServerGain{Source: a.Source, Why: w.why, Sockets: b.Sockets, Sent: c.Sent + warmup.Sent, Unanswered: map[string]int64{}, names: a.Names,
		KernelDropsKnown: a.KernelDropsKnown && b.KernelDropsKnown, KernelDropsAtLeast: b.KernelDropsAtLeast}
	if g.Why == "" && (a.Process != b.Process || a.Sockets != b.Sockets || b.Received < a.Received || b.Answered < a.Answered || b.KernelDrops < a.KernelDrops) {
		g.Why = "the server was started again meanwhile: its counters are not those of before"
	}
	if g.Why != "" {
		return g
	}
	g.Received, g.Answered, g.KernelDrops = int64(b.Received-a.Received), int64(b.Answered-a.Answered), int64(b.KernelDrops-a.KernelDrops)
	for what, n := range b.Unanswered {
		if gained := int64(n - a.Unanswered[what]); gained != 0 {
			g.Unanswered[what] = gained
		}
	}
	came := c.Answered + c.Wrong + warmup.Answered + warmup.Wrong
	switch {
	case g.Received+g.KernelDrops > g.Sent:
		g.Why = fmt.Sprintf("it had %d datagrams, and %d were sent to it: somebody else asks it, too, or the network makes copies", g.Received+g.KernelDrops, g.Sent)
	case g.Answered > g.Received:
		g.Why = fmt.Sprintf("they say that of %d received %d were answered", g.Received, g.Answered)
	case g.Answered < came:
		g.Why = fmt.Sprintf("they say that %d were answered, and %d answers came: they are another server's", g.Answered, came)
	}
	g.Usable = g.Why == ""
	return g
}
