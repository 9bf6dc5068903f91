package main

import (
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dgram/internal/explain"
	"dgram/internal/terminal"
	"dgram/ledger"
)

// explainFlags say whether each socket call is to be explained, and in which language.
type explainFlags struct {
	on   bool
	lang choice
}

func (f *explainFlags) define(c *command) {
	f.lang.of = []string{"en", "zh"}
	c.group("Explaining", func(s *pflag.FlagSet) {
		s.BoolVar(&f.on, "explain", false, "print each socket call as it is made, as strace would, and under it what it does and why; on stderr, with --json as an event")
		s.Var(&f.lang, "lang", "`LANGUAGE` of the explanations: en or zh (default the locale's)")
	})
	c.complete("lang", func(string) ([]string, cobra.ShellCompDirective) {
		return f.lang.of, cobra.ShellCompDirectiveNoFileComp
	})
}

// language is the one that was asked for, else the one of the locale (locale(7): the first of three variables that is set).
func (f *explainFlags) language() explain.Language {
	name := f.lang.value
	for _, variable := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if name == "" {
			name = os.Getenv(variable)
		}
	}
	if strings.HasPrefix(strings.ToLower(name), "zh") {
		return explain.Chinese
	}
	return explain.English
}

// explaining is the explaining of calls while it goes on; the zero one explains nothing.
type explaining struct{ teller *explain.Teller }

// begin explains the calls from now on: to publish as events where that is not nil, else to talk as text.
func (f *explainFlags) begin(talk io.Writer, portable bool, publish func(ledger.Event)) explaining {
	if !f.on {
		return explaining{}
	}
	language := f.language()
	if portable || runtime.GOOS != "linux" {
		_, _ = io.WriteString(talk, explain.Untraceable(language)+"\n") // a terminal.Writer does not fail
	}
	show := explain.NewPrinter(talk, terminal.Colours(talk), language).Show
	if publish != nil {
		show = explain.Events(language, publish)
	}
	return explaining{explain.Start(show)}
}

// flush waits until the calls so far have been shown: what is printed next comes after them.
func (e explaining) flush() {
	if e.teller != nil {
		e.teller.Flush(explainWords)
	}
}

// end shows the last calls. It may be called again.
func (e explaining) end() {
	if e.teller != nil {
		e.teller.Stop(explainWords)
	}
}

// explainWords bounds the wait for what is still to be printed.
const explainWords = 2 * time.Second

// movable is an output that can become another one while it is written to.
type movable struct {
	mu sync.Mutex
	w  io.Writer
}

func (m *movable) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.w.Write(p)
}

// Fd returns the descriptor beneath, so that colours are chosen by what it is.
func (m *movable) Fd() uintptr {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, ok := m.w.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

func (m *movable) move(w io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.w = w
}
