package client_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dgram"
	"dgram/client"
	"dgram/dgramtest"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestLossyNetwork holds a reviewed table of what becomes of 200 exchanges on networks that lose, copy and delay.
func TestLossyNetwork(t *testing.T) {
	var table strings.Builder
	fmt.Fprintln(&table, "loss  copies  delay        socket  window | answered silent attempts superseded late duplicate wrong ambiguous  time")
	for _, link := range []dgramtest.Link{
		{}, {Loss: 0.01}, {Loss: 0.1}, {Loss: 0.3}, {Loss: 0.5}, {Duplicate: 0.2},
		{Delay: 20 * time.Millisecond, Jitter: 20 * time.Millisecond}, {Loss: 0.1, Duplicate: 0.1, Delay: 400 * time.Millisecond, Jitter: 400 * time.Millisecond},
	} {
		for _, fresh := range []bool{false, true} {
			for _, window := range []int{1, 8} {
				link.Seed = 7
				row(t, &table, link, fresh, window)
			}
		}
	}
	golden(t, "testdata/lossy.golden", table.String())
}

func row(t *testing.T, table *strings.Builder, link dgramtest.Link, fresh bool, window int) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, link.Rule(), client.Options{FreshSocket: fresh, Window: window, Linger: 5 * time.Second, Remember: 200})
		l.serve(serverAddress, upper)
		begin := time.Now()
		var exchanges []*client.Exchange
		for i := range 200 {
			exchanges = append(exchanges, l.start(fmt.Sprintf("request %d", i)))
			synctest.Wait()
		}
		if err := l.client.Finish(context.Background()); err != nil {
			t.Error(err)
		}
		wrong, ambiguous := 0, 0
		for _, e := range exchanges {
			if problem := check(e); problem != "" {
				t.Errorf("%s: %s", e.Request, problem)
			}
			if r := e.Reply(); r != nil {
				wrong += one(string(r.Data) != strings.ToUpper(string(e.Request)))
				ambiguous += one(r.Ambiguous)
			}
		}
		s := l.client.Summary()
		if err := s.Balance(); err != nil {
			t.Error(err)
		}
		verdicts := tally(exchanges)
		fmt.Fprintf(table, "%4.0f%%  %5.0f%%  %-11s  %-6s  %6d | %8d %6d %8d %10d %4d %9d %5d %9d  %s\n",
			link.Loss*100, link.Duplicate*100, fmt.Sprintf("%v+%v", link.Delay, link.Jitter), map[bool]string{true: "fresh", false: "same"}[fresh], window,
			verdicts[client.Answered], verdicts[client.Silent], s.Attempts, s.Superseded, s.Late, s.Duplicate, wrong, ambiguous,
			time.Since(begin).Round(10*time.Millisecond))
	})
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func tally(exchanges []*client.Exchange) map[client.Verdict]int {
	m := map[client.Verdict]int{}
	for _, e := range exchanges {
		m[e.Verdict]++
	}
	return m
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what came out (run with -update after review):\n%s", file, got)
	}
}

// TestAnyNetwork holds on every network: each exchange ends in one verdict, no datagram is delivered twice, the books balance, and with
// matching by content no reply is given to the wrong exchange.
func TestAnyNetwork(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		seed := rapid.Uint64().Draw(r, "seed")
		o := client.Options{
			Seed:         seed | 1,
			Tries:        rapid.IntRange(1, 4).Draw(r, "tries"),
			Window:       rapid.IntRange(1, 5).Draw(r, "window"),
			FreshSocket:  rapid.Bool().Draw(r, "fresh"),
			RetryRefused: rapid.Bool().Draw(r, "retry refused"),
			AnyPeer:      rapid.Bool().Draw(r, "any peer"),
			Linger:       time.Duration(rapid.IntRange(0, 4).Draw(r, "linger")) * time.Second,
			Remember:     rapid.IntRange(1, 20).Draw(r, "remember"),
			Match:        rapid.SampledFrom([]client.Match{client.MatchAuto, client.MatchOrder, client.MatchFold}).Draw(r, "match"),
		}
		if rapid.Bool().Draw(r, "collects") {
			o.Collect = 1500 * time.Millisecond
		}
		run := anyRun{options: o, seed: seed, requests: rapid.IntRange(1, 20).Draw(r, "requests"),
			close: rapid.IntRange(0, 3).Draw(r, "end") == 0, addresses: rapid.IntRange(1, 3).Draw(r, "addresses")}
		rapid.SyncTest(r, run.check)
	})
}

type anyRun struct {
	options             client.Options
	seed                uint64
	requests, addresses int
	close               bool
}

func (run anyRun) check(t *rapid.T) {
	n := dgramtest.NewNetwork(dgramtest.Links(chaos(run.seed)))
	o := run.options
	o.Open = func(peer dgram.Endpoint) (dgram.Conn, error) { return n.DialEndpoint(peer, dgram.Options{}) }
	var peers []dgram.Endpoint
	chance := rand.New(rand.NewPCG(run.seed, 1))
	for i := range run.addresses {
		peers = append(peers, dgramtest.Endpoint(fmt.Sprintf("192.0.2.%d:7", i+1)))
		if chance.IntN(4) == 0 {
			continue // nobody listens there
		}
		defer serveUpper(n, peers[i].String())()
	}
	c, err := client.Open(o, peers...)
	if err != nil {
		t.Fatal(err)
	}
	exchanges := make([]*client.Exchange, run.requests)
	for i := range exchanges {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		exchanges[i] = c.Start(ctx, fmt.Appendf(nil, "request %d", i))
		switch chance.IntN(6) {
		case 0:
			time.AfterFunc(time.Duration(chance.Int64N(int64(3*time.Second))), cancel)
		case 1:
			time.Sleep(time.Duration(chance.Int64N(int64(time.Second))))
		}
	}
	if run.close {
		time.Sleep(time.Duration(chance.Int64N(int64(2 * time.Second))))
		c.Close()
	} else if err := c.Finish(context.Background()); err != nil {
		t.Error(err)
	}
	run.judge(t, c, exchanges)
}

func (run anyRun) judge(t *rapid.T, c *client.Client, exchanges []*client.Exchange) {
	seen := map[uint64]bool{}
	for _, e := range exchanges {
		<-e.Done()
		if problem := check(e); problem != "" {
			t.Errorf("%s: %s: %v %+v", e.Request, problem, e.Verdict, e.Attempts)
		}
		for _, r := range slices.Concat(e.Replies, e.Strangers) {
			if seen[r.ID] {
				t.Errorf("datagram %d was given out twice", r.ID)
			}
			seen[r.ID] = true
		}
		for _, r := range e.Replies {
			right := string(r.Data) == strings.ToUpper(string(e.Request))
			if !right && run.options.Match.Accept != nil && !run.options.Match.Order {
				t.Errorf("%s was given the reply %q", e.Request, r.Data)
			}
		}
	}
	s := c.Summary()
	if err := s.Balance(); err != nil {
		t.Errorf("%v\n%s", err, s)
	}
	if s.Pending != 0 {
		t.Errorf("%d attempts are still in flight", s.Pending)
	}
}

// chaos is a rule that loses, copies, delays, refuses, forges and fails, as the seed has it.
func chaos(seed uint64) func(dgramtest.Packet) dgramtest.Verdict {
	chance := rand.New(rand.NewPCG(seed, 2))
	stranger := dgramtest.Endpoint("198.51.100.1:1")
	return func(dgramtest.Packet) dgramtest.Verdict {
		var v dgramtest.Verdict
		switch chance.IntN(12) {
		case 0, 1:
			v.Drop = true
		case 2:
			v.Refuse = true
		case 3:
			v.From = stranger
		case 4:
			v.Err = syscall.ENOBUFS
		case 5:
			v.Behind = true
		case 6, 7:
			v.Copies = 1 + chance.IntN(2)
		}
		if chance.IntN(2) == 0 {
			v.Delay = time.Duration(chance.Int64N(int64(4 * time.Second)))
		}
		return v
	}
}
