package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dgram/internal/wording"
)

// run is the program: it takes the arguments after its name and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(env{stdin: stdin, stdout: stdout, stderr: stderr})
	root.SetArgs(args)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		plainUsages(root)
	}
	return conclude(stderr, root.ExecuteContext(ctx))
}

const rootLong = `dgram is a workbench for UDP. It says what happened to every datagram.`

const newcomer = `Start here, each in a terminal of its own:
  dgram serve               a server that sends everything back in upper case
  dgram call                asks it: type a line, see the reply
  sudo dgram watch lo udp   shows both pass
`

func newRoot(e env) *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use: "dgram", Short: "a workbench for UDP", SilenceErrors: true, SilenceUsage: true,
		Args:              cobra.ArbitraryArgs,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				return unknownVerb(args[0])
			case version:
				fmt.Fprintln(e.stdout, versionLine())
				return nil
			}
			return c.Help()
		},
	}
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.Flags().BoolVar(&version, "version", false, "print the version")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(func(*cobra.Command, []string) { writeRootHelp(e.stdout) })
	root.SetUsageFunc(func(*cobra.Command) error { return nil })
	root.SetHelpCommand(newHelp(root))
	for _, v := range verbs() {
		root.AddCommand(newVerb(e, v))
	}
	return root
}

func newVerb(e env, v verb) *cobra.Command {
	c := &command{env: e, Command: &cobra.Command{Use: v.use, Short: v.short, Long: v.long, Example: v.example,
		DisableFlagsInUseLine: true, Args: cobra.ArbitraryArgs}}
	c.Flags().SortFlags = false
	do := v.setup(c)
	c.RunE = func(cc *cobra.Command, args []string) error { return do(cc.Context(), args) }
	c.SetHelpFunc(func(*cobra.Command, []string) { writeHelp(e.stdout, c) })
	c.Flags().BoolP("help", "h", false, "say how "+c.Name()+" is used")
	return c.Command
}

func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [VERB]", Short: "say how a verb is used", Hidden: true, Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return verbNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return root.Help()
			}
			found, _, err := root.Find(args[:1])
			if err != nil || found == root {
				return unknownVerb(args[0])
			}
			return found.Help()
		},
	}
}

func verbNames() (names []string) {
	for _, v := range verbs() {
		names = append(names, v.name())
	}
	return names
}

func unknownVerb(word string) error {
	names := verbNames()
	if near := wording.Nearest(word, names); near != "" {
		return fmt.Errorf("there is no verb %q: did you mean %q?", word, "dgram "+near)
	}
	return fmt.Errorf("there is no verb %q: there are %s (dgram --help)", word, strings.Join(names, ", "))
}

// flagError says what is wrong with a flag, and which one may have been meant.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(c, unknown)
	case errors.As(err, &missing):
		return fmt.Errorf("--%s needs a value: see %s --help", missing.GetFlag().Name, c.CommandPath())
	case errors.As(err, &invalid):
		return fmt.Errorf("--%s %q: %w", invalid.GetFlag().Name, invalid.GetValue(), plainCause(invalid))
	}
	return err
}

func unknownFlag(c *cobra.Command, e *pflag.NotExistError) error {
	word, dashes := e.GetSpecifiedName(), "--"
	if short := e.GetSpecifiedShortnames(); short != "" {
		word, dashes = short, "-" // -stage is taken for the flags -s, -t and so on
	}
	if near := wording.Nearest(word, flagNames(c)); near != "" && len(word) > 1 {
		return fmt.Errorf("%s has no flag %s%s: did you mean --%s?", c.CommandPath(), dashes, word, near)
	}
	return fmt.Errorf("%s has no flag %s%s: %s --help lists them", c.CommandPath(), dashes, word, c.CommandPath())
}

// plainCause says in plain words what package strconv or time would not take.
func plainCause(invalid *pflag.InvalidValueError) error {
	switch cause, kind := invalid.Unwrap(), invalid.GetFlag().Value.Type(); {
	case errors.Is(cause, strconv.ErrRange):
		return errors.New("the number is too large")
	case strings.HasPrefix(kind, "uint"):
		return errors.New("not a whole number from 0 up")
	case strings.HasPrefix(kind, "int"):
		return errors.New("not a whole number")
	case kind == "duration":
		return errors.New("not a duration: give it as in 500ms, 2s or 1m30s")
	case kind == "bool":
		return errors.New("not true or false")
	default:
		return cause
	}
}

func flagNames(c *cobra.Command) (names []string) {
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
