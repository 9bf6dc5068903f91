package main

import (
	"fmt"
	"io"
	"strings"

	"dgram/internal/terminal"
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
	fmt.Fprintf(w, "%s\n\n%s\n  dgram %s\n", strings.TrimSpace(c.Long), p.Bold("Usage:"), c.Use)
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
		fmt.Fprintf(w, "\n%s\n%s", p.Bold(g.title+":"), g.flags.FlagUsagesWrapped(min(columns, 120)))
	}
}
