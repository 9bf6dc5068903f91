package handover

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestMessages(t *testing.T) {
	sockets := make([]Socket, 130)
	for i := range sockets {
		sockets[i] = Socket{Drops: uint64(i), GRO: i%2 == 0, OwnsPath: i%3 == 0}
	}
	var back []Socket
	for _, m := range append(offers(sockets), message{Type: ask}, message{Type: refuse, Reason: "no"}, message{Type: taken}) {
		got, err := decode(m.encode())
		m.Protocol = protocol
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v, %v, want %+v", got, err, m)
		}
		back = append(back, got.Sockets...)
	}
	if !reflect.DeepEqual(back, sockets) {
		t.Error(back)
	}
}

func TestMessagesRefused(t *testing.T) {
	for text, words := range map[string]string{
		"": "end of JSON", "x": "invalid", `{}`: `speaks ""`, `{"dgram":"takeover/2","type":"ask"}`: "takeover/2",
		`{"dgram":"takeover/1","type":"beg"}`:                                   `type "beg"`,
		`{"dgram":"takeover/1","type":"offer"}`:                                 "0 sockets of 0",
		`{"dgram":"takeover/1","type":"offer","total":-1,"sockets":[{}]}`:       "of -1",
		`{"dgram":"takeover/1","type":"offer","total":1,"sockets":[{},{}]}`:     "2 sockets of 1",
		`{"dgram":"takeover/1","type":"offer","total":9999,"sockets":[{}]}`:     "of 9999",
		`{"dgram":"takeover/1","type":"ask","sockets":[{}]}`:                    "no offer",
		`{"dgram":"takeover/1","type":"ask"}` + strings.Repeat(" ", maxMessage): "longer than",
	} {
		if m, err := decode([]byte(text)); !errors.Is(err, errMessage) || !strings.Contains(err.Error(), words) || !reflect.DeepEqual(m, message{}) {
			t.Errorf("%.60s: %+v, %v, want %q", text, m, err, words)
		}
	}
}

// Whatever is decoded is within the bounds, and is said again as it was understood.
func FuzzDecode(f *testing.F) {
	f.Add(message{Type: ask}.encode())
	f.Add(message{Type: offer, Total: 2, Sockets: []Socket{{Drops: 7, GRO: true}}}.encode())
	f.Add(message{Type: taken}.encode())
	f.Add([]byte(`{"dgram":"takeover/1","type":"offer","total":1e9}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decode(text)
		if err != nil {
			return
		}
		if len(m.Sockets) > perMessage || m.Total > maxSockets && m.Type == offer {
			t.Errorf("%d sockets of %d", len(m.Sockets), m.Total)
		}
		again, err := decode(m.encode())
		if err != nil || again.Type != m.Type || len(again.Sockets) != len(m.Sockets) {
			t.Errorf("%+v became %+v, %v", m, again, err)
		}
	})
}
