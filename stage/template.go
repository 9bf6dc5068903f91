package stage

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"dgram"
)

var replySpec = Spec{
	Name: "reply", Kind: Transform, Argument: "TEMPLATE",
	Summary:  "that text; {peer} {local} {length} {sequence} {time} {payload} are filled in, {{ is {",
	Examples: []string{"reply:got {length} bytes from {peer}", `reply:{sequence} {time}\n`},
	New: func(argument string) (Step, error) {
		t, _, err := scanTemplate(argument, grammar{fields: true})
		if err != nil {
			return Step{}, err
		}
		return Step{Needs: t.needs, New: func() Stage { return &replyStage{template: t} }}, nil
	},
}

type replyStage struct {
	template template
	scratch  []byte
}

func (r *replyStage) Apply(c *Context, d *dgram.Datagram, e *Effect) {
	r.scratch = r.template.fill(r.scratch[:0], c, d, nil)
	if len(r.scratch) > dgram.MaxPayload || !d.SetData(r.scratch) {
		e.Drop = dgram.ReasonTooBig
	}
}

// A template is text with fields in it.
type template struct {
	parts []part
	needs Needs
}

// part is a piece of text, or a field.
type part struct {
	text  string
	field field
	group int // of fieldGroup
}

type field uint8

const (
	fieldNone field = iota
	fieldPeer
	fieldLocal
	fieldLength
	fieldSequence
	fieldTime
	fieldPayload
	fieldGroup // {1}: a group of the rule's regular expression
)

// fieldNames are in the order of the constants.
var fieldNames = []string{"peer", "local", "length", "sequence", "time", "payload"}

// text returns what a template without fields says.
func (t *template) text() []byte {
	var text []byte
	for _, p := range t.parts {
		text = append(text, p.text...)
	}
	return text
}

// fill appends the template to dst, with its fields taken from c and d. groups are offsets into d.Data, two for each group, as package
// regexp gives them. It stops once dst is longer than any datagram.
func (t *template) fill(dst []byte, c *Context, d *dgram.Datagram, groups []int) []byte {
	for i := range t.parts {
		switch p := &t.parts[i]; p.field {
		case fieldNone:
			dst = append(dst, p.text...)
		case fieldPeer:
			dst = appendEndpoint(dst, d.Peer)
		case fieldLocal:
			dst = appendEndpoint(dst, d.Local)
		case fieldLength:
			dst = strconv.AppendInt(dst, int64(len(d.Data)), 10)
		case fieldSequence:
			dst = strconv.AppendUint(dst, c.Sequence, 10)
		case fieldTime:
			dst = c.Now.UTC().AppendFormat(dst, time.RFC3339Nano)
		case fieldPayload:
			dst = append(dst, d.Data...)
		case fieldGroup:
			if from := groups[2*p.group]; from >= 0 {
				dst = append(dst, d.Data[from:groups[2*p.group+1]]...)
			}
		}
		if len(dst) > dgram.MaxPayload {
			break
		}
	}
	return dst
}

// appendEndpoint writes what Endpoint.String does, without allocating for an IP address.
func appendEndpoint(dst []byte, e dgram.Endpoint) []byte {
	if e.Network().IP() {
		return e.AddrPort().AppendTo(dst)
	}
	return append(dst, e.String()...)
}

// grammar says what a text may hold.
type grammar struct {
	quoted bool // it ends at a double quote
	fields bool // {peer} and the like are filled in, {{ and }} are braces
	groups int  // {0} to {groups} stand for what a regular expression found; 0: there is none
	regexp bool
}

// scanTemplate reads a text with escapes and, if the grammar has them, fields. It returns how many bytes it read: all of s, or, where
// the text is quoted, up to and with the closing quote (s begins after the opening one).
func scanTemplate(s string, g grammar) (t template, n int, err error) {
	var text []byte
	size := 0
	flush := func() {
		if len(text) > 0 {
			t.parts = append(t.parts, part{text: string(text)})
			size += len(text)
			text = nil
		}
	}
	i := 0
	for i < len(s) {
		switch c := s[i]; {
		case c == '"' && g.quoted:
			flush()
			return t, i + 1, tooLong(size)
		case c == '\\':
			var used int
			if text, used, err = unescape(text, s[i:]); err != nil {
				return t, 0, shift(err, i)
			}
			i += used
		case g.fields && (c == '{' || c == '}') && strings.HasPrefix(s[i+1:], string(c)):
			text = append(text, c)
			i += 2
		case g.fields && c == '}':
			return t, 0, At(i, "write }} for a brace", "there is no { before this }")
		case g.fields && c == '{':
			flush()
			p, used, err := scanField(s[i:], g)
			if err != nil {
				return t, 0, shift(err, i)
			}
			t.parts = append(t.parts, p)
			if p.field == fieldSequence {
				t.needs |= NeedSequence
			}
			i += used
		default:
			text = append(text, c)
			i++
		}
	}
	flush()
	if g.quoted {
		return t, 0, At(len(s), `a quote within the text is written \"`, "the closing quote is missing")
	}
	return t, i, tooLong(size)
}

func tooLong(size int) error {
	if size > dgram.MaxPayload {
		return At(0, "", "the text is larger than any datagram: %d bytes of at most %d", size, dgram.MaxPayload)
	}
	return nil
}

// scanField reads a field; s begins with its brace.
func scanField(s string, g grammar) (part, int, error) {
	end := strings.IndexByte(s, '}')
	if end < 0 {
		return part{}, 0, At(0, "write {{ for a brace", "the } after this { is missing")
	}
	name := s[1:end]
	for i, known := range fieldNames {
		if name == known {
			return part{field: fieldPeer + field(i)}, end + 1, nil
		}
	}
	if group, err := strconv.ParseUint(name, 10, 16); err == nil {
		switch {
		case !g.regexp:
			return part{}, 0, At(1, "groups come from a rule's /regular expression/", "there is no regular expression for {%s}", name)
		case int(group) > g.groups:
			return part{}, 0, At(1, "groups count from 1; {0} is all that matched", "the regular expression has no group %d", group)
		}
		return part{field: fieldGroup, group: int(group)}, end + 1, nil
	}
	if name == "" {
		return part{}, 0, At(1, "the fields are "+strings.Join(fieldNames, ", "), "the name of a field is missing")
	}
	return part{}, 0, At(1, didYouMean(name, fieldNames), "there is no field %s", quote(name))
}

// simpleEscapes are the letters after a backslash that stand for one byte, and those bytes (Go and C agree on them).
var simpleEscapes = map[byte]byte{'a': 7, 'b': 8, 't': '\t', 'n': '\n', 'v': 11, 'f': 12, 'r': '\r', 'e': 27,
	'\\': '\\', '"': '"', '\'': '\''}

// unescape appends what the escape at the beginning of s stands for and returns how many bytes of s it took.
func unescape(dst []byte, s string) ([]byte, int, error) {
	if len(s) < 2 {
		return dst, 0, At(0, `write \\ for a backslash`, "nothing follows the backslash")
	}
	if b, ok := simpleEscapes[s[1]]; ok {
		return append(dst, b), 2, nil
	}
	switch c := s[1]; {
	case c == 'x':
		v, err := escapeDigits(s, 2)
		return append(dst, byte(v)), 4, err
	case c == 'u', c == 'U':
		n := map[byte]int{'u': 4, 'U': 8}[c]
		v, err := escapeDigits(s, n)
		if err == nil && !utf8.ValidRune(rune(v)) {
			err = At(0, "", `there is no character \%c%s`, c, s[2:2+n])
		}
		return utf8.AppendRune(dst, rune(v)), 2 + n, err
	case c >= '0' && c <= '7':
		n := 2
		for n < 4 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		v, err := strconv.ParseUint(s[1:n], 8, 8)
		if err != nil {
			err = At(0, "", `\%s is more than a byte`, s[1:n])
		}
		return append(dst, byte(v)), n, err
	}
	r, _ := utf8.DecodeRuneInString(s[1:])
	return dst, 0, At(0, `write \\ for a backslash; there are \n \r \t \0 \xHH \uHHHH and the like`, "no escape begins with \\%s", strings.Trim(strconv.QuoteRune(r), "'"))
}

// escapeDigits reads n hexadecimal digits after a backslash and a letter.
func escapeDigits(s string, n int) (uint32, error) {
	if len(s) < 2+n {
		return 0, At(len(s), "", `\%c has %d hexadecimal digits`, s[1], n)
	}
	v, err := strconv.ParseUint(s[2:2+n], 16, 32)
	if err != nil {
		return 0, At(2, "", `\%c has %d hexadecimal digits`, s[1], n)
	}
	return uint32(v), nil
}
