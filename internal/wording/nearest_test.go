package wording

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	verbs := []string{"serve", "call", "version", "completion"}
	for word, want := range map[string]string{
		"sreve": "serve", "server": "serve", "cal": "call", "clal": "call", "VERSION": "version", "comp": "completion", "ver": "version",
		"frobnicate": "", "": "", "x": "", "ls": "",
	} {
		if got := Nearest(word, verbs); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	interfaces := []string{"lo", "eth0", "eth1", "wlp3s0", "docker0"}
	for word, want := range map[string]string{"eht0": "eth0", "etho": "eth0", "wlp2s0": "wlp3s0", "docker": "docker0", "l0": "lo", "completely": "", "eth1": "eth1"} {
		if got := Nearest(word, interfaces); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// One letter put in, taken out, changed or swapped is one change, from either side.
func TestDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringMatching("[a-d]{2,12}").Draw(t, "word")
		at := rapid.IntRange(0, len(a)-2).Draw(t, "at")
		for _, b := range []string{a[:at] + "x" + a[at:], a[:at] + a[at+1:], a[:at] + "x" + a[at+1:]} {
			if d := distance(a, b); d != 1 || distance(b, a) != 1 {
				t.Fatalf("from %q to %q it is %d", a, b, d)
			}
		}
		swapped := a[:at] + string(a[at+1]) + string(a[at]) + a[at+2:]
		if d := distance(a, swapped); swapped == a && d != 0 || swapped != a && d != 1 {
			t.Fatalf("from %q to %q it is %d", a, swapped, d)
		}
	})
}
