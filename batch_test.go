package dgram_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"dgram"
)

var peer = dgram.MustParseEndpoint("192.0.2.1:53")

// TestArena adds to a batch and resizes its slots as it comes, over several resets: every slot keeps its own bytes, and the memory is bounded.
func TestArena(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := dgram.NewBatch(rapid.IntRange(1, 12).Draw(t, "slots"), nil)
		size := rapid.OneOf(rapid.IntRange(0, 64), rapid.IntRange(0, dgram.MaxPayload))
		for range rapid.IntRange(1, 3).Draw(t, "rounds") {
			b.Reset()
			var want [][]byte
			for i := range b.Cap() {
				p := bytes.Repeat([]byte{byte(i + 1)}, size.Draw(t, "size"))
				if b.Add(peer, p) == nil {
					t.Fatalf("no room for slot %d of %d", i, b.Cap())
				}
				want = append(want, p)
			}
			if b.Add(peer, nil) != nil || b.Append() != nil {
				t.Fatal("a full batch took one more")
			}
			for range rapid.IntRange(0, 6).Draw(t, "resizes") {
				i := rapid.IntRange(0, b.Cap()-1).Draw(t, "slot")
				p := bytes.Repeat([]byte{byte(i + 101)}, size.Draw(t, "new size"))
				if b.Datagrams[i].SetData(p) {
					want[i] = p
				}
			}
			for i, d := range b.Datagrams {
				if !bytes.Equal(d.Data, want[i]) || d.Peer != peer {
					t.Fatalf("slot %d does not hold its %d bytes", i, len(want[i]))
				}
			}
		}
	})
}

func TestArenaBound(t *testing.T) {
	b := dgram.NewBatch(1, nil)
	d := b.Add(peer, nil)
	grown := 0
	for n := 1; d.Resize(n) && grown < 1000; grown++ {
		if n = n*2 + 1; n > dgram.MaxPayload {
			n = cap(d.Data) + 1 // always more than the slot has
			d.Data = nil
		}
	}
	if grown == 1000 {
		t.Error("the arena grew without a bound")
	}
	if b.Reset(); b.Add(peer, make([]byte, dgram.MaxPayload)) == nil {
		t.Error("Reset did not give the memory back")
	}
}

func TestResize(t *testing.T) {
	var loose dgram.Datagram
	if loose.Resize(1) || !loose.Resize(0) {
		t.Error("a slot of no batch has no room but for nothing")
	}
	b := dgram.NewBatch(2, nil)
	d := b.Add(peer, []byte("hello"))
	for _, c := range []struct {
		n    int
		ok   bool
		kept string
	}{
		{5, true, "hello"}, {100, true, "hello"}, {2, true, "he"}, {4, true, "hell"},
		{dgram.MaxPayload, true, "hell"}, {dgram.MaxPayload + 1, false, "hell"},
	} {
		before := len(d.Data)
		if d.Resize(c.n) != c.ok {
			t.Errorf("Resize(%d) is %v", c.n, !c.ok)
		}
		if want := map[bool]int{true: c.n, false: before}[c.ok]; len(d.Data) != want || string(d.Data[:len(c.kept)]) != c.kept {
			t.Errorf("after Resize(%d): %d bytes", c.n, len(d.Data))
		}
	}
	huge := make([]byte, dgram.MaxPayload+1)
	if d := b.Add(peer, huge); d == nil || len(d.Data) != len(huge) {
		t.Error("Add refused what Send is to refuse")
	}
}

func TestNumber(t *testing.T) {
	b := dgram.NewBatch(4, nil)
	for range 4 {
		b.Add(peer, nil)
	}
	b.Datagrams[1].ID = 7 // as if received
	b.Datagrams[2].Fate = dgram.Ignored
	b.Datagrams[3].Re = 9
	b.Number()
	first := b.Datagrams[0].ID
	for i, want := range []struct{ id, re uint64 }{{first, 0}, {first + 1, 7}, {0, 0}, {first + 2, 9}} {
		if d := b.Datagrams[i]; d.ID != want.id || d.Re != want.re {
			t.Errorf("slot %d: number %d, answers %d; wanted %v", i, d.ID, d.Re, want)
		}
	}
	b.Number()
	if b.Datagrams[0].ID != first || b.Datagrams[1].Re != 7 {
		t.Error("a slot lost its number")
	}
	for i, want := range []dgram.Fate{dgram.Pending, dgram.Answered} {
		if b.Datagrams[i].Sent(); b.Datagrams[i].Fate != want {
			t.Errorf("slot %d was sent: %v", i, b.Datagrams[i].Fate)
		}
	}
}

func TestBatchAllocatesNothing(t *testing.T) {
	b := dgram.NewBatch(64, nil)
	payload := make([]byte, 1200)
	fill := func() {
		b.Reset()
		for range b.Cap() {
			b.Add(peer, payload).Resize(2000)
		}
		b.Number()
	}
	fill()
	if n := testing.AllocsPerRun(100, fill); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}
