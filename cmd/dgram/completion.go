package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var shells = []string{"bash", "zsh", "fish", "powershell"}

var completionVerb = verb{
	use:   "completion SHELL",
	short: "print a script that completes dgram's words in a shell",
	long:  `Prints a script that lets a shell complete verbs, flags, stages and interfaces. SHELL is bash, zsh, fish or powershell.`,
	example: `# for this bash session
source <(dgram completion bash)

# for every bash session (needs the package bash-completion)
dgram completion bash > ~/.local/share/bash-completion/completions/dgram

# zsh, in a folder of your fpath
dgram completion zsh > ~/.zsh/completions/_dgram

# fish
dgram completion fish > ~/.config/fish/completions/dgram.fish

# PowerShell, in your profile
dgram completion powershell | Out-String | Invoke-Expression`,
	setup: setupCompletion,
}

// plainUsages takes the quotes out of what flags say: they mark the value for --help, and a shell would show them.
func plainUsages(root *cobra.Command) {
	for _, c := range root.Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) { _, f.Usage = pflag.UnquoteUsage(f) })
	}
}

func setupCompletion(c *command) runner {
	c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return shells, cobra.ShellCompDirectiveNoFileComp
	}
	return func(_ context.Context, args []string) error {
		if len(args) != 1 || !slices.Contains(shells, args[0]) {
			return fmt.Errorf("completion is for one shell: %s, as in \"dgram completion bash\"", strings.Join(shells, ", "))
		}
		switch root := c.Root(); args[0] {
		case "bash":
			return root.GenBashCompletionV2(c.stdout, true)
		case "zsh":
			return root.GenZshCompletion(c.stdout)
		case "fish":
			return root.GenFishCompletion(c.stdout, true)
		default:
			return root.GenPowerShellCompletionWithDesc(c.stdout)
		}
	}
}
