package prompt

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"

	"dgram/internal/testpty"
)

// open makes a prompt on a terminal of 40 columns.
func open(t *testing.T, o Options) (*testpty.Terminal, *Prompt) {
	t.Helper()
	terminal := testpty.Open(t, 40)
	o.Text = "> "
	p, err := Open(terminal.Slave, terminal.Slave, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return terminal, p
}

type result struct {
	line string
	err  error
}

// next asks for a line; what comes of it is in the channel.
func next(p *Prompt) <-chan result {
	c := make(chan result, 1)
	go func() {
		line, err := p.Line()
		c <- result{line, err}
	}()
	return c
}

func want(t *testing.T, c <-chan result, line string, err error) {
	t.Helper()
	if got := <-c; got.line != line || !errors.Is(got.err, err) {
		t.Fatalf("Line = %q, %v; want %q, %v", got.line, got.err, line, err)
	}
}

func TestTypedLineSurvivesOutput(t *testing.T) {
	terminal, p := open(t, Options{})
	c := next(p)
	terminal.Await(">")
	terminal.Type("half ty")
	terminal.Await("> half ty")
	p.Write([]byte("AN ANSWER\n"))
	terminal.Await("AN ANSWER", "> half ty")
	p.Write([]byte("A LONGER ANSWER THAT TAKES MORE THAN ONE ROW\nAND 你好\n"))
	terminal.Await("AN ANSWER", "A LONGER ANSWER THAT TAKES MORE THAN ONE", " ROW", "AND 你好", "> half ty")
	terminal.Type("ped\r")
	want(t, c, "half typed", nil)
	terminal.Look(func(s *testpty.Screen) {
		if s.Asked != 0 {
			t.Errorf("the terminal was asked where its cursor is; one that does not answer would be waited for without end")
		}
	})
}

func TestOutputBetweenLines(t *testing.T) {
	terminal, p := open(t, Options{})
	p.Write([]byte("first\n"))
	c := next(p)
	terminal.Await("first", ">")
	terminal.Type("one\r")
	want(t, c, "one", nil)
	p.Write([]byte("ONE\n"))
	c = next(p)
	terminal.Await("> one", "ONE", ">")
	terminal.Type("\x04")
	want(t, c, "", io.EOF)
}

func TestChineseIsEditedWhereItStands(t *testing.T) {
	terminal, p := open(t, Options{})
	c := next(p)
	terminal.Type("你好世界")
	terminal.Await("> 你好世界")
	terminal.Look(func(s *testpty.Screen) {
		if _, col := s.Cursor(); col != 10 {
			t.Errorf("the cursor is in column %d, not 10", col)
		}
	})
	terminal.Type("\x7f\x1b[D\x1b[D") // backspace, left, left: behind 你
	terminal.Type("们")
	terminal.Await("> 你们好世")
	p.Write([]byte("答案\n"))
	terminal.Await("答案", "> 你们好世")
	terminal.Look(func(s *testpty.Screen) {
		if _, col := s.Cursor(); col != 6 {
			t.Errorf("the cursor is in column %d, not 6", col)
		}
	})
	terminal.Type("\r")
	want(t, c, "你们好世", nil)
}

func TestLongLineWraps(t *testing.T) {
	terminal, p := open(t, Options{})
	c := next(p)
	long := "你好你好你好你好你好你好你好你好你好你" // 38 cells and the prompt fill the row
	terminal.Type(long + "ab")
	terminal.Await("> "+long, "ab")
	p.Write([]byte("ANSWER\n"))
	terminal.Await("ANSWER", "> "+long, "ab")
	terminal.Type("\r")
	want(t, c, long+"ab", nil)
}

func TestControlCClearsThenLeaves(t *testing.T) {
	terminal, p := open(t, Options{Hint: "again to leave"})
	c := next(p)
	terminal.Type("wrong\x03")
	terminal.Await("> wrong^C", "again to leave", ">")
	terminal.Type("right\r")
	want(t, c, "right", nil)
	c = next(p)
	terminal.Type("\x03")
	terminal.Await("> ^C", "again to leave", ">")
	terminal.Type("x\x03") // something was typed: this one clears again
	terminal.Await("> x^C", "again to leave", ">")
	terminal.Type("\x03")
	want(t, c, "", ErrInterrupt)
}

func TestControlDDeletesBeforeItLeaves(t *testing.T) {
	terminal, p := open(t, Options{})
	c := next(p)
	terminal.Type("abc\x01\x04") // to the beginning; delete
	terminal.Await("> bc")
	p.Write([]byte("ANSWER\n")) // it must not wait for the next key
	terminal.Await("ANSWER", "> bc")
	terminal.Type("\x0b\x04") // delete the rest; leave
	want(t, c, "", io.EOF)
}

func TestControlCharactersAreNotTyped(t *testing.T) {
	terminal, p := open(t, Options{})
	c := next(p)
	terminal.Type("a\x00\x16\x1c\x18b\r")
	want(t, c, "ab", nil)
	terminal.Await("> ab")
}

func TestHistoryIsRecalled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dgram", "history")
	terminal, p := open(t, Options{History: file})
	for _, line := range []string{"one", "二"} {
		c := next(p)
		terminal.Type(line + "\r")
		want(t, c, line, nil)
	}
	p.Close()
	terminal, p = open(t, Options{History: file})
	c := next(p)
	terminal.Type("\x1b[A")
	terminal.Await("> 二")
	terminal.Type("\x1b[A")
	terminal.Await("> one")
	terminal.Type("\x1b[B\x1b[A!\r")
	want(t, c, "one!", nil)
}

func TestCloseEndsLine(t *testing.T) {
	terminal, p := open(t, Options{})
	c := next(p)
	terminal.Await(">")
	p.Close()
	want(t, c, "", io.EOF)
}

// Answers come while keys are pressed: nothing is lost on either side, and the race detector has nothing to say.
func TestKeysAndOutputTogether(t *testing.T) {
	terminal, p := open(t, Options{})
	var writing sync.WaitGroup
	for w := range 2 {
		writing.Go(func() {
			for i := range 100 {
				fmt.Fprintf(p, "answer %d of %d\n", i, w)
			}
		})
	}
	for i := range 50 {
		c := next(p)
		line := fmt.Sprintf("line 你 %d", i)
		terminal.Type(line + "x\x7f\r")
		want(t, c, line, nil)
	}
	writing.Wait()
	c := next(p)
	terminal.Type("end")
	terminal.Await("> end")
	terminal.Look(func(s *testpty.Screen) {
		answers := 0
		for _, line := range s.All() {
			if len(line) > 6 && line[:6] == "answer" {
				answers++
			}
		}
		if answers != 200 {
			t.Errorf("%d answers are on the screen, not 200:\n%q", answers, s.All())
		}
	})
	terminal.Type("\r")
	want(t, c, "end", nil)
}
