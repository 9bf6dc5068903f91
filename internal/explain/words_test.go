package explain

import (
	"regexp"
	"runtime"
	"slices"
	"testing"
	"unicode"

	"dgram/ledger"
	"dgram/sock"
)

var tables = map[string]map[string]Text{
	"calls": calls, "families": families, "types": types, "protocols": protocols, "flags": flags, "phrases": phrases,
	"setting": setting, "asking": asking, "errnos": errnos,
}

var blank = regexp.MustCompile(`\{\w+\}`)

// Each text is there in both languages, says the same things, and its Chinese is Chinese.
func TestBothLanguages(t *testing.T) {
	for name, table := range tables {
		for key, text := range table {
			en, zh := blank.FindAllString(text.En, -1), blank.FindAllString(text.Zh, -1)
			slices.Sort(en)
			slices.Sort(zh)
			if !slices.Equal(slices.Compact(en), slices.Compact(zh)) {
				t.Errorf("%s %q fills in %q in English and %q in Chinese", name, key, en, zh)
			}
			if hasLetters(text.En) == 0 || han(text.En) > 0 {
				t.Errorf("%s %q: the English is %q", name, key, text.En)
			}
			// What is all placeholders and punctuation is the same in every language.
			if plain := blank.ReplaceAllString(text.Zh, ""); han(plain) == 0 && key != "in brackets" {
				t.Errorf("%s %q: the Chinese is %q", name, key, text.Zh)
			}
		}
	}
}

func han(s string) (n int) {
	for _, r := range s {
		if unicode.Is(unicode.Han, r) {
			n++
		}
	}
	return n
}

func hasLetters(s string) (n int) {
	for _, r := range s {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}

func TestEveryOptionIsExplained(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the options are those of Linux")
	}
	besidePayload := []string{"IPV6_PKTINFO", "IPV6_HOPLIMIT"} // no options that are set, but what comes with a datagram
	for _, o := range sock.Options() {
		_, set := setting[o.Name]
		_, asked := asking[o.Name]
		if !set && !asked && !slices.Contains(besidePayload, o.Name) {
			t.Errorf("%s has no explanation", o.Name)
		}
	}
}

func TestEveryErrnoIsExplained(t *testing.T) {
	for _, e := range sock.Explanations() {
		if e.Errno == 0 {
			continue
		}
		if _, ok := errnos[ledger.ErrnoName(e.Errno)]; !ok {
			t.Errorf("%v (%s) has no explanation", e.Errno, ledger.ErrnoName(e.Errno))
		}
	}
}
