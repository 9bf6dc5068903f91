package explain

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"dgram/internal/terminal"
	"dgram/sock"
)

// Printer writes calls for a person: each as a line, what it does under it. A socket that waits quietly is shown once; how often it looked in
// vain is said when something else happens. One goroutine uses it at a time.
type Printer struct {
	w       io.Writer
	colours terminal.Palette
	explain *Explainer
	quiet   map[looking]*wait
}

// looking is how a descriptor is looked at: by receiving, or by an option.
type looking struct {
	fd     int
	option string
}

func lookOf(c *sock.Call) looking { return looking{c.FD, c.Option.Name} }

// wait is a look that finds nothing, again and again.
type wait struct {
	call  string // the last one that was not shown
	count int    // how many were not
}

// NewPrinter makes a Printer that speaks a language. Each call is one Write.
func NewPrinter(w io.Writer, colours terminal.Palette, l Language) *Printer {
	return &Printer{w, colours, New(l), make(map[looking]*wait)}
}

// Show prints a call, and before it how many were left out. With nil it prints what is still to be said.
func (p *Printer) Show(c *sock.Call, missed int) {
	var b strings.Builder
	if c == nil || !p.repeats(c) {
		p.sayQuiet(&b)
	}
	if missed > 0 {
		b.WriteString(p.colours.Yellow(p.explain.phrase("not shown", "n", count(missed))) + "\n")
	}
	if c != nil {
		p.write(&b, c)
	}
	if b.Len() > 0 {
		_, _ = io.WriteString(p.w, b.String()) // a terminal.Writer, which does not fail
	}
}

// repeats reports whether c is one more quiet look at a socket that has been shown to wait.
func (p *Printer) repeats(c *sock.Call) bool { return isQuiet(c) && p.quiet[lookOf(c)] != nil }

// isQuiet reports whether a call found nothing to receive, or to worry about.
func isQuiet(c *sock.Call) bool {
	if n, ok := intOf(c.Value); ok && c.Name == "getsockopt" && c.Option.Name == "SO_ERROR" {
		return n == 0
	}
	if _, drops, ok := statistics(c); ok {
		return drops == 0 && c.Errno == 0
	}
	return (c.Name == "recvmmsg" || c.Name == "recvfrom") && (c.Errno == syscall.EAGAIN || c.Errno == syscall.EINTR)
}

func (p *Printer) write(b *strings.Builder, c *sock.Call) {
	text := p.explain.Explain(c) // sees every call
	switch w := p.quiet[lookOf(c)]; {
	case !isQuiet(c):
		maps.DeleteFunc(p.quiet, func(l looking, _ *wait) bool { return l.fd == c.FD })
	case w == nil:
		p.quiet[lookOf(c)] = &wait{}
	default:
		w.call, w.count = Line(c), w.count+1
		return
	}
	if c.Errno != 0 && !isQuiet(c) {
		text = p.colours.Yellow(text)
	}
	b.WriteString(p.colours.Cyan(Line(c)) + "\n    " + text + "\n")
}

// sayQuiet says how often sockets looked in vain since they were shown.
func (p *Printer) sayQuiet(b *strings.Builder) {
	waiting := make([]looking, 0, len(p.quiet))
	for l, w := range p.quiet {
		if w.count > 0 {
			waiting = append(waiting, l)
		}
	}
	slices.SortFunc(waiting, func(a, b looking) int { return cmp.Or(cmp.Compare(a.fd, b.fd), cmp.Compare(a.option, b.option)) })
	for _, l := range waiting {
		w := p.quiet[l]
		b.WriteString(p.colours.Dim(p.explain.phrase("quiet again", "call", w.call, "n", strconv.Itoa(w.count))) + "\n")
		w.count = 0
	}
}
