package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"dgram"
)

var moment = time.Date(2026, 3, 1, 12, 30, 45, 123456789, time.UTC)

func head(t Type) Header { return Header{Type: t, Time: moment} }

// examples has an event of each type, and of each shape that a type has.
func examples() map[string]Event {
	r := record{time: moment, slot: dgram.Datagram{ID: 1, Peer: peer, Local: dgram.MustParseEndpoint("127.0.0.1:12345"), Interface: 1}}
	datagram := func(k kind, payload string, change func(*dgram.Datagram)) *DatagramEvent {
		r := r
		r.kind, r.size = k, len(payload)
		if k != fate {
			r.payload = []byte(payload)
		}
		change(&r.slot)
		e := r.datagram()
		return &e
	}
	truncated := datagram(request, "abc", func(d *dgram.Datagram) { d.Truncated = true })
	truncated.Omitted = 17
	bind := &dgram.OpError{Op: "listen", Endpoint: "127.0.0.1:80", Err: os.NewSyscallError("bind", syscall.EACCES)}
	failed := NewErrorEvent(bind)
	failed.Time = moment
	summary := NewSummaryEvent(served())
	summary.Time = moment
	calls := NewSummaryEvent(called())
	calls.Time = moment
	shards := shardsEvent()
	shards.Time = moment
	return map[string]Event{
		"ready":     &ReadyEvent{head(TypeReady), []string{"udp://127.0.0.1:12345"}, 1, []string{"upper", "loss:10%"}, "kernel"},
		"request":   datagram(request, "hello\n", func(*dgram.Datagram) {}),
		"empty":     datagram(request, "", func(*dgram.Datagram) {}),
		"truncated": truncated,
		"reply":     datagram(reply, "HÉLLO 你好", func(d *dgram.Datagram) { d.ID, d.Re, d.Fate = 2, 1, dgram.Answered }),
		"binary":    datagram(reply, "\xff\x00", func(d *dgram.Datagram) { d.ID, d.Re, d.Fate = 2, 1, dgram.Answered }),
		"terminal":  datagram(reply, "\x1b[2J\u009b\u202e\x7f\U000e0001\x00<&>", func(d *dgram.Datagram) { d.ID, d.Re, d.Fate = 2, 1, dgram.Answered }),
		"copy":      datagram(reply, "HELLO", func(d *dgram.Datagram) { d.ID, d.Re, d.Copy, d.Fate = 3, 1, true, dgram.Answered }),
		"failed": datagram(reply, "HELLO", func(d *dgram.Datagram) {
			d.ID, d.Re, d.Fate, d.Err = 2, 1, dgram.Failed, syscall.EMSGSIZE
		}),
		"fate": datagram(fate, "hello", func(d *dgram.Datagram) { d.DropFor(dgram.ReasonLoss) }),
		"notice": datagram(notice, "hello", func(d *dgram.Datagram) {
			d.ID, d.Fate, d.Err = 4, dgram.Refused, syscall.ECONNREFUSED
		}),
		"exchange": &ExchangeEvent{Header: head(TypeExchange), Number: 1, Verdict: "answered", Attempts: 2, Peer: "127.0.0.1:12345", RTT: 81.25,
			Request: 5, Reply: 6, Size: 5, Payload: Payload("HELLO")},
		"silence": &ExchangeEvent{Header: head(TypeExchange), Number: 2, Verdict: "silent", Attempts: 3, Peer: "127.0.0.1:12345", Request: 9,
			Error: "no answer from 127.0.0.1:12345 to 3 attempts in 7s"},
		"call-socket": &CallEvent{Header: head(TypeCall), Call: "socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 3", Explanation: "创建一个套接字",
			Name: "socket", FD: -1, Result: 3, Family: "AF_INET", SocketType: "SOCK_DGRAM|SOCK_CLOEXEC", Protocol: "IPPROTO_IP"},
		"call-option": &CallEvent{Header: head(TypeCall), Call: "setsockopt(3, SOL_SOCKET, SO_RCVBUF, [4096], 4) = 0", Explanation: "sets SO_RCVBUF",
			Name: "setsockopt", FD: 3, Level: "SOL_SOCKET", Option: "SO_RCVBUF", Value: "[4096]"},
		"call-bind": &CallEvent{Header: head(TypeCall), Call: "bind(3, {sa_family=AF_UNIX}, 2) = -1 EINVAL (Invalid argument)", Explanation: "fails",
			Name: "bind", FD: 3, Result: -1, Errno: "EINVAL", Address: "127.0.0.1:0", AddressSize: 16},
		"call-receive": &CallEvent{Header: head(TypeCall), Call: "recvmmsg(3, [], 8, MSG_DONTWAIT, NULL) = 1", Explanation: "receives",
			Name: "recvmmsg", FD: 3, Result: 1, Flags: "MSG_DONTWAIT", Batch: 8, Messages: []CallMessage{{Address: "127.0.0.1:1", Room: 3, Size: 3,
				Payload: Payload("HEL"), Control: []string{"IP_PKTINFO"}, Flags: "MSG_TRUNC"}}},
		"summary":        summary,
		"client-summary": calls,
		"shards-summary": shards,
		"error":          failed,
	}
}

func TestEventsGolden(t *testing.T) {
	types := map[Type]bool{}
	for file, e := range examples() {
		line, err := Marshal(e)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		golden(t, file+".json", line)
		types[e.Head().Type] = true
		back, err := Unmarshal(line)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		again, err := Marshal(back)
		if err != nil || !bytes.Equal(line, again) {
			t.Errorf("%s was read back as %s: %v", file, again, err)
		}
	}
	for _, want := range []Type{TypeReady, TypeRequest, TypeReply, TypeFate, TypeNotice, TypeExchange, TypeSummary, TypeError, TypeCall} {
		if !types[want] {
			t.Errorf("there is no golden file of type %s", want)
		}
	}
}

// The document names every field that an event can have, and shows nothing but events that can be.
func TestEventSchemaIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/event-schema.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, e := range examples() {
		line, _ := Marshal(e)
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatal(err)
		}
		for f := range fields {
			if !strings.Contains(string(text), "`"+f+"`") {
				t.Errorf("docs/event-schema.md does not describe %q (in %s.json)", f, file)
			}
		}
	}
	shown := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, `{"schema"`) {
			shown++
			if strings.Contains(line, `"type":"packet"`) || strings.Contains(line, `"type":"settled"`) || strings.Contains(line, `"type":"capture"`) {
				continue // dgram watch writes these, and its tests hold them
			}
			if _, err := Unmarshal([]byte(line)); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	if shown < 5 {
		t.Errorf("only %d examples in docs/event-schema.md", shown)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for _, line := range []string{"", "x", "{}", `{"schema":"dgram.event/2","type":"reply"}`, `{"schema":"dgram.event/1","type":"other"}`,
		`{"schema":"dgram.event/1","type":"reply","size":"x"}`, `{"schema":"dgram.event/1","type":"reply","payload":{"base64":"!"}}`} {
		if e, err := Unmarshal([]byte(line)); !errors.Is(err, ErrNotEvent) {
			t.Errorf("%q: %v, %v", line, e, err)
		}
	}
	if _, err := Unmarshal([]byte(`{"schema":"dgram.event/1","type":"reply","grown":1}`)); err != nil {
		t.Error("a field that is new:", err)
	}
}

// Any payload, from a peer of any name, is one line that is printable and reads back to the same bytes.
func FuzzEvent(f *testing.F) {
	for _, p := range []string{"", "hello", "\xff", "\u2028\u009b\x1b[0m\x7f\r\n\x00", "\ufffd", "\U0010ffff", "\xed\xa0\x80", `"\`, "<&>"} {
		f.Add([]byte(p), p)
	}
	f.Fuzz(func(t *testing.T, payload []byte, path string) {
		if payload == nil {
			payload = []byte{}
		}
		r := record{kind: reply, time: moment, payload: payload, size: len(payload), slot: dgram.Datagram{ID: 2, Re: 1, Peer: dgram.UnixEndpoint(path)}}
		e := r.datagram()
		line, err := Marshal(&e)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(line, '\n') != len(line)-1 || !utf8.Valid(line) || !json.Valid(line) {
			t.Fatalf("not one line of JSON: %q", line)
		}
		for _, r := range string(line[:len(line)-1]) {
			if !unicode.IsPrint(r) {
				t.Fatalf("%U is not printable in %q", r, line)
			}
		}
		back, err := Unmarshal(line)
		if err != nil {
			t.Fatal(err)
		}
		d := back.(*DatagramEvent)
		if !bytes.Equal(d.Payload, payload) || d.Payload == nil || d.Size != len(payload) {
			t.Fatalf("%q came back as %q", payload, d.Payload)
		}
		if utf8.ValidString(path) && d.Peer != name(dgram.UnixEndpoint(path)) {
			t.Fatalf("peer %q came back as %q", path, d.Peer)
		}
	})
}

func FuzzUnmarshal(f *testing.F) {
	for _, e := range examples() {
		line, _ := Marshal(e)
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := Unmarshal(line)
		if err != nil {
			return
		}
		if _, err := Marshal(e); err != nil && e.Head().Time.Year() <= 9999 {
			t.Fatalf("%q was read but cannot be written: %v", line, err)
		}
	})
}

func shardsEvent() *SummaryEvent {
	total, first, second := two()
	return NewSummaryEvent(total, first, second)
}
