package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"dgram"
)

// Payload says what requests carry: one of Sizes, Template and Records. The zero Payload is DefaultSize bytes. [ParseSizes],
// [ParseTemplate] and [ReadRecords] make one.
type Payload struct {
	Sizes    []Share  // sizes, each with its share; filled with bytes of every value and a token by which the answer is known
	Template string   // text in which {token}, {seq} and {flow} are filled in
	Records  [][]byte // payloads that are sent in turn, as they are
	Source   string   // how it was written, or the name of the file
}

// Share is a size and how often it comes, of the sum of all weights.
type Share struct {
	Bytes  int
	Weight float64
}

// Bounds of a Payload.
const (
	MaxSizes   = 64      // different sizes
	MaxRecords = 1 << 16 // records
)

// ParseSizes reads sizes in bytes: one, as in 64, or several with their shares, as in 64:70%,512:20%,1400:10%. Shares are weights:
// they need not add up to 100, and the percent sign may be left out.
func ParseSizes(s string) (Payload, error) {
	fields := strings.Split(s, ",")
	if len(fields) > MaxSizes {
		return Payload{}, fmt.Errorf("size %q: %d sizes at most", s, MaxSizes)
	}
	p := Payload{Source: s}
	for _, field := range fields {
		share, err := parseShare(strings.TrimSpace(field))
		if err != nil {
			return Payload{}, fmt.Errorf("size %q: %w", s, err)
		}
		p.Sizes = append(p.Sizes, share)
	}
	return p, nil
}

func parseShare(s string) (Share, error) {
	text, weight, weighted := strings.Cut(s, ":")
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return Share{}, fmt.Errorf("%q is no number of bytes: write 64, or 64:70%%,1400:30%%", text)
	}
	if n > dgram.MaxPayload {
		return Share{}, fmt.Errorf("%d bytes are more than a datagram holds (%d)", n, dgram.MaxPayload)
	}
	share := Share{Bytes: n, Weight: 1}
	if weighted {
		share.Weight, err = strconv.ParseFloat(strings.TrimSuffix(weight, "%"), 64)
		if err != nil || !(share.Weight > 0) || math.IsInf(share.Weight, 0) {
			return Share{}, fmt.Errorf("%q is no share: write a number over 0, as in 64:70%%", weight)
		}
	}
	return share, nil
}

// ParseTemplate checks a template: text in which {token} stands for eight letters by which the answer is known, {seq} for ten digits that
// count requests, {flow} for five digits, {{ and }} for single braces, and \n, \r, \t, \\ and \xHH for bytes.
func ParseTemplate(s string) (Payload, error) {
	t, err := compileTemplate(s)
	if err != nil {
		return Payload{}, fmt.Errorf("template %q: %w", s, err)
	}
	if len(t.request) > dgram.MaxPayload {
		return Payload{}, fmt.Errorf("template: %d bytes are more than a datagram holds (%d)", len(t.request), dgram.MaxPayload)
	}
	return Payload{Template: s, Source: s}, nil
}

// ReadRecords reads payloads from a file with one on each line; the end of a line (LF or CRLF) is no part of it, and an empty line is
// an empty datagram. name says in errors, and in the Result, which file it was.
func ReadRecords(r io.Reader, name string) (Payload, error) {
	p := Payload{Source: name}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), dgram.MaxPayload+2)
	for lines.Scan() {
		if len(p.Records) == MaxRecords {
			return Payload{}, fmt.Errorf("%s: it has more than %d lines: leave some out", name, MaxRecords)
		}
		line := bytes.TrimSuffix(lines.Bytes(), []byte{'\r'})
		if len(line) > dgram.MaxPayload {
			return Payload{}, tooLong(name, len(p.Records)+1)
		}
		p.Records = append(p.Records, bytes.Clone(line))
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return Payload{}, tooLong(name, len(p.Records)+1)
	}
	if err := lines.Err(); err != nil {
		return Payload{}, fmt.Errorf("read payloads: %w", err)
	}
	if len(p.Records) == 0 {
		return Payload{}, fmt.Errorf("%s: it is empty: each line is a payload", name)
	}
	return p, nil
}

func tooLong(name string, line int) error {
	return fmt.Errorf("%s:%d: the line is longer than a datagram holds (%d bytes)", name, line, dgram.MaxPayload)
}

// String is how the payload was written, or what it is.
func (p Payload) String() string {
	switch {
	case p.Source != "":
		return p.Source
	case p.Template != "":
		return p.Template
	case p.Records != nil:
		return strconv.Itoa(len(p.Records)) + " records"
	case len(p.Sizes) == 0:
		return strconv.Itoa(DefaultSize)
	}
	var parts []string
	for _, s := range p.Sizes {
		parts = append(parts, fmt.Sprintf("%d:%g", s.Bytes, s.Weight))
	}
	return strings.Join(parts, ",")
}
