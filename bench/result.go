package bench

import "time"

// Schema names the form of a Result as JSON. Fields may be added within a version; one that changes its meaning makes a new version.
const Schema = "dgram.bench/1"

// Result is what came of a run. All times are in nanoseconds, all rates in datagrams a second, sizes in bytes.
type Result struct {
	Schema      string      `json:"schema"`
	Settings    Settings    `json:"settings"`
	Environment Environment `json:"environment"`

	Started     time.Time     `json:"started"` // of what was measured, after the warm-up
	Elapsed     time.Duration `json:"elapsed_ns"`
	Interrupted bool          `json:"interrupted"` // ended before its time; what there is of it is whole

	Outcome Outcome  `json:"outcome"`
	Valid   bool     `json:"valid"` // the generator kept up: the figures are the server's, not its own
	Why     []string `json:"why"`   // what made the run invalid, a sentence each
	Notes   []string `json:"notes"` // what else a reader must know

	Rates      Rates        `json:"rates"`
	Totals     Counts       `json:"totals"`         // of requests that were due while measuring
	Warmup     Counts       `json:"warmup"`         // of those before
	Latency    Distribution `json:"latency"`        // from when each was meant to leave to its answer
	Scheduling Distribution `json:"scheduling"`     // from when each was meant to leave to when it was handed to the kernel
	Loss       Loss         `json:"loss"`           // where lost ones were lost
	Failures   []Failure    `json:"failures"`       // why sending failed
	CPU        CPU          `json:"cpu"`            // of this process, while measuring
	Seconds    []Second     `json:"seconds"`        // in order, the warm-up's first
	Unseen     int64        `json:"unseen_seconds"` // seconds that Seconds has no room for
}

// Outcome is the verdict on a run.
type Outcome string

// The outcomes, worst last.
const (
	OutcomeValid    Outcome = "valid"
	OutcomeInvalid  Outcome = "invalid"   // the generator fell behind: see Why
	OutcomeSilent   Outcome = "no answer" // not a single one
	OutcomeRefused  Outcome = "refused"   // nothing listens there, and nothing answered
	OutcomeCanceled Outcome = "canceled"  // ended before anything was measured
)

// ExitCode is the outcome as a process reports it: 0 valid, 2 no answer, 3 refused, 6 invalid, 130 canceled.
func (o Outcome) ExitCode() int {
	switch o {
	case OutcomeValid:
		return 0
	case OutcomeSilent:
		return 2
	case OutcomeRefused:
		return 3
	case OutcomeCanceled:
		return 130
	}
	return 6
}

// Settings are what the run was asked for, with the defaults filled in.
type Settings struct {
	Target    string        `json:"target"`
	Mode      string        `json:"mode"` // "closed", "open" or "one-way"
	Flows     int           `json:"flows"`
	Window    int           `json:"window,omitempty"`   // closed loop
	Schedule  string        `json:"schedule,omitempty"` // open loop
	Arrivals  string        `json:"arrivals,omitempty"` // open loop: "constant" or "poisson"
	Workers   int           `json:"workers"`
	Duration  time.Duration `json:"duration_ns"`
	Warmup    time.Duration `json:"warmup_ns"`
	Timeout   time.Duration `json:"timeout_ns"`
	Payload   string        `json:"payload"`
	Expect    string        `json:"expect"`
	Matching  string        `json:"matching"` // how answers found their requests: "token", "order", "token and order", or "none"
	Clock     Clock         `json:"clock"`    // the one that was used
	Transport string        `json:"transport"`
	GSO       bool          `json:"gso"`
	GRO       bool          `json:"gro"`
	Seed      uint64        `json:"seed"`
}

// Environment is the machine that the load came from.
type Environment struct {
	System  string     `json:"system"` // "linux/amd64"
	Kernel  string     `json:"kernel"`
	CPU     string     `json:"cpu"`
	Cores   int        `json:"cores"`        // that this process may run on
	Load    [3]float64 `json:"load_average"` // over 1, 5 and 15 minutes, before the run
	Go      string     `json:"go"`
	Version string     `json:"version"` // of this program
	Time    time.Time  `json:"time"`    // when the run was begun
}

// Counts are what became of requests, and what arrived. The doc comment of the package has the equations that hold.
type Counts struct {
	Due    int64 `json:"due"`    // requests that the load asked for
	Sent   int64 `json:"sent"`   // that the kernel took
	Failed int64 `json:"failed"` // that it did not take: Result.Failures says why
	Unsent int64 `json:"unsent"` // that were never tried: the generator fell behind, or the run ended

	Answered int64 `json:"answered"` // rightly and in time
	Wrong    int64 `json:"wrong"`    // answered, but not with what was expected
	Refused  int64 `json:"refused"`  // reported undeliverable (ICMP)
	Lost     int64 `json:"lost"`     // no answer in time
	Pending  int64 `json:"pending"`  // still open when the run was broken off

	Received  int64 `json:"received"`  // datagrams
	Late      int64 `json:"late"`      // an answer to a request that had been given up
	Duplicate int64 `json:"duplicate"` // a further answer
	Unmatched int64 `json:"unmatched"` // from the server, but to no request of ours
	Stray     int64 `json:"stray"`     // from somebody else
	Reordered int64 `json:"reordered"` // of Answered: overtaken by the answer to a later request of the same flow
	Notices   int64 `json:"notices"`   // reports of ICMP errors

	SentBytes     int64 `json:"sent_bytes"` // payload
	ReceivedBytes int64 `json:"received_bytes"`
}

// Rates are averages over what was measured.
type Rates struct {
	Offered  float64 `json:"offered"`  // requests due
	Achieved float64 `json:"achieved"` // requests sent
	Answered float64 `json:"answered"`
}

// The phases of a run.
const (
	PhaseWarmup  = "warmup"
	PhaseMeasure = "measure"
	PhaseDrain   = "drain" // nothing is sent any more; what is outstanding is waited for
)

// Second is one second of a run, or the part of one that a phase left. Events count where they happened, so that an answer may be in
// another second than its request.
type Second struct {
	Index      int           `json:"index"`
	Phase      string        `json:"phase"`
	Start      time.Duration `json:"start_ns"`  // since the measuring began; negative in the warm-up
	Length     time.Duration `json:"length_ns"` // 1 s, but for a phase's last
	Target     float64       `json:"target"`    // open loop: the rate that the schedule asked for at its end
	Counts     Counts        `json:"counts"`
	InFlight   int64         `json:"in_flight"` // at its end
	OwnDrops   int64         `json:"own_drops"` // answers that our sockets dropped, in it
	Latency    Distribution  `json:"latency"`   // without the table; HDR has it
	Scheduling Distribution  `json:"scheduling"`
	Progress   float64       `json:"-"` // of the whole run, 0 to 1
	Left       time.Duration `json:"-"` // until its end, without the drain
}

// Loss says where the requests that count as Lost were lost. Total = the sum of the places' counts.
type Loss struct {
	Total    int64   `json:"total"`
	Places   []Place `json:"places"`   // every place that was looked at, with its count, and last what remains
	Server   int64   `json:"server"`   // what is called the server's: Total without what our own side lost
	Fraction float64 `json:"fraction"` // Server, of the requests sent

	Counters *ServerGain `json:"server_counters,omitempty"` // what the server itself counted, where it was asked
}

// The places of a Loss.
const (
	PlaceSendQueue  = "our send queue"
	PlaceWay        = "on the way" // without the server's counters only as far as this host's own device drops it, either way
	PlaceServer     = "the server's socket"
	PlaceInServer   = "in the server"   // it received them, and sent no reply: only its own counters tell
	PlaceWayBack    = "on the way back" // it replied, and nothing came: likewise
	PlaceOwnReceive = "our receive queue"
	PlaceLate       = "too late" // answered after the time-out
	PlaceUnplaced   = "unplaced"
)

// Place is one place where datagrams get lost, and the counter that tells.
type Place struct {
	Name    string `json:"name"`
	Count   int64  `json:"count"`
	Counter string `json:"counter"` // what was read, or why nothing could be
	Known   bool   `json:"known"`   // false: there was no counter to read, and Count is 0
	AtLeast bool   `json:"at_least"`
}

// Failure counts the datagrams that the kernel refused to take for one reason.
type Failure struct {
	Errno string `json:"errno"`
	Text  string `json:"text"`
	Count int64  `json:"count"`
}

// CPU is the processor time that this process used while measuring (getrusage(2)).
type CPU struct {
	User       time.Duration `json:"user_ns"`
	System     time.Duration `json:"system_ns"`
	PerRequest time.Duration `json:"per_request_ns"` // both, of each request sent
}
