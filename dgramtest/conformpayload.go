package dgramtest

import (
	"bytes"
	"runtime"
	"syscall"
	"testing"

	"dgram"
)

func testEmpty(t *testing.T, s suite) {
	server, client := s.pair(t)
	client.mustSend(dgram.Endpoint{}, []byte{}, []byte("after"), nil)
	server.expect([]byte{}, []byte("after"), nil)
	client.mustSend(dgram.Endpoint{}, nil)
	server.echo()
	client.expect([]byte{})
}

func testLargest(t *testing.T, s suite) {
	server, client := s.pair(t)
	largest := pattern(dgram.MaxPayload, 1)
	b := client.send(dgram.Endpoint{}, largest)
	if d := b.Datagrams[0]; runtime.GOOS == "darwin" && d.Err == syscall.EMSGSIZE {
		t.Skip("macOS sends at most net.inet.udp.maxdgram bytes")
	} else if d.Fate != dgram.Pending {
		t.Fatalf("%d bytes: %v %v", len(largest), d.Fate, d.Err)
	}
	server.echo()
	client.expect(largest)
}

// tooLarge is over what any socket of the network can send.
func (s suite) tooLarge() []byte {
	switch s.Network {
	case dgram.Unixgram:
		return make([]byte, 32<<20) // over the send buffer
	case dgram.UDP6:
		return make([]byte, 65536)
	}
	return make([]byte, dgram.MaxPayload+1)
}

func testTooLarge(t *testing.T, s suite) {
	server, client := s.pair(t)
	b := client.send(dgram.Endpoint{}, []byte("before"), s.tooLarge(), []byte("after"))
	for i, want := range []dgram.Fate{dgram.Pending, dgram.Failed, dgram.Pending} {
		if d := b.Datagrams[i]; d.Fate != want {
			t.Errorf("datagram %d: %v %v, not %v", i, d.Fate, d.Err, want)
		}
	}
	if err := b.Datagrams[1].Err; err != syscall.EMSGSIZE {
		t.Errorf("the errno is %v, not EMSGSIZE", err)
	}
	server.expect([]byte("before"), []byte("after"))
}

func testTruncation(t *testing.T, s suite) {
	const buffer = 16
	server, client := s.pair(t, func(o *dgram.Options) { o.Buffer = buffer })
	sent := [][]byte{pattern(100, 1), pattern(16, 2), pattern(17, 3), pattern(15, 4), {}, pattern(9000, 5)}
	for i, p := range sent {
		client.mustSend(dgram.Endpoint{}, p)
		d := server.recvOne()
		if want := len(p) > buffer; server.Caps().SeesTruncation && d.Truncated != want {
			t.Errorf("datagram %d of %d bytes into %d: Truncated is %v", i, len(p), buffer, d.Truncated)
		}
		if !bytes.Equal(d.Data, p[:min(len(p), buffer)]) {
			t.Errorf("datagram %d of %d bytes: got %s", i, len(p), brief(d.Data))
		}
	}
}

func testResize(t *testing.T, s suite) {
	server, client := s.pair(t)
	request := pattern(10, 1)
	for _, n := range []int{0, 3, 10, 11, 100, 2000, 40000, dgram.MaxPayload} {
		client.mustSend(dgram.Endpoint{}, request)
		b := server.NewBatch(2)
		if err := server.Recv(b); err != nil {
			t.Fatal(err)
		}
		d := &b.Datagrams[0]
		if d.Resize(dgram.MaxPayload + 1); len(d.Data) != len(request) {
			t.Fatal("Resize over MaxPayload changed the slot")
		}
		if !d.Resize(n) {
			t.Fatalf("no room for %d bytes", n)
		}
		if kept := min(n, len(request)); len(d.Data) != n || !bytes.Equal(d.Data[:kept], request[:kept]) {
			t.Fatalf("Resize to %d bytes left %s", n, brief(d.Data))
		}
		want := pattern(n, uint64(n))
		copy(d.Data, want)
		if err := server.Send(b); err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS == "darwin" && b.Datagrams[0].Err == syscall.EMSGSIZE {
			continue
		}
		client.expect(want)
	}
}

// testOverlap lets every slot of a batch be filled to the end of its memory, first as received and then as resized: nobody else's bytes
// may change.
func testOverlap(t *testing.T, s suite) {
	server, client := s.pair(t)
	for round := range uint64(20) {
		d := dice(round)
		var sent [][]byte
		size := int(d.next() * 1200)
		for i := range 8 {
			if d.next() < 0.3 {
				size = int(d.next() * 1200)
			}
			sent = append(sent, pattern(size, uint64(i)))
		}
		client.mustSend(dgram.Endpoint{}, sent...)
		b := server.NewBatch(8)
		for got := 0; got < len(sent); got += len(b.Datagrams) {
			if err := server.Recv(b); err != nil {
				t.Fatal(err)
			}
			for i, slot := range b.Datagrams {
				if !bytes.Equal(slot.Data, sent[got+i]) {
					t.Fatalf("round %d: datagram %d is %s", round, got+i, brief(slot.Data))
				}
			}
			stamp(t, b, func(int) {})
			stamp(t, b, func(i int) { b.Datagrams[i].Resize(int(d.next() * 3000)) })
		}
	}
}

// stamp changes each slot, fills it to its capacity with a byte of its own, and looks whether that byte is still all there in the end.
func stamp(t *testing.T, b *dgram.Batch, change func(i int)) {
	t.Helper()
	for i := range b.Datagrams {
		change(i)
		d := &b.Datagrams[i]
		whole := d.Data[:cap(d.Data)]
		for k := range whole {
			whole[k] = byte(i + 1)
		}
	}
	for i, d := range b.Datagrams {
		if whole := d.Data[:cap(d.Data)]; bytes.Count(whole, []byte{byte(i + 1)}) != len(whole) {
			t.Fatalf("slot %d of %d lost bytes to another", i, len(b.Datagrams))
		}
	}
}
