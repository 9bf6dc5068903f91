//go:build linux

package main

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	limitRate    = 50
	limitBurst   = 125
	mostGrowth   = 16 << 20 // bytes of memory, for any number of sources
	floodRate    = 150_000  // packets a second at most: it stays under what the sockets take
	floodStep    = 8192     // packets after which the rate is looked at
	innocentRate = 40       // a second: under the limit
	busyRate     = 400
	busyPorts    = 64
	busyAhead    = 200 * time.Millisecond // of the flood, so that its first packets meet a full burst
)

// proveLimiter is promise 4: a flood from millions of sources costs no memory, a busy address gets what it may have, and a neighbour of nobody in the
// flood does not notice.
func proveLimiter(p *proof) {
	w := newWorld(p)
	// Answers to the flood have to leave, or nothing is tried: the client's end is the way to everywhere.
	w.ip(w.server, "route", "add", "default", "via", clientAddr.String())
	w.ip(w.server, "-6", "route", "add", "default", "via", clientAddr6.String())
	at6 := netip.AddrPortFrom(serverAddr6, servePort)
	s := w.serve(serverAddr, at6.String(), "--shards", "2")
	probe := w.newProber(probeAddr, s.addr)
	probe.ask("warm")
	w.warm(s)
	before, _ := s.memory()

	var load sync.WaitGroup
	var done atomic.Bool
	var innocent, answered, busyFor, busyGot float64
	load.Go(func() { innocent, answered = w.innocent(s.addr, &done) })
	load.Go(func() { busyFor, busyGot = w.busy(s.addr, &done) })
	time.Sleep(busyAhead)
	began := time.Now()
	n := w.flood(s.addr, at6, w.count(10_000_000, 100_000))
	took := time.Since(began)
	time.Sleep(time.Duration(w.count(0, 1000)) * time.Millisecond) // a short flood gives the limit too little time to show
	done.Store(true)
	load.Wait()

	after, most := s.memory()
	account := s.stop()
	(&books{w: w}).account("limiter", account)
	p.sentf("%d distinct sources in %.1f s, a busy address on %d ports, a neighbour with %d a second", n, took.Seconds(), busyPorts, innocentRate)
	want := limitBurst + limitRate*busyFor
	p.seenf("memory grew by %.1f MiB; the busy address got %.0f answers, %.1f %% off what it may have; the neighbour got %.2f %% of its", float64(most-before)/(1<<20), busyGot,
		100*(busyGot-want)/want, 100*answered/innocent)
	p.Logf("memory before %d, after %d, at most %d; dropped: %s; received %d, lost %s", before, after, most, names(account.Dropped), account.Received, account.Drops)
	if most-before > mostGrowth {
		p.Errorf("memory grew by %d bytes, more than %d", most-before, mostGrowth)
	}
	if busyGot > 1.05*want || busyGot < 0.95*want {
		p.Errorf("a busy address got %.0f answers in %.2f s; %d at once and %d a second are %.0f", busyGot, busyFor, limitBurst, limitRate, want)
	}
	if answered < 0.99*innocent {
		p.Errorf("an innocent neighbour got %.0f answers to %.0f requests", answered, innocent)
	}
	if account.Dropped["limit"] == 0 {
		p.Error("nothing was limited: the attack is none")
	}
}

// warm has the server touch the memory that it uses whatever comes: the buffers of its sockets.
func (w *world) warm(s *served) {
	w.Helper()
	t := w.newTeller(w.client, 16, s.addr, probeAddr)
	t.send(200, make([]byte, 60000))
	w.still("the server has read what warms it", patience, func() uint64 { return w.read(w.server)["Udp.InDatagrams"] })
	t.close()
	time.Sleep(3 * time.Second) // and the probe's address has its burst again
}

// flood sends one datagram from each of n addresses, half of them IPv4 and half IPv6, and returns how many went out. It slows down when the sockets begin
// to drop: what a full buffer takes from a neighbour is no work of the limiter's.
func (w *world) flood(to, to6 netip.AddrPort, n int) uint64 {
	w.Helper()
	in := w.newInjector(w.client, w.server)
	rate, dropped := floodRate/5, uint64(0)
	for i := 0; i < n && w.Context().Err() == nil; i += floodStep {
		began := time.Now()
		for j := i; j < min(i+floodStep, n); j++ {
			in.put(floodPacket(uint32(j), to, to6))
			if ahead := time.Duration(j-i)*time.Second/time.Duration(rate) - time.Since(began); j%gathered == 0 && ahead > 0 {
				time.Sleep(ahead)
			}
		}
		c := w.read(w.server)
		if now := c["Udp.RcvbufErrors"] + c["Udp6RcvbufErrors"]; now != dropped {
			rate, dropped = max(rate/2, 5000), now
		} else {
			rate = min(rate*21/20, floodRate)
		}
	}
	in.flush()
	return in.sent
}

// floodPacket is that of source i. An odd factor makes 2^23 numbers distinct.
func floodPacket(i uint32, to, to6 netip.AddrPort) []byte {
	scattered := i / 2 * 0x9e3779b1
	port := uint16(1024 + scattered%60000)
	if i%2 == 0 {
		at := scattered & 0x7fffff
		a := netip.AddrFrom4([4]byte{11, byte(at >> 16), byte(at >> 8), byte(at)})
		return ipv4(a, to.Addr(), header4{proto: protoUDP}, udp(netip.AddrPortFrom(a, port), to, []byte("flood")))
	}
	b := netip.MustParseAddr("2001:db8::").As16()
	wire.PutUint32(b[4:], scattered)
	wire.PutUint32(b[12:], i)
	a := netip.AddrFrom16(b)
	return ipv6(a, to6.Addr(), protoUDP, udp(netip.AddrPortFrom(a, port), to6, []byte("flood")))
}

// innocent asks at a steady rate from an address outside the flood, and returns how often, and how often it was answered.
func (w *world) innocent(to netip.AddrPort, done *atomic.Bool) (asked, answered float64) {
	t := w.newTeller(w.client, 1, to, probeAddr)
	t.largest = len(small)
	w.steadily(t, innocentRate, done)
	return float64(t.tried), float64(t.received.Load())
}

// busy asks too often, from many ports of one address, and returns for how long, in seconds, and how often it was answered.
func (w *world) busy(to netip.AddrPort, done *atomic.Bool) (seconds, answered float64) {
	t := w.newTeller(w.client, busyPorts, to, clientAddr)
	t.largest = len(small)
	began := time.Now()
	w.steadily(t, busyRate, done)
	return time.Since(began).Seconds() - 0.3, float64(t.received.Load()) // the wait for the last answers is none of it
}

// steadily sends at that rate until done, and waits for the last answers.
func (w *world) steadily(t *teller, rate int, done *atomic.Bool) {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for !done.Load() && w.Context().Err() == nil {
		t.send(1, small)
		<-tick.C
	}
	time.Sleep(300 * time.Millisecond)
}
