package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dgram/bench"
	"dgram/internal/terminal"
)

var benchCompareVerb = verb{
	use:   "compare A.json B.json",
	short: "say whether the runs in B differ from those in A, by how much, and how surely",
	long: `Compares runs that "dgram bench --json" wrote: rate, loss, median and 99th percentile, each with an interval for the difference. All four
intervals hold at once with 95 %: of twenty comparisons of the same with itself, nineteen find nothing.

With one or two runs in a file, the seconds of the run say how sure it is: blocks of consecutive ones are drawn anew a thousand times (block
bootstrap), and the spread gives the interval, by Student's t. That cannot see what changes from run to run. With three runs or more in each file, appended
one to the other, the spread between runs is what counts (Welch's t), and that is the firmer word: take them in turn, A B A B A B.

Runs under different loads, or invalid ones, are refused: their difference would say nothing of the server. The exit code is 0 whether they
differ or not, and 1 where they cannot be compared.`,
	example: `# before and after, three runs of each in turn
for i in 1 2 3; do dgram bench :7001 --quiet --json >>A.json; dgram bench :7002 --quiet --json >>B.json; done
dgram bench compare A.json B.json
# for another program
dgram bench compare A.json B.json --json`,
	setup: setupBenchCompare,
}

func setupBenchCompare(c *command) runner {
	var asJSON bool
	var o bench.CompareOptions
	c.group("Flags", func(s *pflag.FlagSet) {
		s.BoolVar(&asJSON, "json", false, "print the comparison as one JSON object on one line (dgram.compare/1, docs/bench.md)")
		s.BoolVar(&o.Force, "force", false, "compare even what was measured under different loads, or is invalid")
		s.Uint64Var(&o.Seed, "seed", 0, "draw the seconds as in every comparison with this `NUMBER`")
	})
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"json"}, cobra.ShellCompDirectiveFilterFileExt
	}
	return func(_ context.Context, args []string) error {
		if len(args) != 2 {
			return errors.New("compare is for two files: dgram bench compare A.json B.json")
		}
		a, err := readRuns(args[0])
		if err != nil {
			return err
		}
		b, err := readRuns(args[1])
		if err != nil {
			return err
		}
		comparison, err := bench.Compare(a, b, o)
		if errors.Is(err, bench.ErrIncomparable) {
			return fmt.Errorf("%w; --force compares them all the same", err)
		}
		if err != nil {
			return err
		}
		stdout := terminal.NewWriter(c.stdout, nil)
		if asJSON {
			return writeJSON(stdout, comparison)
		}
		writeComparison(stdout, terminal.Colours(c.stdout), comparison)
		return nil
	}
}

func readRuns(name string) ([]*bench.Result, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	runs, err := bench.ReadResults(bufio.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return runs, nil
}

func writeComparison(w *terminal.Writer, p terminal.Palette, c *bench.Comparison) {
	rows := [][]string{{"", "A", "B", "B against A", "interval", ""}}
	for _, f := range c.Figures {
		rows = append(rows, figureRow(p, f))
	}
	var text strings.Builder
	fmt.Fprintf(&text, "A  %s\nB  %s\n\n", side(c.A), side(c.B))
	wide := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			wide[i] = max(wide[i], terminal.WidthStyled(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", wide[i]-terminal.WidthStyled(cell))
			if i == 0 || i == len(row)-1 {
				line.WriteString(cell + pad + "  ")
			} else {
				line.WriteString(pad + cell + "  ")
			}
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	fmt.Fprintf(&text, "\n%s\n", summing(p, c))
	text.WriteString(p.Dim(fmt.Sprintf("All intervals hold at once with %s (%s).", bench.FormatShare(c.Confidence), c.Method)) + "\n")
	for _, note := range c.Notes {
		text.WriteString(p.Dim("note: "+terminal.EscapeString(note)) + "\n")
	}
	_, _ = w.Write([]byte(text.String())) // never fails
}

func side(s bench.Compared) string {
	runs := "1 run"
	if s.Runs != 1 {
		runs = fmt.Sprintf("%d runs", s.Runs)
	}
	return fmt.Sprintf("%s  %s, %s in all", terminal.EscapeString(s.Target), runs, bench.FormatDuration(time.Duration(s.Seconds*1e9)))
}

func figureRow(p terminal.Palette, f bench.Figure) []string {
	row := []string{f.Name, value(f.Name, f.A, f.AAtLeast), value(f.Name, f.B, f.BAtLeast)}
	if f.Verdict == bench.VerdictUnknown {
		return append(row, "", "", p.Dim("cannot be told: "+f.Why))
	}
	low, high := change(f.Name, f.Low), change(f.Name, f.High)
	if f.LowOpen {
		low = "any less"
	}
	if f.HighOpen {
		high = "any more"
	}
	word := p.Dim("no difference shown")
	if f.Verdict != bench.VerdictAlike {
		better := (f.Name == "rate") == (f.Verdict == bench.VerdictHigher)
		if word = p.Red(figureWord(f)); better {
			word = p.Green(figureWord(f))
		}
	}
	return append(row, change(f.Name, f.Change), low+" … "+high, word)
}

func figureWord(f bench.Figure) string {
	higher := f.Verdict == bench.VerdictHigher
	switch {
	case f.Name == "rate" && higher, f.Name == "loss" && higher:
		return "more"
	case f.Name == "rate", f.Name == "loss":
		return "less"
	case higher:
		return "slower"
	}
	return "faster"
}

func value(name string, x float64, atLeast bool) string {
	switch name {
	case "rate":
		return bench.FormatRate(x)
	case "loss":
		return bench.FormatShare(x)
	}
	return bench.Quantile{Value: time.Duration(x), AtLeast: atLeast}.String()
}

// change is a relative change in per cent, of loss one in points of a per cent.
func change(name string, x float64) string {
	unit := " %"
	if name == "loss" {
		unit = " points"
	}
	if name != "loss" && x >= 999 {
		return "× " + bench.FormatCount(int64(min(x+1, 1e15)))
	}
	if name != "loss" && x >= 9.995 {
		return fmt.Sprintf("× %.3g", x+1)
	}
	x *= 100
	digits := 1
	for digits < 5 && x != 0 && math.Abs(x) < 3*math.Pow(10, -float64(digits)) {
		digits++
	}
	return strings.Replace(fmt.Sprintf("%+.*f", digits, x), "-", "−", 1) + unit
}

// summing is the answer in a sentence.
func summing(p terminal.Palette, c *bench.Comparison) string {
	var different, unknown []string
	for _, f := range c.Figures {
		switch f.Verdict {
		case bench.VerdictUnknown:
			unknown = append(unknown, f.Name)
		case bench.VerdictHigher, bench.VerdictLower:
			different = append(different, f.Name+" "+change(f.Name, f.Change))
		}
	}
	switch {
	case len(different) > 0:
		return p.Bold("B differs from A: " + strings.Join(different, ", ") + ".")
	case len(unknown) == len(c.Figures):
		return p.Bold("Nothing can be told.")
	}
	return p.Bold("No difference is shown; the intervals say how large one may be all the same.")
}
