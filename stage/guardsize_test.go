package stage

import (
	"fmt"
	"strings"
	"testing"

	"dgram"
)

const abroad = "192.0.2.77:40000"

// exchange sends one payload through a plan and returns how many bytes came out for it, with its fate.
func exchange(t testing.TB, c GuardConfig, peer, payload string, specs ...string) (out int, fate string) {
	t.Helper()
	c.Limit, c.AnyLoop = -1, true
	r := newRig(t, MustParse(specs...), LineOptions{Guards: pretend(NewGuards(c)), Seed: 1})
	id := r.from(dgram.MustParseEndpoint(peer), payload)
	if err := r.line.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	fates, replies := r.seen.fates(id)
	for _, reply := range replies {
		out += len(reply)
	}
	return out, strings.Join(fates, " ")
}

func TestAmplification(t *testing.T) {
	for _, c := range []struct {
		peer, payload string
		most          int
		specs, fate   string
	}{
		{abroad, "abc", 0, "upper", "answered"},
		{abroad, "abc", 0, "prefix:x", "dropped: amplify"},
		{abroad, "", 0, "prefix:x", "dropped: amplify"},
		{abroad, "", 0, "echo", "answered"},
		{abroad, "abc", 0, "hex", "dropped: amplify"},
		{abroad, "abc", 0, "delay:1ms|hex", "dropped: amplify"},
		{abroad, "abc", 0, "hex|delay:1ms", "dropped: amplify"},
		{abroad, "abc", 0, "exec:cat", "pending answered"},
		{abroad, "abc", 0, "exec:sh -c 'cat; cat /dev/null; echo more'", "pending dropped: amplify"},
		{abroad, "abc", 0, "hex|exec:head -c 2", "pending answered"}, // what counts is what goes out
		{abroad, "abc", 0, "echo|duplicate:100%", "answered"},
		{abroad, "", 0, "echo|duplicate:100%", "answered"},
		{abroad, "abcdef", 0, "reply:abc|duplicate:100%", "answered +answered"},
		{abroad, "abcdef", 0, "reply:abc|duplicate:100%|duplicate:100%|duplicate:100%", "answered +answered"},
		{abroad, "abcdef", 0, "reply:abc|duplicate:100%|delay:1ms", "pending answered +answered"},
		{abroad, "abc", 6, "hex", "answered"},
		{abroad, "abc", 5, "hex", "dropped: amplify"},
		{abroad, "abcdefghi", 5, "upper", "answered"},
		{abroad, "abc", 6, "echo|duplicate:100%", "answered +answered"},
		{abroad, "abc", -1, "hex|duplicate:100%", "answered +answered"},
		{"127.0.0.1:40000", "abc", 0, "hex|duplicate:100%", "answered +answered"},
		{"127.0.0.1:40000", "", 0, "prefix:xyz", "answered"},
	} {
		if strings.Contains(c.specs, "exec") {
			needTool(t, "sh")
		}
		if _, got := exchange(t, GuardConfig{MaxReply: c.most}, c.peer, c.payload, strings.Split(c.specs, "|")...); got != c.fate {
			t.Errorf("%q from %s through %s, at most %d: %s, want %s", c.payload, c.peer, c.specs, c.most, got, c.fate)
		}
	}
}

// Whatever stages do with whatever comes, no more goes out to another machine than came in from it.
func FuzzNeverAmplifies(f *testing.F) {
	var specs []string
	for i := range Table {
		if s := &Table[i]; s.Kind != HandlerKind {
			specs = append(specs, s.Examples...)
		}
	}
	for i := range specs {
		f.Add([]byte("hello"), uint8(i), uint8(i*7))
		f.Add([]byte(""), uint8(i), uint8(len(specs)-1))
	}
	g := pretend(NewGuards(GuardConfig{Limit: -1, AnyLoop: true}))
	f.Fuzz(func(t *testing.T, payload []byte, first, then uint8) {
		one, two := specs[int(first)%len(specs)], specs[int(then)%len(specs)]
		if strings.HasPrefix(one, "rules:") || strings.HasPrefix(two, "rules:") || strings.Contains(one+two, "delay") {
			return
		}
		r := newRig(t, MustParse(one, two, "duplicate:50%"), LineOptions{Guards: g})
		_, replies := r.seen.fates(r.from(dgram.MustParseEndpoint(abroad), string(payload)))
		out := 0
		for _, r := range replies {
			out += len(r)
		}
		if out > len(payload) {
			t.Fatalf("%d bytes came in, %d went out in %d replies, through %s | %s", len(payload), out, len(replies), one, two)
		}
	})
}

// A guard is heard of once.
func TestFirstOfEach(t *testing.T) {
	var told []string
	g := pretend(NewGuards(GuardConfig{Limit: 1, OnFirst: func(reason dgram.Reason, peer dgram.Endpoint) {
		told = append(told, fmt.Sprint(reason, " ", peer))
	}}))
	r := newRig(t, MustParse("hex"), LineOptions{Guards: g})
	for range 3 {
		r.from(dgram.MustParseEndpoint("192.0.2.1:53"), "a")
		for i := range 5 {
			r.from(dgram.MustParseEndpoint("192.0.2.2:5000"), fmt.Sprint(i))
		}
	}
	if got := strings.Join(told, ", "); got != "source 192.0.2.1:53, amplify 192.0.2.2:5000, limit 192.0.2.2:5000" {
		t.Error(got)
	}
}
