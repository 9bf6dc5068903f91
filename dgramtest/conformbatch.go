package dgramtest

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"

	"dgram"
)

// badSlots adds a datagram that cannot be sent, each in its own way.
var badSlots = []struct {
	name   string
	ip     bool // only where peers are IP addresses
	errnos []syscall.Errno
	add    func(s suite, b *dgram.Batch, peer dgram.Endpoint) *dgram.Datagram
}{
	{"too large", false, []syscall.Errno{syscall.EMSGSIZE}, func(s suite, b *dgram.Batch, peer dgram.Endpoint) *dgram.Datagram {
		return b.Add(peer, s.tooLarge())
	}},
	{"port 0", true, []syscall.Errno{syscall.EINVAL}, func(_ suite, b *dgram.Batch, peer dgram.Endpoint) *dgram.Datagram {
		return b.Add(peer.WithPort(0), []byte("bad"))
	}},
	{"no peer", false, []syscall.Errno{syscall.EDESTADDRREQ}, func(_ suite, b *dgram.Batch, _ dgram.Endpoint) *dgram.Datagram {
		return b.Add(dgram.Endpoint{}, []byte("bad"))
	}},
	{"a path for a peer", true, nil, func(_ suite, b *dgram.Batch, _ dgram.Endpoint) *dgram.Datagram {
		return b.Add(dgram.UnixEndpoint("/nowhere"), []byte("bad"))
	}},
	{"an address for a path", false, nil, func(s suite, b *dgram.Batch, peer dgram.Endpoint) *dgram.Datagram {
		if s.Network.IP() {
			return b.Add(peer.WithPort(0), []byte("bad"))
		}
		return b.Add(dgram.MustParseEndpoint("127.0.0.1:9"), []byte("bad"))
	}},
}

func testBatchFailure(t *testing.T, s suite) {
	const slots = 5
	for _, bad := range badSlots {
		if bad.ip && !s.Network.IP() {
			continue
		}
		for _, place := range []int{0, slots / 2, slots - 1} {
			server, client := s.listen(t, s.loopback(t)), s.listen(t, s.loopback(t))
			b := client.NewBatch(slots)
			var want [][]byte
			for i := range slots {
				if i == place {
					bad.add(s, b, server.Local())
					continue
				}
				want = append(want, []byte{'0' + byte(i)})
				b.Add(server.Local(), want[len(want)-1])
			}
			if err := client.Send(b); err != nil {
				t.Fatal(err)
			}
			for i, d := range b.Datagrams {
				if good := i != place; good != (d.Fate == dgram.Pending) || !good && (d.Fate != dgram.Failed || d.Err == 0) {
					t.Errorf("%s in slot %d: slot %d is %v %v", bad.name, place, i, d.Fate, d.Err)
				}
			}
			if err := b.Datagrams[place].Err; bad.errnos != nil && !slices.Contains(bad.errnos, err) {
				t.Errorf("%s: errno %v, not %v", bad.name, err, bad.errnos)
			}
			server.expect(want...)
		}
	}
}

func testNoPeer(t *testing.T, s suite) {
	c := s.listen(t, s.loopback(t))
	if d := c.send(dgram.Endpoint{}, []byte("x")).Datagrams[0]; d.Fate != dgram.Failed || d.Err != syscall.EDESTADDRREQ {
		t.Errorf("a datagram for nobody: %v %v", d.Fate, d.Err)
	}
	if s.Network.IP() {
		e := dgram.IPEndpoint(s.Network, netip.AddrPortFrom(s.loopback(t).Addr(), 0))
		if d := c.send(e, []byte("x")).Datagrams[0]; d.Fate != dgram.Failed || d.Err != syscall.EINVAL {
			t.Errorf("a datagram for port 0: %v %v", d.Fate, d.Err)
		}
	}
}

// testNumbers follows the numbers of requests and replies: each has its own, and a reply names its request.
func testNumbers(t *testing.T, s suite) {
	server, client := s.pair(t)
	seen := map[uint64]bool{}
	note := func(id uint64) {
		t.Helper()
		if id == 0 || seen[id] {
			t.Fatalf("number %d was given twice, or never", id)
		}
		seen[id] = true
	}
	for range 3 {
		out := client.send(dgram.Endpoint{}, []byte("a"), []byte("b"), []byte("c"))
		for _, d := range out.Datagrams {
			if note(d.ID); d.Re != 0 || d.Fate != dgram.Pending {
				t.Fatalf("a request answers %d and is %v", d.Re, d.Fate)
			}
		}
		b := server.NewBatch(4)
		for got := 0; got < 3; got += len(b.Datagrams) {
			if err := server.Recv(b); err != nil {
				t.Fatal(err)
			}
			var requests []uint64
			for _, d := range b.Datagrams {
				note(d.ID)
				requests = append(requests, d.ID)
			}
			if err := server.Send(b); err != nil {
				t.Fatal(err)
			}
			for i, d := range b.Datagrams {
				if note(d.ID); d.Re != requests[i] || d.Fate != dgram.Answered || d.Request() != requests[i] {
					t.Fatalf("the reply to %d answers %d and is %v", requests[i], d.Re, d.Fate)
				}
			}
		}
		for _, d := range client.recv(nil, 3) {
			note(d.ID)
		}
	}
}

// testDecided sends a batch in which stages have decided about some slots.
func testDecided(t *testing.T, s suite) {
	server, client := s.pair(t)
	b := client.NewBatch(4)
	for _, p := range []string{"no", "yes", "never", "also"} {
		b.Add(dgram.Endpoint{}, []byte(p))
	}
	b.Datagrams[0].Fate = dgram.Ignored
	b.Datagrams[2].DropFor(dgram.ReasonLoss)
	if err := client.Send(b); err != nil {
		t.Fatal(err)
	}
	for i, want := range []dgram.Fate{dgram.Ignored, dgram.Pending, dgram.Dropped, dgram.Pending} {
		if d := b.Datagrams[i]; d.Fate != want || (d.ID != 0) != (want == dgram.Pending) {
			t.Errorf("slot %d is %v, number %d", i, d.Fate, d.ID)
		}
	}
	server.expect([]byte("yes"), []byte("also"))
	if err := client.Send(b); err != nil {
		t.Fatal(err)
	}
	client.mustSend(dgram.Endpoint{}, []byte("last"))
	server.expect([]byte("last"))
}

// window is how many datagrams every transport takes before one is read: a unix socket's queue holds ten (unix(7)).
const window = 8

func testManySmall(t *testing.T, s suite) {
	server, client := s.pair(t)
	small := server.NewBatch(2)
	for round := range 16 {
		var sent [][]byte
		for i := range window {
			sent = append(sent, pattern(10+round%3*i, uint64(round*window+i)))
		}
		client.mustSend(dgram.Endpoint{}, sent...)
		for i, d := range server.recv(small, window) {
			if !bytes.Equal(d.Data, sent[i]) {
				t.Fatalf("round %d: datagram %d is %s", round, i, brief(d.Data))
			}
		}
		if !server.Caps().Batch && len(small.Datagrams) > 1 {
			t.Fatalf("%d datagrams at once, though Caps says that there are no batches", len(small.Datagrams))
		}
	}
}

// testManySenders sends from several goroutines while one receives the echoes.
func testManySenders(t *testing.T, s suite) {
	const senders, each = 8, 24
	server, client := s.pair(t)
	go func() {
		b := server.NewBatch(16)
		for server.Recv(b) == nil && server.Send(b) == nil {
		}
	}()
	var wg sync.WaitGroup
	slots := make(chan struct{}, window) // what is in flight
	for k := range senders {
		wg.Go(func() {
			b := client.NewBatch(1)
			for i := range each {
				slots <- struct{}{}
				b.Reset()
				b.Add(dgram.Endpoint{}, binary.BigEndian.AppendUint32(nil, uint32(k*each+i)))
				if err := client.Send(b); err != nil || b.Datagrams[0].Fate != dgram.Pending {
					t.Errorf("sender %d: %v %v %v", k, err, b.Datagrams[0].Fate, b.Datagrams[0].Err)
				}
			}
		})
	}
	seen := map[uint32]bool{}
	b := client.NewBatch(4)
	for len(seen) < senders*each && !t.Failed() {
		for _, d := range client.recv(b, 1) {
			n := binary.BigEndian.Uint32(d.Data)
			if seen[n] {
				t.Fatalf("datagram %d came twice", n)
			}
			seen[n] = true
			<-slots
		}
	}
	wg.Wait()
}

// testReplyInPlace answers a whole batch in the memory that it arrived in, with replies longer and shorter, some dropped.
func testReplyInPlace(t *testing.T, s suite) {
	server, client := s.pair(t)
	for round := range 10 {
		var want [][]byte
		for i := range window {
			client.mustSend(dgram.Endpoint{}, bytes.Repeat([]byte{'a' + byte(i)}, 20+round))
		}
		b := server.NewBatch(window)
		for got := 0; got < window; got += len(b.Datagrams) {
			if err := server.Recv(b); err != nil {
				t.Fatal(err)
			}
			for i := range b.Datagrams {
				d := &b.Datagrams[i]
				switch (got + i + round) % 4 {
				case 0:
					d.DropFor(dgram.ReasonLoss)
					continue
				case 1:
					d.SetData(append(bytes.ToUpper(d.Data), "and more"...))
				case 2:
					d.Resize(len(d.Data) / 2)
				}
				want = append(want, bytes.Clone(d.Data))
			}
			if err := server.Send(b); err != nil {
				t.Fatal(err)
			}
		}
		client.expect(want...)
	}
}

// testDrops sends more than the receive buffer holds: where Caps and Drops say that losses are counted, what was read and what was
// dropped is what was sent.
func testDrops(t *testing.T, s suite) {
	s.needIP(t)
	server, client := s.pair(t, func(o *dgram.Options) { o.ReceiveBuffer = 16 << 10 })
	if !server.Drops().Known {
		t.Skip("this transport does not count drops")
	}
	sent := 0
	for range 200 {
		for _, d := range client.send(dgram.Endpoint{}, make([]byte, 100), make([]byte, 300), make([]byte, 200)).Datagrams {
			if d.Fate == dgram.Pending {
				sent++
			}
		}
	}
	drops := server.Drops()
	got := 0
	b := server.NewBatch(16)
	if err := server.SetReadDeadline(soon()); err != nil {
		t.Fatal(err)
	}
	for server.Recv(b) == nil {
		got += len(b.Datagrams)
	}
	if total := got + int(drops.Count); total != sent && !drops.AtLeast || total > sent {
		t.Errorf("%d sent, %d received, %+v", sent, got, drops)
	}
	if got == sent && runtime.GOOS == "linux" && server.Caps().Transport == "kernel" {
		t.Logf("all %d datagrams fitted", sent)
	}
}

// testHeaders compares what the header said, where it is known, with what the sender asked for.
func testHeaders(t *testing.T, s suite) {
	s.needIP(t)
	server := s.listen(t, s.loopback(t), func(o *dgram.Options) { o.Headers = true })
	client := s.dial(t, server.Local(), func(o *dgram.Options) { o.TTL, o.TOS = 7, 0x48 })
	client.mustSend(dgram.Endpoint{}, []byte("header"))
	d := server.recvOne()
	if d.TTL != 7 && d.TTL != 0 || d.TTL == 0 && server.Caps().Transport != "portable" {
		t.Errorf("TTL %d, sent with 7", d.TTL)
	}
	if d.TOS != 0x48 && d.TOS != 0 || d.TOS == 0 && server.Caps().Transport != "portable" {
		t.Errorf("TOS %#x, sent with 0x48", d.TOS)
	}
	if d.Local != server.Local() {
		t.Errorf("Local is %v, not %v", d.Local, server.Local())
	}
}
