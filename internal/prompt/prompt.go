package prompt

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/ergochat/readline"
	"golang.org/x/term"

	"dgram/internal/terminal"
)

// ErrInterrupt is what Line returns when the person pressed Ctrl-C twice: the first time clears the line.
var ErrInterrupt = errors.New("interrupted")

// Options say what a Prompt looks like.
type Options struct {
	Text    string // stands before the line; may hold colours
	Hint    string // shown after the Ctrl-C that clears the line: what the next one does
	History string // file that the lines are kept in, "" for none
}

// Prompt reads lines from a terminal. One goroutine calls Line, any may Write.
type Prompt struct {
	editor  *readline.Instance
	raw     *raw
	keys    *keys
	screen  *screen
	history *history
	hint    string

	// The editor lets output in while it changes its line; turn keeps the two apart. held says that the goroutine of Line has it.
	turn   sync.Mutex
	held   bool
	typed  bool // a key other than Ctrl-C came since the last Ctrl-C
	closed sync.Once
}

// Open takes the terminal over until Close: in gives the keys, out is what they are seen on.
func Open(in, out *os.File, o Options) (*Prompt, error) {
	raw, err := makeRaw(in)
	if err != nil {
		return nil, err
	}
	p := &Prompt{raw: raw, hint: o.Hint, history: openHistory(o.History)}
	p.keys = &keys{in: in}
	p.screen = &screen{out: out, keys: p.keys}
	p.editor, err = readline.NewFromConfig(&readline.Config{
		Prompt:                 o.Text,
		HistoryLimit:           historyLimit,
		DisableAutoSaveHistory: true,
		Listener:               p.afterKey,
		FuncFilterInputRune:    p.beforeKey,
		Stdin:                  p.keys,
		Stdout:                 p.screen,
		Stderr:                 p.screen,
		FuncIsTerminal:         func() bool { return true },
		FuncMakeRaw:            stay,
		FuncExitRaw:            stay,
		FuncGetSize:            func() (int, int) { return terminal.Size(out) },
	})
	if err != nil {
		return nil, errors.Join(err, raw.restore())
	}
	for _, line := range p.history.lines {
		_ = p.editor.SaveToHistory(line) // only its own file could fail, and it has none
	}
	return p, nil
}

// Line returns the next line that the person enters, without its end. The error is io.EOF for Ctrl-D on an empty line and after Close,
// ErrInterrupt for a second Ctrl-C in a row.
func (p *Prompt) Line() (string, error) {
	for cleared := false; ; cleared = true {
		line, err := p.editor.ReadLine()
		p.release()
		switch {
		case err == nil:
			p.remember(line)
			return line, nil
		case !errors.Is(err, readline.ErrInterrupt):
			return "", err
		case cleared && !p.typed:
			return "", ErrInterrupt
		}
		p.typed = false
		fmt.Fprintln(p, p.hint)
	}
}

func (p *Prompt) remember(line string) {
	if line != "" {
		_ = p.editor.SaveToHistory(line)
		p.history.add(line)
	}
}

// Write shows text above the line that is being typed. It must be whole lines, fit for a terminal.
func (p *Prompt) Write(text []byte) (int, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	return p.editor.Write(text)
}

// Close gives the terminal back and ends a Line that waits.
func (p *Prompt) Close() error {
	err := error(nil)
	p.closed.Do(func() { err = errors.Join(p.editor.Close(), p.raw.restore()) })
	return err
}

// beforeKey sees each key before the editor acts on it, and says which ones it may see.
func (p *Prompt) beforeKey(key rune) (rune, bool) {
	p.release()
	if !means(key) {
		return 0, false
	}
	if key == readline.CharCtrlZ {
		p.suspend()
		return 0, false
	}
	if key != readline.CharInterrupt {
		p.typed = true
	}
	p.turn.Lock()
	p.held = true
	return key, true
}

// afterKey is called when the editor has acted on a key, unless the key ended the line.
func (p *Prompt) afterKey(_ []rune, _ int, _ rune) ([]rune, int, bool) {
	p.release()
	return nil, 0, false
}

// suspend gives the terminal back while the person is in the shell.
func (p *Prompt) suspend() {
	p.turn.Lock()
	defer p.turn.Unlock()
	_, _ = io.WriteString(p.screen, "\n")
	_ = p.raw.restore() // a terminal that fails here fails the next read
	stop()
	_ = p.raw.enter()
}

func (p *Prompt) release() {
	if p.held {
		p.held = false
		p.turn.Unlock()
	}
}

// means reports whether a key is text or a command of the editor. The other control characters would stand in the line unseen.
func means(key rune) bool {
	switch key {
	case 0, 15, 17, 22, 24, 28, 29, 30: // Ctrl with @ O Q V X \ ] ^
		return false
	}
	return key < 0x80 || key > 0x9f
}

// keys is the terminal's input. The editor asks the terminal where its cursor is before each line, and waits for the answer without end
// where the terminal gives none. But lines begin in the first column here: screen holds the question back, and keys answers it.
type keys struct {
	in io.Reader

	mu    sync.Mutex
	asked bool
}

const (
	question = "\x1b[6n"   // device status report: where is the cursor?
	answer   = "\x1b[1;1R" // in the first column
)

func (k *keys) Read(p []byte) (int, error) {
	k.mu.Lock()
	asked := k.asked
	k.asked = false
	k.mu.Unlock()
	if asked && len(p) >= len(answer) {
		return copy(p, answer), nil
	}
	return k.in.Read(p)
}

func (k *keys) ask() {
	k.mu.Lock()
	k.asked = true
	k.mu.Unlock()
}

// screen is the terminal's output in raw mode, in which a line feed does not return to the first column.
type screen struct {
	out  io.Writer
	keys *keys
}

func (s *screen) Write(text []byte) (int, error) {
	if string(text) == question {
		s.keys.ask()
		_, err := io.WriteString(s.out, "\r\x1b[K") // what the editor may have left of the last prompt
		return len(text), err
	}
	_, err := s.out.Write(withReturns(text))
	return len(text), err
}

func withReturns(text []byte) []byte {
	out := make([]byte, 0, len(text)+8)
	for _, c := range text {
		if c == '\n' {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

// raw keeps a terminal in raw mode from the first line to the last. The editor would leave it after each line, and the terminal would
// echo what is typed in between.
type raw struct {
	fd     int
	before *term.State
}

func makeRaw(in *os.File) (*raw, error) {
	r := &raw{fd: int(in.Fd())}
	before, err := term.MakeRaw(r.fd)
	r.before = before
	return r, err
}

func (r *raw) enter() error {
	_, err := term.MakeRaw(r.fd)
	return err
}

func (r *raw) restore() error { return term.Restore(r.fd, r.before) }

// stay is what the editor may do to the terminal's mode.
func stay() error { return nil }
