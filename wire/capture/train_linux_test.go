package capture

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"dgram/internal/testnet"
	"dgram/sock"
	"dgram/wire"
	"dgram/wire/filter"
)

// reach returns once datagrams to an address leave at once: the neighbour is found then.
func reach(t testing.TB, n *testnet.NS, to string) {
	t.Helper()
	l := openIn(t, n, Config{})
	sender(t, n, strings.TrimSuffix(to, ":9")+":10")([]byte("is anybody there"))
	awaitFrame(t, l, "is anybody there")
	_ = l.Close()
}

// randomTrain is some payloads that a train can carry.
func randomTrain(r *rand.Rand) [][]byte {
	count, size := 2+r.IntN(40), 1+r.IntN(1400)
	count = min(count, 60_000/size)
	all := make([][]byte, count)
	for i := range all {
		if i == count-1 {
			size = 1 + r.IntN(size)
		}
		all[i] = make([]byte, size)
		for j := range all[i] {
			all[i][j] = byte(r.Uint32())
		}
	}
	return all
}

// Each datagram of a train is a frame of its own, with its payload and right checksums: where it is sent, where it comes in, and on loopback.
func TestTrainsAreTakenApart(t *testing.T) {
	testnet.Need(t, "ip")
	left, right := testnet.Pair(t, leftAddresses, rightAddresses)
	for _, c := range []struct {
		at             *testnet.NS
		name, link, to string
	}{
		{left, "sending", "veth0", "192.168.3.8:9"}, {left, "sending 6", "veth0", "[fd00:3::8]:9"},
		{right, "receiving", "veth0", "192.168.3.8:9"}, {right, "receiving 6", "veth0", "[fd00:3::8]:9"},
		{left, "loopback", "lo", "127.0.0.1:9"}, {left, "loopback 6", "lo", "[::1]:9"}, {left, "all", "any", "192.168.3.8:9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(5, 6))
			var want [][]byte
			l := openIn(t, c.at, Config{Interfaces: []string{c.link}, Filter: udp9(t)})
			reach(t, left, c.to)
			send := left.Trains(t, c.to).Send
			for range 50 {
				payloads := randomTrain(random)
				send(payloads...)
				want = append(want, payloads...)
			}
			_ = l.Stop()
			frames := drain(t, l)
			if len(frames) != len(want) || l.Drops() != 0 {
				t.Fatalf("%d frames of %d datagrams, %d dropped", len(frames), len(want), l.Drops())
			}
			for i, f := range frames {
				isDatagram(t, &f.Frame, want[i])
			}
		})
	}
}

func udp9(t testing.TB) Program {
	t.Helper()
	f, err := filter.Parse("udp dst port 9")
	if err != nil {
		t.Fatal(err)
	}
	return f.Compile // asks for nothing in which the datagrams of a train differ
}

// isDatagram checks everything that a frame's headers say of its payload.
func isDatagram(t testing.TB, f *wire.Frame, payload []byte) {
	t.Helper()
	var p wire.Packet
	wire.Decode(f, &p)
	if p.Problem != wire.NoProblem || !bytes.Equal(p.Payload, payload) || f.Length != len(f.Data) || len(p.Network) != f.Length-14 {
		t.Fatalf("%v, %d bytes of payload, want %d; frame of %d bytes, %d captured", p.Problem, len(p.Payload), len(payload), f.Length, len(f.Data))
	}
	if wire.VerifyChecksum(&p) != wire.ChecksumGood || p.Version == 4 && wire.Checksum(p.Network[:20]) != 0 {
		t.Fatalf("a wrong checksum: %x", p.Network[:48])
	}
}

// The same bytes as the kernel makes where a device wants no trains.
func TestTrainsAreCutAsTheKernelCutsThem(t *testing.T) {
	testnet.Need(t, "ip")
	left, _ := testnet.Pair(t, leftAddresses, rightAddresses)
	for _, to := range []string{"192.168.3.8:9", "[fd00:3::8]:9"} {
		reach(t, left, to)
		send := left.Trains(t, to).Send
		var seen [2][]kept
		for i, most := range []string{"65535", "1"} {
			ipIn(t, left, "link set dev veth0 gso_max_segs "+most)
			random := rand.New(rand.NewPCG(7, 8))
			l := openIn(t, left, Config{Interfaces: []string{"veth0"}, Filter: udp9(t)})
			for range 50 {
				send(randomTrain(random)...)
			}
			_ = l.Stop()
			seen[i] = drain(t, l)
			if (l.train.head == 0) != (i == 1) {
				t.Errorf("%s: at most %s datagrams in a train, and there were trains: %v", to, most, l.train.head != 0)
			}
		}
		if len(seen[0]) != len(seen[1]) || len(seen[0]) < 100 {
			t.Fatalf("%s: %d frames, the kernel makes %d", to, len(seen[0]), len(seen[1]))
		}
		for i := range seen[0] {
			a, b := plain(seen[0][i].Data), plain(seen[1][i].Data)
			if !bytes.Equal(a, b) || seen[0][i].Length != seen[1][i].Length {
				t.Fatalf("%s: datagram %d is\n%x, the kernel makes\n%x", to, i, a[:48], b[:48])
			}
		}
	}
}

// plain takes out what two runs need not have in common: the number of an IPv4 packet, and the checksum over it; and UDP's, which a capture
// of single datagrams shows before the device fills it in.
func plain(frame []byte) []byte {
	b := slices.Clone(frame)
	udp := 14 + 40
	if b[12] == 8 {
		udp = 14 + 20
		copy(b[14+4:], []byte{0, 0})
		copy(b[14+10:], []byte{0, 0})
	}
	copy(b[udp+6:], []byte{0, 0})
	return b
}

// A filter of lengths and payloads decides about each datagram, not about the train.
func TestFilterOnTrains(t *testing.T) {
	left, _ := testnet.Pair(t, leftAddresses, rightAddresses)
	for _, to := range []string{"192.168.3.8:9", "127.0.0.1:9", "[fd00:3::8]:9"} {
		reach(t, left, to)
		send, link := left.Trains(t, to).Send, "veth0"
		if strings.HasPrefix(to, "127") {
			link = "lo"
		}
		for expression, want := range map[string]string{
			"udp[8] = 0x41": "A", "udp[8] = 0x4c": "L", "not udp[8] = 0x41 and udp port 9": "BCDEFGHIJKL", "less 100 and port 9": "L", "greater 200 and port 9": "ABCDEFGHIJK",
			"udp[4:2] = 308 and port 9": "ABCDEFGHIJK", "len = 342 and port 9": "ABCDEFGHIJK", "udp[8:2] = 0x4242 or udp[8] = 0x44": "BD", "udp[4:2] = 18": "L", "udp[0:2] = 1": "", "port 9 and ip[8] = 64": "ABCDEFGHIJKL",
		} {
			if strings.HasPrefix(to, "[") { // udp[...] is of IPv4 only, and its header is shorter
				expression = strings.NewReplacer("udp[", "ip6[40 + ", "342", "362", "ip[8]", "ip6[7]").Replace(expression)
			}
			f, err := filter.Parse(expression)
			if err != nil {
				t.Fatal(err)
			}
			l := openIn(t, left, Config{Interfaces: []string{link}, Filter: f.CompileLive})
			send(testnet.Twelve('A', 300, 10)...)
			_ = l.Stop()
			got := ""
			for _, frame := range matching(f, drain(t, l)) {
				var p wire.Packet
				wire.Decode(&frame.Frame, &p)
				if p.DstPort == 9 && p.Protocol == wire.ProtocolUDP {
					got += string(p.Payload[:1])
				}
			}
			if got != want {
				t.Errorf("%s, %s: %q, want %q", to, expression, got, want)
			}
		}
	}
}

// On devices that not every machine has: a VLAN's, whose tag the kernel keeps aside, one without a link layer, and one with a link layer that
// nobody reads.
func TestTrainsOfOtherLinks(t *testing.T) {
	vlan, err := filter.Parse("vlan 5 and udp[9] = 2")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		link     wire.LinkType
		hardware uint16
		head     int // of the link layer
		tagged   bool
		filter   Program
		want     []int
	}{
		{wire.LinkEthernet, 1, 14, true, nil, []int{0, 1, 2, 3}}, {wire.LinkRaw, 65534, 0, false, nil, []int{0, 1, 2, 3}},
		{wire.LinkSLL, 512, 4, false, nil, []int{0, 1, 2, 3}}, {wire.LinkEthernet, 1, 14, true, vlan.Compile, []int{2}},
	} {
		const room, size = 32, 7
		packet := append(make([]byte, room), "\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x08\x00"[:c.head]...)
		packet = wire.AppendUDP(packet, netip.MustParseAddrPort("192.168.3.2:4000"), netip.MustParseAddrPort("192.168.3.8:9"), 64, 0, []byte("A\x00-----B\x01-----C\x02-----D\x03"))
		l := &Live{indexes: []int{3}, interfaces: []wire.Interface{{Link: c.link}}, snaplen: DefaultSnaplen}
		if l.tagged, err = userland(Config{Filter: c.filter}); err != nil {
			t.Fatal(err)
		}
		l.in = sock.RingFrame{Buf: packet, Start: room, Net: room + c.head, Length: len(packet) - room, Time: 5, Interface: 3, HaType: c.hardware,
			PktType: sock.Outgoing, Protocol: 0x800, Segment: size, Tagged: c.tagged, VLAN: 5, TPID: 0x8100}
		var f wire.Frame
		var got []int
		for more := l.present(&f); more; more = l.fromTrain(&f) {
			var p wire.Packet
			wire.Decode(&f, &p)
			i := int(p.Payload[1])
			got = append(got, i)
			if p.Payload[0] != byte('A'+i) || len(p.Payload) != map[bool]int{true: 2, false: size}[i == 3] || wire.VerifyChecksum(&p) != wire.ChecksumGood ||
				wire.Checksum(p.Network[:20]) != 0 || p.FragmentID != uint32(i) || !f.Outgoing || f.Time != 5 || f.Length != len(f.Data) ||
				(p.VLANs == 1) != c.tagged || c.tagged && p.VLAN != 5 || f.Link != c.link || p.Problem != 0 {
				t.Errorf("%v: %+v of %+v", c.link, p, f)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: datagrams %v, want %v", c.link, got, c.want)
		}
	}
}

// What the capture keeps of a train that is longer: every datagram has its headers and its length, and as much payload as there is.
func TestTrainsAreCutShort(t *testing.T) {
	left, _ := testnet.Pair(t, leftAddresses, rightAddresses)
	reach(t, left, "192.168.3.8:9")
	send := left.Trains(t, "192.168.3.8:9").Send
	for _, c := range []Config{{Snaplen: 200}, {Snaplen: 42 + 150}, {Snaplen: 30}, {Buffer: 1}} {
		c.Interfaces, c.Filter = []string{"veth0"}, portIs(9)
		l := openIn(t, left, c)
		var payloads [][]byte
		for i := range 60 {
			payloads = append(payloads, bytes.Repeat([]byte{byte(i)}, 150))
		}
		send(payloads...)
		_ = l.Stop()
		frames := drain(t, l)
		if c.Snaplen == 30 { // not even the headers
			if len(frames) != 1 || frames[0].Length != 42+60*150 || len(frames[0].Data) != 30 {
				t.Errorf("%d frames", len(frames))
			}
			continue
		}
		if len(frames) != 60 {
			t.Fatalf("%+v: %d frames", c, len(frames))
		}
		for i, f := range frames {
			var p wire.Packet
			wire.Decode(&f.Frame, &p)
			if f.Length != 42+150 || p.PayloadLength != 150 || !bytes.Equal(p.Payload, payloads[i][:len(p.Payload)]) || len(f.Data) < 42 {
				t.Fatalf("%+v: datagram %d: %+v", c, i, p)
			}
			if i == 0 != (len(p.Payload) == 150) && c.Buffer == 0 {
				t.Errorf("%+v: datagram %d has %d bytes of payload", c, i, len(p.Payload))
			}
		}
	}
}
