package server

import (
	"bytes"
	"net"
	"strconv"
	"testing"

	"dgram"
)

// The way of a datagram through a running server allocates nothing, with the account on it.
func TestServingAllocatesNothing(t *testing.T) {
	for _, address := range []string{"udp4://127.0.0.1:0", "udp6://[::1]:0", "*:0"} {
		s := start(t, Config{Address: address})
		c := dial(t, asked(s.Endpoint()))
		p := []byte("hello")
		buf := make([]byte, 64)
		exchange := func() {
			if _, err := c.Write(p); err != nil {
				t.Fatal(err)
			}
			if n, err := c.Read(buf); err != nil || n != 5 {
				t.Fatal(n, err)
			}
		}
		for range 100 {
			exchange()
		}
		if n := testing.AllocsPerRun(1000, exchange); n != 0 {
			t.Errorf("%s: %v allocations a datagram", address, n)
		}
	}
}

// asked is where a client reaches a server that listens everywhere.
func asked(e dgram.Endpoint) dgram.Endpoint {
	if !e.Addr().IsUnspecified() {
		return e
	}
	return dgram.MustParseEndpoint("127.0.0.1:" + strconv.Itoa(int(e.Port())))
}

// BenchmarkServe keeps a window of datagrams on their way to a server on the loopback and back: client and server share the processors.
func BenchmarkServe(b *testing.B) {
	for _, shards := range []int{1, 2} {
		for _, size := range []int{32, 1200} {
			b.Run("shards="+strconv.Itoa(shards)+"/bytes="+strconv.Itoa(size), func(b *testing.B) {
				s := start(b, Config{Shards: shards})
				window(b, s.Endpoint(), bytes.Repeat([]byte("a"), size))
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "datagrams/s")
			})
		}
	}
}

const inFlight = 64

func window(b *testing.B, e dgram.Endpoint, p []byte) {
	c, err := dgram.DialEndpoint(e, dgram.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	out, in := c.NewBatch(inFlight), c.NewBatch(inFlight)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		out.Reset()
		n := min(inFlight, b.N-done)
		for range n {
			out.Add(e, p)
		}
		if err := c.Send(out); err != nil {
			b.Fatal(err)
		}
		for n > 0 {
			if err := c.Recv(in); err != nil {
				b.Fatal(err)
			}
			n -= len(in.Datagrams)
			done += len(in.Datagrams)
		}
	}
}

// BenchmarkOneAtATime is the round trip of one datagram.
func BenchmarkOneAtATime(b *testing.B) {
	s := start(b, Config{})
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.Endpoint().AddrPort()))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	p := []byte("hello")
	buf := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(p); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}
