package server

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// What arrives while Opened runs is read by nobody, and answered afterwards.
func TestNothingIsReadBeforeOpenedReturns(t *testing.T) {
	var c *net.UDPConn
	start(t, Config{Shards: 2, Opened: func(s *Server) error {
		c = dial(t, s.Endpoint())
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Error(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := c.Read(make([]byte, 10)); err == nil {
			t.Errorf("%d bytes came back before Opened had returned", n)
		}
		if got := s.Summary().Received; got != 0 {
			t.Errorf("%d datagrams received before Opened had returned", got)
		}
		return nil
	}})
	_ = c.SetReadDeadline(time.Now().Add(patience))
	p := make([]byte, 10)
	if n, err := c.Read(p); err != nil || string(p[:n]) != "HELLO" {
		t.Errorf("%q, %v", p[:n], err)
	}
}

// The error of Opened is Start's, and leaves nothing open.
func TestOpenedFails(t *testing.T) {
	refused := errors.New("refused")
	var server *Server
	_, err := Start(context.Background(), Config{Address: "127.0.0.1:0", Shards: 2, Opened: func(s *Server) error {
		server = s
		return refused
	}})
	if !errors.Is(err, refused) {
		t.Fatalf("Start: %v", err)
	}
	select {
	case <-server.Done():
	default:
		t.Error("the server has not ended")
	}
	free, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(server.Endpoint().AddrPort()))
	if err != nil {
		t.Fatalf("its port is not free: %v", err)
	}
	free.Close()
}
