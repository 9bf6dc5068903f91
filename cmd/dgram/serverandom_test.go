package main

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"dgram"
	"dgram/ledger"
)

// randomCount is how many datagrams TestServeRandom sends: go test ./cmd/dgram -run ServeRandom -random 1000000 -timeout 20m
var randomCount = flag.Int("random", 3000, "datagrams that TestServeRandom sends")

// Random bytes of every length come back as bytes.upper makes them, and the account is what the sender counted: nothing is in it that was not
// sent, and nothing that was sent is missing.
func TestServeRandom(t *testing.T) {
	needSignals(t)
	s := serveWith(t, exec.Command(self(t), "serve", "127.0.0.1:0", "--json", "--quiet"))
	at, err := dgram.ParseEndpoint(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dgram.DialEndpoint(at, dgram.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sent, bytesSent := sendRandom(t, conn, *randomCount)
	stdout, _ := s.stop(t)
	event, err := ledger.Unmarshal([]byte(strings.TrimSpace(stdout)))
	if err != nil {
		t.Fatalf("%v: %q", err, stdout)
	}
	sum := event.(*ledger.SummaryEvent)
	if sum.Received != sent || sum.Answered != sent || sum.ReceivedBytes != bytesSent || sum.SentBytes != bytesSent || sum.Drops.Count != 0 || !sum.Balanced {
		t.Errorf("of %d datagrams with %d bytes: %s", sent, bytesSent, stdout)
	}
}

// sendRandom sends n datagrams, a few outstanding at a time, and compares each reply; the lengths 0 to 65,507 come round in random order.
func sendRandom(t *testing.T, conn dgram.Conn, n int) (sent, bytesSent uint64) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)})
	lengths := random.Perm(dgram.MaxPayload + 1)
	const window = 16
	out, in := conn.NewBatch(window), conn.NewBatch(window)
	payload := make([]byte, dgram.MaxPayload)
	want := make([][]byte, 0, window)
	for int(sent) < n {
		out.Reset()
		want = want[:0]
		for len(want) < min(window, n-int(sent)) {
			p := payload[:lengths[(int(sent)+len(want))%len(lengths)]]
			_, _ = source.Read(p) // never fails
			if out.Add(dgram.Endpoint{}, p) == nil {
				break
			}
			want = append(want, upper(bytes.Clone(p)))
			bytesSent += uint64(len(p))
		}
		if err := conn.Send(out); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < len(want); {
			if err := conn.Recv(in); err != nil {
				t.Fatalf("after %d datagrams: %v", int(sent)+got, err)
			}
			for i := range in.Datagrams {
				if d := &in.Datagrams[i]; !bytes.Equal(d.Data, want[got]) {
					t.Fatalf("datagram %d of %d bytes came back as %d others (%v)", int(sent)+got, len(want[got]), len(d.Data), d.Fate)
				}
				got++
			}
		}
		sent += uint64(len(want))
	}
	return sent, bytesSent
}
