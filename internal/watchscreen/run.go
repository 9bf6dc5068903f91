package watchscreen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	tea "charm.land/bubbletea/v2"

	"dgram/internal/terminal"
)

// Run shows the screen until the person leaves it, or ctx ends. out is a terminal; keys come from in, or from the terminal of this process where
// in is none.
func Run(ctx context.Context, c Config, in io.Reader, out io.Writer) error {
	if !terminal.IsTerminal(in) {
		tty, other, err := tea.OpenTTY()
		if err != nil {
			return fmt.Errorf("open the terminal for keys, because standard input is none: %w", err)
		}
		defer tty.Close()
		if other != tty {
			defer other.Close()
		}
		in = tty
	}
	p := tea.NewProgram(newModel(c), tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithFPS(30), tea.WithoutSignalHandler(),
		tea.WithEnvironment(os.Environ()))
	_, err := p.Run()
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil || errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	return err
}
