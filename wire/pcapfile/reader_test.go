package pcapfile

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"dgram/wire"
)

// maker builds files by hand, in either byte order, right or wrong.
type maker struct {
	binary.AppendByteOrder
	b []byte
}

func (m *maker) u16(v uint16) *maker { m.b = m.AppendUint16(m.b, v); return m }
func (m *maker) u32(v uint32) *maker { m.b = m.AppendUint32(m.b, v); return m }
func (m *maker) u64(v uint64) *maker { m.b = m.AppendUint64(m.b, v); return m }

func (m *maker) raw(b []byte) *maker {
	m.b = append(m.b, b...)
	for len(m.b)%4 != 0 {
		m.b = append(m.b, 0)
	}
	return m
}

// block adds a block with what body writes in it.
func (m *maker) block(kind uint32, body func(*maker)) *maker {
	inner := &maker{AppendByteOrder: m.AppendByteOrder}
	body(inner)
	n := uint32(len(inner.b) + 12)
	m.u32(kind).u32(n)
	m.b = append(m.b, inner.b...)
	return m.u32(n)
}

func (m *maker) option(code uint16, value []byte) *maker {
	return m.u16(code).u16(uint16(len(value))).raw(value)
}

func (m *maker) number(code uint16, v uint64) *maker { return m.u16(code).u16(8).u64(v) }

func (m *maker) section() *maker {
	return m.block(blockSection, func(m *maker) { m.u32(byteOrderMagic).u16(1).u16(0).u64(math.MaxUint64) })
}

func (m *maker) iface(link uint16, snaplen uint32, options func(*maker)) *maker {
	return m.block(blockInterface, func(m *maker) {
		m.u16(link).u16(0).u32(snaplen)
		if options != nil {
			options(m)
		}
	})
}

func (m *maker) enhanced(index uint32, units uint64, data string, options func(*maker)) *maker {
	return m.block(blockEnhanced, func(m *maker) {
		m.u32(index).u32(uint32(units >> 32)).u32(uint32(units)).u32(uint32(len(data))).u32(uint32(len(data))).raw([]byte(data))
		if options != nil {
			options(m)
		}
	})
}

var orders = map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian}

// got is a frame with bytes of its own.
type got struct {
	wire.Frame
	data string
}

func readAll(t testing.TB, b []byte) (all []got, r *Reader, err error) {
	t.Helper()
	r, err = NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, nil, err
	}
	for {
		var f wire.Frame
		if err = r.Next(&f); err != nil {
			if again := r.Next(&f); !errors.Is(again, err) {
				t.Errorf("after %v came %v", err, again)
			}
			return all, r, err
		}
		all = append(all, got{f, string(f.Data)})
	}
}

func TestPcapng(t *testing.T) {
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			m := (&maker{AppendByteOrder: order}).section()
			m.iface(1, 5, func(m *maker) { m.option(optionName, []byte("eth0")).option(optionResolution, []byte{9}).u32(0) })
			m.iface(101, 0, func(m *maker) { m.option(optionResolution, []byte{0x80 | 10}).number(optionOffset, 1000) })
			m.iface(101, 0, nil)
			m.enhanced(0, 1_700_000_000_123_456_789, "hello", func(m *maker) {
				m.option(optionComment, []byte("one")).u16(optionFlags).u16(4).u32(outbound).option(optionComment, []byte("two")).number(optionLost, 3).u32(0)
			})
			m.block(0x0bad, func(m *maker) { m.u32(1).raw([]byte("custom")) })
			m.block(0x77777777, func(m *maker) { m.raw(make([]byte, 300<<10)) })
			m.enhanced(1, 3<<10|512, "raw", nil)
			m.block(blockSimple, func(m *maker) { m.u32(11).raw([]byte("simpl")) })
			m.block(blockPacket, func(m *maker) {
				m.u16(2).u16(4).u32(0).u32(77).u32(3).u32(9).raw([]byte("old"))
			})
			m.block(blockStatistics, func(m *maker) {
				m.u32(0).u64(0).number(optionDropped, 10).number(optionSystemDropped, 1).option(optionComment, []byte("closing")).u32(0)
			})
			other := orders["big"]
			if name == "big" {
				other = orders["little"]
			}
			second := (&maker{AppendByteOrder: other}).section().iface(1, 5, func(m *maker) { m.option(optionName, []byte("eth0")) }).iface(228, 0, nil).
				enhanced(1, 1_000_001, "v4", nil)
			all, r, err := readAll(t, append(m.b, second.b...))
			if !errors.Is(err, io.EOF) || len(all) != 5 {
				t.Fatalf("%d frames, %v", len(all), err)
			}
			want := []struct {
				time     int64
				data     string
				length   int
				link     wire.LinkType
				index    int
				outgoing bool
				comment  string
			}{
				{1_700_000_000_123_456_789, "hello", 5, 1, 0, true, "one\ntwo"},
				{1003_500_000_000, "raw", 3, 101, 1, false, ""},
				{0, "simpl", 11, 1, 0, false, ""},
				{77_000, "old", 9, 101, 2, false, ""},
				{1_000_001_000, "v4", 2, 228, 3, false, ""},
			}
			for i, w := range want {
				g := all[i]
				if g.Time != w.time || g.data != w.data || g.Length != w.length || g.Link != w.link || g.Interface != w.index || g.Outgoing != w.outgoing || g.Comment != w.comment {
					t.Errorf("frame %d is %+v %q; want %+v", i, g.Frame, g.data, w)
				}
			}
			if n := r.Drops(); n != 11+4 {
				t.Errorf("%d drops, want 15", n)
			}
			if len(r.Interfaces()) != 4 || r.Interfaces()[0].Name != "eth0" || r.Comment() != "closing" {
				t.Errorf("interfaces %+v, comment %q", r.Interfaces(), r.Comment())
			}
		})
	}
}

func classicFile(order binary.AppendByteOrder, magic uint32, minor uint16, link uint32) *maker {
	m := &maker{AppendByteOrder: order}
	return m.u32(magic).u16(2).u16(minor).u64(0).u32(96).u32(link)
}

func TestClassic(t *testing.T) {
	for name, order := range orders {
		for magic, scale := range classicMagics {
			m := classicFile(order, magic, 4, 1|0x14000000) // with a frame check sequence of 2 bytes
			m.u32(5).u32(7).u32(3).u32(60)
			m.b = append(m.b, "abc"...)
			m.u32(4_000_000_000).u32(0).u32(0).u32(0)
			all, r, err := readAll(t, m.b)
			if !errors.Is(err, io.EOF) || len(all) != 2 {
				t.Fatalf("%s: %d frames, %v", name, len(all), err)
			}
			if g := all[0]; g.Time != 5e9+7*scale || g.data != "abc" || g.Length != 60 || g.Link != 1 {
				t.Errorf("%s: %+v", name, g)
			}
			if all[1].Time != 4e18 || r.Interfaces()[0].Snaplen != 96 || r.Drops() != 0 {
				t.Errorf("%s: %+v %+v", name, all[1], r.Interfaces())
			}
		}
	}
	old := classicFile(binary.LittleEndian, 0xa1b2c3d4, 2, 1).u32(0).u32(0).u32(60).u32(3)
	old.b = append(old.b, "abc"...)
	if all, _, err := readAll(t, old.b); !errors.Is(err, io.EOF) || all[0].data != "abc" || all[0].Length != 60 {
		t.Errorf("version 2.2: %+v %v", all, err)
	}
}

func TestGzip(t *testing.T) {
	m := (&maker{AppendByteOrder: binary.LittleEndian}).section().iface(1, 0, nil).enhanced(0, 5, "packed", nil)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(m.b)
	_ = w.Close()
	if all, _, err := readAll(t, packed.Bytes()); !errors.Is(err, io.EOF) || len(all) != 1 || all[0].data != "packed" {
		t.Errorf("%+v %v", all, err)
	}
	if _, _, err := readAll(t, packed.Bytes()[:packed.Len()-9]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: %v", err)
	}
	if _, err := NewReader(strings.NewReader("\x1f\x8b and no more")); err == nil || !strings.Contains(err.Error(), "gzip") {
		t.Errorf("no gzip: %v", err)
	}
}

// Every file that is cut somewhere hands out the packets before that, and says where it was cut.
func TestCut(t *testing.T) {
	files := map[string][]byte{
		"pcapng": (&maker{AppendByteOrder: binary.BigEndian}).section().iface(1, 0, nil).enhanced(0, 5, "first", nil).
			block(0x0bad, func(m *maker) { m.u32(7) }).enhanced(0, 6, "second", nil).b,
		"pcap": append(classicFile(binary.LittleEndian, 0xa1b2c3d4, 4, 1).u32(1).u32(1).u32(3).u32(3).b, "abc"...),
	}
	for name, whole := range files {
		complete, _, _ := readAll(t, whole)
		for n := 1; n < len(whole); n++ {
			all, _, err := readAll(t, whole[:n])
			if err == nil || len(all) >= len(complete) {
				t.Errorf("%s cut at %d: %d frames, %v", name, n, len(all), err)
			}
			if !errors.Is(err, io.EOF) && n >= 4 && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s cut at %d: %v", name, n, err)
			}
		}
	}
}

func TestNoCapture(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "it is empty",
		"ab":                         "only 2 bytes",
		"hello, world":               "begins with 68 65 6c 6c",
		"\x28\xb5\x2f\xfd....":       "zstd",
		"snoop\x00\x00\x00":          "snoop",
		"\xa1\xb2\xcd\x34aaaaaaaaaa": "Kuznetzov",
		"\x34\xcd\xb2\xa1aaaaaaaaaa": "Kuznetzov",
	} {
		_, err := NewReader(strings.NewReader(text))
		if !errors.Is(err, ErrNotCapture) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q in it", text, err, want)
		}
	}
	if _, err := Open("testdata/none"); err == nil || !strings.Contains(err.Error(), "testdata/none") {
		t.Errorf("no file: %v", err)
	}
}

// Files that promise more than they have: what is wrong is said, and little memory is spent on it.
func TestHostile(t *testing.T) {
	little := func() *maker { return (&maker{AppendByteOrder: binary.LittleEndian}).section() }
	many := little()
	for range maxInterfaces + 1 {
		many.iface(1, 0, nil)
	}
	names := &maker{AppendByteOrder: binary.LittleEndian}
	for i := range maxInterfaces + 1 {
		names.section().iface(uint16(i), 0, nil)
	}
	for name, file := range map[string][]byte{
		"84 bytes that promise 4 GB": little().iface(1, 0, nil).u32(blockEnhanced).u32(0xfffffffc).raw(make([]byte, 28)).b,
		"packet of 4 GB": little().iface(1, 0, nil).block(blockEnhanced, func(m *maker) {
			m.u32(0).u64(0).u32(0xffffffff).u32(0xffffffff).u64(0)
		}).b,
		"packet over its block": little().iface(1, 0, nil).block(blockEnhanced, func(m *maker) { m.u32(0).u64(0).u32(9).u32(9).u64(0) }).b,
		"block too short":       little().u32(blockEnhanced).u32(8).b,
		"odd block":             little().u32(blockEnhanced).u32(33).raw(make([]byte, 40)).b,
		"lengths differ":        little().u32(0x0bad).u32(16).u32(0).u32(20).b,
		"EPB lengths differ":    little().iface(1, 0, nil).u32(blockEnhanced).u32(32).raw(make([]byte, 20)).u32(36).b,
		"no such interface":     little().enhanced(0, 0, "x", nil).b,
		"no interface at all":   little().block(blockSimple, func(m *maker) { m.u32(4).u32(0) }).b,
		"statistics of nothing": little().block(blockStatistics, func(m *maker) { m.u32(7).u64(0) }).b,
		"version 2":             (&maker{AppendByteOrder: binary.LittleEndian}).block(blockSection, func(m *maker) { m.u32(byteOrderMagic).u16(2).u16(0).u64(0) }).b,
		"no byte order":         (&maker{AppendByteOrder: binary.LittleEndian}).block(blockSection, func(m *maker) { m.u32(1).u32(1).u64(0) }).b,
		"too many interfaces":   many.b,
		"ever more interfaces":  names.b,
		"pcap packet of 4 GB":   classicFile(binary.LittleEndian, 0xa1b2c3d4, 4, 1).u64(0).u32(0xffffffff).u32(0xffffffff).b,
		"pcap version 7":        (&maker{AppendByteOrder: binary.LittleEndian}).u32(0xa1b2c3d4).u16(7).u16(0).u64(0).u64(0).b,
		"pcap link type":        classicFile(binary.LittleEndian, 0xa1b2c3d4, 4, 0x10001).b,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := readAll(t, file)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 4<<20 {
			t.Errorf("%s: %d bytes were allocated", name, spent)
		}
	}
	// What a file announces and does not have costs no more than what it has.
	promise := little().iface(1, 0, nil).u32(blockEnhanced).u32(maxBlock).raw(make([]byte, 64)).b
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := readAll(t, promise)
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, io.ErrUnexpectedEOF) || spent > 2*firstBuffer {
		t.Errorf("a promise of 16 MiB: %v, %d bytes allocated", err, spent)
	}
}

func TestResolution(t *testing.T) {
	for _, c := range []struct {
		resolution byte
		offset     int64
		units      uint64
		want       int64
	}{
		{6, 0, 1_700_000_000_000_001, 1_700_000_000_000_001_000},
		{9, 0, 42, 42},
		{0, 0, 3, 3e9},
		{3, -1, 2500, 1.5e9},
		{12, 0, 1_500_000_000_123, 1_500_000_000},
		{0x80 | 20, 5, 3 << 19, 6.5e9},
		{0x80 | 63, 0, 1 << 62, 5e8},
		{19, 0, 15_000_000_000_000_000_000, 1.5e9},
		{20, 0, 1, 0},        // no such time
		{0x80 | 64, 0, 1, 0}, // the same
		{6, 0, math.MaxUint64, 0},
		{0, math.MinInt64, 1, 0},
		{0, math.MaxInt64, math.MaxUint64, 0},
	} {
		r := newResolution(c.resolution, c.offset)
		if got := r.time(c.units); got != c.want {
			t.Errorf("resolution %#x, offset %d: %d units are %d ns, want %d", c.resolution, c.offset, c.units, got, c.want)
		}
	}
}

// slow brings a file in pieces of one byte, and now and then nothing.
type slow struct {
	b    []byte
	turn int
}

func (s *slow) Read(p []byte) (int, error) {
	if s.turn++; s.turn%3 == 0 {
		return 0, nil
	}
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	p[0] = s.b[0]
	s.b = s.b[1:]
	return 1, nil
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestPieces(t *testing.T) {
	m := (&maker{AppendByteOrder: binary.LittleEndian}).section().iface(1, 0, nil).enhanced(0, 5, strings.Repeat("x", 300), nil)
	r, err := NewReader(&slow{b: m.b})
	if err != nil {
		t.Fatal(err)
	}
	var f wire.Frame
	if err := r.Next(&f); err != nil || len(f.Data) != 300 {
		t.Errorf("%v, %d bytes", err, len(f.Data))
	}
	if err := r.Next(&f); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if _, err := NewReader(stuck{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that brings nothing: %v", err)
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	m := (&maker{AppendByteOrder: binary.LittleEndian}).section().iface(1, 0, nil)
	for range 2000 {
		m.enhanced(0, 5, "some bytes", nil)
	}
	r, err := NewReader(bytes.NewReader(m.b))
	if err != nil {
		t.Fatal(err)
	}
	var f wire.Frame
	if n := testing.AllocsPerRun(1000, func() {
		if err := r.Next(&f); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}
