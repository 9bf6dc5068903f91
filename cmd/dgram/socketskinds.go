package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"

	"dgram/internal/sockets"
	"dgram/internal/terminal"
	"dgram/internal/wording"
	"dgram/ledger"
	"dgram/sock"
)

// showKinds tries each family and type on this kernel.
func showKinds(out io.Writer, json bool, wanted socketFilter, explained explaining) error {
	kinds := sockets.Kinds()
	explained.end()
	kinds = slices.DeleteFunc(kinds, func(k sockets.Kind) bool { return !wanted.passes(k.Family, k.Type) })
	if json {
		for _, k := range kinds {
			if err := writeEvent(out, newKindEvent(k)); err != nil {
				return err
			}
		}
		return nil
	}
	writeKinds(out, kinds)
	if len(kinds) > 0 && errors.Is(kinds[0].Err, errors.ErrUnsupported) {
		return kinds[0].Err
	}
	return nil
}

// writeKinds prints a table: the default of socket(2)'s callers, then each family with its types.
func writeKinds(w io.Writer, kinds []sockets.Kind) {
	p := terminal.Colours(w)
	if isDefault(kinds) {
		fmt.Fprintln(w, p.Bold("default")+p.Dim("     what a program gets that gives no arguments, as Python's socket.socket()"))
		writeKind(w, p, kinds[0])
		kinds = kinds[1:]
	}
	opened, family := 0, sock.UNSPEC
	for _, k := range kinds {
		if k.Made {
			opened++
		}
		if k.Family != family {
			family = k.Family
			fmt.Fprintf(w, "%s %s\n", p.Bold(fmt.Sprintf("%-9s %2d", family, family)), p.Dim(familyText(family)))
		}
		writeKind(w, p, k)
	}
	fmt.Fprintf(w, "%d of %d kinds can be opened here by this user\n", opened, len(kinds))
}

// isDefault says whether the first row stands for itself: it is there a second time, among its family.
func isDefault(kinds []sockets.Kind) bool {
	if len(kinds) < 2 {
		return false
	}
	same := func(k sockets.Kind) bool { return k.Family == kinds[0].Family && k.Type == kinds[0].Type }
	return slices.ContainsFunc(kinds[1:], same)
}

func writeKind(w io.Writer, p terminal.Palette, k sockets.Kind) {
	const indent = 49 // where the words begin
	result, proto, text := p.Green("opens"), protoCell(k.MadeOf, k.MadeProto), kindText(k)
	if !k.Made {
		result, proto, text = p.Red(errnoOf(k.Err)), protoCell(k.Family, k.Asked), k.Missing()
	}
	words := wrap(w, text, indent)
	fmt.Fprintf(w, "  %s %2d  %s  %s  %s\n", pad(p.Cyan(k.Type.String()), 14), k.Type, pad(result, 15), pad(proto, 9), words[0])
	for _, line := range words[1:] {
		fmt.Fprintf(w, "%*s%s\n", indent, "", line)
	}
}

// wrap breaks text into the lines that fit a terminal behind an indent. Where w is none, a line stays a line, so that grep finds it whole.
func wrap(w io.Writer, text string, indent int) []string {
	if !terminal.IsTerminal(w) {
		return []string{text}
	}
	columns, _ := terminal.Size(w)
	return strings.Split(wording.Fill(text, max(columns-indent, 30), terminal.Width), "\n")
}

// protoCell is a protocol's number and name: "17 UDP".
func protoCell(family sock.Family, proto sock.Proto) string {
	name := strings.TrimPrefix(proto.Name(family), "IPPROTO_")
	if number := fmt.Sprint(int(proto)); name != number {
		return number + " " + name
	}
	return name
}

// pad is text, which may have colours, in so many cells.
func pad(text string, cells int) string {
	return text + strings.Repeat(" ", max(0, cells-terminal.WidthStyled(text)))
}

func errnoOf(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return ledger.ErrnoName(errno)
	}
	return "no"
}

func familyText(family sock.Family) string {
	for _, note := range sock.Families() {
		if note.Family == family {
			return note.Text
		}
	}
	return ""
}

// kindText says what an open socket is for.
func kindText(k sockets.Kind) string {
	use := kindUses[[2]int{int(k.MadeOf), int(k.MadeType)}]
	if use == "" {
		for _, note := range sock.Types() {
			if note.Type == k.MadeType {
				use = note.Text
			}
		}
	}
	if k.MadeOf != k.Family || k.MadeType != k.Type {
		return fmt.Sprintf("the kernel made it %v %v: %s", k.MadeOf, k.MadeType, use)
	}
	return use
}

// kindUses says what the kinds are for that most kernels have.
var kindUses = map[[2]int]string{
	{int(sock.UNIX), int(sock.STREAM)}:      "a connection on this machine: bytes in order",
	{int(sock.UNIX), int(sock.DGRAM)}:       "datagrams on this machine, none lost and all in order: the sender waits for room",
	{int(sock.UNIX), int(sock.SEQPACKET)}:   "a connection on this machine that keeps the boundaries of records",
	{int(sock.INET), int(sock.STREAM)}:      "TCP: a connection, bytes in order",
	{int(sock.INET), int(sock.DGRAM)}:       "UDP: datagrams, each by itself, which may be lost, doubled or overtaken",
	{int(sock.INET), int(sock.RAW)}:         "what IP carries, with its header: ping, and protocols of one's own",
	{int(sock.INET), int(sock.SEQPACKET)}:   "SCTP: a connection that keeps the boundaries of records",
	{int(sock.INET6), int(sock.STREAM)}:     "TCP over IPv6, and over IPv4 unless IPV6_V6ONLY is set",
	{int(sock.INET6), int(sock.DGRAM)}:      "UDP over IPv6, and over IPv4 unless IPV6_V6ONLY is set",
	{int(sock.INET6), int(sock.RAW)}:        "what IPv6 carries: ping, neighbour discovery, protocols of one's own",
	{int(sock.INET6), int(sock.SEQPACKET)}:  "SCTP over IPv6",
	{int(sock.PACKET), int(sock.RAW)}:       "whole frames of an interface, with their link header: how captures are made",
	{int(sock.PACKET), int(sock.DGRAM)}:     "frames of an interface, the kernel takes off and puts on the link header",
	{int(sock.PACKET), int(sock.OLDPACKET)}: "frames of an interface the obsolete way, named by device and not by number",
}
