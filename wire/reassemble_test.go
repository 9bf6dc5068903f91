package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// cutUp makes IP fragments of a packet that AppendUDP made, each with at most size bytes (a multiple of 8) of its data.
func cutUp(whole []byte, id uint32, size int) [][]byte {
	header, next := whole[:20:20], byte(0)
	if whole[0]>>4 == 6 {
		header, next = whole[:40:40], whole[6]
	}
	data := whole[len(header):]
	var pieces [][]byte
	for off := 0; off < len(data); off += size {
		end := min(off+size, len(data))
		pieces = append(pieces, fragment(header, next, id, off, end < len(data), data[off:end]))
	}
	return pieces
}

// fragment makes one IP fragment with that header.
func fragment(header []byte, next byte, id uint32, off int, more bool, data []byte) []byte {
	b := bytes.Clone(header)
	if header[0]>>4 == 4 {
		field := uint16(off / 8)
		if more {
			field |= 0x2000
		}
		binary.BigEndian.PutUint16(b[4:], uint16(id))
		binary.BigEndian.PutUint16(b[6:], field)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)+len(data)))
		b[10], b[11] = 0, 0
		binary.BigEndian.PutUint16(b[10:], Checksum(b))
		return append(b, data...)
	}
	field := uint16(off)
	if more {
		field |= 1
	}
	b[6] = ProtocolFragment
	binary.BigEndian.PutUint16(b[4:], uint16(len(header)-40+8+len(data)))
	b = append(b, next, 0)
	b = binary.BigEndian.AppendUint16(b, field)
	b = binary.BigEndian.AppendUint32(b, id)
	return append(b, data...)
}

func decodeRaw(b []byte) Packet {
	var p Packet
	Decode(&Frame{Data: b, Length: len(b), Link: LinkRaw}, &p)
	return p
}

// built is a packet of AppendUDP with size bytes that differ from each other.
func built(version, size int) []byte {
	payload := make([]byte, size)
	for i := range payload {
		payload[i] = byte(i * 7 / 3)
	}
	if version == 6 {
		return AppendUDP(nil, v6SrcPort, v6DstPort, 64, 0, payload)
	}
	return AppendUDP(nil, v4SrcPort, v4DstPort, 64, 0, payload)
}

func TestReassembleInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, version := range []int{4, 6} {
		for _, size := range []int{9, 100, 5000, MaxPayload4} {
			t.Run(fmt.Sprint(version, " ", size), func(t *testing.T) {
				whole := built(version, size)
				pieces := cutUp(whole, 77, max(8, size/5&^7))
				random.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
				var r Reassembler
				for i, piece := range pieces {
					p := decodeRaw(piece)
					p.No = uint64(i)
					before := p
					done := r.Add(&p)
					if done != (i == len(pieces)-1) {
						t.Fatalf("piece %d of %d: %v", i+1, len(pieces), done)
					}
					if !done {
						if fmt.Sprint(p) != fmt.Sprint(before) {
							t.Fatalf("changed: %+v", p)
						}
						continue
					}
					want := decodeRaw(whole)
					if p.Fragment || p.Fragments != len(pieces) || p.No != uint64(i) || p.Flow() != want.Flow() || !p.HasPorts ||
						!bytes.Equal(p.Payload, want.Payload) || p.PayloadLength != size || p.FragmentID != 77 || p.Problem != NoProblem ||
						len(p.Network) != len(whole) || VerifyChecksum(&p) != ChecksumGood {
						t.Fatalf("%+v", p)
					}
					if version == 4 && plainChecksum(p.Network[:20]) != 0 {
						t.Errorf("header checksum of %x", p.Network[:20])
					}
				}
				if c := r.Counts(); c.Whole != 1 || c.Waiting != 0 || c.Bytes != 0 {
					t.Errorf("%+v", c)
				}
			})
		}
	}
}

// IPv6 may have headers before the fragment header, which stay, and after it, which are part of what was cut up.
func TestReassembleBetweenExtensionHeaders(t *testing.T) {
	whole := built(6, 100)
	options := []byte{ProtocolUDP, 0, 1, 4, 0, 0, 0, 0}
	header := append(bytes.Clone(whole[:40]), ProtocolFragment, 0, 1, 4, 0, 0, 0, 0)
	header[6] = ProtocolHopByHop
	data := append(options, whole[40:]...)
	var r Reassembler
	for i, off := range []int{0, 64} {
		piece := fragment(header, ProtocolOptions, 9, off, i == 0, data[off:min(off+64, len(data))])
		piece[6], piece[40] = ProtocolHopByHop, ProtocolFragment
		p := decodeRaw(piece)
		if done := r.Add(&p); done != (i == 1) {
			t.Fatalf("%d: %v %+v %+v", i, done, p, r.Counts())
		}
		if i == 1 && (string(p.Payload) != string(whole[48:]) || len(p.Network) != len(whole)+16 || VerifyChecksum(&p) != ChecksumGood) {
			t.Fatalf("%+v", p)
		}
	}
}

func TestReassembleWhatTheKernelRefuses(t *testing.T) {
	type part struct {
		off, size int
		more      bool
	}
	for _, version := range []int{4, 6} {
		for _, c := range []struct {
			name  string
			parts []part
			want  ReassemblyCounts
		}{
			{"overlap", []part{{0, 16, true}, {8, 16, true}}, ReassemblyCounts{Refused: 1}},
			{"overlap that fills", []part{{16, 8, true}, {8, 24, true}}, ReassemblyCounts{Refused: 1}},
			{"duplicate", []part{{0, 16, true}, {0, 16, true}, {16, 8, false}}, ReassemblyCounts{Duplicates: 1, Whole: 1}},
			{"within", []part{{0, 16, true}, {16, 16, true}, {8, 16, true}, {32, 8, false}},
				ReassemblyCounts{Duplicates: 1, Whole: 1}},
			{"within, but not in order", []part{{8, 8, true}, {0, 8, true}, {0, 16, true}}, ReassemblyCounts{Refused: 1}},
			{"two ends", []part{{8, 8, false}, {16, 8, false}}, ReassemblyCounts{Refused: 1}},
			{"beyond the end", []part{{8, 8, false}, {16, 8, true}}, ReassemblyCounts{Refused: 1}},
			{"nothing", []part{{8, 0, true}}, ReassemblyCounts{Refused: 1}},
			{"a hole", []part{{0, 8, true}, {16, 8, false}}, ReassemblyCounts{Waiting: 1}},
		} {
			var r Reassembler
			whole := built(version, 200)
			header := whole[:20]
			if version == 6 {
				header = whole[:40]
			}
			for _, part := range c.parts {
				p := decodeRaw(fragment(header, ProtocolUDP, 5, part.off, part.more, whole[len(header):][part.off:part.off+part.size]))
				r.Add(&p)
			}
			got := r.Counts()
			if got.Bytes = 0; got != c.want {
				t.Errorf("IPv%d, %s: %+v, want %+v", version, c.name, got, c.want)
			}
		}
	}
}

func TestReassemblerIsBounded(t *testing.T) {
	whole := built(4, 3000)
	r := Reassembler{MaxBytes: 100_000}
	for id := range uint32(1000) {
		p := decodeRaw(cutUp(whole, id, 1480)[1])
		r.Add(&p)
		if c := r.Counts(); c.Bytes > 100_000 {
			t.Fatalf("%+v", c)
		}
	}
	if c := r.Counts(); c.Evicted == 0 || c.Waiting < 20 || int(c.Evicted)+c.Waiting != 1000 {
		t.Errorf("%+v", c)
	}
	r = Reassembler{MaxDatagrams: 10}
	for id := range uint32(1000) {
		p := decodeRaw(cutUp(whole, id, 1480)[0])
		r.Add(&p)
	}
	if c := r.Counts(); c.Waiting != 10 || c.Evicted != 990 {
		t.Errorf("%+v", c)
	}
}

func TestReassemblerGivesUp(t *testing.T) {
	for version, limit := range map[int]time.Duration{4: ReassemblyTime4, 6: ReassemblyTime6} {
		pieces := cutUp(built(version, 3000), 1, 1480)
		for _, late := range []bool{false, true} {
			var r Reassembler
			first, second, third := decodeRaw(pieces[0]), decodeRaw(pieces[1]), decodeRaw(pieces[2])
			first.Time = int64(time.Hour)
			second.Time, third.Time = first.Time+1, first.Time+int64(limit)
			if late {
				third.Time++
			}
			r.Add(&first)
			r.Add(&second)
			if done := r.Add(&third); done == late {
				t.Errorf("IPv%d, late %v: %v", version, late, done)
			}
			r.Expire(third.Time + int64(limit) + 1)
			if c := r.Counts(); late && (c.TimedOut != 2 || c.Waiting != 0) {
				t.Errorf("IPv%d: %+v", version, c)
			}
		}
	}
}

// A capture that kept only the beginnings of packets holds no whole datagrams.
func TestReassembleWhatWasCut(t *testing.T) {
	var r Reassembler
	for _, piece := range cutUp(built(4, 3000), 1, 1480) {
		var p Packet
		Decode(&Frame{Data: piece[:min(96, len(piece))], Length: len(piece), Link: LinkRaw}, &p)
		if r.Add(&p) {
			t.Error("put together")
		}
	}
	if c := r.Counts(); c.Cut != 2 || c.Waiting != 1 { // the last piece is short
		t.Errorf("%+v", c)
	}
}

// A slowReassembler does the same for one datagram, byte by byte.
type slowReassembler struct {
	version int
	have    map[int]byte
	run     map[int]int // which of the pieces that came one behind the other a byte is of
	runs    int
	tail    int // where what is there ends
	end     int
	last    bool
}

// add returns the whole data, if that is it, and whether all that was there has been thrown away.
func (s *slowReassembler) add(off int, data []byte, more bool) (whole []byte, gone bool) {
	end := off + len(data)
	if s.version == 6 && (end > 65535 || more && len(data)%8 != 0) {
		return nil, false
	}
	if more {
		end = end / 8 * 8
	}
	if s.last && end > s.end || !more && (end < s.end || s.last && end != s.end) || end <= off {
		return nil, true
	}
	s.end, s.last = max(s.end, end), s.last || !more
	known, runs := 0, map[int]bool{}
	for i := off; i < end; i++ {
		if _, ok := s.have[i]; ok {
			known++
			runs[s.run[i]] = true
		}
	}
	if known > 0 {
		return nil, known < end-off || len(runs) > 1
	}
	run := s.run[off-1]
	if off == 0 || off != s.tail {
		s.runs++
		run = s.runs
	}
	for i := off; i < end; i++ {
		s.have[i], s.run[i] = data[i-off], run
	}
	s.tail = max(s.tail, end)
	if !s.last || len(s.have) < s.end {
		return nil, false
	}
	for i := range s.end {
		whole = append(whole, s.have[i])
	}
	return whole, true
}

func FuzzReassemble(f *testing.F) {
	f.Add([]byte{0, 0, 2, 1, 0, 2, 2, 1, 0, 4, 1, 0})
	f.Add([]byte{1, 4, 1, 0, 1, 0, 2, 1, 1, 2, 2, 1})
	f.Add([]byte{0, 0, 4, 1, 0, 1, 2, 1, 0, 4, 4, 1, 0, 2, 4, 1, 0, 8, 3, 2})
	f.Add([]byte{2, 0, 2, 1, 3, 0, 2, 1, 2, 2, 2, 0, 3, 2, 2, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		var r Reassembler
		slow := map[byte]*slowReassembler{}
		headers := map[int][]byte{4: built(4, 0)[:20], 6: built(6, 0)[:40]}
		for n := 0; len(script) >= 4 && n < 200; n++ {
			// Which of eight datagrams, where, how long, and what else.
			which, off, size, flags := script[0]&7, int(script[1])*8, int(script[2])*8, script[3]
			script = script[4:]
			version := 4 + int(which&1)*2
			more := flags&1 != 0
			if flags&2 != 0 {
				size += int(flags >> 4)
			}
			if flags&4 != 0 {
				off = off * 32 & 0xfff8
			}
			data := bytes.Repeat([]byte{byte(n + 1)}, size)
			if version == 4 && len(data)+20 > 65535 || !more && off == 0 {
				continue
			}
			s := slow[which]
			if s == nil {
				s = &slowReassembler{version: version, have: map[int]byte{}, run: map[int]int{}}
				slow[which] = s
			}
			want, gone := s.add(off, data, more)
			if gone {
				delete(slow, which)
			}
			if len(want)+20 > 65535 && version == 4 {
				want = nil
			}
			p := decodeRaw(fragment(headers[version], ProtocolNone, uint32(which), off, more, data))
			if done := r.Add(&p); done != (want != nil) {
				t.Fatalf("piece %d of datagram %d (%d+%d, more %v): %v, want %v; %+v", n, which, off, size, more, done, want != nil, r.Counts())
			}
			if want != nil && !bytes.Equal(p.Network[len(headers[version]):], want) {
				t.Fatalf("piece %d of datagram %d: %x, want %x", n, which, p.Network, want)
			}
		}
		if got := r.Counts(); got.Waiting != len(slow) {
			t.Fatalf("%+v, want %d waiting", got, len(slow))
		}
	})
}
