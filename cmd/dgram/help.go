package main

import (
	"fmt"
	"io"
	"strings"

	"dgram/internal/terminal"
	"dgram/internal/wording"
)

func writeRootHelp(w io.Writer) {
	p := terminal.Colours(w)
	fmt.Fprintf(w, "%s\n\n%s\n%s\n", rootLong, newcomer, p.Bold("Verbs:"))
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %s  %s\n", p.Cyan(fmt.Sprintf("%-10s", v.name())), v.short)
	}
	fmt.Fprintf(w, "\n%s\n  dgram VERB --help         what a verb does, with examples\n  dgram --version           the version\n", p.Bold("More:"))
}

// writeHelp is what a verb's --help prints: what it does, examples, and its flags in groups.
func writeHelp(w io.Writer, c *command) {
	p := terminal.Colours(w)
	columns, _ := terminal.Size(w)
	columns = min(columns, 100)
	fmt.Fprintf(w, "%s\n\n%s\n  %s\n", fill(c.Long, columns), p.Bold("Usage:"), c.UseLine())
	if c.Example != "" {
		fmt.Fprintf(w, "\n%s\n", p.Bold("Examples:"))
		for line := range strings.Lines(strings.TrimSpace(c.Example)) {
			line = strings.TrimSpace(line)
			switch {
			case line == "":
			case strings.HasPrefix(line, "#"):
				line = "  " + p.Dim(line)
			default:
				line = "  " + line
			}
			fmt.Fprintln(w, line)
		}
	}
	for _, g := range c.groups {
		fmt.Fprintf(w, "\n%s\n%s", p.Bold(g.title+":"), g.flags.FlagUsagesWrapped(columns))
	}
	if c.notes != nil {
		title, text, _ := strings.Cut(c.notes(), "\n")
		fmt.Fprintf(w, "\n%s\n%s", p.Bold(title), text)
	}
}

// fill breaks paragraphs into lines of at most columns cells. A paragraph with an indented line is a list or a table: it stays as it is.
func fill(text string, columns int) string {
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range paragraphs {
		if !strings.Contains(p, "\n ") {
			paragraphs[i] = wording.Fill(p, columns, terminal.Width)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}
