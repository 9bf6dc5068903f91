package stage

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"dgram"
)

// pythonCases answers each line of hexadecimal on stdin with four: bytes.upper, bytes.lower, and where the bytes are text of characters
// that this Python knows, str.upper and str.lower, else "-".
const pythonCases = `
import sys, unicodedata
for line in sys.stdin:
    b = bytes.fromhex(line.strip())
    try:
        s = b.decode()
        if any(unicodedata.category(c) == 'Cn' for c in s): raise ValueError
        u, l = s.upper().encode().hex(), s.lower().encode().hex()
    except ValueError:
        u = l = '-'
    print(b.upper().hex(), b.lower().hex(), 'u' + u, 'l' + l)
`

func TestCaseIsPythons(t *testing.T) {
	python := needTool(t, "python3")
	inputs := caseInputs()
	var in strings.Builder
	for _, p := range inputs {
		fmt.Fprintln(&in, hex.EncodeToString(p))
	}
	cmd := exec.Command(python, "-c", pythonCases)
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for _, p := range inputs {
		if !lines.Scan() {
			t.Fatal("python said too little")
		}
		want := strings.Split(lines.Text(), " ")
		check := func(spec, want string) {
			if got := hex.EncodeToString([]byte(apply(MustParse(spec), string(p)))); got != want {
				t.Errorf("%s of %q: %s, Python says %s", spec, p, got, want)
			}
		}
		check("upper", want[0])
		check("lower", want[1])
		if want[2] != "u-" && known(p) {
			check("upper:unicode", want[2][1:])
			check("lower:unicode", want[3][1:])
		}
	}
}

// known reports whether this Go knows every character of p; Python's Unicode may be newer, and was asked the same.
func known(p []byte) bool {
	for _, r := range string(p) {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C) {
			return false
		}
	}
	return true
}

func caseInputs() [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	var inputs [][]byte
	for r := rune(0); r <= unicode.MaxRune; r++ { // every character that has a case, alone
		if utf8.ValidRune(r) && (unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) || unicode.ToUpper(r) != r || unicode.ToLower(r) != r) {
			inputs = append(inputs, []byte(string(r)))
		}
	}
	sigma := []rune("ΣσΑα .'-\u0301\u00adAa1")
	for range 3000 { // the one letter whose lower case depends on its neighbours
		inputs = append(inputs, []byte(pick(random, sigma, 8)))
	}
	cased := []rune("straße ŉ ﬁ İıŸÿ ǅ Ω ᾳ ὖ 你好 𐐨 ΐ\u0345\u0307iI")
	for range 1000 {
		inputs = append(inputs, []byte(pick(random, cased, 20)))
	}
	for range 1000 {
		p := make([]byte, random.IntN(64))
		for i := range p {
			p[i] = byte(random.Uint32())
		}
		inputs = append(inputs, p)
	}
	return inputs
}

func pick(random *rand.Rand, from []rune, most int) string {
	s := make([]rune, random.IntN(most+1))
	for i := range s {
		s[i] = from[random.IntN(len(from))]
	}
	return string(s)
}

func TestUnicodeCaseKeepsWhatIsNoText(t *testing.T) {
	for in, want := range map[string]string{
		"\xff\xfe":         "\xff\xfe",
		"stra\xffße\xc3":   "STRA\xffSSE\xc3",
		"\xe2\x82":         "\xe2\x82",
		"a\xf0\x9f":        "A\xf0\x9f",
		"é\xedé":           "É\xedÉ",
		"\xed\xa0\x80abcé": "\xed\xa0\x80ABCÉ",
	} {
		if got := apply(MustParse("upper:unicode"), in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestUnicodeCaseTooBig(t *testing.T) {
	in := strings.Repeat("ΐ", 20000) // 40,000 bytes grow to 120,000
	if got := apply(MustParse("upper:unicode"), in); got != "dropped too big" {
		t.Errorf("got %.40q", got)
	}
}

func FuzzUnicodeCase(f *testing.F) {
	f.Add([]byte("straße \xff"))
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) > dgram.MaxPayload/3 {
			return
		}
		got := apply(MustParse("upper:unicode"), string(p))
		// What is no UTF-8 stays: the pieces between are mapped each on its own.
		var want bytes.Buffer
		for len(p) > 0 {
			n := 0
			for n < len(p) {
				r, size := utf8.DecodeRune(p[n:])
				if r == utf8.RuneError && size == 1 {
					break
				}
				n += size
			}
			want.WriteString(apply(MustParse("upper:unicode"), string(p[:n])))
			p = p[n:]
			if len(p) > 0 {
				want.WriteByte(p[0])
				p = p[1:]
			}
		}
		if got != want.String() {
			t.Errorf("got %q, want %q", got, want.String())
		}
	})
}
