package wire

import "io"

// A Frame is one captured packet as the capture has it.
type Frame struct {
	// Time is when it was captured, in nanoseconds since 1970 (UTC); 0: not known.
	Time int64
	// Data is what was captured of it, from the link layer's header on. It is valid until the next call of the Source.
	Data []byte
	// Length is how many bytes it had on the wire; Data may be cut (snapshot length).
	Length int
	// Link says how Data begins.
	Link LinkType
	// Interface is its index among the Interfaces of the Source.
	Interface int
	// Outgoing says that this machine sent it, where the capture knows (packet(7), pcapng's epb_flags).
	Outgoing bool
	// Comment is what somebody wrote beside it (pcapng's opt_comment, several joined by a newline), as it stands there: escape it
	// before it goes to a terminal.
	Comment string
}

// An Interface is where frames of a Source come from.
type Interface struct {
	Name    string // as the capture has it; may be empty
	Link    LinkType
	Snaplen int // bytes kept of a frame at most; 0: all
}

// A Source hands out frames, one after the other. It belongs to one goroutine; only Close may be called from another,
// where the Source says so.
type Source interface {
	// Next fills f with the next frame. It returns io.EOF at the end, and another error where the source cannot be read any
	// further; frames before that are good.
	Next(f *Frame) error
	// Interfaces are those known so far: a file may name more as it is read.
	Interfaces() []Interface
	// Drops is how many frames the capture lost because nobody read them in time, as far as it is known (kernel drops of a live
	// interface, pcapng's interface statistics).
	Drops() uint64
	io.Closer
}
