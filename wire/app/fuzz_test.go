package app

import (
	"testing"

	"dgram/wire"
)

// seeds are one payload of each protocol, by port.
func seed(f *testing.F) {
	for _, c := range readCases {
		f.Add(c.src, c.dst, []byte(c.payload), 0)
	}
	f.Add(uint16(53), uint16(40000), []byte("\x00\x01\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"), 40)
	f.Add(uint16(53), uint16(40000), []byte("\x00\x01\x80\x00\x00\x00\x00\x01\x00\x00\x00\x00\xc0\x0e\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00"), 0)
}

// anyPacket makes a packet of what a fuzzer chose; cut bytes of the payload were not captured.
func anyPacket(src, dst uint16, payload []byte, cut int) *wire.Packet {
	p := udpPacket(src, dst, string(payload))
	p.PayloadLength += min(max(cut, 0), 65535)
	return p
}

func FuzzRead(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src, dst uint16, payload []byte, cut int) {
		var m, again Message
		p := anyPacket(src, dst, payload, cut)
		Read(p, &m)
		Read(p, &again)
		if m != again {
			t.Fatalf("read %+v, and then %+v", m, again)
		}
		if m.Protocol == Unread || m.Protocol >= numProtocols || m.Kind > Neither {
			t.Fatalf("%+v is nothing that a UDP packet can be", m)
		}
	})
}

func FuzzInfo(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src, dst uint16, payload []byte, cut int) {
		var m Message
		p := anyPacket(src, dst, payload, cut)
		Read(p, &m)
		line := AppendInfo([]byte("before"), p, &m)
		if string(line[:6]) != "before" || len(line) > 6+maxInfo {
			t.Fatalf("%q of %d bytes", line, len(line))
		}
		if len(line) == 6 {
			t.Fatalf("nothing to say of %+v", m)
		}
	})
}

func FuzzFields(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src, dst uint16, payload []byte, cut int) {
		const base = 42
		var m Message
		p := anyPacket(src, dst, payload, cut)
		Read(p, &m)
		list := Fields(p, &m, base)
		if len(list) == 0 && len(payload) > 0 || len(list) > maxFields+64 {
			t.Fatalf("%d fields", len(list))
		}
		for i, field := range list {
			if field.Off < base || field.Len < 0 || field.Off+field.Len > base+len(payload) {
				t.Fatalf("%+v is not in the payload of %d bytes", field, len(payload))
			}
			if (i == 0) != (field.Depth == 0) || field.Name == "" {
				t.Fatalf("field %d is %+v", i, field)
			}
		}
	})
}

// What a flow speaks makes no packet say more than its bytes do.
func FuzzCorrect(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src, dst uint16, payload []byte, cut int) {
		p := anyPacket(src, dst, payload, cut)
		for _, spoken := range []Protocol{UDP, QUIC, TFTP, STUN, DNS, OpenVPN} {
			var m Message
			Read(p, &m)
			before := m
			if Correct(p, &m, spoken); before.Protocol != UDP && before.Protocol != QUIC && m != before {
				t.Fatalf("%+v of a flow of %v became %+v", before, spoken, m)
			}
			if line := AppendInfo(nil, p, &m); len(line) == 0 || len(line) > maxInfo {
				t.Fatalf("%q of %d bytes, for %+v", line, len(line), m)
			}
			for _, field := range Fields(p, &m, 0) {
				if field.Off+field.Len > len(p.Payload) {
					t.Fatalf("%+v of a payload of %d bytes", field, len(p.Payload))
				}
			}
		}
	})
}
