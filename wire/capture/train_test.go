package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"dgram/wire"
)

// Whatever bytes a frame has and whatever the kernel says of them, a train ends, stays within its frame, and is cut into whole UDP packets
// with all of the payload, or it is none.
func FuzzTrain(f *testing.F) {
	four, six := netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("[fd00::1]:2")
	f.Add(wire.AppendUDP(nil, four, four, 64, 0, []byte("hello world")), uint8(wire.LinkRaw), uint16(4), uint16(0))
	f.Add(wire.AppendUDP(nil, six, six, 64, 0, []byte("hello world")), uint8(wire.LinkRaw), uint16(4), uint16(0))
	f.Add(wire.AppendUDP([]byte("............\x08\x00"), four, four, 64, 0, []byte("hello world")), uint8(wire.LinkEthernet), uint16(1), uint16(20))
	f.Add(wire.AppendUDP([]byte("............\x81\x00\x00\x05\x86\xdd"), six, six, 64, 0, []byte("hello world"))[:70], uint8(wire.LinkEthernet), uint16(3), uint16(7))
	f.Fuzz(func(t *testing.T, data []byte, link uint8, size, missing uint16) {
		behind := bytes.Repeat([]byte{0xa5}, 300)
		memory := append(append(bytes.Clone(behind), data...), behind...)
		at := memory[len(behind) : len(behind)+len(data)]
		whole := wire.Frame{Data: at, Length: len(data) + int(missing), Link: wire.LinkType(link)}
		var before wire.Packet
		kept := whole
		kept.Data = bytes.Clone(data)
		wire.Decode(&kept, &before)
		var tr train
		frame := whole
		if size == 0 || !tr.begin(&frame, int(size)) {
			return
		}
		payload := 0
		for tr.left > 0 {
			var got wire.Packet
			tr.step(&frame)
			wire.Decode(&frame, &got)
			if cut := frame.Length > len(frame.Data); got.Problem != wire.NoProblem && !(cut && got.Problem == wire.CutShort) || !cut && wire.VerifyChecksum(&got) == wire.ChecksumBad {
				t.Fatalf("%v, checksum %v: %x", got.Problem, wire.VerifyChecksum(&got), frame.Data)
			}
			if got.Flow() != before.Flow() || !bytes.Equal(got.Payload, before.Payload[min(payload, len(before.Payload)):min(payload+len(got.Payload), len(before.Payload))]) {
				t.Fatalf("payload %q of %v, in a train %q of %v", got.Payload, got.Flow(), before.Payload, before.Flow())
			}
			payload += got.PayloadLength
		}
		if payload != before.PayloadLength {
			t.Fatalf("%d bytes of payload became %d", before.PayloadLength, payload)
		}
		if !bytes.Equal(memory[:len(behind)], behind) || !bytes.Equal(memory[len(behind)+len(data):], behind) {
			t.Fatal("something outside of the frame was written")
		}
	})
}

func BenchmarkTrain(b *testing.B) {
	for _, size := range []int{32, 512} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			data := wire.AppendUDP(make([]byte, 14, 14+65535), netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.2:2"), 64, 0, make([]byte, 64*size))
			data[12] = 8
			var tr train
			var f wire.Frame
			b.ReportAllocs()
			for b.Loop() {
				if tr.left == 0 {
					putBack(data, 64*size)
					f = wire.Frame{Data: data, Length: len(data), Link: wire.LinkEthernet, Time: 1}
					if !tr.begin(&f, size) {
						b.Fatal("no train")
					}
				}
				tr.step(&f)
			}
		})
	}
}

func putBack(data []byte, payload int) {
	binary.BigEndian.PutUint16(data[14+2:], uint16(28+payload))
	binary.BigEndian.PutUint16(data[34+4:], uint16(8+payload))
}
