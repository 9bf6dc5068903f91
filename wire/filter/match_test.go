package filter

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/net/bpf"
	"pgregory.net/rapid"

	"dgram/wire"
)

func parsed(t rapid.TB, expr string) *Filter {
	t.Helper()
	f, err := Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func decoded(f *wire.Frame) *wire.Packet {
	var p wire.Packet
	wire.Decode(f, &p)
	return &p
}

// agree holds Match against the program, and against what the kernel passes.
func agree(t rapid.TB, f *Filter, vm, live *bpf.VM, frame *wire.Frame) {
	t.Helper()
	p := decoded(frame)
	got := f.Match(frame, p)
	if want := run(t, vm, frame.Data); got != want && !chained(p, frame) {
		t.Fatalf("%v on %v: the program says %v, Match says %v\n%x", f, frame.Link, want, got, frame.Data)
	}
	if f.Decided(frame) && run(t, live, frame.Data) && !got {
		t.Fatalf("%v: the kernel has passed and decided what Match rejects\n%x", f, frame.Data)
	}
	head, _ := headerOf(frame.Link)
	// The headers must be there: a kernel's program that passes what it cannot tell may come to a test that needs them.
	if len(frame.Data) >= head.size+4*countTags(f.root)+64 && got && !otherSystem(frame) && !run(t, live, frame.Data) {
		t.Fatalf("%v on %v: Match takes what the kernel rejects\n%x", f, frame.Link, frame.Data)
	}
}

// chained says that Match may see more in a packet than tcpdump does.
func chained(p *wire.Packet, frame *wire.Frame) bool {
	if otherSystem(frame) {
		return true
	}
	switch p.Version {
	case 4:
		return p.Network[protocolAt] == anAuth
	case 6:
		return isExtension(p.Network[nextAt])
	}
	return false
}

// otherSystem says that a frame of BSD's loopback has another number for its family than Linux has. Programs know Linux's only.
func otherSystem(frame *wire.Frame) bool {
	loop := frame.Link == wire.LinkLoop
	if !loop && frame.Link != wire.LinkNull || len(frame.Data) < 4 {
		return false
	}
	family := binary.LittleEndian.Uint32(frame.Data)
	if loop {
		family = binary.BigEndian.Uint32(frame.Data)
	}
	return family != 2 && family != 10
}

func TestMatchAgreesWithCompile(t *testing.T) {
	for _, link := range links {
		exprs := understood
		if link == wire.LinkEthernet {
			exprs = append(append([]string(nil), understood...), onEthernet...)
		}
		if link == wire.LinkSLL || link == wire.LinkSLL2 {
			exprs = append(append([]string(nil), understood...), "inbound", "outbound and udp", "not inbound or ip6")
		}
		for i, expr := range exprs {
			f := parsed(t, expr)
			vm, live := compiled(t, f, link, false), compiled(t, f, link, true)
			m := newMaker(uint64(i))
			for range 300 {
				agree(t, f, vm, live, m.frame(link, odd{fragments: 6, extended: 4, cut: 4}))
			}
		}
	}
}

func TestRandomMatchAgreesWithCompile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		link := rapid.SampledFrom(links).Draw(t, "link")
		f := parsed(t, expressions(link == wire.LinkEthernet).Draw(t, "filter"))
		vm, live := compiled(t, f, link, false), compiled(t, f, link, true)
		m := newMaker(rapid.Uint64().Draw(t, "packets"))
		for range 200 {
			agree(t, f, vm, live, m.frame(link, odd{fragments: 6, extended: 4, cut: 4}))
		}
	})
}

// pieces cuts a packet up as IP does.
func pieces(packet []byte, id uint16) [][]byte {
	const size = 48
	v6 := packet[0]>>4 == 6
	header, body := packet[:20], packet[20:]
	if v6 {
		header, body = packet[:40], packet[40:]
	}
	var all [][]byte
	for at := 0; at < len(body); at += size {
		part := body[at:min(at+size, len(body))]
		more := at+size < len(body)
		b := append([]byte(nil), header...)
		if v6 {
			binary.BigEndian.PutUint16(b[4:], uint16(8+len(part)))
			offset := uint16(at)
			if more {
				offset |= 1
			}
			b = append(b, header[6], 0, byte(offset>>8), byte(offset), 0, 0, byte(id>>8), byte(id))
			b[6] = aFragment
		} else {
			binary.BigEndian.PutUint16(b[2:], uint16(20+len(part)))
			binary.BigEndian.PutUint16(b[4:], id)
			offset := uint16(at / 8)
			if more {
				offset |= 0x2000
			}
			binary.BigEndian.PutUint16(b[6:], offset)
		}
		all = append(all, append(b, part...))
	}
	return all
}

// fragmented runs fn for the pieces of random datagrams, and the last of them with what became whole.
func fragmented(t rapid.TB, m maker, link wire.LinkType, count int, fn func(whole *wire.Frame, frames []*wire.Frame, last *wire.Packet)) {
	t.Helper()
	var r wire.Reassembler
	for id := range count {
		b := wire.AppendUDP(nil, netip.AddrPortFrom(netip.AddrFrom4([4]byte(m.address4())), m.port()), netip.AddrPortFrom(netip.AddrFrom4([4]byte(m.address4())), m.port()), 64, 0, m.bytes(60+m.IntN(300)))
		kind := uint16(typeIP)
		if m.IntN(2) == 0 {
			kind = typeIP6
			b = wire.AppendUDP(nil, netip.AddrPortFrom(netip.AddrFrom16([16]byte(m.address6())), m.port()), netip.AddrPortFrom(netip.AddrFrom16([16]byte(m.address6())), m.port()), 64, 0, m.bytes(60+m.IntN(300)))
			if b[0]>>4 == 4 {
				kind = typeIP // an IPv4 address in IPv6's clothes
			}
		}
		head := m.link(link, kind)
		frame := func(packet []byte) *wire.Frame {
			data := append(append([]byte(nil), head...), packet...)
			return &wire.Frame{Data: data, Length: len(data), Link: link}
		}
		var frames []*wire.Frame
		var p *wire.Packet
		whole := false
		for _, piece := range pieces(b, uint16(id)) {
			frames = append(frames, frame(piece))
			p = decoded(frames[len(frames)-1])
			whole = r.Add(p)
		}
		if !whole {
			t.Fatalf("the pieces of %x make no packet: %+v", b, r.Counts())
		}
		fn(frame(b), frames, p)
	}
}

// TestFragments: what was sent in pieces matches as what was sent whole, and a kernel that sees only pieces passes all of them.
func TestFragments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		link := rapid.SampledFrom([]wire.LinkType{wire.LinkEthernet, wire.LinkRaw}).Draw(t, "link")
		f := parsed(t, expressions(link == wire.LinkEthernet).Draw(t, "filter"))
		live := compiled(t, f, link, true)
		fragmented(t, newMaker(rapid.Uint64().Draw(t, "packets")), link, 40, func(whole *wire.Frame, frames []*wire.Frame, last *wire.Packet) {
			got := f.Match(frames[len(frames)-1], last)
			want := f.Match(whole, decoded(whole))
			if want != got && !changed(f.root) {
				t.Fatalf("%v on %v: whole %v, put together %v\n%x", f, link, want, got, whole.Data)
			}
			for _, piece := range frames {
				if got && !run(t, live, piece.Data) {
					t.Fatalf("%v on %v: the kernel rejects a piece of what matches\n%x", f, link, piece.Data)
				}
			}
		})
	})
}

// changed says whether a filter reads bytes of the frame that putting together does not give back: IP's identification and flags, and
// what the loads of a cut index find.
func changed(n node) bool {
	switch n := n.(type) {
	case *andNode:
		return changed(n.left) || changed(n.right)
	case *orNode:
		return changed(n.left) || changed(n.right)
	case *notNode:
		return changed(n.of)
	case *relation:
		return true
	}
	return false
}

func TestLiveKeepsAddresses(t *testing.T) {
	f := parsed(t, "host 10.9.9.9 and udp port 53")
	live := compiled(t, f, wire.LinkEthernet, true)
	fragmented(t, newMaker(1), wire.LinkEthernet, 100, func(_ *wire.Frame, frames []*wire.Frame, _ *wire.Packet) {
		for _, piece := range frames {
			if run(t, live, piece.Data) {
				t.Fatalf("a fragment from elsewhere passes: %x", piece.Data)
			}
		}
	})
	f = parsed(t, "udp[8:2] = 0x1234 or port 9")
	live = compiled(t, f, wire.LinkEthernet, true)
	whole := newMaker(2).ip4(0, 0)
	whole[9] = 6
	data := append(append(make([]byte, 12), 8, 0), whole...)
	if run(t, live, data) {
		t.Fatal("a whole packet passes that is known not to match")
	}
}

// TestTrains: a kernel that sees the datagrams of a train in one piece passes it if one of them matches.
func TestTrains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		link := rapid.SampledFrom([]wire.LinkType{wire.LinkEthernet, wire.LinkRaw}).Draw(t, "link")
		f := parsed(t, expressions(link == wire.LinkEthernet).Draw(t, "filter"))
		live := compiled(t, f, link, true)
		m := newMaker(rapid.Uint64().Draw(t, "packets"))
		for range 20 {
			from, to := netip.AddrFrom4([4]byte(m.address4())), netip.AddrFrom4([4]byte(m.address4()))
			if m.IntN(2) == 0 {
				from, to = netip.AddrFrom16([16]byte(m.address6())), netip.AddrFrom16([16]byte(m.address6()))
			}
			src, dst := netip.AddrPortFrom(from, m.port()), netip.AddrPortFrom(to, m.port())
			head := make([]byte, 0, 14)
			if link == wire.LinkEthernet {
				head = append(head, m.bytes(12)...)
				head = append(head, "\x86\xdd"...)
				if len(wire.AppendUDP(nil, src, dst, 64, 0, nil)) == 28 { // the kernel makes no train of what is not what it says
					copy(head[12:], "\x08\x00")
				}
			}
			size, number := 1+m.IntN(40), 2+m.IntN(5)
			all := m.bytes(size*number - m.IntN(size))
			whole := wire.AppendUDP(bytes.Clone(head), src, dst, 64, 0, all)
			for i, at := 0, 0; at < len(all); i, at = i+1, at+size {
				data := wire.AppendUDP(bytes.Clone(head), src, dst, 64, 0, all[at:min(at+size, len(all))])
				if ip := data[len(head):]; ip[0]>>4 == 4 {
					ip[5] = byte(i)
				}
				frame := &wire.Frame{Data: data, Length: len(data), Link: link}
				if f.Match(frame, decoded(frame)) && !run(t, live, whole) {
					t.Fatalf("%v on %v: the kernel rejects a train of which datagram %d matches\n%x", f, link, i, data)
				}
			}
		}
	})
}

// What is the same for all datagrams of a train the kernel decides.
func TestLiveKeepsWhatTrainsHaveInCommon(t *testing.T) {
	for expr, passes := range map[string]bool{
		"udp[8] = 9": true, "less 20": true, "greater 2000": true, "ip[2:2] = 5": true, "ip[4:2] = 1": true, "not udp[8] = 1": true,
		"host 10.9.9.9 and udp[8] = 9": false, "port 54 and less 20": false, "ip[8] = 1": false, "udp[0:2] = 9 and udp[8] = 9": false,
		"ether[0] = 7": false, "tcp[13] = 2": false, "not udp[8] = 1 and port 54": false, "ip[12] = 11 or ip[8] < 3": false,
	} {
		data := wire.AppendUDP(append(make([]byte, 12), 8, 0), netip.MustParseAddrPort("10.0.0.1:53"), netip.MustParseAddrPort("10.0.0.2:1000"), 64, 0, []byte{1, 2})
		if got := run(t, compiled(t, parsed(t, expr), wire.LinkEthernet, true), data); got != passes {
			t.Errorf("%s lets through what may be a train: %v, want %v", expr, got, passes)
		}
	}
}

// TestBehindExtensions: what Match sees beyond tcpdump.
func TestBehindExtensions(t *testing.T) {
	ip := wire.AppendUDP(nil, netip.MustParseAddrPort("[fe80::1]:53"), netip.MustParseAddrPort("[fe80::2]:12345"), 64, 0, []byte("hello"))
	hop := append([]byte(nil), ip[:40]...)
	hop[6], hop[5] = 0, hop[5]+8
	hop = append(append(hop, 17, 0, 1, 4, 0, 0, 0, 0), ip[40:]...)
	frame := &wire.Frame{Data: hop, Length: len(hop), Link: wire.LinkRaw}
	for expr, want := range map[string]bool{
		"udp": true, "port 53": true, "udp src port 53 and dst port 12345": true, "dst port 53": false, "not port 53": false, "tcp": false,
		"ip6 proto 0": true, "ip6 proto 17": true, "icmp6[0] = 128": false, "tcp port 53": false, "ip6[6] = 0": true, "udp[0:2] = 53": false,
	} {
		f := parsed(t, expr)
		if got := f.Match(frame, decoded(frame)); got != want {
			t.Errorf("%s: %v", expr, got)
		}
		if want && !run(t, compiled(t, f, wire.LinkRaw, true), hop) {
			t.Errorf("%s: the kernel rejects it", expr)
		}
	}
	if run(t, compiled(t, parsed(t, "port 53"), wire.LinkRaw, false), hop) {
		t.Error("tcpdump does not look behind a hop-by-hop header, and Compile does")
	}
}

func TestMatchOnOtherLinks(t *testing.T) {
	unix := &wire.Frame{Data: []byte{0, 0, 0, 0, 'h', 'i'}, Length: 6, Link: wire.LinkUpperPDU}
	mac := &wire.Frame{Data: append([]byte{0, 0, 0, 30}, newMaker(1).ip6(0)...), Length: 100, Link: wire.LinkLoop}
	for _, c := range []struct {
		expr  string
		frame *wire.Frame
		want  bool
	}{
		{"", unix, true}, {"udp", unix, false}, {"not udp", unix, true}, {"less 6", unix, true}, {"vlan", unix, false},
		{"broadcast", unix, false}, {"ether host 00:11:22:33:44:55", unix, false}, {"inbound", unix, true}, {"not vlan or vlan and ip6", mac, true},
		{"ip6", mac, true}, {"ip", mac, false}, {"len = 100", mac, true},
	} {
		if got := parsed(t, c.expr).Match(c.frame, decoded(c.frame)); got != c.want {
			t.Errorf("%q on %v: %v", c.expr, c.frame.Link, got)
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	f := parsed(t, "vlan or (udp port 53 or host 10.0.0.1 or host fe80::1 or ether host 00:11:22:33:44:55 or udp[8:2] / ip[0] = len)")
	m := newMaker(3)
	for range 50 {
		frame := m.frame(wire.LinkEthernet, odd{fragments: 6, extended: 4})
		p := decoded(frame)
		if n := testing.AllocsPerRun(10, func() { f.Match(frame, p) }); n != 0 {
			t.Fatalf("%v allocations", n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, expr := range []string{"", "udp port 53", "host 10.0.0.1 and udp[8:2] = 5"} {
		b.Run(expr, func(b *testing.B) {
			f := parsed(b, expr)
			frame := newMaker(3).frame(wire.LinkEthernet, odd{})
			p := decoded(frame)
			for b.Loop() {
				f.Match(frame, p)
			}
		})
	}
}
