package pair

import (
	"encoding/binary"
	"testing"

	"dgram/wire"
	"dgram/wire/app"
)

// A flood is traffic that somebody could send to make a tracker slow: n requests of one flow with no reply, or with one that comes
// outstanding requests later.
type flood struct {
	name        string
	port        string
	payload     string
	outstanding int
	change      func(request, reply []byte, no uint64) // makes each another one
}

const question = "\x1a\x2b\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"

var long = string(make([]byte, 1000))

func floods() []flood {
	numbered := func(at int) func(request, reply []byte, no uint64) {
		return func(request, reply []byte, no uint64) {
			binary.BigEndian.PutUint64(request[at:], no)
			binary.BigEndian.PutUint64(reply[at:], no)
		}
	}
	return []flood{
		{name: "usual", port: "12345", payload: "hello", outstanding: 1},
		{name: "identical/unanswered", port: "12345", payload: "hello"},
		{name: "identical/answered", port: "12345", payload: "hello", outstanding: 10_000},
		{name: "identity/unanswered", port: "53", payload: question},
		{name: "identity/answered", port: "53", payload: question, outstanding: 10_000},
		{name: "different/answered", port: "12345", payload: "hello 12345678", outstanding: 10_000, change: numbered(6)},
		{name: "differentInTheMiddle/unanswered", port: "12345", payload: long, change: numbered(500)},
		{name: "differentInTheMiddle/answered", port: "12345", payload: long, outstanding: 10_000, change: numbered(500)},
		{name: "case/unanswered", port: "12345", payload: "abcdefghijkl", change: func(request, _ []byte, no uint64) {
			for i := range request {
				request[i] = request[i]&^0x20 | byte(no>>i&1)<<5
			}
		}},
	}
}

// BenchmarkFlood is what each packet costs whose like has come ten thousand times and more. None may cost much more than usual.
func BenchmarkFlood(b *testing.B) {
	for _, c := range floods() {
		b.Run(c.name, func(b *testing.B) {
			tracker := New(Config{})
			for no := range uint64(50_000) { // as many as a tracker holds are on their way when it counts
				c.packets(tracker, no)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n++ {
				c.packets(tracker, 50_000+uint64(n))
			}
			b.StopTimer()
			packets := 1
			if c.outstanding > 0 {
				packets = 2
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(packets), "ns/packet")
		})
	}
}

var floodPackets = map[string]*[2]*wire.Packet{}

// packets gives a tracker one request, and one reply to another.
func (c *flood) packets(t *Tracker, no uint64) {
	pair := floodPackets[c.name]
	if pair == nil {
		reply := c.payload
		if c.port == "53" {
			reply = reply[:2] + "\x81\x80" + reply[4:]
		}
		pair = &[2]*wire.Packet{udp("192.0.2.1:40000", "198.51.100.1:"+c.port, c.payload), udp("198.51.100.1:"+c.port, "192.0.2.1:40000", reply)}
		floodPackets[c.name] = pair
	}
	var m app.Message
	for i, p := range pair {
		of := no
		if i == 1 {
			if c.outstanding == 0 {
				return
			}
			if of = no + 1 - uint64(c.outstanding); no+1 < uint64(c.outstanding) {
				return
			}
		}
		if c.change != nil {
			c.change(p.Payload, p.Payload, of)
		}
		p.No, p.Time = 2*no+uint64(i)+1, base+int64(2*no)*1000+int64(i)
		app.Read(p, &m)
		t.Add(p, &m)
	}
}
