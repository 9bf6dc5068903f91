package watchscreen

import (
	"context"
	"errors"
	"io"
	"os"

	tea "charm.land/bubbletea/v2"
)

// Run shows the screen until the person leaves it, or ctx ends. in and out are a terminal.
func Run(ctx context.Context, c Config, in io.Reader, out io.Writer) error {
	p := tea.NewProgram(newModel(c), tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithFPS(30), tea.WithoutSignalHandler(),
		tea.WithEnvironment(os.Environ()))
	_, err := p.Run()
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil || errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	return err
}
