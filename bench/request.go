package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A token is a request's order, four bits to a letter, 'a' to 'p', most significant first. Letters survive a change of case, which tells
// whether the server changed it.
const (
	tokenLetters = 8
	seqDigits    = 10
	flowDigits   = 5
)

// requests makes what is sent, and knows the right answer to it.
type requests struct {
	forms   []form
	weights []float64 // of forms, summed up, the last is 1; nil: in turn
	token   int       // where the token begins in every form; -1: there is none
	letters int
	mask    uint32 // the bits of an order that the token has room for
}

// form is one kind of request.
type form struct {
	request []byte
	right   []byte // the right answer, but for the fields; nil where it is not known to the byte
	fields  []slotField
	fixed   []span // what is the same in each request of the form
}

type slotField struct {
	at, width int
	flow      bool // the flow's number; else the request's
}

type span struct{ from, to int }

// compile makes the forms of a payload; each answer is checked against expect.
func compile(p Payload, expect Expect) (*requests, error) {
	r := &requests{token: -1}
	switch {
	case p.Template != "":
		f, err := compileTemplate(p.Template)
		if err != nil {
			return nil, err
		}
		r.forms, r.token, r.letters = []form{f.form}, f.token, tokenLetters
	case p.Records != nil:
		for _, record := range p.Records {
			r.forms = append(r.forms, form{request: record, fixed: []span{{0, len(record)}}})
		}
	default:
		r.sized(p.Sizes)
	}
	if r.token < 0 {
		r.letters = 0
	}
	r.mask = uint32(1)<<(4*r.letters) - 1
	if r.letters == tokenLetters {
		r.mask = ^uint32(0)
	}
	for i := range r.forms {
		r.forms[i].answer(expect)
	}
	return r, nil
}

// sized makes a form for each size. The token is as long as the shortest has room for.
func (r *requests) sized(sizes []Share) {
	if len(sizes) == 0 {
		sizes = []Share{{Bytes: DefaultSize, Weight: 1}}
	}
	total := 0.0
	r.letters = tokenLetters
	for _, s := range sizes {
		total += s.Weight
		r.letters = min(r.letters, s.Bytes)
	}
	if r.letters > 0 {
		r.token = 0
	}
	sum := 0.0
	for _, s := range sizes {
		sum += s.Weight
		r.weights = append(r.weights, sum/total)
		r.forms = append(r.forms, form{request: filler(s.Bytes), fixed: []span{{r.letters, s.Bytes}}})
	}
	r.weights[len(r.weights)-1] = 1
}

// filler is a payload that walks through all byte values, so that an answer that changes any of them is found out.
func filler(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*11 + 'a')
	}
	return b
}

func (f *form) answer(e Expect) {
	switch {
	case !e.exact():
	case e.Kind == ExpectEcho:
		f.right = f.request
	default:
		f.right = upper(f.request)
	}
}

// upper is the ASCII upper case of b.
func upper(b []byte) []byte {
	u := bytes.Clone(b)
	for i, c := range u {
		if 'a' <= c && c <= 'z' {
			u[i] = c - 'a' + 'A'
		}
	}
	return u
}

// fill writes what is different in each request into b, which is a copy of the form's.
func (r *requests) fill(b []byte, form int, order uint32, seq uint64, flow int32) {
	if r.token >= 0 {
		putToken(b[r.token:r.token+r.letters], order)
	}
	for _, f := range r.forms[form].fields {
		v := seq
		if f.flow {
			v = uint64(flow)
		}
		putDigits(b[f.at:f.at+f.width], v)
	}
}

func putToken(b []byte, v uint32) {
	if len(b) == tokenLetters { // all letters at once, a byte of a word each
		x := uint64(v)
		x = (x | x<<16) & 0x0000ffff0000ffff
		x = (x | x<<8) & 0x00ff00ff00ff00ff
		x = (x | x<<4) & lowHalves
		binary.BigEndian.PutUint64(b, x+'a'*everyByte)
		return
	}
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = 'a' + byte(v&15)
		v >>= 4
	}
}

func putDigits(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = '0' + byte(v%10)
		v /= 10
	}
}

// What tokenLetter says of a byte: no letter of a token, or the case of one, above its value.
const (
	notToken   = 0x80
	upperToken = 0x40
	lowerToken = 0x20
)

var tokenLetter = func() (t [256]byte) {
	for i := range t {
		t[i] = notToken
	}
	for i := range byte(16) {
		t['a'+i] = i | lowerToken
		t['A'+i] = i | upperToken
	}
	return t
}()

// getToken reads a token in either case; kind is upperToken or lowerToken if all of it is in one case, and has notToken if it is none.
func getToken(b []byte) (v uint32, kind byte) {
	if len(b) == tokenLetters {
		x := binary.BigEndian.Uint64(b)
		if lower := x - 'a'*everyByte; lower&^lowHalves == 0 {
			return joinHalves(lower), lowerToken
		}
		if upper := x - 'A'*everyByte; upper&^lowHalves == 0 {
			return joinHalves(upper), upperToken
		}
	}
	for _, c := range b {
		t := tokenLetter[c]
		kind |= t
		v = v<<4 | uint32(t&15)
	}
	return v, kind &^ 15
}

// A word that holds a letter in each byte. What borrows when letters are subtracted from it has itself more than its lower half left.
const (
	everyByte = 0x0101010101010101
	lowHalves = 0x0f * everyByte
)

// joinHalves makes one number of the lower halves of a word's bytes, whose upper halves are 0.
func joinHalves(x uint64) uint32 {
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return uint32(x | x>>16)
}

// tokenAt reads the token of an answer, or of a quoted request, where requests have theirs.
func (r *requests) tokenAt(b []byte) (v uint32, kind byte) {
	if r.token < 0 || len(b) < r.token+r.letters {
		return 0, notToken
	}
	return getToken(b[r.token : r.token+r.letters])
}

// isRight reports whether b is the right answer to a request of a form; the token was looked at before.
func (r *requests) isRight(b []byte, form int, seq uint64, flow int32) bool {
	f := &r.forms[form]
	if len(b) != len(f.right) {
		return false
	}
	for _, s := range f.fixed {
		if !bytes.Equal(b[s.from:s.to], f.right[s.from:s.to]) {
			return false
		}
	}
	for _, s := range f.fields {
		var digits [seqDigits]byte
		v := seq
		if s.flow {
			v = uint64(flow)
		}
		putDigits(digits[:s.width], v)
		if !bytes.Equal(b[s.at:s.at+s.width], digits[:s.width]) {
			return false
		}
	}
	return true
}

// longest is the size of the longest request, bytes.
func (r *requests) longest() int {
	n := 0
	for _, f := range r.forms {
		n = max(n, len(f.request))
	}
	return n
}

// compiledTemplate is a form, and where its token is.
type compiledTemplate struct {
	form
	token int
}

func compileTemplate(s string) (compiledTemplate, error) {
	t := compiledTemplate{token: -1}
	text := 0 // where the text that is being read began
	end := func() {
		if len(t.request) > text {
			t.fixed = append(t.fixed, span{text, len(t.request)})
		}
	}
	for s != "" {
		switch {
		case strings.HasPrefix(s, "{{"), strings.HasPrefix(s, "}}"):
			t.request, s = append(t.request, s[0]), s[2:]
		case s[0] == '{':
			name, rest, ok := strings.Cut(s[1:], "}")
			if !ok {
				return t, errors.New("a } is missing; a single { is written {{")
			}
			end()
			if err := t.field(name); err != nil {
				return t, err
			}
			text, s = len(t.request), rest
		case s[0] == '\\':
			value, _, rest, err := strconv.UnquoteChar(s, 0)
			if err != nil || value > 0xff {
				return t, fmt.Errorf(`%q: after a backslash comes n, r, t, \ or xHH`, s)
			}
			t.request, s = append(t.request, byte(value)), rest
		default:
			t.request, s = append(t.request, s[0]), s[1:]
		}
	}
	end()
	return t, nil
}

func (t *compiledTemplate) field(name string) error {
	at := len(t.request)
	switch name {
	case "token":
		if t.token >= 0 {
			return errors.New("{token} can be there once only")
		}
		t.token = at
		t.request = append(t.request, make([]byte, tokenLetters)...)
	case "seq":
		t.fields = append(t.fields, slotField{at: at, width: seqDigits})
		t.request = append(t.request, make([]byte, seqDigits)...)
	case "flow":
		t.fields = append(t.fields, slotField{at: at, width: flowDigits, flow: true})
		t.request = append(t.request, make([]byte, flowDigits)...)
	default:
		return fmt.Errorf("there is no field {%s}: use {token}, {seq} or {flow}", name)
	}
	return nil
}
