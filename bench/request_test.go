package bench

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"dgram"

	"pgregory.net/rapid"
)

func TestTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, n := rapid.Uint32().Draw(t, "token"), rapid.IntRange(1, tokenLetters).Draw(t, "letters")
		b := make([]byte, n)
		putToken(b, v)
		if n < tokenLetters {
			v &= 1<<(4*n) - 1
		}
		if got, kind := getToken(b); got != v || kind != lowerToken {
			t.Errorf("%q is %d %x, not %d", b, got, kind, v)
		}
		if got, kind := getToken(upper(b)); got != v || kind != upperToken {
			t.Errorf("%q is %d %x, not %d", upper(b), got, kind, v)
		}
		slow := func(b []byte) (v uint32, kind byte) { // a letter after the other, as tokens of other lengths are read
			for _, c := range b {
				v, kind = v<<4|uint32(tokenLetter[c]&15), kind|tokenLetter[c]&^15
			}
			return v, kind
		}
		any := rapid.SliceOfN(rapid.SampledFrom([]byte("`abpqABP@Qo\x00\xff/")), tokenLetters, tokenLetters).Draw(t, "any")
		want, wantKind := slow(any)
		if got, kind := getToken(any); kind != wantKind || kind&notToken == 0 && got != want {
			t.Errorf("%q is %d %x, not %d %x", any, got, kind, want, wantKind)
		}
		b[rapid.IntRange(0, n-1).Draw(t, "at")] = rapid.SampledFrom([]byte("`qQ@ 0\x00\xff")).Draw(t, "bad")
		if _, kind := getToken(b); kind&notToken == 0 {
			t.Errorf("%q is taken for a token", b)
		}
	})
}

func TestParsePayload(t *testing.T) {
	for _, s := range []string{"64", "0", "65507", "64:70%,512:20%,1400:10%", "1:1, 2:0.5"} {
		if p, err := ParseSizes(s); err != nil || p.String() != s {
			t.Errorf("%q: %v %v", s, p, err)
		}
	}
	for s, want := range map[string]string{
		"": "number of bytes", "x": "number of bytes", "-1": "number of bytes", "65508": "more than a datagram holds", "1:0": "share", "1:-2": "share", "1:NaN": "share",
		"1:Inf": "share", strings.Repeat("1,", 100) + "1": "at most",
	} {
		if _, err := ParseSizes(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", s, err, want)
		}
	}
	for s, want := range map[string]string{
		"{token": "missing", "{who}": "no field", "{token}{token}": "once", `\q`: "backslash", `\u4e2d`: "backslash", strings.Repeat("x", dgram.MaxPayload+1): "more than a datagram",
	} {
		if _, err := ParseTemplate(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v; want %q", s, err, want)
		}
	}
	p, err := ReadRecords(strings.NewReader("one\r\n\ntwo"), "file")
	if err != nil || len(p.Records) != 3 || string(p.Records[0]) != "one" || len(p.Records[1]) != 0 || string(p.Records[2]) != "two" {
		t.Errorf("%q %v", p.Records, err)
	}
	for text, want := range map[string]string{"": "empty", strings.Repeat("x", dgram.MaxPayload+1): "file:1:", "a\n" + strings.Repeat("x", 70000): "file:2:", strings.Repeat("\n", MaxRecords+1): "more than"} {
		if _, err := ReadRecords(strings.NewReader(text), "file"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.10q: %v; want %q", text, err, want)
		}
	}
}

func TestTemplate(t *testing.T) {
	p, err := ParseTemplate(`GET {{{seq}}} {token} by {flow}\x00\n`)
	if err != nil {
		t.Fatal(err)
	}
	r, err := compile(p, Expect{Kind: ExpectUpper})
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.Clone(r.forms[0].request)
	r.fill(b, 0, 0x01234567, 42, 7)
	if want := "GET {0000000042} abcdefgh by 00007\x00\n"; string(b) != want {
		t.Errorf("%q, want %q", b, want)
	}
	answer := upper(b)
	if token, kind := r.tokenAt(answer); token != 0x01234567 || kind != upperToken || !r.isRight(answer, 0, 42, 7) {
		t.Errorf("%q is taken for wrong", answer)
	}
	for i := range answer {
		if i >= r.token && i < r.token+r.letters {
			continue
		}
		answer[i]++
		if r.isRight(answer, 0, 42, 7) {
			t.Errorf("%q is taken for right", answer)
		}
		answer[i]--
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add(`GET {{{seq}}} {token} by {flow}\x00\n`, uint32(1), uint64(2))
	f.Add("}}{{{token}", uint32(1<<31), uint64(1<<63))
	f.Fuzz(func(t *testing.T, text string, order uint32, seq uint64) {
		p, err := ParseTemplate(text)
		if err != nil || text == "" {
			return
		}
		for _, kind := range []string{ExpectUpper, ExpectEcho} {
			r, err := compile(p, Expect{Kind: kind})
			if err != nil {
				t.Fatal(err)
			}
			b := bytes.Clone(r.forms[0].request)
			r.fill(b, 0, order, seq, 3)
			if kind == ExpectUpper {
				b = upper(b)
			}
			token, _ := r.tokenAt(b)
			if r.token >= 0 && token != order || !r.isRight(b, 0, seq, 3) {
				t.Errorf("%q: the right answer %q is taken for wrong", text, b)
			}
		}
	})
}

func TestParseExpect(t *testing.T) {
	for in, kind := range map[string]string{"": ExpectUpper, "upper": ExpectUpper, "echo": ExpectEcho, "any": ExpectAny, "^OK": ExpectMatch} {
		if e, err := ParseExpect(in); err != nil || e.Kind != kind || in != "" && e.String() != in {
			t.Errorf("%q: %v %v", in, e, err)
		}
	}
	if _, err := ParseExpect("("); err == nil {
		t.Error("( is taken")
	}
}

// A table knows of each token whether its request is pending, answered or given up, as a map does that forgets nothing.
func TestTableAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, truth := newTable(4), map[uint32]past{}
		var places []int32
		table.next = rapid.Uint32().Draw(t, "first")
		for i := range table.places {
			table.places[i].order = uint32(i) + (table.next &^ 15) - 16
		}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			if len(places) > 0 && (table.full() || rapid.Bool().Draw(t, "settle")) {
				k := rapid.IntRange(0, len(places)-1).Draw(t, "which")
				answered := rapid.Bool().Draw(t, "answered")
				order := table.places[places[k]].order
				table.settle(places[k], answered)
				truth[order] = map[bool]past{true: wasAnswered, false: wasGivenUp}[answered]
				places = append(places[:k], places[k+1:]...)
			} else {
				i, r := table.take(int64(len(truth)), 0)
				truth[r.order] = isPending
				places = append(places, i)
			}
			if table.pending != len(places) {
				t.Fatalf("%d pending, not %d", table.pending, len(places))
			}
			for order, want := range truth {
				if age := table.next - order; age > 16*20 {
					continue // so long ago that it may be forgotten
				}
				if _, got := table.find(order, ^uint32(0)); got != want {
					t.Fatalf("token %d of %d: %d, not %d", order, table.next, got, want)
				}
			}
			if _, got := table.find(table.next+100, ^uint32(0)); got != neverSent {
				t.Fatalf("a token that was never sent is %d", got)
			}
		}
	})
}

func TestSearchFindsTokensAnywhere(t *testing.T) {
	for _, prefix := range []string{"", "x", "answer: ", strings.Repeat("abcdefgh", 20) + "-"} {
		p := &plan{flows: 1, window: 1, workers: 1, expect: Expect{Kind: ExpectMatch, Pattern: regexp.MustCompile("z")}, requests: &requests{letters: tokenLetters, mask: ^uint32(0)}}
		w := &worker{plan: p, requests: p.requests, table: newTable(6), flows: make([]flow, 1)}
		place, r := w.table.take(0, 0)
		b := make([]byte, tokenLetters)
		putToken(b, r.order+0)
		if got, what := w.search(0, []byte(prefix+string(b)+" z")); what != isPending || got != place || w.hint != len(prefix) {
			t.Errorf("after %q: %d %d, hint %d", prefix, got, what, w.hint)
		}
	}
}
