package explain

import (
	"io"
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
	quiet   map[int]*wait // by descriptor
}

// wait is a receive that brings nothing, again and again.
type wait struct {
	call  string // the last one that was not shown
	count int    // how many were not
}

// NewPrinter makes a Printer that speaks a language. Each call is one Write.
func NewPrinter(w io.Writer, colours terminal.Palette, l Language) *Printer {
	return &Printer{w, colours, New(l), make(map[int]*wait)}
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
func (p *Printer) repeats(c *sock.Call) bool { return isQuiet(c) && p.quiet[c.FD] != nil }

// isQuiet reports whether a call found nothing to receive.
func isQuiet(c *sock.Call) bool {
	return (c.Name == "recvmmsg" || c.Name == "recvfrom") && (c.Errno == syscall.EAGAIN || c.Errno == syscall.EINTR)
}

func (p *Printer) write(b *strings.Builder, c *sock.Call) {
	text := p.explain.Explain(c) // sees every call
	switch w := p.quiet[c.FD]; {
	case !isQuiet(c):
		delete(p.quiet, c.FD)
	case w == nil:
		p.quiet[c.FD] = &wait{}
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
	waiting := make([]int, 0, len(p.quiet))
	for fd, w := range p.quiet {
		if w.count > 0 {
			waiting = append(waiting, fd)
		}
	}
	slices.Sort(waiting)
	for _, fd := range waiting {
		w := p.quiet[fd]
		b.WriteString(p.colours.Dim(p.explain.phrase("quiet again", "call", w.call, "n", strconv.Itoa(w.count))) + "\n")
		w.count = 0
	}
}
