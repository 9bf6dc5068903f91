package sock

import (
	"sync/atomic"
	"syscall"
	"time"
)

// Call is one system call on a socket, after it has returned: what went in and what came out. Which fields a call has, the comment of each
// group says; the others are zero.
type Call struct {
	Time    time.Time // when it returned
	Name    string    // of the system call: "recvmmsg"
	FD      int       // the socket, its first argument; -1: socket(2), which has none
	CopyOf  int       // FD was made just before as a copy of this descriptor (fcntl(2), F_DUPFD_CLOEXEC; pidfd_getfd(2)); else -1
	Process int       // CopyOf is a descriptor of this other process, whose number it is; else 0
	Result  int       // what it returned; -1: it failed, and Errno says why
	Errno   syscall.Errno

	// Of socket: its arguments. The protocol is the number that was given, for the family PACKET in network byte order.
	Family      Family
	Type        Type
	Proto       Proto
	CloseOnExec bool // SOCK_CLOEXEC, also of accept4
	Nonblocking bool // SOCK_NONBLOCK, likewise

	// Of bind, connect, sendto: the address given; of getsockname, getpeername, accept4: the one returned.
	Addr     Addr
	AddrLen  int // bytes of it
	AddrRoom int // bytes that there was room for, where it was returned

	// Of setsockopt and getsockopt.
	Option    Opt
	Value     []byte // that was set or returned
	ValueRoom int    // bytes of room, or of the value set

	// Of what moves datagrams.
	Flags    Flags
	Messages []Message // at most TracedMessages of those that were to be sent, or have been received; also where the call takes but one
	Batch    int       // of sendmmsg and recvmmsg: how many messages were handed over

	Number int // of listen: the backlog; of shutdown: the How
}

// Message is one message of a Call.
type Message struct {
	Addr      Addr // where to, or from whom; nil: none
	AddrLen   int  // bytes of it
	AddrRoom  int  // of a received one: bytes that there was room for
	NoAddr    bool // the call was given no place for an address
	Vectors   []Vector
	Pieces    int // vectors in all, of which Vectors has TracedMessages at most
	Moved     int // bytes that the kernel sent or received; -1: this message was not sent
	Control   []ControlMessage
	ControlOf int   // bytes of all control messages
	Flags     Flags // that the kernel set on a received one
}

// Vector is one buffer of a Message.
type Vector struct {
	Data []byte // the first TracedBytes of what is in it
	Size int    // bytes that are in it
	Room int    // bytes of the buffer
}

// ControlMessage is what goes beside the payload (cmsg(3)).
type ControlMessage struct {
	Option Opt // level and type; the name is the one that they have as an option
	Size   int // bytes, with its header
	Data   []byte
}

// How much a Call holds at most.
const (
	TracedBytes    = 32 // of a payload
	TracedMessages = 32
)

// A Tracer is told of the system calls that this package makes on sockets: socket, bind, connect, listen, accept4, shutdown, getsockname,
// getpeername, setsockopt, getsockopt, sendto, sendmmsg, recvfrom, recvmsg, recvmmsg and close. It is not told of what is no call of the
// network: waiting (poll, epoll), fcntl, and signals.
type Tracer interface {
	// Place takes the next place in the order of calls, and returns a function that is given the call for it; nil: there is no room, and the call
	// is left out, which is the tracer's to count. What sends or closes takes its place before it is made, and is given as soon as it has returned (it never waits in
	// the kernel): so a reply, which another thread may receive in the same moment, comes after it, and so does a socket that gets the same number.
	// Everything else takes its place once it has returned. The Call and all that it refers to belong to the tracer.
	//
	// Both functions are called on the goroutine that makes the call, which waits meanwhile: they must return soon, and make no call on a socket
	// of this package. Several goroutines call them at once.
	Place() (put func(*Call))
}

// tracing is the Tracer of the process. Without one a call costs a load and a branch more.
type tracing struct{ Tracer }

var tracer atomic.Pointer[tracing]

// place takes a place for a call; nil: it is not wanted.
func place() func(*Call) {
	if tracer.Load() == nil {
		return nil
	}
	return takePlace()
}

func takePlace() func(*Call) {
	if t := tracer.Load(); t != nil {
		return t.Place()
	}
	return nil
}

// SetTracer sets the Tracer of the process, and with nil ends the tracing. Calls that are under way may still be told to the one before.
func SetTracer(t Tracer) {
	if t == nil {
		tracer.Store(nil)
		return
	}
	tracer.Store(&tracing{t})
}

// Opt names a socket option: its level and number for setsockopt(2), and the name that the manual page uses.
type Opt struct {
	Name        string
	Level, Code int
}
