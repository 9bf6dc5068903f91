package stage

import (
	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"dgram"
	"dgram/internal/ascii"
)

var upperSpec = Spec{
	Name: "upper", Kind: Transform, Argument: "[unicode]",
	Summary:  "a to z in upper case, every other byte as it is; unicode: all letters, ß as SS",
	Examples: []string{"upper", "upper:unicode"},
	New: func(argument string) (Step, error) {
		return caseStep(argument, ascii.Upper, func() cases.Caser { return cases.Upper(language.Und) })
	},
}

var lowerSpec = Spec{
	Name: "lower", Kind: Transform, Argument: "[unicode]",
	Summary:  "A to Z in lower case; unicode: all letters",
	Examples: []string{"lower", "lower:unicode"},
	New: func(argument string) (Step, error) {
		return caseStep(argument, ascii.Lower, func() cases.Caser { return cases.Lower(language.Und) })
	},
}

func caseStep(argument string, plain func([]byte), caser func() cases.Caser) (Step, error) {
	switch argument {
	case "":
		return Step{Bytes: true, New: func() Stage { return asciiCase(plain) }}, nil
	case "unicode":
		return Step{New: func() Stage { return &unicodeCase{plain: plain, caser: caser()} }}, nil
	}
	return Step{}, At(0, didYouMean(argument, []string{"unicode"}), "no case is called %s", quote(argument))
}

type asciiCase func([]byte)

func (f asciiCase) Apply(_ *Context, d *dgram.Datagram, _ *Effect) { f(d.Data) }

// unicodeCase maps the case of text, which can grow to three times its length. Bytes that are no UTF-8 stay as they are.
type unicodeCase struct {
	plain   func([]byte) // for text that has only ASCII
	caser   cases.Caser  // not safe for concurrent use, so that each shard has its own
	scratch []byte
}

func (u *unicodeCase) Apply(_ *Context, d *dgram.Datagram, e *Effect) {
	if ascii.Only(d.Data) {
		u.plain(d.Data)
		return
	}
	if most := 3 * len(d.Data); cap(u.scratch) < most {
		u.scratch = make([]byte, most)
	}
	u.caser.Reset()
	n, _, err := u.caser.Transform(u.scratch[:cap(u.scratch)], d.Data, true)
	if err != nil || !d.SetData(u.scratch[:n]) {
		e.Drop = dgram.ReasonTooBig
	}
}
