package server

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dgram"
	"dgram/dgramtest"
	"dgram/stage"
)

// abroad serves cfg in a network in memory and returns what one exchange from another machine, and one from this one, came to.
func abroad(t *testing.T, cfg Config, payload string) (far, near string) {
	t.Helper()
	n := dgramtest.NewNetwork()
	cfg.Listen = func(e dgram.Endpoint, o dgram.Options) (dgram.Conn, error) { return n.Listen(e.String()) }
	cfg.Address = "0.0.0.0:12345"
	s := start(t, cfg)
	try := func(from, to string) string {
		c, err := n.Listen(from)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		b := c.NewBatch(1)
		b.Add(dgramtest.Endpoint(to), []byte(payload))
		before := s.Summary() // before the server can have it
		if err := c.Send(b); err != nil {
			t.Fatal(err)
		}
		for s.Summary().Received == before.Received && b.Datagrams[0].Fate != dgram.Failed {
			time.Sleep(time.Millisecond) // until it has arrived
		}
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if err := c.Recv(b); err != nil {
			return "silence"
		}
		return string(b.Datagrams[0].Data)
	}
	return try("198.51.100.7:40000", "203.0.113.1:12345"), try("127.0.0.1:40000", "127.0.0.1:12345")
}

func TestServerGuardsItself(t *testing.T) {
	for name, c := range map[string]struct {
		guards stage.GuardConfig
		far    string
	}{
		"by default":       {stage.GuardConfig{}, "silence"},
		"some more":        {stage.GuardConfig{MaxReply: 4}, "6162"},
		"without a bound":  {stage.GuardConfig{MaxReply: -1}, "6162"},
		"too little, more": {stage.GuardConfig{MaxReply: 3}, "silence"},
	} {
		t.Run(name, func(t *testing.T) {
			if far, near := abroad(t, Config{Plan: stage.MustParse("hex"), Guards: c.guards}, "ab"); far != c.far || near != "6162" {
				t.Errorf("another machine hears %s, this one %s", far, near)
			}
		})
	}
}

func TestServerKnowsItsOwnSockets(t *testing.T) {
	s := start(t, Config{Addresses: []string{"127.0.0.1:0", "udp6://[::1]:0"}})
	for _, e := range s.Endpoints() {
		if !slices.Contains(s.cfg.Line.Guards.Own(), e) {
			t.Errorf("%v is missing", e)
		}
	}
}

// What other machines can reach sends no fragments, on systems that can be told so; all else none that need not be.
func TestServerSendsNoFragments(t *testing.T) {
	for _, c := range []struct {
		address string
		guards  stage.GuardConfig
		want    string
	}{
		{"0.0.0.0:0", stage.GuardConfig{}, "0.0.0.0 whole"},
		{"[::]:0", stage.GuardConfig{}, ":: whole"},
		{"192.0.2.1:0", stage.GuardConfig{}, "192.0.2.1 whole, then atomic"},
		{"127.0.0.1:0", stage.GuardConfig{}, "127.0.0.1 whole"},
		{"[::1]:0", stage.GuardConfig{}, "::1 whole"},
		{"unixgram:@dgram-test-fragments", stage.GuardConfig{}, "invalid IP whole"},
		{"0.0.0.0:0", stage.GuardConfig{MaxReply: -1}, "0.0.0.0 atomic"},
	} {
		var tried []string
		network := dgramtest.NewNetwork()
		start(t, Config{Address: c.address, Guards: c.guards, Listen: func(e dgram.Endpoint, o dgram.Options) (dgram.Conn, error) {
			word := "any"
			if o.Atomic {
				word = "atomic"
			}
			if o.DontFragment {
				word = "whole"
			}
			if tried = append(tried, e.Addr().String()+" "+word); len(tried) > 1 {
				tried = []string{tried[0] + ", then " + word}
			}
			if o.DontFragment && e.Addr().String() == "192.0.2.1" {
				return nil, errors.Join(errors.New("this system has no such option"), dgram.ErrUnsupported)
			}
			return network.Listen("127.0.0.1:0")
		}})
		if got := strings.Join(tried, ", "); got != c.want {
			t.Errorf("%s: %s, want %s", c.address, got, c.want)
		}
	}
}
