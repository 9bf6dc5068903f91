package ledger

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dgram"
)

// collector is a write function that keeps copies.
type collector struct {
	mu   sync.Mutex
	got  []string // type, id and payload
	gaps uint64
}

func (c *collector) write(events []Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range events {
		c.gaps += e.Head().Omitted
		line := string(e.Head().Type)
		if d, ok := e.(*DatagramEvent); ok {
			line += " " + string(d.Payload) + " " + d.Fate
		}
		c.got = append(c.got, strings.TrimSpace(line))
	}
	return nil
}

func closed(t *testing.T, s *Stream) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStreamOfServer(t *testing.T) {
	var c collector
	s := NewStream(StreamConfig{}, c.write)
	s.Publish(&ReadyEvent{Header: head(TypeReady)})
	in := batch(dgram.Datagram{ID: 1, Data: []byte("one")}, dgram.Datagram{ID: 2, Data: []byte("two")},
		dgram.Datagram{ID: 3, Data: []byte("lost"), Fate: dgram.Refused})
	s.Received(in)
	copy(in.Datagrams[0].Data, "ONE") // what it was told is copied
	s.Sending(in)
	in.Datagrams[0].Re, in.Datagrams[0].ID, in.Datagrams[0].Fate = 1, 4, dgram.Answered
	in.Datagrams[1].DropFor(dgram.ReasonLoss)
	s.Settled(in)
	s.Late(9, dgram.Dropped)
	s.Publish(NewSummaryEvent(served()))
	closed(t, s)
	want := []string{"ready", "request one", "request two", "notice lost refused", "reply ONE answered", "fate  dropped", "fate  dropped", "summary"}
	if !slices.Equal(c.got, want) || s.Omitted() != 0 {
		t.Errorf("got %q, %d omitted; want %q", c.got, s.Omitted(), want)
	}
}

func TestStreamOfClient(t *testing.T) {
	var c collector
	s := NewStream(StreamConfig{Side: Calling, Payload: 2}, c.write)
	s.Settled(batch(dgram.Datagram{ID: 1, Data: []byte("one"), Fate: dgram.Pending}, dgram.Datagram{ID: 2, Fate: dgram.Failed}))
	s.Received(batch(dgram.Datagram{ID: 3, Data: []byte("ONE")}))
	s.Late(1, dgram.Answered)
	closed(t, s)
	if want := []string{"request on pending", "request  failed", "reply ON", "fate  answered"}; !slices.Equal(c.got, want) {
		t.Errorf("got %q, want %q", c.got, want)
	}
}

func TestStreamKeepsWhatIsWanted(t *testing.T) {
	var c collector
	s := NewStream(StreamConfig{Types: []Type{TypeReply}}, c.write)
	b := batch(dgram.Datagram{ID: 1, Data: []byte("a")})
	s.Received(b)
	s.Late(1, dgram.Ignored)
	b.Datagrams[0].Re, b.Datagrams[0].Fate = 1, dgram.Answered
	s.Settled(b)
	closed(t, s)
	if want := []string{"reply a answered"}; !slices.Equal(c.got, want) || s.Omitted() != 0 {
		t.Errorf("got %q, want %q, %d omitted", c.got, want, s.Omitted())
	}
}

// A writer that stands still holds up nobody; what it missed is counted, in the gaps and in all.
func TestStreamLeavesOutWhatIsTooMuch(t *testing.T) {
	var c collector
	release := make(chan struct{})
	s := NewStream(StreamConfig{Events: 10}, func(events []Event) error {
		<-release
		return c.write(events)
	})
	b := batch(dgram.Datagram{ID: 1, Data: []byte("a")}, dgram.Datagram{ID: 2, Data: []byte("b")})
	const rounds = 1000
	for range rounds {
		s.Received(b)
	}
	published := make(chan struct{})
	go func() { s.Publish(NewSummaryEvent(served())); close(published) }()
	close(release)
	<-published
	closed(t, s)
	s.Received(b) // after the end
	kept := uint64(len(c.got) - 1)
	if kept == 0 || kept+s.Omitted() != 2*rounds+2 {
		t.Errorf("%d kept, %d omitted of %d", kept, s.Omitted(), 2*rounds+2)
	}
	if c.got[len(c.got)-1] != "summary" || c.gaps != s.Omitted()-2 {
		t.Errorf("the last is %s, the gaps say %d, omitted %d", c.got[len(c.got)-1], c.gaps, s.Omitted())
	}
}

func TestStreamBoundsBytes(t *testing.T) {
	var c collector
	release := make(chan struct{})
	s := NewStream(StreamConfig{Bytes: 1}, func(events []Event) error { <-release; return c.write(events) })
	for range 8 {
		s.Received(batch(dgram.Datagram{ID: 1, Data: make([]byte, 40000)}))
	}
	close(release)
	closed(t, s)
	if s.Omitted() < 6-1 || len(c.got)+int(s.Omitted()) != 8 {
		t.Errorf("%d kept, %d omitted of 8 that have 40,000 bytes", len(c.got), s.Omitted())
	}
}

func TestStreamGoesSilent(t *testing.T) {
	calls := 0
	s := NewStream(StreamConfig{Events: 4}, func([]Event) error { calls++; return io.ErrClosedPipe })
	b := batch(dgram.Datagram{ID: 1})
	s.Received(b)
	<-s.done
	for range 10 {
		s.Received(b)
		s.Publish(&ReadyEvent{})
		s.Late(1, dgram.Ignored)
	}
	if err := s.Close(t.Context()); !errors.Is(err, io.ErrClosedPipe) || !errors.Is(s.Err(), io.ErrClosedPipe) {
		t.Error(err)
	}
	if calls != 1 || s.Omitted() != 31 {
		t.Errorf("%d calls, %d omitted", calls, s.Omitted())
	}
}

func TestStreamCloseDoesNotWaitForever(t *testing.T) {
	release := make(chan struct{})
	s := NewStream(StreamConfig{}, func([]Event) error { <-release; return nil })
	s.Received(batch(dgram.Datagram{ID: 1}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	closed(t, s)
}

func TestStreamPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c collector
		s := NewStream(StreamConfig{PerSecond: 3}, c.write)
		for range 2 {
			for range 10 {
				s.Received(batch(dgram.Datagram{ID: 1}))
			}
			time.Sleep(time.Second)
		}
		closed(t, s)
		if len(c.got) != 6 || s.Omitted() != 14 {
			t.Errorf("%d kept, %d omitted", len(c.got), s.Omitted())
		}
	})
}

// Many watch, one writes: nothing is lost, nothing is mixed up.
func TestStreamFromManyGoroutines(t *testing.T) {
	var out bytes.Buffer
	s := NewStream(StreamConfig{Events: 1 << 20, Bytes: 64 << 20}, JSONLines(&out))
	const watchers, rounds = 4, 300
	var wg sync.WaitGroup
	for w := range watchers {
		wg.Go(func() {
			data := bytes.Repeat([]byte{byte('a' + w)}, 10+w)
			for i := range rounds {
				s.Received(batch(dgram.Datagram{ID: uint64(i), Data: data, Peer: peer}))
			}
		})
	}
	wg.Wait()
	closed(t, s)
	count := 0
	for line := range strings.Lines(out.String()) {
		count++
		e, err := Unmarshal([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		p := e.(*DatagramEvent).Payload
		if len(p) != 10+int(p[0]-'a') || bytes.Count(p, p[:1]) != len(p) {
			t.Fatalf("mixed up: %s", line)
		}
	}
	if count != watchers*rounds || s.Omitted() != 0 {
		t.Errorf("%d lines, %d omitted", count, s.Omitted())
	}
}

func TestStreamAllocatesNothingWhereItWatches(t *testing.T) {
	release := make(chan struct{})
	s := NewStream(StreamConfig{Events: 100}, func([]Event) error { <-release; return nil })
	b := batch(dgram.Datagram{ID: 1, Data: make([]byte, 100)}, dgram.Datagram{ID: 2, Data: make([]byte, 100)})
	for range 200 { // until it is full
		s.Received(b)
	}
	if n := testing.AllocsPerRun(100, func() { s.Received(b); s.Settled(b); s.Late(1, dgram.Ignored) }); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
	close(release)
	closed(t, s)
}

func TestJSONLinesWritesOnce(t *testing.T) {
	var w countingWriter
	if err := JSONLines(&w)([]Event{&ReadyEvent{Header: head(TypeReady)}, NewErrorEvent(io.EOF)}); err != nil || w != 1 {
		t.Error(err, w)
	}
}

type countingWriter int

func (w *countingWriter) Write(p []byte) (int, error) { *w++; return len(p), nil }

func BenchmarkStream(b *testing.B) {
	s := NewStream(StreamConfig{}, func([]Event) error { return nil })
	slots := make([]dgram.Datagram, 64)
	for i := range slots {
		slots[i] = dgram.Datagram{ID: 1, Data: make([]byte, 100)}
	}
	in := batch(slots...)
	b.ReportAllocs()
	for b.Loop() {
		s.Received(in)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*64), "ns/datagram")
	_ = s.Close(b.Context())
}
