//go:build linux

package main

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"dgram"
	"dgram/ledger"
	"dgram/server"
	"dgram/sock"
)

// offload is the case of promise 5 in which the kernel drops several datagrams as one: the account then says "≥", and never more than were sent.
func (w *world) offload() uint64 {
	w.Helper()
	hold := make(chan struct{})
	srv, err := server.Start(w.Context(), server.Config{
		Endpoints: []dgram.Endpoint{dgram.IPEndpoint(dgram.UDP, netip.AddrPortFrom(serverAddr, servePort+1))},
		Options:   dgram.Options{GRO: true, ReceiveBuffer: 1},
		Reply:     func(request []byte) []byte { <-hold; return request },
		Listen: func(e dgram.Endpoint, o dgram.Options) (conn dgram.Conn, err error) {
			w.server.Do(func() { conn, err = dgram.ListenEndpoint(e, o) })
			return conn, err
		},
	})
	if err != nil {
		w.Fatal(err)
	}
	sent := w.sendTrains(srv.Endpoint().AddrPort(), 100)
	close(hold)
	w.eventually("the server has read what was queued", 10*time.Second, func() bool { return srv.Summary().Received > 0 })
	if err := srv.Shutdown(context.Background()); err != nil {
		w.Error(err)
	}
	sum := srv.Summary()
	if err := sum.Balance(); err != nil {
		w.Error(err)
	}
	switch text := sum.String(); {
	case sum.Drops.Count == 0 || sum.Received+sum.Drops.Count > sent:
		w.Errorf("receive offload: of %d datagrams %d were received and %s dropped", sent, sum.Received, sum.Drops)
	case !sum.Drops.AtLeast || !strings.Contains(text, "lost       ≥ "):
		w.Errorf("receive offload: the account knows too well what was dropped: %s", text)
	default:
		w.Logf("receive offload: %d sent, %d received, %s dropped", sent, sum.Received, sum.Drops)
	}
	return sent
}

// sendTrains sends n messages of many datagrams each (UDP_SEGMENT, udp(7)), and returns how many those were.
func (w *world) sendTrains(to netip.AddrPort, n int) uint64 {
	w.Helper()
	var s *sock.Socket
	var err error
	w.client.Do(func() { s, err = sock.New(sock.INET, sock.DGRAM, 0) })
	if err != nil {
		w.Fatal(err)
	}
	defer s.Close()
	sender := s.NewSender(1)
	payload := make([]byte, len(small)*sock.MaxSegments)
	for range n {
		sender.Reset()
		sender.AddInet(to, netip.Addr{}, 0, payload)
		sender.SetSegment(len(small))
		if _, err := sender.Send(0, true); err != nil {
			w.Fatalf("sending segments: %v", err)
		}
	}
	return uint64(n * sock.MaxSegments)
}

// unread is the case in which a peer on a unix socket never reads: replies for which it has no room fail with EAGAIN, and hold up nobody.
func (w *world) unread() uint64 {
	w.Helper()
	dir := w.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		w.Fatal(err)
	}
	path := filepath.Join(dir, "server")
	s := w.start(w.server, netip.AddrPort{}, "serve", "unixgram:"+path, "--json", "--quiet")
	peer, err := sock.New(sock.UNIX, sock.DGRAM, 0)
	if err != nil {
		w.Fatal(err)
	}
	defer peer.Close()
	if err := peer.Bind(sock.UnixAddr{Name: filepath.Join(dir, "peer")}); err != nil {
		w.Fatal(err)
	}
	sent := w.count(2000, 200)
	_ = peer.SetDeadline(time.Now().Add(patience))
	for range sent {
		if _, err := peer.SendTo(small, 0, sock.UnixAddr{Name: path}); err != nil {
			w.Fatalf("the server holds up who sends to it: %v", err)
		}
	}
	a := s.stop()
	if err := a.Balance(); err != nil || a.Received != uint64(sent) || a.Failed[ledger.ErrnoName(syscall.EAGAIN)] == 0 {
		text, _ := json.Marshal(a)
		w.Errorf("a unix peer that does not read: of %d datagrams: %v: %s", sent, err, text)
	}
	return uint64(sent)
}
