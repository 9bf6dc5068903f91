package main

import (
	"fmt"
	"io"
	"strings"

	"dgram/internal/terminal"
	"dgram/wire/capture"
)

// listInterfaces prints what can be watched.
func listInterfaces(w io.Writer) error {
	devices, err := capture.List()
	if err != nil {
		return err
	}
	width := 0
	for _, d := range devices {
		width = max(width, terminal.Width(terminal.EscapeString(d.Name)))
	}
	for _, d := range devices {
		state := "up"
		if !d.Up {
			state = "down"
		}
		addresses := make([]string, len(d.Addrs))
		for i, a := range d.Addrs {
			addresses[i] = a.String()
		}
		line := fmt.Sprintf("%-*s  %-4s  %-9s  %s", width, terminal.EscapeString(d.Name), state, d.Link, strings.Join(addresses, " "))
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	return nil
}
