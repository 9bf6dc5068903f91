package main

import (
	"fmt"
	"io"
	"strings"

	"dgram/internal/sockets"
	"dgram/internal/terminal"
	"dgram/sock"
)

// writeSockets prints the sockets, process by process: a line for what one looks for first, and one for the rest.
func writeSockets(w io.Writer, all []sockets.Socket) {
	p := terminal.Colours(w)
	pid, first := 0, true
	wide := socketWidths(all)
	for _, s := range all {
		if first || s.PID != pid {
			pid, first = s.PID, false
			fmt.Fprintln(w, p.Bold(processName(s)))
		}
		cells := socketCells(s)
		fmt.Fprintf(w, "  %4s  %s %s %s  %s\n", cells[0], pad(p.Cyan(cells[1]), wide[1]), pad(cells[2], wide[2]), pad(cells[3], wide[3]), cells[4])
		for _, line := range wrap(w, socketRest(s), 8) {
			fmt.Fprintln(w, "        "+p.Dim(line))
		}
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "no sockets")
	}
}

func processName(s sockets.Socket) string {
	if s.PID == 0 {
		return "of no process that could be looked into"
	}
	return fmt.Sprintf("%s (%d)", terminal.EscapeString(s.Command), s.PID)
}

// socketCells are the columns of a socket's first line.
func socketCells(s sockets.Socket) [5]string {
	fd := "-"
	if s.FD >= 0 {
		fd = fmt.Sprint(s.FD)
	}
	if s.Family == sock.UNSPEC {
		return [5]string{fd, "?", "", "", "a socket about which /proc/net is silent"}
	}
	return [5]string{fd, s.Family.String(), s.Type.String(), protoText(s), addressText(s)}
}

func socketWidths(all []sockets.Socket) (wide [5]int) {
	for _, s := range all {
		for i, cell := range socketCells(s) {
			wide[i] = max(wide[i], terminal.Width(cell))
		}
	}
	return wide
}

func protoText(s sockets.Socket) string {
	if s.Proto == 0 && s.Family != sock.PACKET {
		return "-"
	}
	return s.Proto.Name(s.Family)
}

// addressText is "127.0.0.1:53 → 127.0.0.1:4711", or the one end that there is, and what the socket does.
func addressText(s sockets.Socket) string {
	local := endText(s.Local)
	switch {
	case s.State == sockets.Listening:
		return local + " (listening)"
	case s.Peer != nil:
		return local + " → " + endText(s.Peer)
	case s.State == sockets.Connected || s.State == sockets.Connecting || s.State == sockets.Closing:
		return fmt.Sprintf("%s (%s)", local, s.State)
	}
	return local
}

func endText(a sock.Addr) string {
	switch a := a.(type) {
	case nil:
		return "-"
	case sock.UnixAddr:
		if a == (sock.UnixAddr{}) {
			return "(no name)"
		}
	case sock.InetAddr:
		if a.Port() == 0 && a.Addr().IsUnspecified() {
			return "(not bound)"
		}
	}
	return terminal.EscapeString(a.String())
}

// socketRest is what else there is to say about a socket, in words.
func socketRest(s sockets.Socket) string {
	parts := queueParts(s)
	if s.ReceiveBuffer >= 0 {
		parts = append(parts, fmt.Sprintf("buffers %d in, %d out", s.ReceiveBuffer, s.SendBuffer))
	}
	if s.Drops > 0 {
		parts = append(parts, fmt.Sprintf("%d dropped", s.Drops))
	} else if s.Drops == 0 && s.Type != sock.STREAM {
		parts = append(parts, "none dropped")
	}
	if s.CloseOnExecKnown {
		parts = append(parts, map[bool]string{true: "close-on-exec", false: "inherited by child processes"}[s.CloseOnExec])
	}
	if s.UID >= 0 && s.PID == 0 {
		parts = append(parts, fmt.Sprintf("user %d", s.UID))
	}
	for _, o := range s.Options {
		parts = append(parts, optionText(o))
	}
	return strings.Join(append(parts, fmt.Sprintf("inode %d", s.Inode)), ", ")
}

func queueParts(s sockets.Socket) (parts []string) {
	stream := s.Type == sock.STREAM || s.Type == sock.SEQPACKET
	switch {
	case s.State == sockets.Listening:
	case stream && s.Queue > 0:
		parts = append(parts, fmt.Sprintf("%d bytes wait", s.Queue))
	case s.ReceiveCharged > 0 && s.Queue >= 0:
		parts = append(parts, fmt.Sprintf("waiting: %d bytes with the kernel's overhead, the next datagram has %d", s.ReceiveCharged, s.Queue))
	case s.ReceiveCharged > 0:
		parts = append(parts, fmt.Sprintf("waiting: %d bytes with the kernel's overhead", s.ReceiveCharged))
	case s.ReceiveCharged == 0 || s.Queue == 0:
		parts = append(parts, "nothing waits")
	}
	if unsent := max(s.Unsent, s.SendCharged); unsent > 0 {
		parts = append(parts, fmt.Sprintf("%d bytes unsent", unsent))
	}
	return parts
}

func optionText(o sock.OptionValue) string {
	switch {
	case o.Text != "":
		return o.Name + " " + terminal.EscapeString(o.Text)
	case o.Value == 1:
		return o.Name
	}
	return fmt.Sprintf("%s %d", o.Name, o.Value)
}
