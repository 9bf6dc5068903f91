package filter

import (
	"fmt"
	"math"

	"golang.org/x/net/bpf"
)

// maxProgram is what Linux takes (BPF_MAXINSNS). Every other kernel takes no more.
const maxProgram = 4096

// A label is a place in a program that is jumped to.
type label int

// A step is one instruction, or a jump whose labels are not yet distances.
type step struct {
	in       bpf.Instruction // nil: a jump
	test     bpf.JumpTest
	value    uint32
	x        bool // compare with X, not with value
	yes, no  label
	always   bool // go to yes
	far      bool // takes three instructions, because a conditional jump reaches over 255 at most
	position int
}

// An assembler collects the steps of a program.
type assembler struct {
	steps  []step
	labels []int // the step that each stands before
}

func (a *assembler) label() label {
	a.labels = append(a.labels, math.MaxInt)
	return label(len(a.labels) - 1)
}

// place puts a label here. A jump to it that stands just before does nothing, and goes.
func (a *assembler) place(l label) {
	if last := len(a.steps) - 1; last >= 0 && a.steps[last].always && a.steps[last].yes == l {
		a.steps = a.steps[:last]
		for i, at := range a.labels {
			if at == last+1 {
				a.labels[i] = last
			}
		}
	}
	a.labels[l] = len(a.steps)
}

func (a *assembler) add(in bpf.Instruction) { a.steps = append(a.steps, step{in: in}) }

// jump compares A with a value.
func (a *assembler) jump(test bpf.JumpTest, value uint32, yes, no label) {
	a.steps = append(a.steps, step{test: test, value: value, yes: yes, no: no})
}

// jumpX compares A with X.
func (a *assembler) jumpX(test bpf.JumpTest, yes, no label) {
	a.steps = append(a.steps, step{test: test, x: true, yes: yes, no: no})
}

func (a *assembler) goTo(l label) { a.steps = append(a.steps, step{always: true, yes: l}) }

// prune removes the steps that nothing leads to. All jumps lead forward.
func (a *assembler) prune() {
	reached := make([]bool, len(a.steps)+1)
	reached[0] = true
	moved := make([]int, len(a.steps)+1)
	kept := a.steps[:0]
	for i, s := range a.steps {
		moved[i] = len(kept)
		if !reached[i] {
			continue
		}
		_, ends := s.in.(bpf.RetConstant)
		switch {
		case s.in == nil:
			reached[a.labels[s.yes]] = true
			reached[a.labels[s.no]] = reached[a.labels[s.no]] || !s.always
		case !ends:
			reached[i+1] = true
		}
		kept = append(kept, s)
	}
	moved[len(a.steps)] = len(kept)
	a.steps = kept
	for i, at := range a.labels {
		if at != math.MaxInt {
			a.labels[i] = moved[at]
		}
	}
}

// size is how many instructions s takes.
func (s *step) size() int {
	if s.far {
		return 3
	}
	return 1
}

// layout gives every step its place. A jump that does not reach becomes far, which moves others: again, until all reach.
func (a *assembler) layout() int {
	for {
		at := 0
		for i := range a.steps {
			a.steps[i].position = at
			at += a.steps[i].size()
		}
		again := false
		for i := range a.steps {
			s := &a.steps[i]
			if s.in != nil || s.always || s.far {
				continue
			}
			if a.distance(s, s.yes) > math.MaxUint8 || a.distance(s, s.no) > math.MaxUint8 {
				s.far, again = true, true
			}
		}
		if !again {
			return at
		}
	}
}

// distance is how many instructions lie between the first of s and l.
func (a *assembler) distance(s *step, l label) int {
	return a.steps[a.labels[l]].position - s.position - 1
}

// assemble makes the program.
func (a *assembler) assemble() ([]bpf.RawInstruction, error) {
	a.prune()
	if n := a.layout(); n > maxProgram {
		return nil, fmt.Errorf("%w: it takes %d instructions, and a kernel takes %d: ask for networks rather than for single addresses", ErrTooLong, n, maxProgram)
	}
	var program []bpf.Instruction
	for i := range a.steps {
		s := &a.steps[i]
		yes, no := 0, 0
		if s.in == nil {
			yes, no = a.distance(s, s.yes), a.distance(s, s.no)
		}
		switch {
		case s.in != nil:
			program = append(program, s.in)
		case s.always:
			program = append(program, bpf.Jump{Skip: uint32(yes)})
		case s.far:
			program = append(program, s.conditional(0, 1), bpf.Jump{Skip: uint32(yes - 1)}, bpf.Jump{Skip: uint32(no - 2)})
		default:
			program = append(program, s.conditional(uint8(yes), uint8(no)))
		}
	}
	return bpf.Assemble(program)
}

func (s *step) conditional(yes, no uint8) bpf.Instruction {
	if s.x {
		return bpf.JumpIfX{Cond: s.test, SkipTrue: yes, SkipFalse: no}
	}
	return bpf.JumpIf{Cond: s.test, Val: s.value, SkipTrue: yes, SkipFalse: no}
}
