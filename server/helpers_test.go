package server

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"dgram"
)

// patience bounds whatever a test waits for; nothing takes so long.
const patience = 20 * time.Second

// start serves cfg, on 127.0.0.1 and a free port where it says nothing else, and shuts it down when the test ends.
func start(t testing.TB, cfg Config) *Server {
	t.Helper()
	if cfg.Address == "" && cfg.Addresses == nil && cfg.Endpoints == nil {
		cfg.Address = "127.0.0.1:0"
	}
	s, err := Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(t, s) })
	return s
}

// shutdown drains the server; its account has to balance then.
func shutdown(t testing.TB, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error("shutdown:", err)
	}
	sum := s.Summary()
	if err := sum.Balance(); err != nil {
		t.Error(err)
	}
	if sum.Pending != 0 {
		t.Errorf("%d pending after the end", sum.Pending)
	}
}

// dial is a plain client, connected as most are.
func dial(t testing.TB, e dgram.Endpoint) *net.UDPConn {
	t.Helper()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(e.AddrPort()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetReadBuffer(4 << 20)
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

var replies [1 << 16]byte

// ask sends p and returns the reply, which is valid until the next ask.
func ask(t testing.TB, c *net.UDPConn, p []byte) []byte {
	t.Helper()
	if _, err := c.Write(p); err != nil {
		t.Fatal(err)
	}
	n, err := c.Read(replies[:])
	if err != nil {
		t.Fatal(err)
	}
	return replies[:n]
}

// upper is what the teaching program's bytes.upper does.
func upper(p []byte) []byte {
	out := bytes.Clone(p)
	for i, c := range out {
		if 'a' <= c && c <= 'z' {
			out[i] = c - 32
		}
	}
	return out
}

// random fills p with bytes that no one chose.
func random(r *rand.Rand, p []byte) {
	for i := range p {
		p[i] = byte(r.Uint32())
	}
}
