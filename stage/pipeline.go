package stage

import "dgram"

// Pipeline is a Plan made ready for one goroutine: its own instance of every stage.
type Pipeline struct {
	rooms []room
}

// room is one step of a pipeline. handler is set instead of stage where the step is one.
type room struct {
	stage   Stage
	handler Handler
	decides bool
}

// Build makes every stage of the plan anew, for one goroutine.
func (p *Plan) Build() *Pipeline {
	l := &Pipeline{rooms: make([]room, len(p.steps))}
	for i, s := range p.steps {
		l.rooms[i] = room{handler: s.Handler, decides: s.Kind.decides()}
		if s.New != nil {
			l.rooms[i].stage = s.New()
		}
	}
	return l
}

// Run applies the steps from number from on, until one stops the datagram (Drop or Ignore in e, or a Fate) or is a handler. It returns
// the number of the handler's step, or -1.
func (l *Pipeline) Run(c *Context, d *dgram.Datagram, e *Effect, from int) (handler int) {
	for i := from; i < len(l.rooms); i++ {
		r := &l.rooms[i]
		if e.Decided && r.decides {
			continue
		}
		if r.handler != nil {
			return i
		}
		r.stage.Apply(c, d, e)
		if e.Drop != dgram.NoReason || e.Ignore || d.Fate != dgram.Undecided {
			return -1
		}
	}
	return -1
}
