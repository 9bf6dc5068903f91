package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// page is what a server's page of metrics says of its sockets. Whoever wrote the page is not believed: what it says of the names below is read
// strictly, and everything else is passed over.
type page struct {
	values  map[pageKey]uint64
	started string // the process, as a text that is another one after it was started again; "" if the page does not tell
}

type pageKey struct {
	name   string
	what   string // the reason, or the errno
	socket pageSocket
}

type pageSocket struct{ address, number string }

// pageNames are the counters that are read, each with the label that says more, if there is one.
var pageNames = map[string]string{
	receivedName: "", answeredName: "", ignoredName: "", droppedName: "reason", failedName: "errno", pendingName: "", kernelDropsName: "", atLeastName: "", startedName: "",
}

var errNoSample = errors.New(`is not "NAME{LABELS} NUMBER"`)

// readPage reads a page in the text format that Prometheus reads, version 0.0.4.
func readPage(text string) (page, error) {
	p := page{values: map[pageKey]uint64{}}
	if !utf8.ValidString(text) || text != "" && !strings.HasSuffix(text, "\n") {
		return p, errors.New("it is no text, or its end is missing")
	}
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		if err := p.line(strings.Trim(line, " \t")); err != nil {
			return p, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return p, nil
}

func (p *page) line(line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	end := strings.IndexFunc(line, func(r rune) bool { return !isNameRune(r) })
	if end <= 0 || '0' <= line[0] && line[0] <= '9' {
		return errNoSample
	}
	name, rest := line[:end], strings.TrimLeft(line[end:], " \t")
	more, wanted := pageNames[name]
	if !wanted {
		return nil
	}
	labels := map[string]string{}
	if strings.HasPrefix(rest, "{") {
		var err error
		if labels, rest, err = cutLabels(rest[1:]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	fields := strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(fields) == 0 || len(fields) > 2 { // the second one is a time
		return fmt.Errorf("%s: %w", name, errNoSample)
	}
	if name == startedName {
		p.started = strings.Join(append([]string{p.started}, fields...), " ")
		return nil
	}
	value, err := wholeNumber(fields[0])
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	key := pageKey{name, labels[more], pageSocket{labels["address"], labels["socket"]}}
	if _, twice := p.values[key]; twice {
		return fmt.Errorf("%s is there twice for one socket", name)
	}
	p.values[key] = value
	return nil
}

func isNameRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == ':'
}

// cutLabels reads labels up to their closing brace, and returns what comes after it.
func cutLabels(text string) (labels map[string]string, rest string, err error) {
	labels = map[string]string{}
	for {
		text = strings.TrimLeft(text, " \t")
		if rest, closed := strings.CutPrefix(text, "}"); closed {
			return labels, rest, nil
		}
		name, quoted, ok := strings.Cut(text, "=")
		name, quoted = strings.Trim(name, " \t"), strings.TrimLeft(quoted, " \t")
		if !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isNameRune(r) }) || !strings.HasPrefix(quoted, `"`) {
			return nil, "", errors.New(`a label is not NAME="VALUE"`)
		}
		if _, twice := labels[name]; twice {
			return nil, "", fmt.Errorf("label %s is there twice", name)
		}
		if labels[name], text, err = cutQuoted(quoted[1:]); err != nil {
			return nil, "", err
		}
		text = strings.TrimLeft(text, " \t")
		if next, more := strings.CutPrefix(text, ","); more {
			text = next
		} else if !strings.HasPrefix(text, "}") {
			return nil, "", errors.New("labels have no end")
		}
	}
}

// cutQuoted reads a label's value up to its closing quote.
func cutQuoted(text string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], nil
		case c != '\\':
			b.WriteByte(c)
		case strings.HasPrefix(text[i:], `\n`):
			b.WriteByte('\n')
			i++
		case strings.HasPrefix(text[i:], `\\`), strings.HasPrefix(text[i:], `\"`):
			i++
			b.WriteByte(text[i])
		default:
			return "", "", errors.New(`after a backslash comes n, " or another one`)
		}
	}
	return "", "", errors.New("a label's value has no end")
}

// wholeNumber reads a count, which is a floating-point number on such a page.
func wholeNumber(text string) (uint64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= 0 && x <= 1<<53) || x != float64(uint64(x)) || strings.ContainsAny(text, "xX_pP") {
		return 0, fmt.Errorf("%.40q counts no datagrams", text)
	}
	return uint64(x), nil
}

// sockets are those that the page has received datagrams of, in order.
func (p *page) sockets() []pageSocket {
	all := map[pageSocket]bool{}
	for key := range p.values {
		all[key.socket] = all[key.socket] || key.name == receivedName
	}
	maps.DeleteFunc(all, func(_ pageSocket, receives bool) bool { return !receives })
	return slices.SortedFunc(maps.Keys(all), func(a, b pageSocket) int {
		return strings.Compare(a.address+" "+a.number, b.address+" "+b.number)
	})
}
