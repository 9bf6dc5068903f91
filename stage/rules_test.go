package stage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dgram"
)

// Each file of testdata/rules is run over the datagrams of its .in file; the golden file shows what became of them.
func TestWorkedRules(t *testing.T) {
	files, err := filepath.Glob("testdata/rules/*.rules")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".rules")
		t.Run(filepath.Base(name), func(t *testing.T) {
			plan, err := Parse("rules:"+filepath.ToSlash(file), "reply:(no rule) {payload}")
			if err != nil {
				t.Fatal(err)
			}
			in, err := os.ReadFile(name + ".in")
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			for line := range strings.Lines(string(in)) {
				payload, err := strconv.Unquote(strings.TrimSpace(line))
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				fmt.Fprintf(&out, "%-32q %s\n", payload, became(apply(plan, payload)))
			}
			checkGolden(t, strings.TrimPrefix(filepath.ToSlash(name), "testdata/")+".golden", out.String())
		})
	}
}

func became(reply string) string {
	if reply == "ignored " || strings.HasPrefix(reply, "dropped ") {
		return strings.TrimSpace(reply)
	}
	return strconv.Quote(reply)
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern  string
		yes, not []string
	}{
		{`*`, []string{"", "x"}, nil},
		{`"ab"`, []string{"ab"}, []string{"", "abc", "cab"}},
		{`"ab"*`, []string{"ab", "abc"}, []string{"", "a", "cab"}},
		{`*"ab"`, []string{"ab", "cab"}, []string{"", "b", "abc"}},
		{`*"ab"*`, []string{"ab", "xaby"}, []string{"", "axb"}},
		{`""`, []string{""}, []string{"x"}},
		{`0x00FF`, []string{"\x00\xff"}, []string{"\x00"}},
		{`*0x00*`, []string{"a\x00b"}, []string{"ab"}},
		{`"{x}"`, []string{"{x}"}, []string{"x"}},
		{`length=3`, []string{"abc"}, []string{"ab", "äb\x00\x00"}},
		{`length!=3`, []string{"ab"}, []string{"abc"}},
		{`length<=3`, []string{"abc", ""}, []string{"abcd"}},
		{`length<3`, []string{"ab"}, []string{"abc"}},
		{`length>=3`, []string{"abc"}, []string{"ab"}},
		{`length>3`, []string{"abcd"}, []string{"abc"}},
		{`/b/`, []string{"abc"}, []string{"xyz", ""}},
		{`/^a\/b$/`, []string{"a/b"}, []string{"a/b\n"}},
		{`/^[\x00-\x7f]*$/`, []string{"", "abc"}, []string{"ä"}},
		{`"a"* length>2 *"c"`, []string{"abc", "a--c"}, []string{"ac", "ab", "abcd"}},
	} {
		p := MustParse("rule:"+c.pattern+`=>"yes"`, "reply:no")
		for want, payloads := range map[string][]string{"yes": c.yes, "no": c.not} {
			for _, payload := range payloads {
				if got := apply(p, payload); got != want {
					t.Errorf("%s over %q: %s, want %s", c.pattern, payload, got, want)
				}
			}
		}
	}
}

// Each pattern and each reply of the help is one.
func TestRulesUsageIsTrue(t *testing.T) {
	_, rest, _ := strings.Cut(RulesUsage, "Patterns")
	patterns, replies, _ := strings.Cut(rest, "Replies:")
	rules := 0
	check := func(text, before, after string) {
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "   ") {
				continue
			}
			thing, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
			if _, err := Rules("usage", before+thing+after); err != nil {
				t.Error(err)
			}
			rules++
		}
	}
	check(patterns, "", " => drop")
	check(replies, "* => ", "")
	if rules < 13 {
		t.Errorf("%d lines of patterns and replies", rules)
	}
}

func TestDecidedRepliesPassOverWhatDecides(t *testing.T) {
	p := MustParse(`rule:"a" => "first"`, `rule:* => upper`, "prefix:not reached ", "loss:100%")
	if got := apply(p, "a"); got != "dropped loss" {
		t.Errorf("faults still apply: %q", got)
	}
	p = MustParse(`rule:"a" => "first"`, `rule:"b" => "second"`, "exec:cat", "prefix:passed on ")
	if got := apply(p, "a"); got != "first" {
		t.Errorf("a decided reply: %q", got)
	}
	p = MustParse("upper", `rule:"A" => "seen after upper"`)
	if got := apply(p, "a"); got != "seen after upper" {
		t.Errorf("a rule sees what the stages before it made: %q", got)
	}
}

func TestRulesLinesAndBounds(t *testing.T) {
	step, err := Rules("here", "\ufeff\"a\" => \"b\"\r\n\r\n  # note\r\n\t\"c\" => \"d\"  \r\n* => \"e\"")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{"a": "b", "c": "d", "x": "e"} {
		if got := apply(NewPlan(step), in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if _, err := Rules("many", strings.Repeat("* => drop\n", maxRules+1)); err == nil || !strings.HasPrefix(err.Error(), "many:10001:1: ") {
		t.Errorf("too many rules: %v", err)
	}
	big := filepath.Join(t.TempDir(), "big.rules")
	if err := os.WriteFile(big, bytes.Repeat([]byte("#"), maxRulesFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Parse("rules:" + big); err == nil {
		t.Error("a file past the bound was read")
	}
	if _, err := Parse("rule:/" + strings.Repeat("x", maxExpression+1) + "/ => drop"); err == nil {
		t.Error("an expression past the bound was compiled")
	}
}

func TestTemplateStopsAtTheSizeOfADatagram(t *testing.T) {
	p := MustParse("reply:" + strings.Repeat("{payload}", 1000))
	if got := apply(p, strings.Repeat("x", dgram.MaxPayload)); got != "dropped too big" {
		t.Errorf("%.40q", got)
	}
	if _, err := Rules("r", `* => "`+strings.Repeat("x", dgram.MaxPayload+1)+`"`); err == nil {
		t.Error("a text larger than any datagram was taken")
	}
}

func FuzzRules(f *testing.F) {
	files, _ := filepath.Glob("testdata/rules/*.rules")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "ping 1")
	}
	f.Fuzz(func(t *testing.T, text, payload string) {
		step, err := Rules("fuzz", text)
		if err != nil {
			checkMistake(t, text, err)
			return
		}
		if len(payload) < 1<<12 {
			apply(NewPlan(step), payload)
		}
	})
}

// A text written with escapes is read back as it was, whatever it holds.
func FuzzTemplate(f *testing.F) {
	f.Add("a\"b\\c\n{peer}\x00\xff世")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return
		}
		braces := strings.NewReplacer("{", "{{", "}", "}}")
		p, err := Parse("reply:" + braces.Replace(strings.ReplaceAll(text, `\`, `\\`)))
		if err != nil {
			t.Fatal(err)
		}
		if got := apply(p, "x"); got != text {
			t.Fatalf("reply: %q, want %q", got, text)
		}
		step, err := Rules("fuzz", strconv.QuoteToASCII(text)+" => "+braces.Replace(strconv.Quote(text)))
		if err != nil {
			t.Fatal(err)
		}
		if got := apply(NewPlan(step), text); got != text {
			t.Fatalf("rule: %q, want %q", got, text)
		}
	})
}
