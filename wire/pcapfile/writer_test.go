package pcapfile

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dgram/wire"

	"pgregory.net/rapid"
)

var someInterfaces = []wire.Interface{{Name: "lo", Link: wire.LinkEthernet, Snaplen: 65535}, {Name: "raw", Link: wire.LinkRaw, Snaplen: maxPacket}, {Link: wire.LinkSLL2, Snaplen: 96}}

// What is written is read again, whatever it is.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		classic := rapid.Bool().Draw(t, "classic")
		interfaces := someInterfaces
		if classic {
			interfaces = interfaces[:1]
		}
		var file bytes.Buffer
		w := NewWriter(&file, WriterConfig{Comment: "about", Application: "test", Hardware: "h", System: "s", Interfaces: interfaces, Classic: classic, Unbroken: rapid.Bool().Draw(t, "unbroken")})
		frames := rapid.SliceOf(rapid.Custom(func(t *rapid.T) wire.Frame {
			f := wire.Frame{Time: rapid.Int64Range(0, math.MaxInt64).Draw(t, "time"), Data: rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "data"),
				Interface: rapid.IntRange(0, len(interfaces)-1).Draw(t, "interface")}
			f.Length, f.Link = len(f.Data)+rapid.IntRange(0, 5).Draw(t, "cut"), interfaces[f.Interface].Link
			if classic {
				f.Time = f.Time % (1 << 32 * second) // as far as it goes
			} else {
				f.Outgoing, f.Comment = rapid.Bool().Draw(t, "out"), rapid.String().Draw(t, "comment")
			}
			return f
		})).Draw(t, "frames")
		lost := make([]uint64, len(interfaces))
		for i := range frames {
			if i%3 == 0 {
				w.Lost(2)
				lost[frames[i].Interface] += 2
			}
			if err := w.Add(&frames[i]); err != nil {
				t.Fatal(err)
			}
		}
		for i, n := range lost {
			if err := w.Statistics(i, 0, 1, n, "the end"); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(&file)
		if err != nil {
			t.Fatal(err)
		}
		for i := range frames {
			var f wire.Frame
			if err := r.Next(&f); err != nil {
				t.Fatal(err)
			}
			want := frames[i]
			if !bytes.Equal(f.Data, want.Data) {
				t.Fatalf("frame %d: %x, was %x", i, f.Data, want.Data)
			}
			f.Data, want.Data = nil, nil
			if f.Time != want.Time || f.Length != want.Length || f.Link != want.Link || f.Interface != want.Interface || f.Outgoing != want.Outgoing || f.Comment != want.Comment {
				t.Fatalf("frame %d: %+v, was %+v", i, f, want)
			}
		}
		if err := r.Next(new(wire.Frame)); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if classic {
			return
		}
		if r.Drops() != lost[0]+lost[1]+lost[2] || len(r.Interfaces()) != 3 || r.Interfaces()[0] != someInterfaces[0] {
			t.Fatalf("%d drops of %d; %+v", r.Drops(), lost, r.Interfaces())
		}
	})
}

// A file of unbroken blocks that is cut between two pages still ends where a block ends.
func TestUnbroken(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, WriterConfig{Comment: "odd", Interfaces: someInterfaces, Unbroken: true})
	for i := range 2000 {
		f := wire.Frame{Data: make([]byte, i*37%1500), Comment: strings.Repeat("c", i%50), Outgoing: i%2 == 0}
		if i%100 == 0 {
			w.Lost(1)
		}
		if err := w.Add(&f); err != nil {
			t.Fatal(err)
		}
		if i%13 == 0 {
			_ = w.Flush()
		}
	}
	_ = w.Flush()
	whole, _, err := readAll(t, file.Bytes())
	if !errors.Is(err, io.EOF) || len(whole) != 2000 {
		t.Fatalf("%d frames, %v", len(whole), err)
	}
	for n := 4096; n < file.Len(); n += 4096 {
		if _, _, err := readAll(t, file.Bytes()[:n]); !errors.Is(err, io.EOF) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

// calls counts writes, and takes only so many bytes in all.
type calls struct {
	bytes.Buffer
	n, room int
}

var errFull = errors.New("no space left on device")

func (c *calls) Write(p []byte) (int, error) {
	c.n++
	if over := c.Len() + len(p) - c.room; over > 0 {
		n, _ := c.Buffer.Write(p[:max(len(p)-over, 0)])
		return n, errFull
	}
	return c.Buffer.Write(p)
}

func TestOneWrite(t *testing.T) {
	to := &calls{room: math.MaxInt}
	w := NewWriter(to, WriterConfig{Interfaces: someInterfaces})
	f := wire.Frame{Data: make([]byte, 100)}
	for range 1000 {
		if err := w.Add(&f); err != nil {
			t.Fatal(err)
		}
	}
	if to.n != 0 {
		t.Errorf("%d writes before Flush", to.n)
	}
	if err := errors.Join(w.Flush(), w.Flush()); err != nil || to.n != 1 || w.Buffered() != 0 {
		t.Errorf("%v, %d writes", err, to.n)
	}
	for range 20000 {
		if err := w.Add(&f); err != nil {
			t.Fatal(err)
		}
	}
	if w.Buffered() > fullBuffer+1000 || to.n < 2 {
		t.Errorf("%d bytes wait, %d writes", w.Buffered(), to.n)
	}
}

// A disk that was full and has room again leaves a file that reads, without what could not be added.
func TestFullDisk(t *testing.T) {
	to := &calls{room: 10_001}
	w := NewWriter(to, WriterConfig{Interfaces: someInterfaces})
	f := wire.Frame{Data: make([]byte, 5000)}
	added, refused := 0, 0
	for i := range 1000 {
		f.Time = int64(i)
		switch err := w.Add(&f); {
		case err == nil:
			added++
		case errors.Is(err, ErrNoRoom) && errors.Is(err, errFull):
			refused++
		default:
			t.Fatal(err)
		}
		if i%100 == 0 {
			_ = w.Flush()
		}
	}
	if refused == 0 || w.Buffered() > fullBuffer+6000 {
		t.Errorf("%d refused, %d bytes wait", refused, w.Buffered())
	}
	if all, _, err := readAll(t, to.Bytes()); len(all) != 1 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("while it is full: %d frames, %v", len(all), err)
	}
	to.room = math.MaxInt
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	all, _, err := readAll(t, to.Bytes())
	if !errors.Is(err, io.EOF) || len(all) != added {
		t.Errorf("%d frames of %d added, %v", len(all), added, err)
	}
}

func TestWriterRefuses(t *testing.T) {
	w := NewWriter(io.Discard, WriterConfig{Classic: true})
	for _, c := range []struct {
		err  error
		want string
	}{
		{w.Add(&wire.Frame{}), "interface 0"},
		{second2(w.AddInterface(wire.Interface{Link: 1})), ""},
		{second2(w.AddInterface(wire.Interface{Link: 1})), ""},
		{second2(w.AddInterface(wire.Interface{Link: 101})), "one link type"},
		{w.Add(&wire.Frame{Interface: -1}), "interface -1"},
		{w.Add(&wire.Frame{Data: make([]byte, maxPacket+1)}), "262145"},
		{w.Statistics(2, 0, 0, 0, ""), "interface 2"},
		{w.Close(), ""},
		{NewWriter(io.Discard, WriterConfig{Classic: true, Interfaces: someInterfaces}).Flush(), "one link type"},
	} {
		if c.want == "" && c.err != nil || c.want != "" && (c.err == nil || !strings.Contains(c.err.Error(), c.want)) {
			t.Errorf("%v; want %q", c.err, c.want)
		}
	}
}

func second2(_ int, err error) error { return err }

func TestCreate(t *testing.T) {
	for name, magic := range map[string]string{"x.pcapng": "\x0a\x0d\x0d\x0a", "x.pcap": "\x4d\x3c\xb2\xa1", "x": "\x0a\x0d\x0d\x0a"} {
		path := filepath.Join(t.TempDir(), name)
		w, err := Create(path, WriterConfig{Interfaces: someInterfaces[:1]})
		if err == nil {
			err = w.Close()
		}
		b, _ := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(b), magic) {
			t.Errorf("%s: %v, % x", name, err, b)
		}
		r, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Next(new(wire.Frame)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLongComment(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, WriterConfig{Interfaces: someInterfaces})
	long := strings.Repeat("ä", 40000)
	if err := errors.Join(w.Add(&wire.Frame{Comment: long}), w.Close()); err != nil {
		t.Fatal(err)
	}
	all, _, err := readAll(t, file.Bytes())
	if !errors.Is(err, io.EOF) || all[0].Comment != long[:65534] {
		t.Errorf("%v, %d bytes", err, len(all[0].Comment))
	}
}

func TestAddAllocatesNothing(t *testing.T) {
	w := NewWriter(io.Discard, WriterConfig{Interfaces: someInterfaces})
	f := wire.Frame{Data: make([]byte, 92), Comment: "reply to No. 124 after 0.213 ms", Outgoing: true}
	for range 20000 {
		_ = w.Add(&f)
	}
	if n := testing.AllocsPerRun(1000, func() { _ = w.Add(&f) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzReader(f *testing.F) {
	for _, order := range orders {
		m := (&maker{AppendByteOrder: order}).section().iface(1, 5, func(m *maker) {
			m.option(optionName, []byte("e")).option(optionResolution, []byte{0x83}).number(optionOffset, 9)
		})
		m.enhanced(0, 99, "abc", func(m *maker) { m.option(optionComment, []byte("c")).u16(optionFlags).u16(4).u32(2) })
		m.block(blockSimple, func(m *maker) { m.u32(3).raw([]byte("abc")) }).block(0x0bad, func(m *maker) { m.u32(1) })
		m.block(blockPacket, func(m *maker) { m.u16(0).u16(4).u64(0).u32(3).u32(9).raw([]byte("old")) })
		m.block(blockStatistics, func(m *maker) { m.u32(0).u64(0).number(optionDropped, 10) })
		f.Add(m.b)
		for magic := range classicMagics {
			f.Add(append(classicFile(order, magic, 4, 1).u64(1).u32(3).u32(3).b, "abc"...))
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		var fr wire.Frame
		bytesRead := 0
		for err = r.Next(&fr); err == nil; err = r.Next(&fr) {
			if len(fr.Data) > maxPacket || fr.Length < len(fr.Data) || fr.Interface < 0 || fr.Interface >= len(r.Interfaces()) ||
				r.Interfaces()[fr.Interface].Link != fr.Link || len(fr.Comment) > maxText {
				t.Fatalf("%+v of %+v", fr, r.Interfaces())
			}
			bytesRead += len(fr.Data)
		}
		if file[0] != 0x1f && bytesRead > len(file) {
			t.Fatalf("%d bytes out of %d", bytesRead, len(file))
		}
		if len(r.in.buf) > 2*max(len(file), firstBuffer) && file[0] != 0x1f || len(r.Comment()) > maxText {
			t.Fatalf("%d bytes of buffer for %d", len(r.in.buf), len(file))
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, ErrDamaged) && !errors.Is(err, io.ErrUnexpectedEOF) && file[0] != 0x1f {
			t.Fatal(err)
		}
		_ = r.Drops()
	})
}

func benchmarkFile(comment string) []byte {
	var file bytes.Buffer
	w := NewWriter(&file, WriterConfig{Interfaces: someInterfaces[:1]})
	f := wire.Frame{Time: 1_700_000_000_000_000_000, Data: make([]byte, 92), Comment: comment}
	for range 100_000 {
		_ = w.Add(&f)
	}
	_ = w.Close()
	return file.Bytes()
}

func BenchmarkReader(b *testing.B) {
	for name, comment := range map[string]string{"plain": "", "comments": "reply to No. 124 after 0.213 ms"} {
		b.Run(name, func(b *testing.B) {
			file := benchmarkFile(comment)
			n := 0
			var f wire.Frame
			for b.Loop() {
				r, err := NewReader(bytes.NewReader(file))
				for err == nil {
					if err = r.Next(&f); err == nil {
						n++
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/packet")
		})
	}
}

func BenchmarkWriter(b *testing.B) {
	w := NewWriter(io.Discard, WriterConfig{Interfaces: someInterfaces})
	f := wire.Frame{Time: 1_700_000_000_000_000_000, Data: make([]byte, 92), Comment: "reply to No. 124 after 0.213 ms", Outgoing: true}
	for b.Loop() {
		_ = w.Add(&f)
	}
}
