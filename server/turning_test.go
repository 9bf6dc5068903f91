package server

import (
	"context"
	"testing"
	"time"

	"dgram"
)

func turning(s *Server, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return s.Turning(ctx)
}

// A server that waits turns when it is asked to, and serves as before; one whose reply does not come back does not.
func TestTurning(t *testing.T) {
	for name, o := range map[string]dgram.Options{"kernel": {}, "portable": {Portable: true}} {
		t.Run(name, func(t *testing.T) { testTurning(t, o) })
	}
}

func testTurning(t *testing.T, o dgram.Options) {
	stuck := make(chan struct{})
	s := start(t, Config{Options: o, Reply: func(p []byte) []byte {
		if string(p) == "stuck" {
			<-stuck
		}
		return p
	}})
	c := dial(t, s.Endpoint())
	ask := func() {
		t.Helper()
		p := make([]byte, 10)
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(p); err != nil || string(p[:n]) != "hello" {
			t.Fatalf("%q, %v", p[:n], err)
		}
	}
	for range 20 {
		if !turning(s, patience) {
			t.Fatal("it does not turn, and nothing holds it")
		}
		ask()
	}
	if _, err := c.Write([]byte("stuck")); err != nil {
		t.Fatal(err)
	}
	for s.Summary().Received < 21 {
		time.Sleep(time.Millisecond)
	}
	if turning(s, 50*time.Millisecond) {
		t.Error("it turns, and is stuck")
	}
	close(stuck)
	if !turning(s, patience) {
		t.Error("it does not turn any more")
	}
	if _, err := c.Read(make([]byte, 10)); err != nil {
		t.Error(err)
	}
	ask()
}

// Whoever asks takes no wake-up from a shutdown.
func TestTurningMeetsShutdown(t *testing.T) {
	for range 200 {
		s, err := Start(context.Background(), Config{Address: "127.0.0.1:0", Shards: 2})
		if err != nil {
			t.Fatal(err)
		}
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			for turning(s, patience) {
			}
		}()
		shutdown(t, s)
		<-asked
		if turning(s, patience) {
			t.Error("it turns, and has ended")
		}
	}
}
