package wire

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
)

// plainChecksum is RFC 1071 as it is written.
func plainChecksum(b []byte) uint16 {
	var s uint32
	for i := 0; i < len(b); i += 2 {
		w := uint32(b[i]) << 8
		if i+1 < len(b) {
			w |= uint32(b[i+1])
		}
		s += w
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}

func FuzzChecksum(f *testing.F) {
	f.Add([]byte{}, uint16(1))
	f.Add(bytes.Repeat([]byte{0xff}, 100), uint16(3))
	f.Add(bytes.Repeat([]byte{0xff}, 32), uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		if got, want := Checksum(b), plainChecksum(b); got != want {
			t.Fatalf("%x: %04x, want %04x", b, got, want)
		}
		at := min(int(cut)&^1, len(b)&^1)
		if got, want := ^fold(sum(sum(0, b[:at]), b[at:])), plainChecksum(b); got != want {
			t.Fatalf("%x in parts at %d: %04x, want %04x", b, at, got, want)
		}
		full := append([]byte{0, 0}, b...)
		binary.BigEndian.PutUint16(full, Checksum(full))
		if got := Checksum(full); got != 0 && Checksum(b) != 0xffff {
			t.Fatalf("%x: with its checksum %04x", b, got)
		}
	})
}

func TestAppendUDP(t *testing.T) {
	for _, c := range []struct {
		src, dst         string
		wantSrc, wantDst string
		version          uint8
	}{
		{"192.168.3.2:57445", "192.168.3.8:12345", "192.168.3.2", "192.168.3.8", 4},
		{"[::ffff:192.168.3.2]:57445", "192.168.3.8:12345", "192.168.3.2", "192.168.3.8", 4},
		{"[::]:57445", "192.168.3.8:12345", "0.0.0.0", "192.168.3.8", 4},
		{"192.168.3.2:57445", "", "192.168.3.2", "0.0.0.0", 4},
		{"", "", "0.0.0.0", "0.0.0.0", 4},
		{"[fd00::1]:57445", "", "fd00::1", "::", 6},
		{"[fd00::1]:57445", "[fe80::1%eth0]:12345", "fd00::1", "fe80::1", 6},
		{"[fd00::1]:57445", "10.0.0.1:12345", "fd00::1", "::ffff:10.0.0.1", 6},
		{"[::]:57445", "[::]:12345", "::", "::", 6},
	} {
		src, _ := netip.ParseAddrPort(c.src)
		dst, _ := netip.ParseAddrPort(c.dst)
		for _, size := range []int{0, 1, 5, 1472, MaxPayload4} {
			payload := bytes.Repeat([]byte{'x', 0xff, 1}, size)[:size]
			b := AppendUDP([]byte("before"), src, dst, 61, 0xb8, payload)
			var p Packet
			Decode(&Frame{Data: b[6:], Length: len(b) - 6, Link: LinkRaw}, &p)
			if string(b[:6]) != "before" || p.Problem != NoProblem || p.Version != c.version || p.Src.String() != c.wantSrc ||
				p.Dst.String() != c.wantDst || p.SrcPort != src.Port() || p.DstPort != dst.Port() || p.TTL != 61 || p.TOS != 0xb8 ||
				!bytes.Equal(p.Payload, payload) || VerifyChecksum(&p) != ChecksumGood ||
				p.Version == 4 && plainChecksum(p.Network[:20]) != 0 {
				t.Errorf("%s > %s, %d bytes: %+v", c.src, c.dst, size, p.Flow())
			}
		}
	}
}

// FinishUDP gives headers that say something else back what AppendUDP wrote; what was cut keeps its checksum, and what has none gets none.
func TestFinishUDP(t *testing.T) {
	for _, ends := range [][2]string{{"192.168.3.2:4000", "192.168.3.8:53"}, {"[fd00:3::2]:4000", "[fd00:3::8]:53"}} {
		for n := range 70 {
			want := AppendUDP(nil, netip.MustParseAddrPort(ends[0]), netip.MustParseAddrPort(ends[1]), 64, 7, bytes.Repeat([]byte{0xfe}, n))
			transport, lengths := 20, []int{2, 3, 10, 11, 24, 25, 26, 27}
			if want[0]>>4 == 6 {
				transport, lengths = 40, []int{4, 5, 44, 45, 46, 47}
			}
			got := bytes.Clone(want)
			for _, at := range lengths {
				got[at] ^= 0x5a
			}
			if FinishUDP(got, transport, len(got)); !bytes.Equal(got, want) {
				t.Fatalf("%d bytes of payload:\n%x, want\n%x", n, got, want)
			}
			checksum := want[transport+6 : transport+8]
			copy(got[transport+6:], []byte{0x12, 0x34})
			if FinishUDP(got[:transport+8], transport, len(got)); n > 0 && got[transport+6] != 0x12 {
				t.Fatalf("a checksum over what is not there: %x", got)
			}
			copy(got[transport+6:], []byte{0, 0})
			FinishUDP(got, transport, len(got))
			if none := binary.BigEndian.Uint16(got[transport+6:]) == 0; none != (want[0]>>4 == 4) || !none && !bytes.Equal(got[transport+6:transport+8], checksum) {
				t.Fatalf("where none was, the checksum is %x, want %x", got[transport+6:transport+8], checksum)
			}
		}
	}
}

func TestAppendUDPWhatFitsInNoDatagram(t *testing.T) {
	four, six := netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("[fd00::1]:1")
	if b := AppendUDP([]byte("b"), four, four, 1, 0, make([]byte, MaxPayload4+1)); string(b) != "b" {
		t.Errorf("IPv4: %d bytes", len(b))
	}
	if b := AppendUDP([]byte("b"), six, six, 1, 0, make([]byte, MaxPayload6)); len(b) != 1+40+65535 {
		t.Errorf("IPv6, the longest: %d bytes", len(b))
	}
	if b := AppendUDP([]byte("b"), six, six, 1, 0, make([]byte, MaxPayload6+1)); string(b) != "b" {
		t.Errorf("IPv6: %d bytes", len(b))
	}
}

func BenchmarkAppendUDP(b *testing.B) {
	for _, c := range []struct {
		name, src, dst string
		size           int
	}{
		{"v4_32", "192.168.3.2:57445", "192.168.3.8:12345", 32},
		{"v4mapped_32", "[::ffff:192.168.3.2]:57445", "[::ffff:192.168.3.8]:12345", 32},
		{"v6_32", "[fd00::1]:57445", "[fd00::2]:12345", 32},
		{"v4_1472", "192.168.3.2:57445", "192.168.3.8:12345", 1472},
	} {
		b.Run(c.name, func(b *testing.B) {
			src, dst := netip.MustParseAddrPort(c.src), netip.MustParseAddrPort(c.dst)
			payload, buf := make([]byte, c.size), make([]byte, 0, 2048)
			b.ReportAllocs()
			for b.Loop() {
				buf = AppendUDP(buf[:0], src, dst, 64, 0, payload)
			}
		})
	}
}
