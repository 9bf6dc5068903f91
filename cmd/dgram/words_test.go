package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"dgram/internal/testnet"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]int{
		"0": 0, "1": 1, "65507": 65507, "64KiB": 65536, "64k": 65536, "4MiB": 4 << 20, "4 MiB": 4 << 20, "4M": 4 << 20, "1.5MB": 1500000,
		"1GiB": 1 << 30, "10kB": 10000, "7b": 7,
	} {
		var s size
		if err := s.Set(text); err != nil || int(s) != want {
			t.Errorf("%q is %d, want %d: %v", text, s, want, err)
		}
	}
	for _, text := range []string{"", "-1", "x", "4MiX", "1e9", "0x10", "NaN", "inf", "infinity", "3GiB", "1_000", "+4", "MiB"} {
		var s size
		if err := s.Set(text); err == nil {
			t.Errorf("%q is taken for %d", text, s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := size(rapid.IntRange(0, 1<<31-1).Draw(t, "n"))
		var back size
		if err := back.Set(n.String()); err != nil || back != n {
			t.Fatalf("%d is written %q and read %d: %v", int(n), n.String(), int(back), err)
		}
	})
}

func TestDescribe(t *testing.T) {
	platform := fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, c := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{}, "dgram devel " + platform},
		{debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "dgram v1.2.3 " + platform},
		{debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}}, "dgram devel 0123456789ab (modified) " + platform},
	} {
		if got := describe(&c.info); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestFill(t *testing.T) {
	text := "one two three\nfour 你好 six\n\nlist:\n  a\n  b\n"
	if got, want := fill(text, 10), "one two\nthree four\n你好 six\n\nlist:\n  a\n  b"; got != want {
		t.Errorf("fill gives %q, want %q", got, want)
	}
}

func TestConclude(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		said string
	}{
		{nil, 0, ""},
		{errors.New("it broke"), 1, "dgram: it broke\n"},
		{fmt.Errorf("wrapped: %w", exit(5, errors.New("too big"))), 5, "dgram: wrapped: too big\n"},
		{exit(130, nil), 130, ""},
		{errors.New("host \x1b[2J\u202e\\x"), 1, `dgram: host \x1b[2J\u202e\x` + "\n"},
	} {
		var said bytes.Buffer
		if code := conclude(&said, c.err); code != c.code || said.String() != c.said {
			t.Errorf("%v gives %d and %q, want %d and %q", c.err, code, said.String(), c.code, c.said)
		}
	}
}

func TestTalkIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		x := newTalk(func(s string) { lines = append(lines, s) })
		for range 50 {
			for range 100 {
				x.say("trouble")
			}
			time.Sleep(10 * time.Millisecond)
		}
		x.close()
		left := 0
		for _, line := range lines {
			if _, more, ok := strings.Cut(line, " (and "); ok {
				n, err := strconv.Atoi(strings.TrimSuffix(more, " more)"))
				if err != nil {
					t.Fatal(line)
				}
				left += n
			}
		}
		if len(lines) > 15 || len(lines)+left != 5000 {
			t.Errorf("%d lines, which speak of %d more", len(lines), left)
		}
		x.say("nobody hears this")
		x.close()
	})
}

// Anything that a person may type ends with a code and a sentence, and never in a panic.
func TestAnyWordsAreAnswered(t *testing.T) {
	words := []string{"serve", "call", "version", "completion", "help", "--help", "-h", "--version", "--stage", "uper", "--join", "x", "--count", "-1",
		"--", "-", "", "bash", "\x00", "99999999", "[::", "--shards=0", "--no-such"}
	rapid.Check(t, func(t *rapid.T) {
		args := append(rapid.SliceOfN(rapid.SampledFrom(words), 0, 4).Draw(t, "args"), "--no-such-flag")
		var said bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), io.Discard, &said); code == 1 && !strings.HasPrefix(said.String(), "dgram: ") {
			t.Fatalf("%q ends with 1 and says %q", args, said.String())
		}
	})
}

// What a person waits for before anything happens: no package may take a millisecond to begin. A package is judged by the best of its times, and the
// program is begun until all are good: a busy machine cannot spoil that many.
func TestItBeginsAtOnce(t *testing.T) {
	testnet.NotUnderRace(t, "it slows everything down")
	const tries = 50
	least := map[string]float64{}
	slow := func() (words []string) {
		for name, ms := range least {
			if ms >= 1 && name != "pgregory.net/rapid" && name != "testing" { // which are in the test binary alone
				words = append(words, fmt.Sprintf("package %s takes %.2f ms to begin", name, ms))
			}
		}
		return words
	}
	for try := 0; try == 0 || try < tries && len(slow()) > 0; try++ {
		for name, ms := range beginning(t) {
			if old, ok := least[name]; !ok || ms < old {
				least[name] = ms
			}
		}
	}
	for _, words := range slow() {
		t.Error(words)
	}
}

// beginning begins the program once, and returns how many milliseconds each package took (package runtime, GODEBUG inittrace).
func beginning(t *testing.T) map[string]float64 {
	cmd := exec.Command("dgram", "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	took := map[string]float64{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 5 || f[0] != "init" {
			continue
		}
		if took[f[1]], err = strconv.ParseFloat(f[4], 64); err != nil {
			t.Fatal(line)
		}
	}
	if len(took) == 0 {
		t.Fatal("Go told nothing")
	}
	return took
}
