package wire

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"
	"unsafe"
)

// within says whether part lies in whole's memory.
func within(part, whole []byte) bool {
	if len(part) == 0 {
		return true
	}
	at, start := uintptr(unsafe.Pointer(unsafe.SliceData(part))), uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	return at >= start && at+uintptr(len(part)) <= start+uintptr(len(whole))
}

func FuzzDecode(f *testing.F) {
	g := newGenerator(3)
	for range 100 {
		for _, frame := range g.frames() {
			f.Add(uint16(frame.Link), frame.Data, frame.Length)
		}
	}
	f.Add(uint16(LinkUpperPDU), []byte{0, 12, 255, 255}, 4)
	f.Add(uint16(LinkRaw), append(bytes.Repeat([]byte{0x60}, 6), make([]byte, 200)...), 206) // hop-by-hop headers without end
	f.Add(uint16(7), []byte("none"), 4)
	f.Fuzz(func(t *testing.T, link uint16, data []byte, length int) {
		frame := Frame{Link: LinkType(link), Data: data, Length: length, Time: 9, Interface: 2}
		var fresh Packet
		Decode(&frame, &fresh)
		for name, part := range map[string][]byte{"Network": fresh.Network, "Transport": fresh.Transport, "Payload": fresh.Payload} {
			if !within(part, data) || cap(part) > cap(data) {
				t.Errorf("%s is not within the frame", name)
			}
		}
		if !within(fresh.Payload, fresh.Transport) || fresh.Version != 0 && !within(fresh.Transport, fresh.Network) {
			t.Errorf("not within each other: %+v", fresh)
		}
		if fresh.PayloadLength < 0 || fresh.Problem == NoProblem && !fresh.Fragment && len(fresh.Payload) != fresh.PayloadLength {
			t.Errorf("payload of %d bytes, %d at hand", fresh.PayloadLength, len(fresh.Payload))
		}
		if fresh.Version == 0 && (fresh.Network != nil || fresh.HasPorts) || fresh.HasPorts && (fresh.FragmentOffset > 0 || len(fresh.Transport) < 4) {
			t.Errorf("contradicts itself: %+v", fresh)
		}

		// A packet that held anything else before holds the same now.
		used := Packet{UnixSrc: "x", UnixDst: "*"}
		v := reflect.ValueOf(&used).Elem()
		for i := range v.NumField() {
			switch field := v.Field(i); field.Kind() {
			case reflect.Bool:
				field.SetBool(true)
			case reflect.Int, reflect.Int64:
				field.SetInt(77)
			case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
				field.SetUint(77)
			}
		}
		used.Network, used.Transport, used.Payload, used.Src, used.Quoted.Src = data, data, data, v4Src, v4Dst
		Decode(&frame, &used)
		if fresh.No = 77; !reflect.DeepEqual(fresh, used) {
			t.Errorf("fresh %+v\nused %+v", fresh, used)
		}

		checkFields(t, &frame)
		VerifyChecksum(&fresh)
		var r Reassembler
		if r.Add(&fresh) && fresh.Fragment {
			t.Errorf("put together, and still a fragment: %+v", fresh)
		}
	})
}

func checkFields(t *testing.T, f *Frame) {
	t.Helper()
	fields := Fields(f)
	if len(fields) > maxFields {
		t.Errorf("%d fields", len(fields))
	}
	depth := -1
	for _, field := range fields {
		if field.Off < 0 || field.Len < 0 || field.Off+field.Len > len(f.Data) || field.Depth < 0 || field.Depth > depth+1 || field.Name == "" {
			t.Errorf("%+v in %d bytes, after depth %d", field, len(f.Data), depth)
		}
		depth = field.Depth
	}
}

// What is built is read back.
func FuzzAppendUDP(f *testing.F) {
	f.Add([]byte{10, 0, 0, 1}, []byte{10, 0, 0, 2}, uint16(1), uint16(2), uint8(64), uint8(0), []byte("hello"))
	f.Add(v6SrcPort.Addr().AsSlice(), []byte{}, uint16(0), uint16(65535), uint8(0), uint8(255), []byte{})
	f.Fuzz(func(t *testing.T, src, dst []byte, srcPort, dstPort uint16, ttl, tos uint8, payload []byte) {
		from, _ := netip.AddrFromSlice(src)
		to, _ := netip.AddrFromSlice(dst)
		b := AppendUDP([]byte{1}, netip.AddrPortFrom(from, srcPort), netip.AddrPortFrom(to, dstPort), ttl, tos, payload)
		if len(b) == 1 {
			if len(payload) <= MaxPayload4 {
				t.Fatalf("%d bytes do not fit", len(payload))
			}
			return
		}
		p := decodeRaw(b[1:])
		if p.Problem != NoProblem || VerifyChecksum(&p) != ChecksumGood || !bytes.Equal(p.Payload, payload) || p.TTL != ttl || p.TOS != tos ||
			p.SrcPort != srcPort || p.DstPort != dstPort || from.IsValid() && !from.IsUnspecified() && p.Src.Unmap() != from.Unmap() ||
			to.IsValid() && !to.IsUnspecified() && p.Dst.Unmap() != to.Unmap() || p.Version == 4 && plainChecksum(p.Network[:20]) != 0 {
			t.Errorf("%v:%d > %v:%d became %s", from, srcPort, to, dstPort, summary(&p))
		}
	})
}

func FuzzUnixDatagram(f *testing.F) {
	f.Add("", "/run/a", []byte("hello"))
	f.Add("@\x00*>\\x41", "a > b", []byte{})
	f.Fuzz(func(t *testing.T, src, dst string, payload []byte) {
		b := AppendUnixDatagram(nil, src, dst, payload)
		var p Packet
		Decode(&Frame{Data: b, Length: len(b), Link: LinkUpperPDU}, &p)
		src, dst = src[:min(len(src), maxUnixName)], dst[:min(len(dst), maxUnixName)]
		if p.UnixSrc != src || p.UnixDst != dst || !bytes.Equal(p.Payload, payload) || p.Problem != NoProblem {
			t.Errorf("%q > %q became %q > %q", src, dst, p.UnixSrc, p.UnixDst)
		}
	})
}
