package ledger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf8"
)

// Payload is a datagram's content in an event: {"text":"…"} where it is valid UTF-8, {"base64":"…"} where it is not. Nil is left out; an empty
// datagram is {"text":""}.
type Payload []byte

// IsZero makes nil, and only nil, what omitzero leaves out.
func (p Payload) IsZero() bool { return p == nil }

// MarshalJSON writes the object.
func (p Payload) MarshalJSON() ([]byte, error) {
	if !utf8.Valid(p) {
		out := make([]byte, 0, len(`{"base64":""}`)+base64.StdEncoding.EncodedLen(len(p)))
		out = append(out, `{"base64":"`...)
		out = base64.StdEncoding.AppendEncode(out, p)
		return append(out, `"}`...), nil
	}
	text, err := marshal(string(p))
	if err != nil {
		return nil, err
	}
	return append(append([]byte(`{"text":`), text...), '}'), nil
}

// UnmarshalJSON reads what MarshalJSON writes, back to the same bytes.
func (p *Payload) UnmarshalJSON(data []byte) error {
	var v struct {
		Text   *string `json:"text"`
		Base64 []byte  `json:"base64"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*p = v.Base64
	if v.Text != nil {
		*p = Payload(*v.Text)
	}
	return nil
}

// Marshal writes an event as one line of JSON with the newline. It fills in Schema, and Time where it is zero. All that could move a
// terminal's cursor, turn its text around, hide in it or pile up over it is escaped, wherever in the event it stands: the line is
// ASCII but for printable letters.
func Marshal(e Event) ([]byte, error) {
	h := e.Head()
	h.Schema = Schema
	if h.Time.IsZero() {
		h.Time = time.Now()
	}
	line, err := marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write %s event: %w", h.Type, err)
	}
	return append(escape(line), '\n'), nil
}

func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// escape replaces the characters of a line of JSON that are not printable with \u escapes. In JSON they can only stand inside a string.
func escape(line []byte) []byte {
	if isPlain(line) {
		return line
	}
	out := make([]byte, 0, len(line)+len(line)/4)
	marks := 0
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		if marks++; !unicode.Is(unicode.M, r) {
			marks = 0
		}
		switch {
		case shows(r) && marks <= maxMarks:
			out = append(out, line[:n]...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		line = line[n:]
	}
	return out
}

// maxMarks is how many combining marks may follow one character: enough for every language, too few to cover the lines above.
const maxMarks = 4

// shows reports whether a terminal shows something for r. Some letters and marks are invisible by their properties (Unicode Standard, Section 5.21).
func shows(r rune) bool {
	return unicode.IsPrint(r) && (r <= '~' || !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector))
}

func isPlain(line []byte) bool {
	for _, c := range line {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// ErrNotEvent is wrapped by errors about a line that is no event of this schema.
var ErrNotEvent = errors.New("not a dgram.event/1 event")

// Unmarshal reads one line. Fields that it does not know are left out of the result: the schema may have grown. A type that it does not know
// is an error that wraps ErrNotEvent; skip such a line.
func Unmarshal(line []byte) (Event, error) {
	var h Header
	if err := json.Unmarshal(line, &h); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotEvent, err)
	}
	if h.Schema != Schema {
		return nil, fmt.Errorf("%w: its schema is %q", ErrNotEvent, h.Schema)
	}
	var e Event
	switch h.Type {
	case TypeReady:
		e = new(ReadyEvent)
	case TypeCall:
		e = new(CallEvent)
	case TypeRequest, TypeReply, TypeFate, TypeNotice:
		e = new(DatagramEvent)
	case TypeExchange:
		e = new(ExchangeEvent)
	case TypeSummary:
		e = new(SummaryEvent)
	case TypeError:
		e = new(ErrorEvent)
	default:
		return nil, fmt.Errorf("%w: its type is %q", ErrNotEvent, h.Type)
	}
	if err := json.Unmarshal(line, e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotEvent, err)
	}
	return e, nil
}

// JSONLines returns a write function for [NewStream] that writes each event to w as a line, with one Write for all that it is given.
func JSONLines(w io.Writer) func([]Event) error {
	var out []byte
	return func(events []Event) error {
		out = out[:0]
		for _, e := range events {
			line, err := Marshal(e)
			if err != nil {
				return err
			}
			out = append(out, line...)
		}
		_, err := w.Write(out)
		return err
	}
}
