package dgram

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// Conn moves datagrams through one socket, a batch at a time.
//
// One goroutine receives; any number send. Errors of Recv are the socket's: [net.ErrClosed] after Close, [os.ErrDeadlineExceeded] at the
// deadline. What befell a single datagram is its Fate, never an error.
type Conn interface {
	// NewBatch returns a batch of n slots whose memory suits this Conn.
	NewBatch(n int) *Batch
	// Recv waits for datagrams and notices and fills b with those that are there: at least one when it returns nil. An empty
	// datagram is data, never the end of anything.
	Recv(b *Batch) error
	// Send sends each slot that has no Fate and gives it one: Answered where Re is set (or where the slot came from Recv: it is
	// then the reply to itself), Pending where it is not, Failed with Err where the system would not take it. One failure costs its
	// neighbours nothing. The error is net.ErrClosed or nil; on error the slots that were not sent are Failed.
	Send(b *Batch) error
	// Local is the address that the socket is bound to, with the port that the system chose.
	Local() Endpoint
	// Caps says what this Conn can do and see.
	Caps() Caps
	// Drops says how many datagrams the system dropped because this socket's buffer was full.
	Drops() Drops
	// SetReadDeadline bounds Recv; the zero Time takes the bound away.
	SetReadDeadline(time.Time) error
	// Close wakes a blocked Recv and frees the socket. It never shuts down a socket that another process may share.
	Close() error
}

// Caps says what a Conn can do and what it can see: facts, which may differ from machine to machine, not errors.
type Caps struct {
	Transport      string // "kernel", "portable" or "memory"
	Batch          bool   // several datagrams in one system call
	GSO, GRO       bool   // segmentation offload on sending, coalescing on receiving (udp(7))
	Timestamps     bool   // Time is the kernel's receive time
	SeesRefusals   bool   // an ICMP error about a datagram sent comes back as a notice
	SeesStrangers  bool   // an answer from an address that was not asked is received
	SeesTruncation bool   // Truncated is true for each datagram that was cut
	Arrival        bool   // Local is the address that was asked, under a wildcard bind too
	ReceiveBuffer  int    // bytes that the system granted for receiving, in its own count; 0: not known
}

// Drops is what the system dropped before it could be read.
type Drops struct {
	Count   uint64
	Known   bool // false: this Conn cannot tell
	AtLeast bool // true: with receive offload several datagrams lost together count as one
}

// OpError is the error of an operation of this package: what was being done, and to which endpoint.
type OpError struct {
	Op       string // "listen", "dial", "receive", "send", "join", "resolve", "take over"
	Endpoint string // as the caller wrote it, or Endpoint.String
	Err      error  // the cause, often an *os.SyscallError
}

func (e *OpError) Error() string { return e.Op + " " + e.Endpoint + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// IsClosed reports whether err says that the Conn was closed, and not that something went wrong.
func IsClosed(err error) bool { return errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) }

var lastID atomic.Uint64

// NextIDs reserves n consecutive datagram numbers and returns the first. A Conn calls it once a batch.
func NextIDs(n int) uint64 { return lastID.Add(uint64(n)) - uint64(n) + 1 }

// Number gives each slot that is to be sent (it has no Fate) its own ID, and makes the ID that it had, if any, its Re. A Conn calls it
// first thing in Send; a slot that has its number keeps it.
func (b *Batch) Number() {
	n := 0
	for i := range b.Datagrams {
		if d := &b.Datagrams[i]; d.unnumbered() {
			n += d.Count()
		}
	}
	if n == 0 {
		return
	}
	id := NextIDs(n)
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		if !d.unnumbered() {
			continue
		}
		if d.Re == 0 {
			d.Re = d.ID
		}
		d.ID, d.numbered = id, true
		id += uint64(d.Count())
	}
}

func (d *Datagram) unnumbered() bool { return d.Fate == Undecided && !d.numbered }

// Sent gives the slot the fate of one that the system took: Answered if it is a reply, Pending if it is a request that waits for one.
func (d *Datagram) Sent() {
	if d.Re != 0 {
		d.Fate = Answered
	} else {
		d.Fate = Pending
	}
}
