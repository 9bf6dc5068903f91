package record

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dgram"
	"dgram/wire"
	"dgram/wire/pcapfile"
)

// Side says whose packets are recorded.
type Side uint8

// The sides.
const (
	Serving   Side = iota // requests come in and settle in the batch that they came in, or later
	Calling               // attempts go out; the fates of all come by [dgram.TellLate]
	Measuring             // as Calling, but that a reply comes with the number of its request (Re), and no fates are told
)

// Config says what to record.
type Config struct {
	Side        Side
	Application string // name and version of the program
	// OnError is told, once, that the file cannot be written any more, on the goroutine that writes; nil: Close tells.
	OnError func(error)
}

// A Recorder writes one file for all Conns of a process.
type Recorder struct {
	side    Side
	onError func(error)
	file    *os.File // that Create opened
	wake    chan struct{}
	ended   chan struct{} // closed by Close
	done    chan struct{} // closed when everything is written
	once    sync.Once

	full atomic.Bool   // there is no room, and no use in taking the lock to see
	gap  atomic.Uint64 // left out since the last packet that was not

	mu      sync.Mutex
	filling *backlog
	number  uint64 // of the last packet in the file
	asleep  bool   // the writing goroutine waits for wake
	sent    ring   // where in the file datagrams stand, by their numbers in the process
	later   later
	waiting map[*tap]struct{} // taps that may have something that was not added yet

	pen pen // of the goroutine that writes
}

// backlog is what waits to be written.
type backlog struct {
	entries []entry
	bytes   []byte // their payloads
}

// How much waits at most: a hundredth of a second of a fast server.
const (
	mostEntries = 16384
	mostBytes   = 8 << 20
)

// Create makes the file and returns its Recorder; it is pcapng whatever its name is. A file that is there is replaced, so that a process
// that still writes it, as one that is being taken over from, goes on with its own. A file that cannot be written is said now.
func Create(path string, c Config) (*Recorder, error) {
	const mode = os.O_WRONLY | os.O_CREATE
	f, err := os.OpenFile(path, mode|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if old, statErr := os.Lstat(path); statErr == nil && old.Mode().IsRegular() {
			_ = os.Remove(path) // where that may not be, it is emptied
		}
		f, err = os.OpenFile(path, mode|os.O_TRUNC, 0o600)
	}
	if err != nil {
		return nil, err
	}
	r, err := New(f, c)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.file = f
	return r, nil
}

// New is Create for a file that is open already; Close does not close it.
func New(to io.Writer, c Config) (*Recorder, error) {
	out := pcapfile.NewWriter(to, c.file())
	if err := out.Flush(); err != nil {
		return nil, err
	}
	r := &Recorder{side: c.Side, onError: c.OnError, wake: make(chan struct{}, 1), ended: make(chan struct{}), done: make(chan struct{}),
		filling: new(backlog), waiting: make(map[*tap]struct{}), pen: pen{out: out, interfaces: [2]int{-1, -1}}}
	if r.onError == nil {
		r.onError = func(error) {}
	}
	go r.write()
	return r, nil
}

func (c *Config) file() pcapfile.WriterConfig {
	return pcapfile.WriterConfig{
		Comment: "What one process sent and received, recorded by itself. The IP and UDP headers are rebuilt from what its sockets know: addresses, ports and " +
			"payloads are right; time to live and type of service are 64 and 0 where they were not known; there are no fragments, no IP options and no ICMP. " +
			"Comments say what became of each packet.",
		Application: c.Application, System: runtime.GOOS + "/" + runtime.GOARCH, Directions: true, Unbroken: true,
	}
}

// Tap returns the tap of one Conn. Give it to [dgram.WithTaps] for a Conn that is on the Recorder's side.
func (r *Recorder) Tap(conn dgram.Conn) dgram.Tap {
	t := &tap{recorder: r, local: conn.Local(), matched: none}
	if r.side == Serving {
		r.waits(t)
	}
	return t
}

func (r *Recorder) waits(t *tap) {
	r.mu.Lock()
	r.waiting[t] = struct{}{}
	r.mu.Unlock()
}

// LeftOut is how many packets were left out so far.
func (r *Recorder) LeftOut() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.later.leftOut + r.gap.Load()
}

// Close writes what is left and how everything ended, and closes the file if Create opened it. Close the Conns before.
// The error is that of writing, the first one.
func (r *Recorder) Close() error {
	r.once.Do(func() {
		r.mu.Lock()
		taps := slices.Collect(maps.Keys(r.waiting))
		r.mu.Unlock()
		for _, t := range taps {
			t.end()
		}
		close(r.ended)
	})
	<-r.done
	return r.pen.failed
}

// write is the goroutine that writes.
func (r *Recorder) write() {
	defer close(r.done)
	nap := time.NewTimer(time.Hour)
	defer nap.Stop()
	spare := new(backlog)
	for {
		full := r.swap(spare)
		if len(full.entries) == 0 {
			select {
			case <-r.wake:
			case <-r.ended:
				if last, ok := r.last(); ok {
					r.pen.close(last, r.file)
					return
				}
			}
			continue
		}
		began := time.Now()
		r.put(full)
		spare = full
		if rest := restFor(len(full.entries), time.Since(began)); rest > 0 {
			nap.Reset(rest)
			select {
			case <-nap.C:
			case <-r.ended:
			}
		}
	}
}

// A lot that was written at once means load: the next is let grow for a while, so that writing takes a quarter of a processor at most, and
// waking the writer costs nothing.
func restFor(entries int, took time.Duration) time.Duration {
	const load = 32 // a quiet process has no such batches
	if entries < load {
		return 0
	}
	return min(max(3*took, time.Millisecond), 50*time.Millisecond)
}

// swap takes what waits and leaves an empty backlog for it. If nothing waits, it returns what it was given.
func (r *Recorder) swap(spare *backlog) *backlog {
	spare.entries, spare.bytes = spare.entries[:0], spare.bytes[:0]
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asleep = len(r.filling.entries) == 0; r.asleep {
		return spare
	}
	full := r.filling
	r.filling = spare
	if r.pen.failed == nil {
		r.full.Store(false)
	}
	return full
}

// last returns what is left to be said, if nothing is left to be written. Whoever records after that is left out.
func (r *Recorder) last() (*later, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.filling.entries) > 0 {
		return nil, false
	}
	r.full.Store(true)
	r.later.leftOut += r.gap.Swap(0)
	last := r.later
	return &last, true
}

// put writes a backlog. When the file cannot be written, nothing more is recorded: the numbers of what came after would be wrong.
func (r *Recorder) put(b *backlog) {
	before := r.pen.failed
	n := r.pen.put(b)
	if r.pen.failed == nil {
		return
	}
	r.full.Store(true)
	r.mu.Lock()
	r.later.leftOut += uint64(len(b.entries) - n)
	r.mu.Unlock()
	if before == nil {
		r.onError(r.pen.failed)
	}
}

// room reports whether so much can be added, and says from then on that it cannot be if not. The lock is held.
func (r *Recorder) room(entries, bytes int) bool {
	if r.full.Load() {
		return false
	}
	if len(r.filling.entries)+entries > mostEntries || len(r.filling.bytes)+bytes > mostBytes {
		r.full.Store(true)
		return false
	}
	return true
}

// place adds an empty entry with that payload, to be filled in at once. The lock is held, and there is room.
func (r *Recorder) place(payload []byte) *entry {
	b := r.filling
	b.entries = append(b.entries, entry{})
	e := &b.entries[len(b.entries)-1]
	e.start, e.size = len(b.bytes), len(payload)
	b.bytes = append(b.bytes, payload...)
	if r.gap.Load() != 0 {
		e.lost = r.gap.Swap(0)
		r.later.leftOut += e.lost
	}
	r.number++
	return e
}

// add adds what is known of an entry and returns its number in the file, as place does.
func (r *Recorder) add(known *entry, payload []byte) uint64 {
	e := r.place(payload)
	start, size, lost := e.start, e.size, e.lost
	*e = *known
	e.start, e.size, e.lost = start, size, lost
	return r.number
}

// rouse has what was added written. The lock is held.
func (r *Recorder) rouse() {
	if r.asleep && len(r.filling.entries) > 0 {
		r.asleep = false
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// leaveOut counts packets that are not recorded.
func (r *Recorder) leaveOut(n int) {
	if n > 0 {
		r.gap.Add(uint64(n))
	}
}

// interfaces are two, because a file says of each how its packets begin.
const (
	overIP = iota
	overUnix
)

var interfaces = [...]wire.Interface{{Name: "udp", Link: wire.LinkRaw}, {Name: "unix", Link: wire.LinkUpperPDU}}
