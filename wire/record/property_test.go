package record

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"dgram"

	"pgregory.net/rapid"
)

// What became of a datagram, as a test decides it.
const (
	answered = iota
	dropped
	ignored
	failed
	held
	numEnds
)

var about = regexp.MustCompile(`^(answered by|reply to|extra copy of the reply to) No\. (\d+)`)

// Whatever a server does with its datagrams, each is one packet, and those that are about one another say so.
func TestServingProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var file bytes.Buffer
		r, err := New(&file, Config{Side: Serving})
		if err != nil {
			rt.Fatal(err)
		}
		ends := map[string]int{}
		p := &pipe{local: server, send: func(d *dgram.Datagram) {
			if ends[key(d.Data)] == failed {
				d.Fate, d.Err = dgram.Failed, syscall.ENOBUFS
				return
			}
			d.Sent()
		}}
		conn := dgram.WithTaps(p, r.Tap(p))
		serial, want, later := 0, 0, dgram.NewBatch(4096, nil)
		for range rapid.IntRange(1, 5).Draw(rt, "batches") {
			b := dgram.NewBatch(16, nil)
			p.in = nil
			for range rapid.IntRange(0, 6).Draw(rt, "slots") {
				d := dgram.Datagram{Peer: caller, Local: server, Segment: 8}
				end := rapid.IntRange(0, numEnds-1).Draw(rt, "end")
				count := rapid.IntRange(1, 4).Draw(rt, "count")
				for range count {
					serial++
					d.Data = fmt.Appendf(d.Data, "%08d", serial)
					ends[fmt.Sprintf("%08d", serial)] = end
				}
				want += count
				if end == answered {
					want += count
				}
				p.in = append(p.in, d)
			}
			_ = conn.Recv(b)
			for i := range b.Datagrams {
				d := &b.Datagrams[i]
				switch ends[key(d.Data)] {
				case dropped:
					d.DropFor(dgram.ReasonLoss)
				case ignored:
					d.Fate = dgram.Ignored
				case held:
					d.Fate = dgram.Pending
					for j := range d.Count() {
						one := d.At(j)
						l := later.Add(one.Peer, one.Data)
						l.ID, l.Local, l.Deferred = one.ID, one.Local, true
						want++
					}
				}
			}
			_ = conn.Send(b)
		}
		_ = conn.Send(later)
		if err := r.Close(); err != nil {
			rt.Fatal(err)
		}
		all, _, drops := read(t, file.Bytes())
		if len(all) != want || drops != 0 {
			rt.Fatalf("%d packets, want %d; %d drops", len(all), want, drops)
		}
		for i := range all {
			checkOne(rt, all, i, ends[all[i].payload])
		}
	})
}

func key(data []byte) string { return string(data[:min(len(data), 8)]) }

// checkOne holds a packet's comment against what became of it, and the packet that it names against it.
func checkOne(rt *rapid.T, all []packet, i, end int) {
	p := all[i]
	m := about.FindStringSubmatch(p.comment)
	if m != nil {
		n, err := strconv.Atoi(m[2])
		if err != nil || n < 1 || n > len(all) || all[n-1].payload != p.payload || all[n-1].outgoing == p.outgoing {
			rt.Fatalf("No. %d %+v names another", i+1, p)
		}
		if back := about.FindStringSubmatch(all[n-1].comment); back != nil && back[2] != strconv.Itoa(i+1) {
			rt.Fatalf("No. %d %+v is not what No. %d %+v names", i+1, p, n, all[n-1])
		}
	}
	begins := map[int]string{answered: "answered by", dropped: "dropped: loss", ignored: "ignored", failed: "failed", held: "pending"}[end]
	if p.outgoing {
		begins = "reply to"
	}
	if !strings.HasPrefix(p.comment, begins) {
		rt.Fatalf("No. %d %+v: its end is %q", i+1, p, begins)
	}
}
