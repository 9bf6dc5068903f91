package app

import (
	"fmt"
	"strconv"

	"dgram/wire"
)

// maxFields is more than anybody reads.
const maxFields = 2000

// fields gathers the fields of a payload.
type fields struct {
	list     []wire.Field
	payload  []byte
	base     int
	protocol Protocol
}

// full says that there are enough.
func (f *fields) full() bool { return len(f.list) >= maxFields }

// add adds a field whose bytes stand at at in the payload.
func (f *fields) add(depth int, name, value string, at, length int) {
	at = min(at, len(f.payload))
	length = max(min(length, len(f.payload)-at), 0)
	f.list = append(f.list, wire.Field{Depth: depth, Name: name, Value: value, Off: f.base + at, Len: length})
}

// uint adds a number of up to 8 bytes in network byte order, if it is all there.
func (f *fields) uint(depth int, name string, at, length int) {
	if v, ok := f.number(at, length); ok {
		f.add(depth, name, strconv.FormatUint(v, 10), at, length)
	}
}

// hex adds bytes in hexadecimal, if they are all there.
func (f *fields) hex(depth int, name string, at, length int) {
	if at+length <= len(f.payload) {
		f.add(depth, name, string(appendHex([]byte("0x"), f.payload[at:at+length], 64)), at, length)
	}
}

func (f *fields) number(at, length int) (v uint64, ok bool) {
	if at+length > len(f.payload) {
		return 0, false
	}
	for _, c := range f.payload[at : at+length] {
		v = v<<8 | uint64(c)
	}
	return v, true
}

// Fields are the details of p's payload, for m as Read filled it in. The first field is the layer, at depth 0; what
// belongs to it follows, deeper. base is where the payload begins in the frame. A protocol that has nothing more to
// say, and an empty payload, have fields too: the layer "Data" with the bytes as they are, or none at all.
func Fields(p *wire.Packet, m *Message, base int) []wire.Field {
	payload := p.Payload
	if len(payload) == 0 {
		return nil
	}
	f := fields{payload: payload, base: base, protocol: m.Protocol}
	if m.Protocol < numProtocols && dialects[m.Protocol].fields != nil {
		f.add(0, m.Protocol.String(), layerNote(m), 0, len(payload))
		dialects[m.Protocol].fields(&f, payload)
	}
	if len(f.list) < 2 {
		f.list = f.list[:0]
		f.add(0, "Data", fmt.Sprintf("%d bytes", len(payload)), 0, len(payload))
		if isText(payload) {
			f.add(1, "Text", string(payload), 0, len(payload))
		} else {
			f.add(1, "Bytes", string(appendHex(nil, payload, 64)), 0, len(payload))
		}
	}
	if cut(p) {
		f.add(1, "Cut", fmt.Sprintf("%d of %d bytes were captured", len(payload), p.PayloadLength), len(payload), 0)
	}
	return f.list
}

func layerNote(m *Message) string {
	switch m.Kind {
	case Request, Reply:
		return m.Kind.String()
	}
	return ""
}
