package sock

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"dgram/internal/testnet"
)

func TestAddrText(t *testing.T) {
	long := strings.Repeat("n", 108)
	tests := []struct {
		family Family
		text   string
		want   Addr   // nil: an error
		fault  string // in the error
	}{
		{INET, "127.0.0.1:12345", inet("127.0.0.1:12345"), ""},
		{INET, "0.0.0.0:0", inet("0.0.0.0:0"), ""},
		{INET6, "[::1]:53", inet("[::1]:53"), ""},
		{INET6, "[fe80::1%lo]:53", inet("[fe80::1%lo]:53"), ""},
		{INET6, "[::ffff:1.2.3.4]:5", inet("[::ffff:1.2.3.4]:5"), ""},
		{INET6, "1.2.3.4:5", inet("1.2.3.4:5"), ""},
		{INET, "[::1]:53", nil, "AF_INET takes an IPv4 address"},
		{INET, "127.0.0.1", nil, "want IP:port"},
		{INET, "127.0.0.1:65536", nil, "want IP:port"},
		{INET, "localhost:53", nil, "want IP:port"},
		{UNIX, "/run/x.sock", UnixAddr{Name: "/run/x.sock"}, ""},
		{UNIX, "@hidden", UnixAddr{Name: "hidden", Abstract: true}, ""},
		{UNIX, "@", UnixAddr{Abstract: true}, ""},
		{UNIX, "", UnixAddr{}, ""},
		{UNIX, "./@file", UnixAddr{Name: "./@file"}, ""},
		{UNIX, long, nil, "has 108 bytes: the kernel takes at most 107"},
		{UNIX, "@" + long, nil, "at most 107"},
		{UNIX, "a\x00b", nil, "NUL"},
		{UNIX, "@a\x00b", UnixAddr{Name: "a\x00b", Abstract: true}, ""},
		{PACKET, "lo/0x0800", PacketAddr{Interface: "lo", Proto: 0x800}, ""},
		{PACKET, "*/0x0003", PacketAddr{Proto: 3}, ""},
		{PACKET, "lo/0x10000", nil, "Ethernet type"},
		{PACKET, "lo/0x0800/zz", nil, "invalid MAC"},
		{99, "x", nil, "use RawAddr"},
	}
	for _, tt := range tests {
		got, err := ParseAddr(tt.family, tt.text)
		if tt.want == nil {
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("ParseAddr(%v, %q): error %v, want one with %q", tt.family, tt.text, err, tt.fault)
			}
			continue
		}
		if err != nil || !sameAddr(got, tt.want) || got.String() != tt.text {
			t.Errorf("ParseAddr(%v, %q) = %#v (%v), %v; want %#v", tt.family, tt.text, got, got, err, tt.want)
		}
	}
	if got := (UnixAddr{Name: "@file"}).String(); got != "./@file" {
		t.Errorf("a path that begins with @ is written %q", got)
	}
	mac := PacketAddr{Interface: "eth0", Proto: 0x86dd, Addr: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
	if got, err := ParseAddr(PACKET, mac.String()); err != nil || !sameAddr(got, mac) {
		t.Errorf("ParseAddr(%q) = %v, %v", mac, got, err)
	}
}

func inet(s string) InetAddr { return InetAddr{netip.MustParseAddrPort(s)} }

// sameAddr compares what may hold slices.
func sameAddr(a, b Addr) bool {
	switch a := a.(type) {
	case PacketAddr:
		b, ok := b.(PacketAddr)
		same := a.Interface == b.Interface && a.Proto == b.Proto && a.PktType == b.PktType && a.HaType == b.HaType
		return ok && same && string(a.Addr) == string(b.Addr)
	case RawAddr:
		b, ok := b.(RawAddr)
		return ok && a.AF == b.AF && string(a.Data) == string(b.Data)
	}
	return a == b
}

func TestEncodeRefusals(t *testing.T) {
	tests := []struct {
		addr   Addr
		socket Family
		want   string
	}{
		{InetAddr{}, INET, "no IP address was given"},
		{InetAddr{}, INET6, "no IP address was given"},
		{inet("[::1]:1"), INET, "AF_INET socket takes IPv4"},
		{inet("1.2.3.4:1"), UNIX, "AF_UNIX socket takes no IP address"},
		{inet("[fe80::1%no-such-interface]:1"), INET6, `no network interface named "no-such-interface"`},
		{UnixAddr{Name: "x"}, INET, "AF_INET socket takes no unix name"},
		{UnixAddr{Name: strings.Repeat("x", 108)}, UNIX, "at most 107"},
		{UnixAddr{Name: "a\x00"}, UNIX, "NUL"},
		{PacketAddr{Interface: "no-such-interface"}, PACKET, `no network interface named "no-such-interface"`},
		{PacketAddr{}, INET, "takes no packet address"},
		{PacketAddr{Addr: make([]byte, 117)}, PACKET, "at most 116 fit"},
		{RawAddr{Data: make([]byte, 127)}, INET, "at most 126 fit"},
	}
	for _, tt := range tests {
		var raw rawSockaddr
		if n, err := encodeAddr(&raw, tt.addr, tt.socket); err == nil || n != 0 || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v to %v: %d, %v; want an error with %q", tt.addr, tt.socket, n, err, tt.want)
		}
	}
	var raw rawSockaddr
	if n, err := encodeAddr(&raw, nil, INET); n != 0 || err != nil {
		t.Errorf("no address: %d, %v", n, err)
	}
}

// What is encoded must come back: with the forms that a family knows two ways
// to write turned into the one that the kernel gives.
func TestAddrRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		addr, socket, want := drawAddr(t)
		var raw rawSockaddr
		for i := range raw {
			raw[i] = 0xA5 // what was there before must not show through
		}
		n, err := encodeAddr(&raw, addr, socket)
		if err != nil {
			t.Fatalf("encode %#v: %v", addr, err)
		}
		if got := decodeAddr(&raw, n, socket); !sameAddr(got, want) {
			t.Fatalf("%#v came back as %#v, want %#v", addr, got, want)
		}
	})
}

func drawAddr(t *rapid.T) (addr Addr, socket Family, want Addr) {
	port := rapid.Uint16().Draw(t, "port")
	bytes := func(least, most int) []byte { return rapid.SliceOfN(rapid.Byte(), least, most).Draw(t, "bytes") }
	switch rapid.SampledFrom([]string{"inet", "inet6", "mapped", "unix", "packet", "raw"}).Draw(t, "kind") {
	case "inet":
		a := InetAddr{netip.AddrPortFrom(netip.AddrFrom4([4]byte(bytes(4, 4))), port)}
		return a, INET, a
	case "inet6":
		ip := netip.AddrFrom16([16]byte(bytes(16, 16)))
		if rapid.Bool().Draw(t, "zone") {
			ip = ip.WithZone("4294967") // no interface has such a number, so it stays one
		}
		a := InetAddr{netip.AddrPortFrom(ip, port)}
		return a, INET6, a
	case "mapped":
		ip := netip.AddrFrom4([4]byte(bytes(4, 4)))
		a := InetAddr{netip.AddrPortFrom(ip, port)}
		return a, INET6, InetAddr{netip.AddrPortFrom(netip.AddrFrom16(ip.As16()), port)}
	case "unix":
		a := UnixAddr{Name: string(bytes(0, 107)), Abstract: true}
		if rapid.Bool().Draw(t, "path") {
			a = UnixAddr{Name: strings.ReplaceAll(a.Name, "\x00", "0")}
		}
		return a, UNIX, a
	case "packet":
		a := PacketAddr{
			Interface: rapid.SampledFrom([]string{"", "4294967"}).Draw(t, "interface"), Proto: port,
			PktType: PacketType(rapid.Byte().Draw(t, "pkttype")), HaType: rapid.Uint16().Draw(t, "hatype"), Addr: bytes(0, 32),
		}
		return a, PACKET, a
	default:
		family := Family(rapid.Uint16Range(50, 60).Draw(t, "family"))
		a := RawAddr{AF: family, Data: bytes(0, 126)}
		return a, family, a
	}
}

// Whatever bytes come, decoding must not fail, and what it gives must encode
// to something that decodes to the same.
func FuzzDecodeAddr(f *testing.F) {
	f.Add([]byte{}, uint32(0), uint16(2))
	f.Add([]byte{2, 0, 0x30, 0x39, 127, 0, 0, 1}, uint32(16), uint16(2))
	f.Add([]byte{2, 0, 0x30, 0x39}, uint32(4), uint16(2))
	f.Add([]byte("\x0a\x00\x00\x35\x00\x00\x00\x00\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00"), uint32(28), uint16(10))
	f.Add([]byte("\x01\x00/tmp/x\x00y"), uint32(111), uint16(1))
	f.Add([]byte("\x01\x00\x00abstract"), uint32(11), uint16(1))
	f.Add([]byte("\x11\x00\x08\x00\x01\x00\x00\x00\x04\x03\x04\xff\x00\x00\x00\x00\x00\x00\x00\x00"), uint32(20), uint16(17))
	f.Add([]byte{0xff, 0xff, 1}, uint32(0xffffffff), uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, n uint32, socket uint16) {
		var raw rawSockaddr
		copy(raw[:], b)
		getInet(&raw, n)
		getUnix(&raw, n)
		first := decodeAddr(&raw, n, Family(socket))
		if first == nil {
			return
		}
		_ = first.String()
		var again rawSockaddr
		length, err := encodeAddr(&again, first, first.Family())
		if err != nil {
			if u, ok := first.(UnixAddr); ok && len(u.Name) > unixNameMax {
				return // the kernel itself gives names one byte longer than portable ones
			}
			t.Fatalf("decoded %#v, which does not encode: %v", first, err)
		}
		if second := decodeAddr(&again, length, first.Family()); !sameAddr(first, second) {
			t.Fatalf("decoded %#v, encoded, decoded %#v", first, second)
		}
	})
}

// A zone goes in as a name and comes back as one.
func TestZoneRoundTrip(t *testing.T) {
	list, err := net.Interfaces()
	if err != nil || len(list) == 0 {
		testnet.Missing(t, "a network interface")
	}
	zone := list[0].Name
	want := netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(zone), 53)
	var raw rawSockaddr
	n := putInet(&raw, want, INET6)
	if got := getInet(&raw, n); got != want {
		t.Errorf("%v came back as %v", want, got)
	}
	byIndex := netip.AddrPortFrom(want.Addr().WithZone(strconv.Itoa(list[0].Index)), 53)
	n = putInet(&raw, byIndex, INET6)
	if got := getInet(&raw, n); got != want {
		t.Errorf("%v came back as %v, want %v", byIndex, got, want)
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	list, _ := net.Interfaces()
	addrs := []netip.AddrPort{
		netip.MustParseAddrPort("127.0.0.1:12345"),
		netip.MustParseAddrPort("[2001:db8::1]:12345"),
	}
	if len(list) > 0 {
		addrs = append(addrs, netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(list[0].Name), 1))
	}
	var raw rawSockaddr
	for _, ap := range addrs {
		if n := testing.AllocsPerRun(1000, func() { getInet(&raw, putInet(&raw, ap, INET6)) }); n != 0 {
			t.Errorf("%v: %v allocations to encode and decode it", ap, n)
		}
	}
	name := UnixAddr{Name: "/run/x.sock"}
	if n := testing.AllocsPerRun(1000, func() { putUnix(&raw, name) }); n != 0 {
		t.Errorf("%v allocations to encode a unix name", n)
	}
}

func TestErrorText(t *testing.T) {
	err := error(&Error{Op: "bind", What: "127.0.0.1:80", Err: syscall.EACCES, Hint: explain("bind", INET, DGRAM, syscall.EACCES)})
	want := "bind 127.0.0.1:80: " + syscall.EACCES.Error() + ": low ports need CAP_NET_BIND_SERVICE: choose a port from 1024 up, or run as root"
	if err.Error() != want {
		t.Errorf("%v\nwant %v", err, want)
	}
	if !errors.Is(err, syscall.EACCES) {
		t.Error("errors.Is does not find the errno")
	}
	if !errors.Is(ErrClosed, net.ErrClosed) || !errors.Is(ErrClosed, os.ErrClosed) {
		t.Error("ErrClosed is not known as net.ErrClosed and os.ErrClosed")
	}
}

func TestExplanations(t *testing.T) {
	list := Explanations()
	for i, e := range list {
		if e.Text == "" {
			t.Errorf("explanation %d says nothing: %+v", i, e)
		}
		if strings.HasSuffix(e.Text, ".") || strings.Contains(e.Text, "\n") {
			t.Errorf("%q: is to be the end of one line", e.Text)
		}
		for _, earlier := range list[:i] {
			if covers(earlier, e) {
				t.Errorf("%q is never reached: %q comes first", e.Text, earlier.Text)
			}
		}
	}
	if got := explain("socket", INET, RDM, syscall.EMFILE); !strings.Contains(got, "ulimit -n") {
		t.Errorf("too many open files is explained as %q", got)
	}
	if got := explain("bind", INET, DGRAM, errors.New("other")); got != "" {
		t.Errorf("an error that is no errno is explained as %q", got)
	}
}

// covers reports whether a matches everything that b does.
func covers(a, b Explanation) bool {
	families := a.Families == nil || b.Families != nil && !slices.ContainsFunc(b.Families, func(f Family) bool {
		return !slices.Contains(a.Families, f)
	})
	return families && (a.Op == "" || a.Op == b.Op) && (a.Type == 0 || a.Type == b.Type) && (a.Errno == 0 || a.Errno == b.Errno)
}

func TestNames(t *testing.T) {
	tests := []struct{ got, want string }{
		{UNSPEC.String(), "AF_UNSPEC"}, {UNIX.String(), "AF_UNIX"}, {INET.String(), "AF_INET"}, {INET6.String(), "AF_INET6"},
		{PACKET.String(), "AF_PACKET"}, {Family(99).String(), "AF_99"},
		{STREAM.String(), "SOCK_STREAM"}, {DGRAM.String(), "SOCK_DGRAM"}, {OLDPACKET.String(), "SOCK_PACKET"}, {Type(77).String(), "SOCK_77"},
		{ProtoUDP.String(), "IPPROTO_UDP"}, {Proto(200).String(), "200"}, {EtherIPv4.Name(PACKET), "ETH_P_IP"},
		{Proto(0x9999).Name(PACKET), "0x9999"}, {ProtoICMP.Name(INET), "IPPROTO_ICMP"}, {Proto(1).Name(UNIX), "1"},
		{Flags(0).String(), "0"}, {(PEEK | TRUNC).String(), "MSG_PEEK|MSG_TRUNC"}, {(OOB | 1<<30).String(), "MSG_OOB|0x40000000"},
		{SHUTRD.String(), "SHUT_RD"}, {SHUTWR.String(), "SHUT_WR"}, {SHUTRDWR.String(), "SHUT_RDWR"}, {How(9).String(), "9"},
		{ToOther.String(), "PACKET_OTHERHOST"}, {PacketType(9).String(), "PACKET_9"},
		{(RawAddr{AF: 40, Data: []byte{0, 255}}).String(), "AF_VSOCK:00ff"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	if len(Families()) == 0 || len(Types()) == 0 {
		t.Error("families or types are not described")
	}
}
