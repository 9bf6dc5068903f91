package main

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"dgram/internal/sockets"
	"dgram/ledger"
	"dgram/sock"
)

// Every field of the two events is described, and the examples are what is written.
func TestSocketEventsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/sockets.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(text, -1)
	if len(examples) != 2 {
		t.Fatalf("%d examples, want 2", len(examples))
	}
	for i, e := range []ledger.Event{new(kindEvent), new(socketEvent)} {
		typ := reflect.TypeOf(e).Elem()
		for field := range typ.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "" && !bytes.Contains(text, []byte("`"+name+"`")) {
				t.Errorf("docs/sockets.md does not describe %q", name)
			}
		}
		strict := json.NewDecoder(bytes.NewReader(examples[i][1]))
		strict.DisallowUnknownFields()
		if err := strict.Decode(e); err != nil {
			t.Errorf("example %d: %v", i+1, err)
		}
		if line, err := ledger.Marshal(e); err != nil || string(line) != string(examples[i][1]) {
			t.Errorf("the example is\n%swritten again\n%s", examples[i][1], line)
		}
	}
}

// Names that others chose reach nobody's terminal as they are.
func TestSocketsArePrintedSafely(t *testing.T) {
	evil := "x\x1b[2J\n\u202e"
	s := sockets.Socket{PID: 7, Command: evil, FD: 3, Family: sock.UNIX, Type: sock.DGRAM, Local: sock.UnixAddr{Name: evil}, Peer: sock.UnixAddr{Name: evil, Abstract: true},
		Options: []sock.OptionValue{{Name: "SO_BINDTODEVICE", Value: 1, Text: evil}}}
	var out bytes.Buffer
	writeSockets(&out, []sockets.Socket{s})
	if err := writeEvent(&out, newSocketEvent(s)); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e") || strings.Count(out.String(), "\n") != 4 {
		t.Errorf("%q", out.String())
	}
}
