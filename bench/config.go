package bench

import (
	"context"
	"time"

	"dgram"
)

// Clock says which clock the receive time of an answer is read from. Sending is always by the user's clock.
type Clock string

// The clocks.
const (
	// KernelClock is the kernel's own receive time stamp (SO_TIMESTAMPNS, socket(7)): it leaves out how long the answer then waited
	// in our socket's queue.
	KernelClock Clock = "kernel"
	// UserClock is read after the receiving call returned, as a program without kernel time stamps would measure.
	UserClock Clock = "user"
)

// Config says what load to offer to whom. The zero value of each field is its default; Target is the only one without.
type Config struct {
	Target dgram.Endpoint

	Flows    int      // sockets, and so source ports; default 1
	Window   int      // closed loop: requests outstanding on each flow; default 1
	Schedule Schedule // open loop where it is not empty: the rates, requests a second over all flows
	Poisson  bool     // open loop: exponentially distributed gaps of the same mean instead of even ones
	Workers  int      // threads that send and receive, each with its share of the flows; default 1

	Duration time.Duration // of what is measured; default 10 s, or the schedule's own
	Warmup   time.Duration // before it, at the first rate, counted apart; default 1 s, none if negative
	Timeout  time.Duration // an answer later than this is late and its request lost; default 1 s

	Payload Payload // default 64 bytes
	Expect  Expect  // default Upper
	Seed    uint64  // of sizes and gaps; 0 is a seed like any other

	Clock   Clock // default KernelClock where the system has it
	OneWay  bool  // send only, and expect no answer
	GSO     bool  // hand the kernel several datagrams of one flow as one (UDP_SEGMENT)
	GRO     bool  // take several of one flow as one (UDP_GRO)
	Spin    bool  // never sleep: the thread is busy all the time, and later by less
	Stray   bool  // sockets that are not connected: answers from strangers are seen and counted, and sending costs more
	Options dgram.Options

	// Dial opens the flows' sockets; nil is dgram.DialEndpoint, or a faster way to the same sockets where there is one.
	Dial func(dgram.Endpoint, dgram.Options) (dgram.Conn, error)
	// Tap, where not nil, makes a tap for each flow, on whose workers' goroutines it is called: what arrives comes with the number of
	// the request that it answers in Re. Call what it is given as a Conn for its Local only.
	Tap func(dgram.Conn) dgram.Tap
	// OnSecond is told of each second when it is over, on one goroutine, in order. It may be slow: the load is not held up by it, and
	// seconds that end meanwhile are passed over; the Result has them, and only there is HDR filled in.
	OnSecond func(Second)
	// ServerCounters, where not nil, reads what the server says of its own sockets. It is called four times: twice before the first request, and
	// an error is then Run's; twice after the last answer. Without it a server on this host is looked up in /proc/net/udp and udp6.
	ServerCounters func(context.Context) (ServerCounters, error)
}

// The defaults of a Config.
const (
	DefaultDuration = 10 * time.Second
	DefaultWarmup   = time.Second
	DefaultTimeout  = time.Second
	DefaultSize     = 64 // bytes
)
