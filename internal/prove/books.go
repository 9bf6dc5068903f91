//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dgram/ledger"
)

// books hold what both kernels had counted when a case began, so that at its end every datagram can be found again.
type books struct {
	w                          *world
	client, server             counters
	clientQdisc, serverQdisc   uint64
	sent, answered, lost, kept uint64
}

func (w *world) openBooks() *books {
	w.Helper()
	b := &books{w: w, client: w.read(w.client), server: w.read(w.server)}
	b.clientQdisc, _ = w.qdisc(w.client)
	b.serverQdisc, _ = w.qdisc(w.server)
	return b
}

// rest waits until nothing moves any more: the queues of both links are empty, and neither kernel delivers anything to a socket.
func (w *world) rest(t *teller) {
	w.Helper()
	w.eventually("both devices have sent what they had queued", 30*time.Second, func() bool {
		_, c := w.qdisc(w.client)
		_, s := w.qdisc(w.server)
		return c+s == 0
	})
	w.still("the datagrams come to rest", 30*time.Second, func() uint64 {
		s := w.read(w.server)
		return s["Udp.InDatagrams"] + s["Udp.RcvbufErrors"] + s["Udp6InDatagrams"] + s["tx_packets"] + t.received.Load()
	})
}

// loss is where datagrams can be lost between a send that succeeded and the socket that they are for, by what the kernels counted.
type loss struct {
	name string
	n    uint64
}

// way lists the losses on the way from one namespace to the other. What a device or its queue dropped at once was told to whoever sent it, and
// counted as discarded by IP; only the rest was lost in silence. On a veth link what the receiving device drops the sending one counts too.
func (w *world) way(qdisc uint64, from, to counters) []loss {
	dropped, told := qdisc+from["tx_dropped"], from["Ip.OutDiscards"]+from["Ip6OutDiscards"]
	all := []loss{
		{"device and its queue", dropped - min(told, dropped)},
		{"IP discards", to["Ip.InDiscards"]},
		{"IP headers", to["Ip.InHdrErrors"] + to["Ip.InAddrErrors"] + to["IpExt.InNoRoutes"]},
		{"reassembly", to["Ip.ReasmFails"]},
		{"no such port", to["Udp.NoPorts"]},
		{"checksums", to["Udp.InCsumErrors"]},
		{"memory", to["Udp.MemErrors"]},
	}
	if w.four {
		return all
	}
	return append(all, loss{"IPv6", to["Ip6InDiscards"] + to["Ip6InHdrErrors"] + to["Ip6InAddrErrors"] + to["Ip6ReasmFails"]},
		loss{"UDP of IPv6", to["Udp6NoPorts"] + to["Udp6InCsumErrors"] + to["Udp6MemErrors"]})
}

func total(losses []loss) (n uint64) {
	for _, l := range losses {
		n += l.n
	}
	return n
}

// close compares what the sender counted with what the server and both kernels did; the server has ended, the sender's sockets are open.
func (b *books) close(name string, t *teller, a *ledger.SummaryEvent) {
	w := b.w
	w.Helper()
	client, server := w.read(w.client).since(b.client), w.read(w.server).since(b.server)
	clientQdisc, _ := w.qdisc(w.client)
	serverQdisc, _ := w.qdisc(w.server)
	there := w.way(clientQdisc-b.clientQdisc, client, server)
	back := w.way(serverQdisc-b.serverQdisc, server, client)

	b.balance(name+": requests", t.tried, "received", a.Received, "the socket dropped", a.Drops.Count, sum(t.refused), there)
	b.balance(name+": replies", a.Answered+a.Copies+sum(a.Failed), "came back", t.received.Load(), "the sender's sockets dropped", t.drops(), sum(a.Failed), back)

	if taken, dropped := server["Udp.InDatagrams"]+server["Udp6InDatagrams"], server["Udp.RcvbufErrors"]+server["Udp6RcvbufErrors"]; taken != a.Received || dropped != a.Drops.Count {
		w.Errorf("%s: the account says received %d, dropped by the socket %d; the kernel says %d and %d", name, a.Received, a.Drops.Count, taken, dropped)
	}
	b.account(name, a)
	b.sent, b.answered, b.lost = t.tried, a.Answered, total(there)+total(back)+a.Drops.Count
	b.kept = a.Received - a.Answered
}

// account checks that the server's own account balances, and that of each socket.
func (b *books) account(name string, a *ledger.SummaryEvent) {
	b.w.Helper()
	var all ledger.Summary
	for i, one := range a.Each {
		if err := one.Balance(); err != nil {
			b.w.Errorf("%s: socket %d: %v", name, i+1, err)
		}
		all.Add(one)
	}
	if len(a.Each) > 0 && (all.Received != a.Received || all.Answered != a.Answered || all.Drops.Count != a.Drops.Count) {
		b.w.Errorf("%s: the sockets' accounts are not the sum: %+v", name, a)
	}
	if err := a.Balance(); err != nil || !a.Balanced || a.Pending != 0 {
		b.w.Errorf("%s: balanced %v, pending %d: %v", name, a.Balanced, a.Pending, err)
	}
}

func (b *books) balance(name string, whole uint64, arrived string, n uint64, dropped string, drops, refused uint64, losses []loss) {
	b.w.Helper()
	residual := int64(whole) - int64(n+drops+refused+total(losses))
	line := fmt.Sprintf("%-34s %d = %d %s + %d %s + %d refused%s; residual %d", name, whole, n, arrived, drops, dropped, refused, inWords(losses), residual)
	if residual != 0 {
		b.w.Errorf("%s", line)
		return
	}
	b.w.Log(line)
}

func inWords(losses []loss) string {
	var text strings.Builder
	for _, l := range losses {
		if l.n != 0 {
			fmt.Fprintf(&text, " + %d %s", l.n, l.name)
		}
	}
	return text.String()
}

func sum[K comparable](m map[K]uint64) (n uint64) {
	for k := range maps.Values(m) {
		n += k
	}
	return n
}

// names lists the keys of m with their counts.
func names(m map[string]uint64) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(parts, ", ")
}
