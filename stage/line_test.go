package stage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dgram"
	"dgram/dgramtest"
)

// expect fails unless request id went through those fates, in that order.
func (r *rig) expect(id uint64, want ...string) {
	r.t.Helper()
	if got, _ := r.seen.fates(id); !slices.Equal(got, want) {
		r.t.Errorf("request %d: %q, want %q", id, got, want)
	}
}

func (r *rig) replies(id uint64) []string {
	_, replies := r.seen.fates(id)
	return replies
}

func TestLineAnswers(t *testing.T) {
	r := newRig(t, MustParse("upper"), LineOptions{})
	id := r.process("one", "", "three")
	for i, want := range []string{"ONE", "", "THREE"} {
		r.expect(id+uint64(i), "answered")
		if got := r.replies(id + uint64(i)); !slices.Equal(got, []string{want}) {
			t.Errorf("reply %q, want %q", got, want)
		}
	}
	if r.seen.sends != 1 {
		t.Errorf("%d sends for one batch", r.seen.sends)
	}
}

func TestLineFates(t *testing.T) {
	r := newRig(t, MustParse(`rule:"ignore" => ignore`, `rule:"drop" => drop`, `rule:"big"* => reply:{payload}{payload}`), LineOptions{})
	id := r.process("ignore", "drop", "big"+strings.Repeat("x", 40000), "through")
	r.expect(id, "ignored")
	r.expect(id+1, "dropped: rule")
	r.expect(id+2, "dropped: too big")
	r.expect(id+3, "answered")
	r.process() // an empty batch is sent too: taps settle there
	if r.seen.sends != 2 {
		t.Errorf("%d sends", r.seen.sends)
	}
}

func TestLineRefusesPeersWithoutAnAddress(t *testing.T) {
	for _, spec := range []string{"upper", "delay:1ms"} {
		r := newRig(t, MustParse(spec), LineOptions{})
		for _, peer := range []dgram.Endpoint{{}, dgram.UnixEndpoint(""), dgramtest.Endpoint("192.0.2.1:0")} {
			r.expect(r.from(peer, "x"), "dropped: no return address")
		}
	}
}

func TestLinePassesOverNotices(t *testing.T) {
	r := newRig(t, NewPlan(Func("count", func(*Context, *dgram.Datagram, *Effect) { t.Error("a stage saw a notice") })), LineOptions{})
	b := r.conn.NewBatch(1)
	b.Add(testPeer, []byte("quoted")).Fate = dgram.Refused
	if err := r.line.Process(b); err != nil || b.Datagrams[0].Fate != dgram.Refused {
		t.Errorf("%v %v", err, b.Datagrams[0].Fate)
	}
}

func TestLineContext(t *testing.T) {
	var got []Context
	note := Func("note", func(c *Context, _ *dgram.Datagram, _ *Effect) { got = append(got, *c) })
	var sequence atomic.Uint64
	sequence.Store(10)
	r := newRig(t, NewPlan(note), LineOptions{Seed: 5, Direction: Reply, Sequence: &sequence})
	r.process("a", "b")
	r.from(dgramtest.Endpoint("192.0.2.9:9"), "c")
	r.process("d")
	for i, want := range []Context{{Sequence: 11, Index: 0}, {Sequence: 12, Index: 1}, {Sequence: 13, Index: 0}, {Sequence: 14, Index: 2}} {
		c := got[i]
		if c.Sequence != want.Sequence || c.Index != want.Index || c.Seed != 5 || c.Direction != Reply || c.Now.IsZero() {
			t.Errorf("context %d: %+v", i, c)
		}
	}
	if got[0].Flow != got[3].Flow || got[0].Flow == got[2].Flow || got[0].Flow != FlowOf(testPeer, testLocal) {
		t.Error("flows")
	}
}

func TestLineDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, MustParse("delay:20ms", "delay:10ms", "upper"), LineOptions{})
		id := r.one("late")
		r.expect(id, "pending")
		time.Sleep(30*time.Millisecond - time.Nanosecond)
		synctest.Wait()
		r.expect(id, "pending")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		r.expect(id, "pending", "answered")
		if got := r.replies(id); !slices.Equal(got, []string{"LATE"}) {
			t.Errorf("replies %q", got)
		}
	})
}

func TestLineDelaysKeepOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, NewPlan(Func("by number", func(_ *Context, d *dgram.Datagram, e *Effect) {
			e.Delay = time.Duration(d.Data[0]) * time.Millisecond
		})), LineOptions{})
		first := r.process("\x03", "\x01", "\x02", "\x01")
		if err := r.line.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		var order []uint64
		for _, d := range r.seen.settled {
			if d.Deferred {
				order = append(order, d.Request()-first)
			}
		}
		if !slices.Equal(order, []uint64{1, 3, 2, 0}) {
			t.Errorf("sent in the order %v", order)
		}
	})
}

func TestLineCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			specs []string
			want  []string
		}{
			{[]string{"duplicate:100%"}, []string{"answered", "+answered"}},
			{[]string{"duplicate:100%", "duplicate:100%", "upper"}, []string{"answered", "+answered", "+answered"}},
			{[]string{"duplicate:100%", "delay:1ms"}, []string{"pending", "answered", "+answered"}},
			{[]string{"duplicate:100%", "loss:100%"}, []string{"dropped: loss"}},
		} {
			r := newRig(t, MustParse(c.specs...), LineOptions{})
			id := r.process("a", "b")
			if err := r.line.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.expect(id, c.want...)
			r.expect(id+1, c.want...)
		}
		many := Func("many", func(_ *Context, _ *dgram.Datagram, e *Effect) { e.Extra = math.MaxInt })
		r := newRig(t, NewPlan(many), LineOptions{})
		if got, _ := r.seen.fates(r.one("x")); len(got) != 1+MaxExtra {
			t.Errorf("%d copies", len(got)-1)
		}
	})
}

func TestLineHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := HandlerFunc(func(_ context.Context, _ Context, d dgram.Datagram) ([]byte, error) {
			switch string(d.Data) {
			case "IGNORE":
				return nil, ErrIgnore
			case "FAIL":
				return nil, errors.New("failed")
			case "BIG":
				return make([]byte, dgram.MaxPayload+1), nil
			case "PANIC":
				panic("on purpose")
			case "EMPTY":
				return nil, nil
			}
			time.Sleep(time.Second)
			return append(d.Data, '!'), nil
		})
		var told []string
		plan := NewPlan(slices.Concat(MustParse("upper").Steps(), []Step{Handle("answer", answer)},
			MustParse("prefix:> ", "delay:1s", "duplicate:100%").Steps())...)
		r := newRig(t, plan, LineOptions{OnHandlerError: func(err error) { told = append(told, err.Error()) }, Workers: 1})
		id := r.process("ignore", "fail", "big", "panic", "empty", "hello")
		if err := r.line.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"ignored", "dropped: handler", "dropped: too big", "dropped: handler"} {
			r.expect(id+uint64(i), "pending", want)
		}
		// What has no reply keeps the size that it had, and is told of nobody's bytes.
		for _, d := range r.seen.settled {
			sizes := map[uint64]string{id: "ignore", id + 1: "fail", id + 2: "big", id + 3: "panic"}
			if request, ok := sizes[d.Request()]; ok && d.Deferred && string(d.Data) != strings.Repeat("\x00", len(request)) {
				t.Errorf("%q ended with the bytes %q", request, d.Data)
			}
		}
		for i, want := range []string{"> ", "> HELLO!"} {
			r.expect(id+4+uint64(i), "pending", "answered", "+answered")
			if got := r.replies(id + 4 + uint64(i)); !slices.Equal(got, []string{want, want}) {
				t.Errorf("replies %q, want %q", got, want)
			}
		}
		if want := []string{"answer: failed", "answer: the handler panicked: on purpose"}; !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
	})
}

func TestLineTwoHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		add := func(s string) Step {
			return Handle(s, HandlerFunc(func(_ context.Context, _ Context, d dgram.Datagram) ([]byte, error) {
				return append(d.Data, s...), nil
			}))
		}
		r := newRig(t, NewPlan(add("1"), add("2"), add("3")), LineOptions{Queue: 1, Workers: 1})
		id := r.one("0")
		if err := r.line.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.expect(id, "pending", "answered")
		if got := r.replies(id); !slices.Equal(got, []string{"0123"}) {
			t.Errorf("replies %q", got)
		}
	})
}

// A handler that does not come back costs its own request only, and its worker until it does.
func TestLineTimeoutAndBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stuck := HandlerFunc(func(_ context.Context, _ Context, d dgram.Datagram) ([]byte, error) {
			if string(d.Data) == "stuck" {
				<-release
			}
			for i := range d.Data {
				d.Data[i] = '.' // the request is the handler's, however late
			}
			return d.Data, nil
		})
		r := newRig(t, NewPlan(Handle("stuck", stuck)), LineOptions{Workers: 1, Queue: 2, HandlerTimeout: time.Second})
		first := r.one("stuck")
		synctest.Wait() // the worker has it
		more := r.process("b", "c", "d")
		r.expect(more+2, "dropped: busy")
		time.Sleep(time.Second)
		synctest.Wait()
		r.expect(first, "pending", "dropped: timeout")
		r.expect(more, "pending")
		close(release)
		if err := r.line.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.expect(first, "pending", "dropped: timeout")
		r.expect(more, "pending", "answered")
		r.expect(more+1, "pending", "answered")
	})
}

func TestLineBoundsWhatItHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, MustParse("delay:1s"), LineOptions{Held: 3, HeldBytes: 3*entryBytes + 10})
		id := r.process("12345", "12345", "1", "", "")
		for i, want := range []string{"pending", "pending", "dropped: busy", "pending", "dropped: busy"} {
			r.expect(id+uint64(i), want)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		r.expect(r.one("again"), "pending")
	})
}

// What a handler makes is held to the same bounds as what arrived.
func TestLineBoundsWhatHandlersMake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		grow := HandlerFunc(func(context.Context, Context, dgram.Datagram) ([]byte, error) { return make([]byte, 1000), nil })
		plan := NewPlan(append([]Step{Handle("grow", grow)}, MustParse("delay:1s").Steps()...)...)
		r := newRig(t, plan, LineOptions{HeldBytes: 2*entryBytes + 1500})
		id := r.process("a", "b")
		if err := r.line.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		ends := map[string]int{}
		for i := range uint64(2) {
			fates, _ := r.seen.fates(id + i)
			ends[fates[len(fates)-1]]++
		}
		if ends["answered"] != 1 || ends["dropped: busy"] != 1 {
			t.Errorf("%v", ends)
		}
		if !r.line.lane.budget.empty() || r.line.lane.budget.bytes != 0 {
			t.Errorf("the budget kept %d bytes", r.line.lane.budget.bytes)
		}
	})
}

// Each goroutine that runs a plan has an instance of its own: the shard, and the lane behind a handler.
func TestEachHasItsOwnState(t *testing.T) {
	made := 0
	count := Each("count", func() Stage {
		made++
		n := 0
		return StageFunc(func(_ *Context, d *dgram.Datagram, e *Effect) {
			n++
			if !d.SetData([]byte(fmt.Sprint(n))) {
				e.Drop = dgram.ReasonTooBig
			}
		})
	})
	synctest.Test(t, func(t *testing.T) {
		echo := HandlerFunc(func(_ context.Context, _ Context, d dgram.Datagram) ([]byte, error) { return d.Data, nil })
		r := newRig(t, NewPlan(count, Handle("echo", echo), MustParse("prefix:-").Steps()[0]), LineOptions{Workers: 1})
		id := r.process("a", "b", "c")
		if err := r.line.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"-1", "-2", "-3"} {
			if got := r.replies(id + uint64(i)); !slices.Equal(got, []string{want}) {
				t.Errorf("replies %q, want %q", got, want)
			}
		}
	})
	if made != 2 {
		t.Errorf("%d instances, want the shard's and the lane's", made)
	}
}

func TestLineDrainAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan struct{})
		obedient := HandlerFunc(func(ctx context.Context, _ Context, d dgram.Datagram) ([]byte, error) {
			<-ctx.Done()
			if string(d.Data) == "a" {
				close(told)
			}
			return nil, ctx.Err()
		})
		late := Func("late", func(_ *Context, d *dgram.Datagram, e *Effect) {
			e.Delay = time.Hour
			e.Decided = string(d.Data) == "delayed"
		})
		r := newRig(t, NewPlan(late, Handle("obedient", obedient)), LineOptions{Workers: 1, HandlerTimeout: time.Hour})
		id := r.process("a", "b", "delayed")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := r.line.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drain: %v", err)
		}
		for i := range uint64(3) {
			r.expect(id+i, "pending", "dropped: shutdown")
		}
		<-told
		r.expect(r.one("after"), "dropped: shutdown")
	})
}

func TestLineCloseSettlesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := HandlerFunc(func(context.Context, Context, dgram.Datagram) ([]byte, error) {
			time.Sleep(time.Hour)
			return nil, nil
		})
		r := newRig(t, NewPlan(Handle("deaf", deaf)), LineOptions{Workers: 1})
		id := r.process("a", "b")
		synctest.Wait() // the worker has the first
		before := time.Now()
		r.line.Close()
		if took := time.Since(before); took != closeWait {
			t.Errorf("waited %v for a handler that does not listen", took)
		}
		r.expect(id, "pending", "dropped: shutdown")
		r.expect(id+1, "pending", "dropped: shutdown")
		r.line.Close()
		time.Sleep(time.Hour) // the handler ends, and with it the bubble
	})
}

func TestLineOnAClosedConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, MustParse("delay:1s", "duplicate:100%"), LineOptions{})
		id := r.one("x")
		r.conn.Close()
		if err := r.line.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.expect(id, "pending", "failed")
		b := r.conn.NewBatch(1)
		b.Add(testPeer, nil)
		if err := NewLine(MustParse(), r.conn, LineOptions{}).Process(b); !dgram.IsClosed(err) {
			t.Errorf("Process: %v", err)
		}
	})
}

// Whatever is thrown at it, each request ends exactly once, and after Drain nothing is pending.
func TestLineBooksBalance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := HandlerFunc(func(_ context.Context, c Context, d dgram.Datagram) ([]byte, error) {
			time.Sleep(time.Duration(draw(&c, 99)%20) * time.Millisecond)
			if len(d.Data)%7 == 0 {
				return nil, ErrIgnore
			}
			return d.Data, nil
		})
		plan := NewPlan(slices.Concat(MustParse("loss:10%", "delay:5ms±5ms", "duplicate:10%").Steps(),
			[]Step{Handle("h", handler)}, MustParse("loss:10%", "delay:5ms±5ms", "hex").Steps())...)
		r := newRig(t, plan, LineOptions{Seed: 3, Workers: 4, Queue: 40, HandlerTimeout: 15 * time.Millisecond})
		payload := strings.Repeat("x", 40000)
		var requests []uint64
		for i := range 200 {
			id := r.process("a"+payload[:i], payload[:100*i], payload[:i%3])
			requests = append(requests, id, id+1, id+2)
			time.Sleep(3 * time.Millisecond)
		}
		if err := r.line.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		ends := map[string]int{}
		for _, id := range requests {
			fates, _ := r.seen.fates(id)
			fates = slices.DeleteFunc(fates, func(f string) bool { return f == "pending" || f[0] == '+' })
			if len(fates) != 1 {
				t.Errorf("request %d ended as %q", id, fates)
				continue
			}
			ends[fates[0]]++
		}
		for _, fate := range []string{"answered", "ignored", "dropped: loss", "dropped: timeout", "dropped: busy"} {
			if ends[fate] == 0 {
				t.Errorf("none was %s: %v", fate, ends)
			}
		}
	})
}

func TestLineAllocatesNothing(t *testing.T) {
	for _, specs := range [][]string{
		{"upper"}, {"upper:unicode"}, {"lower"}, {"reverse"}, {"hex"}, {"prefix:x"}, {"loss:10%"}, {"duplicate:50%"},
		{"reply:{sequence} {peer} {local} {length} {time} {payload}"}, {`rule:"a" => "b"`, `rule:0xff* => "c"`, `rule:"Hello"* length>3 => "d"`},
	} {
		conn := &sink{}
		line := NewLine(MustParse(specs...), conn, LineOptions{})
		b := conn.NewBatch(64)
		payload := []byte("Hello, straße")
		local := dgram.MustParseEndpoint("127.0.0.1:12345")
		peer := dgram.MustParseEndpoint("127.0.0.1:40000")
		round := func() {
			b.Reset()
			for range 64 {
				b.Add(peer, payload).Local = local
			}
			if err := line.Process(b); err != nil {
				t.Fatal(err)
			}
		}
		round()
		if n := testing.AllocsPerRun(50, round); n != 0 {
			t.Errorf("%q: %v allocations for 64 datagrams", specs, n)
		}
	}
}

// sink is a Conn that takes everything and allocates nothing: what is measured is the Line.
type sink struct{ dgram.Conn }

func (*sink) NewBatch(n int) *dgram.Batch { return dgram.NewBatch(n, nil) }
func (*sink) Send(b *dgram.Batch) error {
	for i := range b.Datagrams {
		if d := &b.Datagrams[i]; d.Fate == dgram.Undecided {
			d.Fate = dgram.Answered
		}
	}
	return nil
}

func BenchmarkLine(b *testing.B) {
	for _, specs := range [][]string{{}, {"upper"}, {"upper", "loss:10%"}, {"reply:{payload}"}, {`rule:/^H(.*)$/ => "{1}"`}} {
		b.Run(fmt.Sprint(specs), func(b *testing.B) {
			conn := &sink{}
			line := NewLine(MustParse(specs...), conn, LineOptions{})
			batch := conn.NewBatch(64)
			peer := dgram.MustParseEndpoint("127.0.0.1:40000")
			payload := []byte(strings.Repeat("Hello, world. ", 5))[:64]
			for range 64 {
				batch.Add(peer, payload).Local = peer
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				for i := range batch.Datagrams {
					d := &batch.Datagrams[i]
					d.Fate, d.Reason = dgram.Undecided, dgram.NoReason
				}
				_ = line.Process(batch)
				n += len(batch.Datagrams)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/datagram")
		})
	}
}
