//go:build linux

package main

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"time"

	"dgram/internal/testnet"
	"dgram/ledger"
)

// fault is a case of promise 5: what is done to the server, the link or the route while datagrams come.
type fault struct {
	name   string
	flags  []string     // of dgram serve
	six    bool         // over IPv6
	flows  int          // 0: 2
	before func(*world) // the kernels begin to count after it
	do     func(*world, *served, *teller)
	want   func(*world, *ledger.SummaryEvent) // beyond the balance
	after  func(*world)
}

var small = bytes.Repeat([]byte("abcdefgh"), 8)

// proveAccount is promise 5: the sender's count is the fates, what the socket dropped, and what both kernels counted as lost.
func proveAccount(p *proof) {
	w := newWorld(p)
	var sent, lost, kept uint64
	faults := append(faultsOfTheServer, faultsOfTheLink...)
	for _, f := range faults {
		p.step(f.name, func() {
			b := w.suffer(f)
			sent, lost, kept = sent+b.sent, lost+b.lost, kept+b.kept
		})
	}
	p.step("receive offload", func() { sent += w.offload() })
	p.step("a unix peer that does not read", func() { sent += w.unread() })
	p.sentf("%d datagrams in %d cases", sent, len(faults)+2)
	p.seenf("%d lost on the way and found again, %d received and not answered, with a fate each; residual 0, in all and for each socket", lost, kept)
}

// suffer runs one case with a server of its own.
func (w *world) suffer(f fault) *books {
	w.Helper()
	at, from := serverAddr, []netip.Addr{clientAddr, probeAddr}
	if f.six {
		at, from = serverAddr6, []netip.Addr{clientAddr6}
	} else if !w.four {
		w.onlyIPv4()
	}
	if f.before != nil {
		f.before(w)
	}
	s := w.serve(at, append(w.unguarded(), f.flags...)...)
	// Two sockets take turns, so that no two replies in a row go to one peer, and each leaves as a packet of its own.
	t := w.newTeller(w.client, cmp.Or(f.flows, 2), s.addr, from...)
	t.largest = 65507
	b := w.openBooks()
	f.do(w, s, t)
	w.rest(t)
	s.alive(f.name)
	a := s.stop()
	w.rest(t)
	b.close(f.name, t, a)
	if f.want != nil {
		f.want(w, a)
	}
	if f.after != nil {
		f.after(w)
	}
	t.close()
	return b
}

// unguarded lifts the limit on what one address may ask, which is not what these cases are about.
func (w *world) unguarded() []string { return []string{"--limit", "off"} }

// stopped lets f run while the server is stopped; when it goes on, what was queued is read.
func (w *world) stopped(s *served, f func()) {
	w.Helper()
	s.signal(syscall.SIGSTOP)
	w.eventually("the server has stopped", patience, s.standsStill) // the signal is on its way when kill(2) returns
	f()
	s.signal(syscall.SIGCONT)
}

func dropsSome(w *world, a *ledger.SummaryEvent) {
	if a.Drops.Count == 0 {
		w.Errorf("the case is none: its receive buffer never was full")
	}
}

// share is what the first flow of eachSocket's case sends; each further one sends twice as many as the one before.
const share = 50

// eachSocket finds every flow at one socket, whole: the residual is 0 for each of them.
func eachSocket(w *world, a *ledger.SummaryEvent) {
	w.Helper()
	dropsSome(w, a)
	var flows uint64
	for i, one := range a.Each {
		got := one.Received + one.Drops.Count
		if got%share != 0 || flows&(got/share) != 0 {
			w.Errorf("socket %d of %d: %d received and %d dropped are no sum of whole flows", i+1, len(a.Each), one.Received, one.Drops.Count)
		}
		flows |= got / share
	}
	if flows != 1<<8-1 || len(a.Each) != 4 {
		w.Errorf("of eight flows the %d sockets had these: %08b", len(a.Each), flows)
	}
}

// fails says that replies failed by this errno, and only by it.
func fails(errno string) func(*world, *ledger.SummaryEvent) {
	return func(w *world, a *ledger.SummaryEvent) {
		w.Helper()
		if a.Failed[errno] == 0 || a.Failed[errno] != sum(a.Failed) {
			w.Errorf("replies should have failed with %s, and with nothing else: %s", errno, names(a.Failed))
		}
	}
}

var faultsOfTheServer = []fault{
	{name: "calm, IPv6", six: true, do: func(w *world, _ *served, t *teller) { t.send(2000, small) }},
	{name: "calm", do: func(w *world, _ *served, t *teller) { t.send(w.count(50000, 2000), small) }},
	{name: "sizes 0 to 65,507", do: func(w *world, _ *served, t *teller) {
		random := rand.New(rand.NewPCG(w.seed, 5))
		for range w.count(2000, 200) {
			t.send(1, make([]byte, random.IntN(65508)))
			time.Sleep(50 * time.Microsecond) // the link's own queue holds a thousand packets, and each of these is up to 45
		}
	}},
	{name: "stopped, a full receive buffer, continued", flags: []string{"--receive-buffer", "64KiB"}, want: dropsSome,
		do: func(w *world, s *served, t *teller) {
			for range w.count(5, 1) {
				w.stopped(s, func() { t.send(w.count(20000, 3000), small) })
				w.rest(t)
			}
		}},
	{name: "a flood into a small receive buffer", flags: []string{"--receive-buffer", "1"}, want: dropsSome,
		do: func(w *world, s *served, t *teller) {
			w.stopped(s, func() { t.send(1000, small) })
			t.send(w.count(200000, 5000), small)
		}},
	// So many of flow i that the sum of what a socket got says which flows it had.
	{name: "four sockets, stopped", flows: 8, flags: []string{"--shards", "4", "--receive-buffer", "64KiB"}, want: eachSocket, do: func(w *world, s *served, t *teller) {
		w.stopped(s, func() {
			for i := range t.sockets {
				t.sendBy(i, small, share<<i)
			}
		})
	}},
	{name: "slow handlers, delays and copies", flags: []string{"--stage", "upper", "--stage", "delay:5ms±5ms", "--stage", "duplicate:10%", "--stage", "loss:10%"},
		do: func(w *world, s *served, t *teller) { t.send(w.count(20000, 2000), small) }},
}

var faultsOfTheLink = []fault{
	{name: "the server's device queue is full", want: fails("ENOBUFS"), before: slowServer, after: fastServer, do: func(w *world, s *served, t *teller) {
		w.stopped(s, func() { t.send(w.count(10000, 2000), small) })
		t.send(w.count(20000, 1000), small)
	}},
	// One flow: the replies leave many at a time (UDP_SEGMENT), and the queue drops them so.
	{name: "full of replies in segments", want: fails("ENOBUFS"), before: slowServerInWhole, after: fastServer, do: func(w *world, s *served, t *teller) {
		w.stopped(s, func() { t.sendBy(0, make([]byte, 1000), w.count(3000, 1000)) })
	}},
	// A queue that takes messages apart reports none of the segments that it drops: they are in its own counter.
	{name: "full of segments", before: slowServer, after: fastServer, do: func(w *world, s *served, t *teller) {
		w.stopped(s, func() { t.sendBy(0, small, w.count(4000, 1000)) })
	}},
	{name: "the sender's device queue is full", before: slowClient, after: fastClient,
		do: func(w *world, s *served, t *teller) { t.send(w.count(20000, 2000), small) }},
	{name: "EPERM (a firewall on the way out)", want: fails("EPERM"), before: func(w *world) {
		w.nft("add table ip prove", "add chain ip prove out { type filter hook output priority 0 ; }", "add rule ip prove out ip daddr "+probeAddr.String()+" drop")
	}, do: func(w *world, s *served, t *teller) { t.send(w.count(5000, 500), small) }, after: func(w *world) { w.nft("delete table ip prove") }},
	{name: "EHOSTUNREACH (a route)", want: fails("EHOSTUNREACH"), do: routed("unreachable")},
	{name: "EACCES (a route)", want: fails("EACCES"), do: routed("prohibit")},
	{name: "EINVAL (a route)", want: fails("EINVAL"), do: routed("blackhole")},
	{name: "EMSGSIZE (a small MTU)", want: fails("EMSGSIZE"), do: func(w *world, s *served, t *teller) {
		w.stopped(s, func() {
			t.send(w.count(2000, 400), make([]byte, 1400))
			w.ip(w.server, "link", "set", w.server.Link, "mtu", "600")
		})
		w.rest(t)
		w.ip(w.server, "link", "set", w.server.Link, "mtu", "1500")
	}},
	{name: "the sender's link goes down and up", do: func(w *world, s *served, t *teller) { w.flap(w.client, t) }},
	{name: "the server's link goes down and up", do: func(w *world, s *served, t *teller) {
		w.stopped(s, func() { // with replies to send when there is no link
			t.send(100, small)
			w.ip(w.server, "link", "set", w.server.Link, "down")
		})
		w.rest(t)
		w.raise(w.server)
		w.flap(w.server, t)
	}},
	{name: "one fault after another, by chance", flags: []string{"--receive-buffer", "64KiB"}, do: chaos},
}

// A queue that holds little and sends slowly (tc-tbf(8)). What is larger than the burst it takes apart.
func (w *world) slow(n *testnet.NS, burst, limit string) {
	w.Helper()
	w.run(nil, "tc", "-n", n.Name, "qdisc", "add", "dev", n.Link, "root", "tbf", "rate", "20mbit", "burst", burst, "limit", limit)
}

func (w *world) fast(n *testnet.NS) {
	w.Helper()
	w.run(nil, "tc", "-n", n.Name, "qdisc", "del", "dev", n.Link, "root")
}

func slowServer(w *world)        { w.slow(w.server, "4000", "20000") }
func slowServerInWhole(w *world) { w.slow(w.server, "100000", "100000") }
func fastServer(w *world)        { w.fast(w.server) }
func slowClient(w *world)        { w.slow(w.client, "4000", "20000") }
func fastClient(w *world)        { w.fast(w.client) }

// routed sends while the route to one of the sender's addresses is of that kind. The requests are there before it is, for a route on the way back
// says something about the way there.
func routed(kind string) func(*world, *served, *teller) {
	return func(w *world, s *served, t *teller) {
		to := clientAddr.String() + "/32"
		w.stopped(s, func() {
			t.send(w.count(400, 200), small)
			w.ip(w.server, "route", "add", kind, to)
		})
		w.rest(t)
		w.ip(w.server, "route", "del", kind, to)
	}
}

// flap sends before, while and after the link is down at one end.
func (w *world) flap(n *testnet.NS, t *teller) {
	w.Helper()
	for range w.count(5, 2) {
		t.send(w.count(1000, 100), small)
		w.ip(n, "link", "set", n.Link, "down")
		t.send(w.count(1000, 100), small)
		time.Sleep(20 * time.Millisecond) // the kernel tells the other end in its own time
		t.send(w.count(1000, 100), small)
		w.raise(n)
		t.send(w.count(1000, 100), small)
	}
}

// raise brings a link up. Its neighbours, forgotten when it went down, are told before: it would ask for them, and that may be lost too.
func (w *world) raise(n *testnet.NS) {
	w.Helper()
	w.introduce()
	w.ip(n, "link", "set", n.Link, "up")
}

// chaos is a row of faults that only the seed knows.
func chaos(w *world, s *served, t *teller) {
	random := rand.New(rand.NewPCG(w.seed, 55))
	burst := func() { t.send(random.IntN(w.count(3000, 500)), small[:random.IntN(len(small))]) }
	for range w.count(40, 6) {
		switch random.IntN(5) {
		case 0:
			w.stopped(s, burst)
		case 1:
			w.flap(w.client, t)
		case 2:
			w.flap(w.server, t)
		case 3:
			to := probeAddr.String() + "/32"
			w.stopped(s, func() { burst(); w.ip(w.server, "route", "add", "unreachable", to) })
			w.rest(t)
			w.ip(w.server, "route", "del", "unreachable", to)
		}
		burst()
	}
}

// nft runs commands of nft(8) in the server's namespace.
func (w *world) nft(commands ...string) {
	w.Helper()
	for _, c := range commands {
		w.run(w.server, "nft", c)
	}
}
