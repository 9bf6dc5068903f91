package arch

import "testing"

// Functions of one thought are mostly under 40 lines, files mostly under 350. "Mostly" is nine in ten, and nothing is
// more than twice as long.
const (
	functionLines = 40
	fileLines     = 350
	mostly        = 0.9
)

func TestFunctionsAndFilesAreShort(t *testing.T) {
	var functions, files tally
	for _, f := range goFiles(t) {
		if f.test || f.generated {
			continue
		}
		files.add(t, f.path, f.lines, fileLines)
		for _, fn := range f.functions {
			functions.add(t, f.path+": "+fn.name, fn.lines, functionLines)
		}
	}
	functions.check(t, "functions", functionLines)
	files.check(t, "files", fileLines)
}

type tally struct{ all, long int }

func (c *tally) add(t *testing.T, what string, lines, limit int) {
	c.all++
	if lines > limit {
		c.long++
	}
	if lines > 2*limit {
		t.Errorf("%s has %d lines, more than twice the %d that are meant: divide it by thought", what, lines, limit)
	}
}

func (c *tally) check(t *testing.T, what string, limit int) {
	if float64(c.long) > (1-mostly)*float64(c.all) {
		t.Errorf("%d of %d %s have more than %d lines: that is no longer few", c.long, c.all, what, limit)
	}
}
