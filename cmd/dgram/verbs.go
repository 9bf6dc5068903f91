package main

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// verbs are the words that may follow dgram, in the order in which help shows them. To add one: its file, and its line here.
func verbs() []verb {
	return []verb{
		serveVerb,
		callVerb,
		watchVerb,
		benchVerb,
		socketsVerb,
		versionVerb,
		completionVerb,
	}
}

// verb is one word of the command line as a value.
type verb struct {
	use     string // the word, then what follows it: "serve [ADDRESS...]"
	short   string // what it does, in a line without a full stop
	long    string // what --help says first
	example string // lines that can be typed as they are, each after a line "# what it does"
	setup   func(*command) runner
}

// name is the word itself.
func (v verb) name() string {
	name, _, _ := strings.Cut(v.use, " ")
	return name
}

// runner does what the verb is for. Its error is printed and ends the program with 1, or with the code of an exitError.
type runner func(ctx context.Context, args []string) error

// command is a verb being set up: its setup defines flags in groups, which --help shows as they were made.
type command struct {
	*cobra.Command
	env
	groups []flagGroup
	notes  func() string // what --help says last, or nil
}

// env is what a verb touches of the world around the process.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// group defines flags under a title. The name of a flag's value stands in backquotes in its usage (package pflag).
func (c *command) group(title string, define func(*pflag.FlagSet)) {
	flags := pflag.NewFlagSet(title, pflag.ContinueOnError)
	flags.SortFlags = false
	define(flags)
	c.Flags().AddFlagSet(flags)
	c.groups = append(c.groups, flagGroup{title, flags})
}

// complete says what may follow a flag, for the shell.
func (c *command) complete(flag string, values func(word string) ([]string, cobra.ShellCompDirective)) {
	err := c.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		return values(word)
	})
	if err != nil {
		panic(err) // the flag does not exist
	}
}
