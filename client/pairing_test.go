package client_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dgram"
	"dgram/client"
	"dgram/dgramtest"
)

// dropFirst loses the first request.
var dropFirst = toServer(func(p dgramtest.Packet) dgramtest.Verdict {
	return dgramtest.Verdict{Drop: p.Index == 0}
})

func reverse(p []byte) []byte {
	q := bytes.Clone(p)
	for i := range q {
		q[i] = p[len(p)-1-i]
	}
	return q
}

func TestPairing(t *testing.T) {
	for _, test := range []struct {
		name     string
		match    client.Match
		server   func([]byte) []byte
		requests string // one after the other, all outstanding at once; the first request is lost once
		want     string // reply and pairing of each
		strays   int
	}{
		{"content finds its exchange", client.Match{}, upper, "one two", "ONE/only TWO/content", 0},
		{"the same twice", client.Match{}, upper, "a a", "A/order A/only", 0},
		{"order where content says nothing, and goes wrong after a loss", client.Match{}, reverse, "abc xyz", "zyx/order zyx/only", 0},
		{"order alone", client.MatchOrder, upper, "one two", "TWO/order TWO/only", 0},
		{"fold takes nothing else", client.MatchFold, reverse, "abc", "-", 3 - 1},
		{"echo", client.MatchEcho, bytes.Clone, "one two", "one/only two/content", 0},
		{"upper", client.MatchUpper, upper, "one two", "ONE/only TWO/content", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, dropFirst, client.Options{Window: 4, Match: test.match})
				l.serve(serverAddress, test.server)
				var exchanges []*client.Exchange
				for _, r := range strings.Fields(test.requests) {
					exchanges = append(exchanges, l.start(r))
					synctest.Wait()
				}
				var got []string
				for _, e := range exchanges {
					<-e.Done()
					if r := e.Reply(); r != nil {
						got = append(got, fmt.Sprintf("%s/%v", r.Data, r.Pairing))
					} else {
						got = append(got, "-")
					}
				}
				if s := strings.Join(got, " "); s != test.want {
					t.Errorf("got %s, want %s", s, test.want)
				}
				if n := l.fates()[dgram.Stray]; n != test.strays {
					t.Errorf("%d strays, want %d", n, test.strays)
				}
				if err := l.client.Summary().Balance(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A late reply is known by its content, so that the next exchange is not given it.
func TestLateReplyIsNotTheNextOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := toServer(func(p dgramtest.Packet) dgramtest.Verdict {
			if string(p.Data) == "slow" {
				return dgramtest.Verdict{Delay: 1500 * time.Millisecond}
			}
			return dgramtest.Verdict{Delay: 800 * time.Millisecond}
		})
		l := newLab(t, slow, client.Options{Tries: 1})
		l.serve(serverAddress, upper)
		l.verdict(l.do("slow"), client.Silent)
		if r := l.reply(l.do("next"), "NEXT"); r.Ambiguous {
			t.Errorf("reply: %+v", r)
		}
		l.balance(counts{attempts: 2, answered: 1, silent: 1, matched: 1, late: 1})
	})
}

// Where only order is left, what may be a guess is said to be one.
func TestOrderSaysThatItGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := toServer(func(p dgramtest.Packet) dgramtest.Verdict {
			return dgramtest.Verdict{Drop: p.Index == 0}
		})
		l := newLab(t, slow, client.Options{Tries: 1, Match: client.MatchOrder})
		l.serve(serverAddress, upper)
		l.verdict(l.do("lost"), client.Silent)
		if r := l.reply(l.do("next"), "NEXT"); !r.Ambiguous || r.Pairing != client.PairedOrder {
			t.Errorf("reply: %+v", r)
		}
		time.Sleep(3 * time.Minute) // what is so old is gone
		if r := l.reply(l.do("much later"), "MUCH LATER"); r.Ambiguous || r.Pairing != client.PairedOnly {
			t.Errorf("reply: %+v", r)
		}
	})
}

// A server that says the same to everybody must not look like a network that makes copies.
func TestSameReplyToEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil, client.Options{})
		l.serve(serverAddress, func([]byte) []byte { return []byte("OK") })
		l.reply(l.do("ok"), "OK")
		l.reply(l.do("something else"), "OK")
		l.reply(l.do("and again"), "OK")
	})
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, nil, client.Options{Remember: 2, Match: client.MatchFold})
		l.serve(serverAddress, upper)
		for _, p := range []string{"a", "b", "c"} {
			l.reply(l.do(p), strings.ToUpper(p))
		}
		late, err := l.net.Listen("192.0.2.9:1")
		if err != nil {
			t.Fatal(err)
		}
		defer late.Close()
		l.net.SetRule(func(dgramtest.Packet) dgramtest.Verdict {
			return dgramtest.Verdict{From: dgramtest.Endpoint(serverAddress)}
		})
		b := late.NewBatch(3)
		for _, p := range []string{"A", "B", "C"} {
			b.Add(l.client.Local(), []byte(p))
		}
		if err := late.Send(b); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		l.balance(counts{attempts: 3, answered: 3, matched: 3, duplicate: 2, stray: 1}) // A is forgotten
	})
}

// FuzzMatch holds the quick comparisons to slow ones.
func FuzzMatch(f *testing.F) {
	f.Add([]byte("Hello, ÄÖ"), []byte("HELLO, ÄÖ"))
	f.Add([]byte("\xff@[`{"), []byte("\xff@[`{"))
	f.Add([]byte("K"), []byte("K"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		slow := func(p []byte) string {
			var s strings.Builder
			for _, c := range p {
				if strings.IndexByte("abcdefghijklmnopqrstuvwxyz", c) >= 0 {
					c -= 32
				}
				s.WriteByte(c)
			}
			return s.String()
		}
		if got, want := client.MatchFold.Accept(a, b), slow(a) == slow(b); got != want {
			t.Errorf("MatchFold(%q, %q) = %v", a, b, got)
		}
		if got, want := client.MatchUpper.Accept(a, b), slow(a) == string(b); got != want {
			t.Errorf("MatchUpper(%q, %q) = %v", a, b, got)
		}
		if !client.MatchUpper.Accept(a, []byte(slow(a))) || !client.MatchFold.Accept(a, []byte(slow(a))) {
			t.Errorf("%q: its upper case is refused", a)
		}
	})
}
