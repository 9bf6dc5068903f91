//go:build linux

package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"dgram/internal/testnet"
	"dgram/ledger"
)

// proveUpgrade is promise 6: servers that follow each other under load lose nothing, and one that is terminated settles all that it has taken.
func proveUpgrade(p *proof) {
	w := newWorld(p)
	w.onlyIPv4()
	p.step("replacements", func() { w.replacements(w.count(100, 5)) })
	p.step("SIGTERM under load", func() { w.terminated(w.count(20, 2)) })
	p.step("socket activation", func() { w.activated() })
}

// replacements starts n servers, each of which takes over from the one before, while datagrams come.
func (w *world) replacements(n int) {
	w.Helper()
	dir := w.TempDir()
	flags := append(w.unguarded(), "--shards", "2", "--takeover", filepath.Join(dir, "takeover"))
	s := w.serve(serverAddr, flags...)
	t := w.newTeller(w.client, 16, s.addr, clientAddr, probeAddr)
	t.largest = len(small)
	before := w.read(w.server)
	stop := w.load(t)
	var received, answered, drops uint64
	count := func(a *ledger.SummaryEvent) {
		(&books{w: w}).account("replacement", a)
		received, answered, drops = received+a.Received, answered+a.Answered, drops+a.Drops.Count
	}
	for range n {
		next := w.serve(serverAddr, flags...)
		count(s.lastAccount()) // it ends by itself
		s = next
	}
	stop()
	w.rest(t)
	count(s.stop())
	d := w.read(w.server).since(before)
	w.sentf("%d datagrams while %d servers followed each other", t.tried, n)
	w.seenf("%d lost, %d answers", int64(t.tried)-int64(received), t.received.Load())
	if received != t.tried || answered != t.tried || t.received.Load() != t.tried || drops != 0 || d["Udp.NoPorts"] != 0 {
		w.Errorf("of %d datagrams %d were received, %d answered, and %d answers came; the sockets dropped %d, and %d found no socket (refused to the sender: %v)",
			t.tried, received, answered, t.received.Load(), drops, d["Udp.NoPorts"], t.refused)
	}
	t.close()
}

// lastAccount is that of a server that ends without being told to.
func (s *served) lastAccount() *ledger.SummaryEvent {
	s.p.Helper()
	a := s.account()
	s.awaitEnd()
	return a
}

// load sends, about 10,000 a second, until it is stopped.
func (w *world) load(t *teller) (stop func()) {
	done := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-w.Context().Done():
				return
			case <-tick.C:
				t.send(10, small)
			}
		}
	})
	return func() { close(done); sending.Wait() }
}

// terminated ends a server under load, n times: what it has received is answered, and came back, or has a fate.
func (w *world) terminated(n int) {
	w.Helper()
	var received, answered uint64
	for range n {
		s := w.serve(serverAddr, append(w.unguarded(), "--stage", "upper", "--stage", "delay:20ms±20ms")...)
		t := w.newTeller(w.client, 4, s.addr, clientAddr)
		t.largest = len(small)
		before := w.read(w.server)
		stop := w.load(t)
		time.Sleep(50 * time.Millisecond)
		a := s.stop()
		stop()
		w.still("the last answers have come", patience, t.received.Load)
		d := w.read(w.server).since(before)
		(&books{w: w}).account("SIGTERM", a)
		if a.Received != d["Udp.InDatagrams"] || a.Answered != t.received.Load() {
			w.Errorf("terminated: the kernel handed out %d datagrams, the account has %d; it has %d answered, and %d answers came", d["Udp.InDatagrams"], a.Received, a.Answered, t.received.Load())
		}
		received, answered = received+a.Received, answered+a.Answered
		t.close()
	}
	w.sentf("SIGTERM to %d servers under load", n)
	w.seenf("%d received, %d answered, the rest accounted for", received, answered)
}

// activated lets systemd's own tool open the socket (sd_listen_fds(3)): what was queued before the server started is answered.
func (w *world) activated() {
	w.Helper()
	testnet.Need(w, "systemd-socket-activate")
	at := serverAddr.String() + ":7002"
	cmd := w.server.Command(w.Context(), "systemd-socket-activate", "--datagram", "-l", at, w.dgram, "serve", "--json", "--quiet", "--limit", "off")
	cmd.Env = append(os.Environ(), "SYSTEMD_LOG_LEVEL=err")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { endGroup(cmd) })
	w.eventually("the socket is open", patience, func() bool {
		out, _ := w.server.Command(w.Context(), "ss", "-Hlun", "sport = :7002").Output()
		return len(out) > 0
	})
	probe := w.newProber(probeAddr, netip.MustParseAddrPort(at))
	if !probe.ask("activated") {
		w.Error("a server that systemd-socket-activate starts answers nothing")
	}
	w.seenf("a server on a socket of systemd's answers what started it")
}
