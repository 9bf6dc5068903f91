package stage

import (
	"slices"

	"dgram"
)

var echoSpec = Spec{
	Name: "echo", Kind: Transform,
	Summary:  "the datagram back as it came",
	Examples: []string{"echo"},
	New: func(string) (Step, error) {
		step := plain(func(*Context, *dgram.Datagram, *Effect) {})
		step.Bytes = true
		return step, nil
	},
}

var reverseSpec = Spec{
	Name: "reverse", Kind: Transform,
	Summary:  "the bytes in reverse order",
	Examples: []string{"reverse"},
	New: func(string) (Step, error) {
		return plain(func(_ *Context, d *dgram.Datagram, _ *Effect) { slices.Reverse(d.Data) }), nil
	},
}

var hexSpec = Spec{
	Name: "hex", Kind: Transform,
	Summary:  "the bytes as hexadecimal text, two lower-case digits each",
	Examples: []string{"hex"},
	New:      func(string) (Step, error) { return plain(hexText), nil },
}

// plain is the step of a function without state that reads nothing costly of the Context.
func plain(f StageFunc) Step { return Step{New: func() Stage { return f }} }

// hexText works from the end, so that no byte is overwritten before it was read.
func hexText(_ *Context, d *dgram.Datagram, e *Effect) {
	const digits = "0123456789abcdef"
	n := len(d.Data)
	if 2*n > dgram.MaxPayload || !d.Resize(2*n) {
		e.Drop = dgram.ReasonTooBig
		return
	}
	for i := n - 1; i >= 0; i-- {
		c := d.Data[i]
		d.Data[2*i], d.Data[2*i+1] = digits[c>>4], digits[c&15]
	}
}

var prefixSpec = Spec{
	Name: "prefix", Kind: Transform, Argument: "TEXT",
	Summary:  `TEXT before the datagram; \n, \t, \x00 and the like stand for bytes`,
	Examples: []string{"prefix:got: ", `prefix:\x02\x00`},
	New: func(argument string) (Step, error) {
		t, _, err := scanTemplate(argument, grammar{})
		if err != nil {
			return Step{}, err
		}
		return plain(prefix(t.text()).Apply), nil
	},
}

type prefix []byte

func (p prefix) Apply(_ *Context, d *dgram.Datagram, e *Effect) {
	n := len(d.Data)
	if n+len(p) > dgram.MaxPayload || !d.Resize(n+len(p)) {
		e.Drop = dgram.ReasonTooBig
		return
	}
	copy(d.Data[len(p):], d.Data[:n])
	copy(d.Data, p)
}
