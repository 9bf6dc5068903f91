package stage

import "strings"

// Kind says what a step is for.
type Kind uint8

// The kinds.
const (
	Guard         Kind = iota + 1 // stops what should not be answered
	Transform                     // changes the bytes
	Rule                          // decides the reply where a pattern matches
	HandlerKind                   // makes the reply and may take its time
	Fault                         // loses, delays, duplicates
	numKindsPlus1                 // one more than the last
)

var kindNames = [numKindsPlus1]string{"", "guard", "transform", "rule", "handler", "fault"}

// String returns the kind's name: guard, transform, rule, handler or fault.
func (k Kind) String() string {
	if k < numKindsPlus1 {
		return kindNames[k]
	}
	return "kind?"
}

// decides reports whether steps of the kind make the reply, and so are passed over once it is decided.
func (k Kind) decides() bool { return k == Transform || k == Rule || k == HandlerKind }

// Needs says which fields of Context a step reads that cost something to fill.
type Needs uint8

// What a step may need. A step that reads Index needs the flow too.
const (
	NeedFlow     Needs = 1 << iota // Context.Flow
	NeedIndex                      // Context.Index and Context.Flow
	NeedSequence                   // Context.Sequence
	NeedAll      = NeedFlow | NeedIndex | NeedSequence
	NeedNothing  = Needs(0)
)

// Step is one place in a Plan. [Parse] makes steps from specs; [Func], [Each] and [Handle] make them from Go.
type Step struct {
	Name    string       // as in the spec, or as the program named it
	Kind    Kind         // orders nothing; once a reply is decided, transforms, rules and handlers are passed over
	Needs   Needs        // what its stage reads of the Context
	Bytes   bool         // its stage changes each byte by itself, and so takes a slot with segments (dgram.Datagram.Segment) as one
	New     func() Stage // makes one goroutine's own instance; nil for a handler
	Handler Handler      // shared by all; nil for anything else
}

// Func returns a transform step that runs f. Several goroutines may run f at once. It gets every field of Context; where f reads
// neither Flow, Index nor Sequence, setting the step's Needs to NeedNothing saves their cost.
func Func(name string, f StageFunc) Step {
	return Step{Name: name, Kind: Transform, Needs: NeedAll, New: func() Stage { return f }}
}

// Each returns a transform step whose stage has state: each goroutine that runs it calls make once for an instance of its own.
func Each(name string, make func() Stage) Step {
	return Step{Name: name, Kind: Transform, Needs: NeedAll, New: make}
}

// Handle returns a step that hands each datagram to h, which makes the reply in its own time.
func Handle(name string, h Handler) Step {
	return Step{Name: name, Kind: HandlerKind, Needs: NeedAll, Handler: h}
}

// Plan is what is to be done to each datagram, in order. It never changes, so all shards share it; each shard's own stages come from
// [Plan.Build]. The empty Plan sends every datagram back as it came.
type Plan struct {
	steps []Step
	needs Needs
}

// NewPlan returns the plan of these steps.
func NewPlan(steps ...Step) *Plan {
	p := &Plan{steps: append([]Step(nil), steps...)}
	for _, s := range p.steps {
		p.needs |= s.Needs
	}
	if p.needs&NeedIndex != 0 {
		p.needs |= NeedFlow
	}
	return p
}

// Steps returns a copy of the plan's steps, to make another plan of.
func (p *Plan) Steps() []Step { return append([]Step(nil), p.steps...) }

// Segments reports whether every step takes a slot with segments as one.
func (p *Plan) Segments() bool {
	for _, s := range p.steps {
		if !s.Bytes {
			return false
		}
	}
	return true
}

// Needs returns what any of the steps reads of the Context.
func (p *Plan) Needs() Needs { return p.needs }

// String returns the steps' names, joined by " | ": "upper | loss:10%".
func (p *Plan) String() string {
	names := make([]string, len(p.steps))
	for i, s := range p.steps {
		names[i] = s.Name
	}
	return strings.Join(names, " | ")
}
