package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"dgram/bench"
	"dgram/internal/terminal"
)

// liveLine is one line of a terminal that renews itself while a run goes on. Elsewhere it shows nothing.
type liveLine struct {
	mu      sync.Mutex
	w       io.Writer
	on      bool
	colours terminal.Palette
	rates   []float64 // of the last seconds, for the sparkline
}

// sparks are eighths of a cell, from the least.
var sparks = []rune("▁▂▃▄▅▆▇█")

// sparkCells is how many seconds the sparkline shows.
const sparkCells = 16

func newLiveLine(w io.Writer, quiet bool) *liveLine {
	return &liveLine{w: w, on: !quiet && terminal.TakesEscapes(w), colours: terminal.Colours(w)}
}

// second shows a second that is over.
func (l *liveLine) second(s bench.Second) {
	if !l.on {
		return
	}
	done := s.Counts.Answered
	if s.Counts.Received == 0 && s.Counts.Lost == 0 {
		done = s.Counts.Sent // one way, or nothing has had time to answer
	}
	rate := float64(done) / s.Length.Seconds()
	l.rates = append(l.rates, rate)
	l.rates = l.rates[max(0, len(l.rates)-sparkCells):]
	parts := []string{l.colours.Cyan(bench.FormatRate(rate)), sparkline(l.rates)}
	if s.Counts.Sent > 0 {
		lost := "lost " + bench.FormatShare(float64(s.Counts.Lost)/float64(s.Counts.Sent))
		if s.Counts.Lost > 0 {
			lost = l.colours.Yellow(lost)
		}
		parts = append(parts, lost)
	}
	for _, percent := range []float64{50, 99} {
		if q, ok := s.Latency.Quantile(percent); ok && s.Latency.Count+s.Latency.Censored > 0 {
			parts = append(parts, fmt.Sprintf("p%g %s", percent, q))
		}
	}
	switch {
	case s.Phase == bench.PhaseWarmup:
		parts = append(parts, l.colours.Dim("warm-up"))
	case s.Left > 0:
		parts = append(parts, l.colours.Dim(timeLeft(s.Left)+" left"))
	}
	l.show(strings.Join(parts, "  "))
}

// sparkline draws values from 0 to the greatest of them.
func sparkline(values []float64) string {
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	line := make([]rune, len(values))
	for i, v := range values {
		line[i] = sparks[0]
		if top > 0 {
			line[i] = sparks[min(int(v/top*float64(len(sparks))), len(sparks)-1)]
		}
	}
	return string(line)
}

// timeLeft is a time in whole seconds: 8 s, 2 min 5 s, 1 h 10 min.
func timeLeft(d time.Duration) string {
	seconds := int(d.Round(time.Second) / time.Second)
	switch {
	case seconds < 60:
		return fmt.Sprintf("%d s", max(seconds, 1))
	case seconds < 3600:
		return fmt.Sprintf("%d min %d s", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d h %d min", seconds/3600, seconds%3600/60)
}

// show writes the line over itself. What does not fit is left out from the end, a part at a time: colours do not survive being cut.
func (l *liveLine) show(text string) {
	if !l.on {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	columns, _ := terminal.Size(l.w)
	parts := strings.Split(text, "  ")
	for len(parts) > 1 && terminal.WidthStyled(strings.Join(parts, "  ")) >= columns {
		parts = parts[:len(parts)-1]
	}
	fmt.Fprint(l.w, "\r\x1b[K"+strings.Join(parts, "  "))
}

// erase takes the line away.
func (l *liveLine) erase() {
	if !l.on {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprint(l.w, "\r\x1b[K")
}
