package pair

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"dgram/wire"
	"dgram/wire/app"
)

// decodePacket makes a packet of three bytes: which flow, which way, what it says, and how long after the one before.
// Flows 0 and 1 speak text, 2 and 3 DNS.
func decodePacket(b [3]byte) (p *wire.Packet, after time.Duration) {
	flow, back, what := b[0]&3, b[0]&4 != 0, b[1]&7
	client, server := fmt.Sprintf("192.0.2.%d:40000", flow), fmt.Sprintf("198.51.100.%d:12345", flow)
	payload := string('a'+rune(what)) + "bc"
	if back {
		payload = string('A'+rune(what)) + "BC"
	}
	if b[1]&0x10 != 0 {
		payload = "same"
	}
	if flow >= 2 {
		server = fmt.Sprintf("198.51.100.%d:53", flow)
		payload = "\x1a" + string('a'+rune(what)) + query[2:]
		if back {
			payload = "\x1a" + string('a'+rune(what)) + reply[2:]
			if b[1]&0x10 != 0 {
				payload = "\x1a" + string('a'+rune(what)) + "\x81\x82" + reply[4:]
			}
		}
	}
	if back {
		client, server = server, client
	}
	// From microseconds to seconds.
	return udp(client, server, payload), time.Duration(1+b[2]&0xf) * []time.Duration{time.Microsecond, 100 * time.Microsecond, 10 * ms, 700 * ms}[b[2]>>4&3]
}

// FuzzBesidePlain holds the tracker beside the plain one: each note, each request that settles, and the balance.
func FuzzBesidePlain(f *testing.F) {
	f.Add([]byte("\x00\x01\x01\x04\x01\x11\x00\x01\x01\x00\x01\x3f\x00\x01\x3f\x04\x01\x11\x04\x01\x11"))
	f.Add([]byte("\x02\x01\x01\x06\x01\x11\x02\x01\x01\x02\x02\x01\x06\x02\x01\x06\x02\x11\x06\x12\x11\x02\x02\x11"))
	f.Fuzz(func(t *testing.T, data []byte) { besidePlain(t, data) })
}

// The same, with conversations that nobody chose.
func TestBesidePlain(t *testing.T) {
	var roles [numRoles]uint64
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 5))
		data := make([]byte, 3*400)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		// Some runs stay in few flows, with few payloads, or go slowly: each brings other cases about.
		masks := [3]byte{byte(7 >> random.IntN(2) & ^(random.IntN(2) * 2)), byte(0x17 >> random.IntN(3)), byte(0x1f | random.IntN(2)*0x20)}
		for i := range data {
			data[i] &= masks[i%3]
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			for role, n := range besidePlain(t, data).counts.roles {
				roles[role] += n
			}
		})
	}
	for _, role := range []Role{Request, Retry, Reply, Further, Duplicate, Late, Unasked, OneWay} {
		if roles[role] < 100 {
			t.Errorf("%d packets were %v: the conversations do not show that it is right", roles[role], role)
		}
	}
}

func besidePlain(t *testing.T, data []byte) *Tracker {
	t.Helper()
	var settled []Settled
	config := Config{Timeout: 5 * time.Second, Idle: 100 * time.Hour}
	slow := newPlain(config)
	config.OnSettled = func(s Settled) { settled = append(settled, s) }
	fast := New(config)
	slow.hash = func(p *wire.Packet) uint16 {
		s := sight{p: p, m: new(app.Message)}
		fast.identify(&s)
		return uint16(s.payload)
	}
	now := base
	for no := uint64(1); len(data) >= 3 && no < 400; no++ {
		p, after := decodePacket([3]byte(data))
		data = data[3:]
		now += int64(after)
		p.No, p.Time = no, now
		var m app.Message
		app.Read(p, &m)
		got, want := fast.Add(p, &m), slow.add(p, &m)
		if got != want {
			t.Fatalf("No. %d %v → %v %q:\ngot  %+v\nwant %+v", no, p.Src, p.Dst, p.Payload, got, want)
		}
		byNumber := func(a, b Settled) int { return cmp.Compare(a.No, b.No) }
		slices.SortFunc(settled, byNumber)
		slices.SortFunc(slow.settled, byNumber)
		if !slices.Equal(settled, slow.settled) {
			t.Fatalf("No. %d settles\n%+v, not\n%+v", no, settled, slow.settled)
		}
		settled, slow.settled = settled[:0], slow.settled[:0]
	}
	balances(t, fast.Summary())
	return fast
}

// balances checks what the comment of Summary promises.
func balances(t *testing.T, s Summary) {
	t.Helper()
	if s.Requests+s.Retries != s.Answered+s.Superseded+s.Refused+s.Unreachable+s.Silent+s.NoReply+s.Forgotten+s.Pending {
		t.Fatalf("the account does not balance: %+v", s)
	}
}

// FuzzAdd gives a small tracker whatever Decode makes of any bytes, with any times.
func FuzzAdd(f *testing.F) {
	ip := []byte("\x45\x00\x00\x21\x00\x00\x00\x00\x40\x11\x00\x00\xc0\x00\x02\x01\xc0\x00\x02\x02\x9c\x40\x30\x39\x00\x0d\x00\x00hello")
	icmp := append([]byte("\x45\x00\x00\x3d\x00\x00\x00\x00\x40\x01\x00\x00\xc0\x00\x02\x02\xc0\x00\x02\x01\x03\x03\x00\x00\x00\x00\x00\x00"), ip...)
	f.Add(append(append([]byte{33}, ip...), append([]byte{61}, icmp...)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		tracker := New(Config{MaxFlows: 3})
		settled := map[uint64]bool{}
		tracker.config.OnSettled = func(s Settled) {
			if settled[s.No] {
				t.Fatalf("No. %d settles twice", s.No)
			}
			settled[s.No] = true
		}
		var p wire.Packet
		var m app.Message
		now := base
		for no := uint64(1); len(data) > 1; no++ {
			n := min(int(data[0]), len(data)-1)
			frame := wire.Frame{Data: data[1 : 1+n], Length: n, Link: wire.LinkRaw, Time: now}
			now += int64(data[0]) * int64(ms) * int64(n%7-1)
			data = data[1+n:]
			wire.Decode(&frame, &p)
			p.No = no
			app.Read(&p, &m)
			if note := tracker.Add(&p, &m); note.Re > no || note.RTT < 0 || note.Role >= numRoles {
				t.Fatalf("No. %d: %+v", no, note)
			}
		}
		balances(t, tracker.Summary())
		tracker.Tick(now + int64(time.Hour))
		s := tracker.Summary()
		balances(t, s)
		if s.Pending != 0 || tracker.waiting.oldest != 0 {
			t.Fatalf("after an hour something still waits: %+v", s)
		}
		empties(t, tracker)
	})
}

// empties removes all flows, and looks that nothing is left behind anywhere.
func empties(t *testing.T, tracker *Tracker) {
	t.Helper()
	for number := uint32(1); number <= tracker.flows.next; number++ {
		if tracker.flows.at(number).marks&used != 0 {
			tracker.remove(number)
		}
	}
	left := []int{tracker.flows.taken(), tracker.requests.taken(), tracker.flowTable.used, tracker.index.used, tracker.clients.used}
	if !reflect.DeepEqual(left, make([]int, len(left))) {
		t.Fatalf("left: %v", left)
	}
	for _, table := range []*table{&tracker.flowTable, &tracker.index, &tracker.clients} {
		for _, v := range table.places {
			if v != 0 {
				t.Fatal("a place is still taken")
			}
		}
	}
}
