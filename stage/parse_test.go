package stage

import (
	"errors"
	"io/fs"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTransforms(t *testing.T) {
	big := strings.Repeat("x", 40000)
	for _, c := range []struct{ spec, in, want string }{
		{"upper", "Grüße, \xff\x00z", "GRüßE, \xff\x00Z"},
		{"upper:unicode", "Straße", "STRASSE"},
		{"lower", "ABCÄ", "abcÄ"},
		{"lower:unicode", "ÄΣ", "äς"},
		{"echo", "\x00\xff", "\x00\xff"},
		{"reverse", "abc", "cba"},
		{"reverse", "", ""},
		{"hex", "\x00\xabz", "00ab7a"},
		{"hex", "", ""},
		{"hex", big, "dropped too big"},
		{"prefix:got: ", "x", "got: x"},
		{"prefix:a:b", "x", "a:bx"},
		{`prefix:\x02\0\n\101\u00e9\\"`, "x", "\x02\x00\nAé\\\"x"},
		{"prefix:{peer}", "x", "{peer}x"},
		{"prefix:" + strings.Repeat("p", 30000), big, "dropped too big"},
		{"reply:", "x", ""},
		{"reply:{peer} {local} {length} {sequence} {time} {payload}", "hey",
			"192.0.2.1:1000 192.0.2.2:12345 3 7 2026-01-02T03:04:05.6Z hey"},
		{`reply:{{"peer":"{peer}"}}\n`, "", `{"peer":"192.0.2.1:1000"}` + "\n"},
		{"reply:{payload}{payload}", big, "dropped too big"},
		{"reply:{{{payload}}}", "x", "{x}"},
	} {
		if got := apply(MustParse(c.spec), c.in); got != c.want {
			t.Errorf("%.60s of %.20q: %.90q, want %.90q", c.spec, c.in, got, c.want)
		}
	}
}

func TestStagesApplyInOrder(t *testing.T) {
	if got := apply(MustParse("prefix:ab", "reverse", "upper"), "c"); got != "CBA" {
		t.Errorf("got %q", got)
	}
	if got := apply(MustParse(), "as it came"); got != "as it came" {
		t.Errorf("the empty plan: %q", got)
	}
}

// The golden file shows each mistake as a terminal does.
func TestMistakes(t *testing.T) {
	specs := []string{
		"", "uper", "Upper", "revrese", "shout", ":x", " upper", "upper|loss:10%", "upper lower", "upper, lower",
		"upper:", "upper:unicod", "echo:x", "echo:", "prefix", "prefix:\\q", "prefix:\\", "prefix:\\x4", "prefix:\\xgg", "prefix:\\400",
		"prefix:\\ud800", "reply", "reply:{per}", "reply:{", "reply:}", "reply:{}", "reply:{1}", "reply:你好 {pear}",
		"loss", "loss:", "loss:10", "loss:110%", "loss:-1%", "loss:nan", "loss:1e-1", "duplicate:x",
		"delay:20", "delay:20ms±30ms", "delay:20ms±x", "delay:", "delay:-1s", "delay:2h", "delay:soon", "delay:20ms+-", "delay:5±1ms",
		"exec:", "exec:no-such-program-at-all x", "exec:'rev", `exec:rev "a`, `exec:rev a\`, "exec:rev \x00", "exec:/etc/passwd",
		`rule:"ping"`, `rule:=> "x"`, `rule:ping => "pong"`, `rule:hex:0aff => "x"`, `rule:"a" =>`, `rule:"a" => pong`, `rule:"a" => uper`,
		`rule:"a => "b"`, `rule:"a" => "{1}"`, `rule:/(a)/ => "{2}"`, `rule:/(a => "b"`, `rule:/(a/ => "b"`, `rule:/x{2000}/ => drop`,
		`rule:length=> "x"`, `rule:length>x => drop`, `rule:lengh>3 => drop`, `rule:0x0 => drop`, `rule:0xzz => drop`,
		`rule:"a""b" => drop`, `rule:/a/ /b/ => drop`, `rule:"a" => "b" # c`, `rule:"a" => loss:10%`, `rule:"a" => exec:rev`,
		`rule:"a" => upper:x`, `rule:? => drop`, `rule:"a" => 0x1`, "rule:\x1b[31m",
		"rules:", "rules:testdata/no-such.rules", "rules:testdata", "rules:testdata/bad.rules", "rules:testdata/empty.rules",
	}
	var all strings.Builder
	for _, spec := range specs {
		_, err := Parse("upper", spec)
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, ErrSpec) {
			t.Errorf("%q: %v", spec, err)
			continue
		}
		if strings.ContainsFunc(e.Error(), func(r rune) bool { return r < ' ' }) {
			t.Errorf("%q: control characters in %q", spec, e.Error())
		}
		all.WriteString(e.Error() + "\n" + e.Detail() + "\n\n")
	}
	// The list of all stages is left out, so that one more stage changes nothing here.
	checkGolden(t, "mistakes.golden", strings.ReplaceAll(all.String(), strings.Join(names(), ", "), "…"))
}

func TestMistakesHaveCauses(t *testing.T) {
	for spec, cause := range map[string]error{
		"rules:testdata/no-such.rules": fs.ErrNotExist,
		"exec:no-such-program-at-all":  exec.ErrNotFound,
	} {
		if _, err := Parse(spec); !errors.Is(err, cause) {
			t.Errorf("%s: %v is no %v", spec, err, cause)
		}
	}
}

// Every example of the table can be typed as it is, if the program or file that it names is there.
func TestExamplesParse(t *testing.T) {
	for _, s := range Table {
		if s.Summary == "" || len(s.Examples) == 0 || s.Kind == 0 {
			t.Errorf("%s: something is missing", s.Name)
		}
		for _, example := range s.Examples {
			_, err := Parse(example)
			if err != nil && !errors.Is(err, exec.ErrNotFound) && !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	usage := Usage()
	for i := range Table {
		if s := &Table[i]; !strings.Contains(usage, "  "+s.Usage()+" ") || s.Summary == "" {
			t.Errorf("%s is not in the usage, or says nothing", s.Name)
		}
	}
	for line := range strings.Lines(usage + RulesUsage) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > usageWidth || strings.HasSuffix(line, " \n") {
			t.Errorf("%d cells: %q", n, line)
		}
	}
	if got := strings.Join(Complete("re"), " "); got != "reverse reply:" {
		t.Errorf("Complete: %q", got)
	}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		specs string
		needs Needs
	}{
		{"upper", NeedNothing}, {"upper loss:10%", NeedFlow | NeedIndex}, {"reply:{sequence}", NeedSequence}, {"reply:{peer}", NeedNothing},
		{`rule:*=>"{sequence}"`, NeedSequence}, {`rule:*=>reply:{sequence}`, NeedSequence}, {"duplicate:1% reply:{sequence}", NeedAll},
	} {
		p := MustParse(strings.Fields(c.specs)...)
		if p.Needs() != c.needs {
			t.Errorf("%s needs %b, want %b", c.specs, p.Needs(), c.needs)
		}
		if got := p.String(); got != strings.ReplaceAll(c.specs, " ", " | ") {
			t.Errorf("String: %q", got)
		}
		if got := NewPlan(p.Steps()...).String(); got != p.String() {
			t.Errorf("Steps: %q", got)
		}
	}
}

func TestDuplicateLookups(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Table {
		if seen[s.Name] || Lookup(s.Name).Name != s.Name || strings.ContainsAny(s.Name, ": |,") {
			t.Errorf("the name %q", s.Name)
		}
		seen[s.Name] = true
	}
	if Lookup("nothing") != nil {
		t.Error("there is a stage that is not there")
	}
}

// noTouch keeps the fuzzer from running programs and opening files.
func noTouch(spec string) bool {
	return strings.Contains(spec, "exec:") || strings.Contains(spec, "rules:")
}

func FuzzParse(f *testing.F) {
	for _, s := range Table {
		for _, example := range s.Examples {
			f.Add(example, "payload")
		}
	}
	f.Add("reply:{peer", "")
	f.Fuzz(func(t *testing.T, spec, payload string) {
		if noTouch(spec) {
			return
		}
		p, err := Parse(spec)
		if err != nil {
			checkMistake(t, spec, err)
			return
		}
		if len(payload) < 1<<16 {
			apply(p, payload)
		}
	})
}

func checkMistake(t *testing.T, text string, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%q: %v", text, err)
	}
	if e.Column < 1 || e.Column > utf8.RuneCountInString(e.Text)+1 || e.Problem == "" {
		t.Fatalf("%q: column %d of %q: %q", text, e.Column, e.Text, e.Problem)
	}
	e.Detail()
}
