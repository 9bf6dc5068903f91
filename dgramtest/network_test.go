package dgramtest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dgram"
	"dgram/dgramtest"
)

func TestMemory(t *testing.T) {
	n := dgramtest.NewNetwork()
	dgramtest.TestConn(t, dgramtest.Factory{Network: dgram.Memory, Listen: n.ListenEndpoint, Dial: n.DialEndpoint})
}

func open(t *testing.T, conn dgram.Conn, err error) dgram.Conn {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// pair returns two sockets of a network with that rule.
func pair(t *testing.T, settings ...dgramtest.Setting) (server, client dgram.Conn) {
	t.Helper()
	n := dgramtest.NewNetwork(settings...)
	conn, err := n.Listen("192.0.2.1:53")
	server = open(t, conn, err)
	conn, err = n.Dial("192.0.2.1:53")
	return server, open(t, conn, err)
}

func send(t *testing.T, c dgram.Conn, payloads ...string) []dgram.Datagram {
	t.Helper()
	b := c.NewBatch(len(payloads))
	for _, p := range payloads {
		b.Add(dgram.Endpoint{}, []byte(p))
	}
	if err := c.Send(b); err != nil {
		t.Fatal(err)
	}
	return b.Datagrams
}

// drain describes what arrives at c until nothing has for an hour of the bubble's clock.
func drain(t *testing.T, c dgram.Conn) string {
	t.Helper()
	var got []string
	b := c.NewBatch(4)
	for {
		if err := c.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := c.Recv(b); err != nil {
			return strings.Join(got, " ")
		}
		for _, d := range b.Datagrams {
			if d.Notice() {
				got = append(got, d.Fate.String())
			} else {
				got = append(got, string(d.Data))
			}
		}
	}
}

func TestRules(t *testing.T) {
	stranger := dgramtest.Endpoint("198.51.100.7:9")
	for _, c := range []struct {
		name    string
		verdict func(dgramtest.Packet) dgramtest.Verdict
		got     string // by the server
		back    string // by the client
	}{
		{"pass", nil, "0 1 2 3", ""},
		{"drop the second", at(1, dgramtest.Verdict{Drop: true}), "0 2 3", ""},
		{"copies", at(2, dgramtest.Verdict{Copies: 2}), "0 1 2 2 2 3", ""},
		{"behind", at(1, dgramtest.Verdict{Behind: true}), "0 2 1 3", ""},
		{"behind one that is lost", func(p dgramtest.Packet) dgramtest.Verdict {
			return dgramtest.Verdict{Behind: p.Index == 1, Drop: p.Index == 2}
		}, "0 1 3", ""},
		{"delay", at(0, dgramtest.Verdict{Delay: time.Second}), "1 2 3 0", ""},
		{"the same delay", func(dgramtest.Packet) dgramtest.Verdict { return dgramtest.Verdict{Delay: time.Second} }, "0 1 2 3", ""},
		{"delay and behind", func(p dgramtest.Packet) dgramtest.Verdict {
			return dgramtest.Verdict{Delay: time.Second, Behind: p.Index == 0}
		}, "1 0 2 3", ""},
		{"other bytes", at(3, dgramtest.Verdict{Data: []byte("x")}), "0 1 2 x", ""},
		{"refuse", at(0, dgramtest.Verdict{Refuse: true}), "1 2 3", "refused"},
		{"fail", at(0, dgramtest.Verdict{Err: syscall.ENOBUFS}), "1 2 3", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := pair(t, dgramtest.Links(c.verdict))
				sent := send(t, client, "0", "1", "2", "3")
				if got := drain(t, server); got != c.got {
					t.Errorf("the server got %q, not %q", got, c.got)
				}
				if got := drain(t, client); got != c.back {
					t.Errorf("the client got %q, not %q", got, c.back)
				}
				if c.name == "fail" && (sent[0].Fate != dgram.Failed || sent[0].Err != syscall.ENOBUFS) {
					t.Errorf("the first is %v %v", sent[0].Fate, sent[0].Err)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		server, client := pair(t, dgramtest.Links(at(0, dgramtest.Verdict{From: stranger})))
		send(t, client, "x")
		b := server.NewBatch(1)
		if err := server.Recv(b); err != nil || b.Datagrams[0].Peer != stranger {
			t.Errorf("%v, from %v", err, b.Datagrams[0].Peer)
		}
	})
}

// at is a rule for one datagram of each flow.
func at(index uint64, v dgramtest.Verdict) func(dgramtest.Packet) dgramtest.Verdict {
	return func(p dgramtest.Packet) dgramtest.Verdict {
		if p.Index == index {
			return v
		}
		return dgramtest.Verdict{}
	}
}

// TestLink runs the same link twice: the same seed gives the same losses, another seed others, and the chances are near what was asked.
func TestLink(t *testing.T) {
	run := func(seed uint64) (got string, lost, twice int) {
		synctest.Test(t, func(t *testing.T) {
			l := dgramtest.Link{Seed: seed, Loss: 0.2, Duplicate: 0.1, Reorder: 0.1, Delay: time.Second, Jitter: 100 * time.Millisecond}
			server, client := pair(t, dgramtest.Links(l.Rule()))
			start := time.Now()
			for i := range 1000 {
				send(t, client, fmt.Sprint(i))
			}
			counts := map[string]int{}
			b := server.NewBatch(1)
			for first := true; server.SetReadDeadline(time.Now().Add(time.Hour)) == nil && server.Recv(b) == nil; first = false {
				if late := time.Since(start); first && late < time.Second {
					t.Errorf("a datagram arrived after %v", late)
				}
				got += string(b.Datagrams[0].Data) + " "
				counts[string(b.Datagrams[0].Data)]++
			}
			lost = 1000 - len(counts)
			for _, n := range counts {
				twice += n - 1
			}
		})
		return got, lost, twice
	}
	got, lost, twice := run(1)
	if again, _, _ := run(1); again != got {
		t.Error("the same seed gave other losses")
	}
	if other, _, _ := run(2); other == got {
		t.Error("another seed gave the same losses")
	}
	if lost < 150 || lost > 250 || twice < 50 || twice > 120 {
		t.Errorf("of 1000, %d lost and %d doubled", lost, twice)
	}
}

func TestQueueBound(t *testing.T) {
	server, client := pair(t, dgramtest.Queue(3))
	for _, d := range send(t, client, "a", "b", "c", "d", "e") {
		if d.Fate != dgram.Pending {
			t.Errorf("%s: %v", d.Data, d.Fate)
		}
	}
	if d := server.Drops(); d != (dgram.Drops{Count: 2, Known: true}) {
		t.Errorf("drops: %+v", d)
	}
}

func TestMaxPayload(t *testing.T) {
	_, client := pair(t, dgramtest.MaxPayload(10))
	sent := send(t, client, "0123456789", "0123456789a")
	if sent[0].Fate != dgram.Pending || sent[1].Err != syscall.EMSGSIZE {
		t.Errorf("10 bytes: %v; 11 bytes: %v %v", sent[0].Fate, sent[1].Fate, sent[1].Err)
	}
}

func TestGroups(t *testing.T) {
	n := dgramtest.NewNetwork()
	group, err := dgram.ParseAddress("239.1.2.3", "")
	if err != nil {
		t.Fatal(err)
	}
	var members []dgram.Conn
	for _, join := range [][]dgram.Address{{group}, {group}, nil} {
		c, err := n.ListenEndpoint(dgramtest.Endpoint("0.0.0.0:53"), dgram.Options{ReusePort: true, Join: join})
		members = append(members, open(t, c, err))
	}
	c, err := n.ListenEndpoint(dgramtest.Endpoint("192.0.2.9:1000"), dgram.Options{Broadcast: true})
	sender := open(t, c, err)
	b := sender.NewBatch(2)
	b.Add(dgramtest.Endpoint("239.1.2.3:53"), []byte("group"))
	b.Add(dgramtest.Endpoint("255.255.255.255:53"), []byte("all"))
	if err := sender.Send(b); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"group all", "group all", "all"} {
		b := members[i].NewBatch(4)
		if err := members[i].Recv(b); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range b.Datagrams {
			got = append(got, string(d.Data))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("member %d got %q", i, got)
		}
		if err := members[i].Send(b); err != nil || b.Datagrams[0].Fate != dgram.Answered {
			t.Errorf("member %d could not answer: %v %v", i, err, b.Datagrams[0].Err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	n := dgramtest.NewNetwork()
	for _, c := range []struct {
		address string
		options dgram.Options
		want    error
	}{
		{"unixgram:/x", dgram.Options{}, nil},
		{"192.0.2.1:53", dgram.Options{Interface: "eth0"}, dgram.ErrUnsupported},
		{"192.0.2.1:53", dgram.Options{Join: []dgram.Address{{Network: dgram.UDP, Host: "192.0.2.2"}}}, nil},
	} {
		_, err := n.ListenEndpoint(dgram.MustParseEndpoint(c.address), c.options)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s with %+v: %v", c.address, c.options, err)
		}
	}
	if _, err := n.Listen("example.org:1"); !errors.Is(err, dgram.ErrAddress) {
		t.Errorf("a name: %v", err)
	}
}

func TestNewServer(t *testing.T) {
	at := dgramtest.NewServer(t, func(request []byte) []byte {
		if string(request) == "quiet" {
			return nil
		}
		slices.Reverse(request)
		return request
	})
	c, err := dgram.DialEndpoint(at, dgram.Options{})
	client := open(t, c, err)
	send(t, client, "quiet", "abc")
	b := client.NewBatch(1)
	if err := client.Recv(b); err != nil || string(b.Datagrams[0].Data) != "cba" {
		t.Errorf("%v, %q", err, b.Datagrams[0].Data)
	}
}
