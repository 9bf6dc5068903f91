package sockets

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"dgram/sock"
)

const headings = "a heading\n"

// The lines are as a kernel of a little-endian machine writes them; on another the addresses have another order.
func TestRows(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the lines are those of a little-endian machine")
	}
	inet := func(s string) sock.Addr { return sock.InetAddr{AddrPort: netip.MustParseAddrPort(s)} }
	for _, c := range []struct {
		file, line string
		want       Row
	}{
		{"udp", " 5751: 0100007F:1BBC 00000000:0000 07 00000000:00001400 00:00000000 00000000   100        0 8035893 2 0000000097a94c4c 17       ",
			Row{Family: sock.INET, Type: sock.DGRAM, Proto: 17, Inode: 8035893, UID: 100, Local: inet("127.0.0.1:7100"), State: Unconnected, ReceiveCharged: 5120, Drops: 17}},
		{"udp6", "  12: B80D0120000000000000000001000000:0035 00000000000000000000000001000000:D431 01 00000300:00000000 00:00000000 00000000     0        0 7 2 0 0",
			Row{Family: sock.INET6, Type: sock.DGRAM, Proto: 17, Inode: 7, Local: inet("[2001:db8::1]:53"), Peer: inet("[::1]:54321"), State: Connected, SendCharged: 768}},
		{"raw", "   1: 00000000:0001 00000000:0000 07 00000000:00033F40 00:00000000 00000000     0        0 8192934 2 0000000000000000 9",
			Row{Family: sock.INET, Type: sock.RAW, Proto: 1, Inode: 8192934, Local: inet("0.0.0.0:1"), State: Unconnected, ReceiveCharged: 212800, Drops: 9}},
		{"tcp", "   0: 0100007F:B0D3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 8192931 1 0000000000000000 100 0 0 10 0",
			Row{Family: sock.INET, Type: sock.STREAM, Proto: 6, Inode: 8192931, Local: inet("127.0.0.1:45267"), State: Listening, Drops: -1}},
		{"unix", "00000000cabb2c9f: 00000003 00000000 00000000 0002 03  1211 /tmp/with two  spaces",
			Row{Family: sock.UNIX, Type: sock.DGRAM, Inode: 1211, UID: -1, Local: sock.UnixAddr{Name: "/tmp/with two  spaces"}, State: Connected, ReceiveCharged: -1, SendCharged: -1, Drops: -1}},
		{"unix", "00000000cabb2c9f: 00000002 00000000 00010000 0005 01 99 @name@x",
			Row{Family: sock.UNIX, Type: sock.SEQPACKET, Inode: 99, UID: -1, Local: sock.UnixAddr{Name: "name@x", Abstract: true}, State: Listening, ReceiveCharged: -1, SendCharged: -1, Drops: -1}},
		{"unix", "00000000cabb2c9f: 00000002 00000000 00000000 0001 01 98",
			Row{Family: sock.UNIX, Type: sock.STREAM, Inode: 98, UID: -1, Local: sock.UnixAddr{}, State: Unconnected, ReceiveCharged: -1, SendCharged: -1, Drops: -1}},
		{"packet", "00000000abcdef01 3      3    0003   2     1 4096   0      8192936",
			Row{Family: sock.PACKET, Type: sock.RAW, Proto: 3, Inode: 8192936, Local: sock.PacketAddr{Interface: "2", Proto: 3}, State: Unconnected, ReceiveCharged: 4096, SendCharged: -1, Drops: -1}},
		{"netlink", "000000002a1f50a4 15  1234       00000000 512      256      0     2        3        4       ",
			Row{Family: netlinkFamily, Type: sock.RAW, Proto: 15, Inode: 4, UID: -1, State: Unconnected, ReceiveCharged: 512, SendCharged: 256, Drops: 3}},
	} {
		got := slices.Collect(named(t, c.file).rows(headings + c.line + "\n"))
		if len(got) != 1 || !same(got[0], c.want) {
			t.Errorf("%s %q\n got %+v\nwant %+v", c.file, c.line, got, c.want)
		}
	}
}

func same(a, b Row) bool {
	x, y := a.Local, b.Local
	a.Local, b.Local = nil, nil
	if p, ok := x.(sock.PacketAddr); ok {
		q := y.(sock.PacketAddr)
		return p.String() == q.String() && a == b
	}
	return x == y && a == b
}

func named(t testing.TB, name string) source {
	for _, s := range sources {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("no source is called %q", name)
	return source{}
}

func TestRowsPassOverWhatIsNone(t *testing.T) {
	for _, s := range sources {
		for _, line := range []string{"", " ", "garbage", strings.Repeat("x ", 13), strings.Repeat("0 ", 20), "0: 0100007F 00000000:0000 07 0:0 0:0 0 0 0 5 2 0 0",
			"0: 0100007F:0035:1 00000000:0000 07 0:0 0:0 0 -1 0 5 2 0 0", "0: 01007F:0035 000000:0000 07 0:0 0:0 0 0 0 5 2 0 0"} {
			for row := range s.rows(headings + line) {
				if s.name != "netlink" && s.name != "packet" {
					t.Errorf("%s: %q was read as %+v", s.name, line, row)
				}
			}
		}
	}
}

// A unix socket's name may hold a line break, and after it what looks like another socket's row.
func TestAForgedRowNamesNobody(t *testing.T) {
	forger := "00000000cabb2c9f: 00000002 00000000 00000000 0002 01 50 @x\n00000000cabb2c9f: 00000002 00000000 00000000 0002 01 60 /run/trusted\n"
	victim := "00000000cabb2c9f: 00000002 00000000 00000000 0002 01 60 /run/own\n"
	for _, text := range []string{forger + victim, victim + forger} {
		table := &netTable{byInode: map[uint64]Row{}}
		for row := range named(t, "unix").rows(headings + text) {
			table.add(row)
		}
		if row := table.byInode[60]; row.Local != nil {
			t.Errorf("%q: socket 60 is called %v, and one of two rows is forged", text, row.Local)
		}
	}
}

func FuzzRows(f *testing.F) {
	f.Add("udp", "x\n 5751: 0100007F:1BBC 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 8035893 2 0000000097a94c4c 0\n")
	f.Add("unix", "x\n00000000cabb2c9f: 00000003 00000000 00000000 0001 03  1211 @a\nb\n")
	f.Add("packet", "x\n0 3 3 0003 2 1 4096 0 8192936\n")
	f.Add("netlink", "x\n0 15 1 0 0 0 0 2 0 4\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		for _, s := range sources {
			if s.name != name {
				continue
			}
			lines := strings.Count(text, "\n") + 1
			for row := range s.rows(text) {
				if lines--; lines < 0 {
					t.Fatal("more rows than lines")
				}
				if row.Local != nil {
					_ = row.Local.String()
				}
				switch row.Family {
				case sock.INET, sock.INET6:
					a := row.Local.(sock.InetAddr)
					if a.Addr().Is4() != (row.Family == sock.INET) {
						t.Fatalf("%v has the address %v", row.Family, a)
					}
				}
			}
		}
	})
}
