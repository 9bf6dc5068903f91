package prompt

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	historyLimit = 1000    // lines that are kept
	historyBytes = 1 << 20 // of the file that are read; a longer one is cut to the lines in its end
)

// HistoryFile returns where lines are kept: in the directory for state of the XDG Base Directory Specification, $XDG_STATE_HOME/dgram/history
// or ~/.local/state/dgram/history; on Windows in the user's configuration. It is "" where the user has no such place.
func HistoryFile() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) { // a relative path is to be ignored, says the specification
		home, err := stateHome()
		if err != nil {
			return ""
		}
		dir = home
	}
	return filepath.Join(dir, "dgram", "history")
}

func stateHome() (string, error) {
	if runtime.GOOS == "windows" {
		return os.UserConfigDir()
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state"), err
}

// history is a file of lines, the last one newest. It helps and never hinders: what cannot be read or written is left alone.
type history struct {
	path  string
	lines []string
}

func openHistory(path string) *history {
	h := &history{path: path}
	if path == "" {
		return h
	}
	text, whole := readEnd(path)
	count := 0
	for line := range strings.Lines(text) {
		count++
		if line = strings.TrimSuffix(line, "\n"); fit(line) {
			h.lines = append(h.lines, line)
		}
	}
	h.lines = h.lines[max(0, len(h.lines)-historyLimit):]
	if !whole || count > 2*historyLimit {
		h.rewrite()
	}
	return h
}

// readEnd returns the last historyBytes of a file, from the beginning of a line.
func readEnd(path string) (text string, whole bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", true
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", true
	}
	start := max(0, info.Size()-historyBytes)
	data, err := io.ReadAll(io.NewSectionReader(f, start, historyBytes))
	if err != nil {
		return "", true
	}
	text = string(data)
	if start > 0 {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text, start == 0
}

// fit refuses what would do something to a terminal, should somebody else have written the file.
func fit(line string) bool {
	return line != "" && utf8.ValidString(line) && !strings.ContainsFunc(line, func(r rune) bool { return r != '\t' && unicode.IsControl(r) })
}

// add keeps a line, unless it is the last one again.
func (h *history) add(line string) {
	if h.path == "" || !fit(line) || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	if os.MkdirAll(filepath.Dir(h.path), 0o700) != nil {
		return
	}
	f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = f.WriteString(line + "\n")
}

// rewrite replaces the file by the lines that are kept.
func (h *history) rewrite() {
	f, err := os.CreateTemp(filepath.Dir(h.path), "history-*") // 0600
	if err != nil {
		return
	}
	_, err = f.WriteString(strings.Join(h.lines, "\n") + "\n")
	if closeErr := f.Close(); err != nil || closeErr != nil || os.Rename(f.Name(), h.path) != nil {
		_ = os.Remove(f.Name())
	}
}
