package pcapfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dgram/internal/testnet"
	"dgram/wire"
)

// tool runs one of Wireshark's programs, which must have nothing to complain about.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	said := strings.ReplaceAll(complaints.String(), "Running as user \"root\" and group \"root\". This could be dangerous.\n", "")
	if err != nil || said != "" {
		t.Fatalf("%s %v: %v\n%s", name, args, err, said)
	}
	return out.String()
}

// shown is what tshark says of every frame of a file, as ours would say it.
func shown(t *testing.T, path string) []string {
	out := tool(t, "tshark", "-r", path, "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len", "-e", "frame.comment", "-E", "aggregator=|")
	return strings.Split(strings.TrimSuffix(out, "\n"), "\n")
}

func ours(t *testing.T, path string) (lines []string, data [][]byte) {
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		var f wire.Frame
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return lines, data
		} else if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%d.%09d\t%d\t%d\t%s", f.Time/second, f.Time%second, f.Length, len(f.Data), strings.ReplaceAll(f.Comment, "\n", "|")))
		data = append(data, bytes.Clone(f.Data))
	}
}

func compare(t *testing.T, path string) [][]byte {
	t.Helper()
	theirs := shown(t, path)
	lines, data := ours(t, path)
	if len(lines) != len(theirs) {
		t.Fatalf("%s: we read %d frames, tshark %d", path, len(lines), len(theirs))
	}
	for i := range lines {
		// A tshark of today writes times as seconds with a fraction; one may have the fraction's zeros left out.
		if normal(lines[i]) != normal(theirs[i]) {
			t.Errorf("%s: frame %d:\n  we     %q\n  tshark %q", path, i+1, lines[i], theirs[i])
		}
	}
	return data
}

func normal(line string) string {
	at, rest, _ := strings.Cut(line, "\t")
	if x, err := strconv.ParseFloat(at, 64); err == nil && x == 0 {
		at = "" // no time
	}
	return strings.TrimRight(at, "0") + "\t" + strings.TrimSpace(rest)
}

// packet is an Ethernet frame with a UDP datagram, so that tshark has nothing to say against it.
func packet(r *rand.Rand) []byte {
	payload := make([]byte, r.IntN(200))
	for i := range payload {
		payload[i] = byte(r.Uint32())
	}
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(28+len(payload)))
	b = append(b, 0, 0, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1, 0xff, 1, 0xff, 2)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	return append(append(b, 0, 0), payload...)
}

// randomFile makes a pcapng file of everything that is read, in some order.
func randomFile(r *rand.Rand) []byte {
	var file []byte
	for range 1 + r.IntN(3) {
		m := &maker{AppendByteOrder: orders[[]string{"little", "big"}[r.IntN(2)]]}
		m.section()
		count := 1 + r.IntN(3)
		units := make([]float64, count)
		for i := range count {
			resolution := []byte{6, 9, 3, 0x80 | 20, 7}[r.IntN(5)]
			units[i] = map[byte]float64{6: 1e6, 9: 1e9, 3: 1e3, 0x80 | 20: 1 << 20, 7: 1e7}[resolution]
			m.iface(1, 0, func(m *maker) {
				m.option(optionName, fmt.Appendf(nil, "if%d", i)).option(optionResolution, []byte{resolution})
				if r.IntN(3) == 0 {
					m.number(optionOffset, uint64(r.IntN(5000)))
				}
				m.u32(0)
			})
		}
		for range r.IntN(20) {
			i := r.IntN(count)
			at := uint64(1_700_000_000*units[i]) + r.Uint64N(uint64(units[i]))
			data := packet(r)
			switch r.IntN(10) {
			case 0:
				m.block(0x77777777, func(m *maker) { m.raw([]byte("nobody knows")) })
			case 1:
				m.block(blockSimple, func(m *maker) { m.u32(uint32(len(data))).raw(data) })
			case 2:
				m.block(blockPacket, func(m *maker) {
					m.u16(uint16(i)).u16(0xffff).u32(uint32(at >> 32)).u32(uint32(at)).u32(uint32(len(data))).u32(uint32(len(data) + 5)).raw(data)
				})
			case 3:
				m.block(blockStatistics, func(m *maker) { m.u32(uint32(i)).u64(0).number(optionDropped, 10).u32(0) })
			default:
				m.enhanced(uint32(i), at, string(data), func(m *maker) {
					for k := range r.IntN(3) {
						m.option(optionComment, fmt.Appendf(nil, "comment %d", k))
					}
					if r.IntN(2) == 0 {
						m.u16(optionFlags).u16(4).u32(1 + r.Uint32N(2)).u32(0)
					}
				})
			}
		}
		file = append(file, m.b...)
	}
	return file
}

// tshark reads the same out of random files, and what it makes of them is read the same again.
func TestAsTshark(t *testing.T) {
	testnet.Need(t, "tshark", "editcap", "mergecap")
	dir := t.TempDir()
	for seed, format := range []string{"pcapng", "pcap", "nsecpcap"} {
		path := filepath.Join(dir, fmt.Sprintf("%d.pcapng", seed))
		file := randomFile(rand.New(rand.NewPCG(uint64(seed), 1)))
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		data := compare(t, path)
		made := filepath.Join(dir, fmt.Sprintf("%d.as.%s", seed, format))
		tool(t, "editcap", "-F", format, path, made)
		again := compare(t, made)
		if len(again) != len(data) {
			t.Fatalf("%s: %d frames, were %d", made, len(again), len(data))
		}
		for i := range data {
			if !bytes.Equal(data[i], again[i]) {
				t.Errorf("%s: frame %d has other bytes", made, i+1)
			}
		}
	}
	merged := filepath.Join(dir, "merged")
	tool(t, "mergecap", "-a", "-w", merged, filepath.Join(dir, "0.pcapng"), filepath.Join(dir, "1.as.pcap"))
	compare(t, merged)
}

// What is written, Wireshark's programs read without a word.
func TestForTshark(t *testing.T) {
	testnet.Need(t, "tshark", "capinfos")
	r := rand.New(rand.NewPCG(7, 7))
	for _, name := range []string{"w.pcapng", "w.pcap"} {
		path := filepath.Join(t.TempDir(), name)
		w, err := Create(path, WriterConfig{Comment: "about the file", Application: "a test", Directions: true, Unbroken: true, Interfaces: []wire.Interface{{Name: "lo", Link: wire.LinkEthernet}}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 150 {
			b := packet(r)
			f := wire.Frame{Time: 1_700_000_000*second + int64(i), Data: b, Length: len(b) + i%2, Comment: fmt.Sprintf("No. %d, ä", i+1), Outgoing: i%3 == 0}
			if i%7 == 0 {
				w.Lost(2)
			}
			if err := w.Add(&f); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Statistics(0, 1_700_000_001*second, 66, 16, "at the end"); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		compare(t, path)
		info := tool(t, "capinfos", path)
		if !strings.Contains(info, "Number of packets:   150") || !strings.Contains(info, "nanoseconds") || strings.HasSuffix(name, "ng") && !strings.Contains(info, "about the file") {
			t.Errorf("capinfos says of %s:\n%s", name, info)
		}
	}
	empty := filepath.Join(t.TempDir(), "empty.pcapng")
	w, err := Create(empty, WriterConfig{})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	tool(t, "capinfos", empty)
}
