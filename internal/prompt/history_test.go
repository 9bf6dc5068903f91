package prompt

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestHistoryFile(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_STATE_HOME", "")
	if got := HistoryFile(); !strings.HasPrefix(got, home) && os.Getenv("HOME") != "" && filepath.Separator == '/' {
		t.Errorf("HistoryFile() = %q, not under %q", got, home)
	}
	t.Setenv("XDG_STATE_HOME", "relative")
	if got := HistoryFile(); strings.HasPrefix(got, "relative") {
		t.Errorf("HistoryFile() = %q: a relative path is to be ignored", got)
	}
	state := filepath.Join(home, "state")
	t.Setenv("XDG_STATE_HOME", state)
	if got, want := HistoryFile(), filepath.Join(state, "dgram", "history"); got != want {
		t.Errorf("HistoryFile() = %q, want %q", got, want)
	}
}

func TestHistoryIsPrivateAndBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "history")
	h := openHistory(path)
	for i := range 2*historyLimit + 1 {
		h.add(fmt.Sprint("line ", i))
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 != 0 && filepath.Separator == '/' {
		t.Fatalf("%v, %v: others may read it", info.Mode(), err)
	}
	h = openHistory(path)
	if n := len(h.lines); n != historyLimit || h.lines[n-1] != fmt.Sprint("line ", 2*historyLimit) {
		t.Fatalf("%d lines, the last %q", n, h.lines[n-1])
	}
	data, err := os.ReadFile(path)
	if err != nil || strings.Count(string(data), "\n") != historyLimit {
		t.Fatalf("the file was not cut: %d lines, %v", strings.Count(string(data), "\n"), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "history-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestHistoryNeverFails(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{"none": "", "a directory": dir, "under a file": filepath.Join(dir, "file", "history"), "a device": os.DevNull} {
		t.Run(name, func(t *testing.T) {
			_ = os.WriteFile(filepath.Join(dir, "file"), nil, 0o600)
			h := openHistory(path)
			h.add("line")
			if path != "" && !slices.Equal(h.lines, []string{"line"}) {
				t.Errorf("it is not kept for this session: %q", h.lines)
			}
		})
	}
}

func TestHugeHistoryIsCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", historyBytes)+"\nlast\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if h := openHistory(path); !slices.Equal(h.lines, []string{"last"}) {
		t.Fatalf("%d lines", len(h.lines))
	}
	if data, _ := os.ReadFile(path); string(data) != "last\n" {
		t.Fatalf("the file still has %d bytes", len(data))
	}
}

// Whatever lines are added come back in order, but for those that could harm a terminal or that repeat the one before.
func TestHistoryProperty(t *testing.T) {
	dir := t.TempDir()
	count := 0
	rapid.Check(t, func(r *rapid.T) {
		count++
		path := filepath.Join(dir, fmt.Sprint(count))
		h := openHistory(path)
		var want []string
		for _, line := range rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"a", "b", "\x1b[2J", "x\ny", "", "\xff"})), 0, 20).Draw(r, "lines") {
			h.add(line)
			if fit(line) && (len(want) == 0 || want[len(want)-1] != line) {
				want = append(want, line)
			}
		}
		if got := openHistory(path).lines; !slices.Equal(got, want) {
			r.Fatalf("%q came back as %q", want, got)
		}
	})
}
