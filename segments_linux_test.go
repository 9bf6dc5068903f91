package dgram_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dgram"
	"dgram/internal/testnet"
)

// conns opens a listening Conn and one that asks it, both with a deadline.
func conns(t testing.TB, at string, o dgram.Options) (listening, asking dgram.Conn) {
	t.Helper()
	listening, err := dgram.ListenEndpoint(dgram.MustParseEndpoint(at), o)
	if err != nil {
		t.Fatal(err)
	}
	asking, err = dgram.DialEndpoint(listening.Local(), dgram.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []dgram.Conn{listening, asking} {
		t.Cleanup(func() { c.Close() })
		if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	return listening, asking
}

// Datagrams of any sizes go to a Conn that takes segments and come back as they went, in order, whatever was coalesced on the way; and each has
// a number of its own.
func TestSegmentsCarryTheSame(t *testing.T) {
	listening, asking := conns(t, "127.0.0.1:0", dgram.Options{GRO: true, Segments: true})
	if !listening.Caps().GRO {
		t.Fatal("this kernel has no UDP_GRO (Linux 5.0)")
	}
	there, back, out := listening.NewBatch(4), asking.NewBatch(64), asking.NewBatch(128)
	coalesced := 0
	rapid.Check(t, func(rt *rapid.T) {
		var sent [][]byte
		out.Reset()
		for range rapid.IntRange(1, 6).Draw(rt, "runs") {
			size := rapid.IntRange(0, 1400).Draw(rt, "size")
			for range rapid.IntRange(1, 20).Draw(rt, "length") {
				p := bytes.Repeat([]byte{byte(len(sent))}, size)
				sent = append(sent, p)
				out.Add(dgram.Endpoint{}, p)
			}
		}
		if err := asking.Send(out); err != nil {
			t.Fatal(err)
		}
		seen := map[uint64]bool{}
		for got := 0; got < len(sent); {
			if err := listening.Recv(there); err != nil {
				t.Fatal(err)
			}
			for i := range there.Datagrams {
				d := &there.Datagrams[i]
				if d.Count() > 1 {
					coalesced++
				}
				for j := range d.Count() {
					if one := d.At(j); !bytes.Equal(one.Data, sent[got]) || seen[one.ID] {
						rt.Fatalf("datagram %d: %d bytes with number %d arrived, want %d and a new number", got, len(one.Data), one.ID, len(sent[got]))
					} else {
						seen[one.ID] = true
					}
					got++
				}
			}
			if err := listening.Send(there); err != nil {
				t.Fatal(err)
			}
			for i := range there.Datagrams {
				if f := there.Datagrams[i].Fate; f != dgram.Answered {
					rt.Fatalf("slot %d: %v %v", i, f, there.Datagrams[i].Err)
				}
			}
		}
		for got := 0; got < len(sent); {
			if err := asking.Recv(back); err != nil {
				t.Fatal(err)
			}
			for i := range back.Datagrams {
				if !bytes.Equal(back.Datagrams[i].Data, sent[got]) {
					rt.Fatalf("reply %d has %d bytes, want %d", got, len(back.Datagrams[i].Data), len(sent[got]))
				}
				got++
			}
		}
	})
	if coalesced == 0 {
		t.Error("nothing was ever coalesced: this test tested nothing")
	}
}

// Where the path takes no segment of that size in one packet, datagrams go one by one, as fragments, and none is lost or failed.
func TestSegmentationRefused(t *testing.T) {
	left, _ := testnet.Pair(t, "192.168.3.2/24", "192.168.3.8/24")
	if out, err := left.Command(context.Background(), "ip", "link", "set", "lo", "mtu", "1500").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	left.Do(func() {
		listening, asking := conns(t, "127.0.0.1:0", dgram.Options{GRO: true, Segments: true})
		out, in := asking.NewBatch(64), listening.NewBatch(64)
		for range 2 { // the second time it is known
			out.Reset()
			for i := range 10 {
				out.Add(dgram.Endpoint{}, bytes.Repeat([]byte{byte(i)}, 2000))
			}
			if err := asking.Send(out); err != nil {
				t.Error(err)
			}
			for i := range out.Datagrams {
				if d := &out.Datagrams[i]; d.Fate != dgram.Pending {
					t.Errorf("datagram %d: %v %v", i, d.Fate, d.Err)
				}
			}
			for got := 0; got < 10; {
				if err := listening.Recv(in); err != nil {
					t.Error(err)
					return
				}
				for i := range in.Datagrams {
					if d := &in.Datagrams[i]; len(d.Data) != 2000 || d.Data[0] != byte(got) {
						t.Errorf("datagram %d has %d bytes", got, len(d.Data))
					}
					got++
				}
			}
		}
		// A slot with segments of that size is taken apart likewise, and each part has its fate.
		in.Reset()
		d := in.Append()
		d.Peer = listening.Local().WithPort(asking.Local().Port())
		d.Data, d.Segment, d.ID = make([]byte, 7000), 2000, 1000
		if err := listening.Send(in); err != nil {
			t.Error(err)
		}
		if n := len(in.Datagrams); n != 4 {
			t.Fatalf("7000 bytes in segments of 2000 became %d slots", n)
		}
		for i, size := range []int{2000, 2000, 2000, 1000} {
			if d := &in.Datagrams[i]; d.Fate != dgram.Answered || len(d.Data) != size || d.Re != 1000+uint64(i) {
				t.Errorf("slot %d: %v %v, %d bytes, reply to %d", i, d.Fate, d.Err, len(d.Data), d.Re)
			}
		}
	})
}

// Receive offload is turned on by a heavy flow, and off again when there are only small ones.
func TestAutoGRO(t *testing.T) {
	var told []bool
	listening, asking := conns(t, "127.0.0.1:0", dgram.Options{AutoGRO: func(on bool) { told = append(told, on) }})
	others := make([]dgram.Conn, 16)
	for i := range others {
		_, others[i] = conns(t, "127.0.0.1:0", dgram.Options{})
	}
	in, out := listening.NewBatch(64), asking.NewBatch(64)
	exchange := func(from dgram.Conn, n int) {
		out.Reset()
		for range n {
			out.Add(listening.Local(), []byte("sixteen bytes ..")) // to the one address, from whichever socket
		}
		if err := from.Send(out); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < n; {
			if err := listening.Recv(in); err != nil {
				t.Fatal(err)
			}
			got += in.Count()
		}
	}
	for i := 0; len(told) == 0 && i < 1000; i++ {
		exchange(asking, 64)
	}
	if len(told) != 1 || !told[0] || !listening.Caps().GRO {
		t.Fatalf("after a heavy flow: told %v", told)
	}
	for i := 0; len(told) == 1 && i < 5000; i++ {
		exchange(others[i%len(others)], 1)
	}
	if len(told) != 2 || told[1] || listening.Caps().GRO {
		t.Fatalf("after many small flows: told %v", told)
	}
}
