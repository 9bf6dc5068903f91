package main

import (
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dgram/internal/testnet"
	"dgram/internal/testpty"
)

var picture = flag.Bool("picture", false, "draw docs/images/watch.svg anew, from a run of dgram watch")

// TestPicture draws the screen that the README shows: go test ./cmd/dgram -run TestPicture -picture. It is a real run between two
// network namespaces, so times and processes differ each time.
func TestPicture(t *testing.T) {
	if !*picture {
		return
	}
	testnet.Need(t, testnet.Namespaces)
	left, right := testnet.Pair(t, "192.168.3.2/24", "192.168.3.8/24")
	x := testpty.OpenFull(t, 126, 34)
	watch := right.Command(t.Context(), self(t), "watch", right.Link, "udp or icmp", "--patience", "1s")
	watch.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor", "TZ=UTC")
	watch.Stdin, watch.Stdout, watch.Stderr = x.Slave, x.Slave, x.Slave
	ownTerminal(watch)
	start(t, watch)
	sees(t, x, "waiting for packets")
	serve := right.Command(t.Context(), self(t), "serve", "192.168.3.8:12345", "--stage", "loss:25%", "--stage", "duplicate:20%", "--stage", "delay:1ms±1ms",
		"--stage", "upper", "--seed", "7", "--quiet")
	serving := &lookFor{text: "ready", found: make(chan struct{})}
	serve.Stdout = serving
	start(t, serve)
	<-serving.found
	call := left.Command(t.Context(), self(t), "call", "192.168.3.8:12345", "--bind", ":57445", "--timeout", "150ms", "--tries", "2")
	call.Stdin = strings.NewReader("hello\nwhat do you say?\n你好, 世界\nhow are you?\nstill there?\nanybody at all?\ngoodbye\n")
	_ = call.Run() // some of it stays unanswered
	_ = left.Command(t.Context(), self(t), "call", "192.168.3.8:9", "is this a port?", "--bind", ":57446", "--tries", "1").Run()
	x.Type("gjjj")
	sees(t, x, "is this a port?", "Destination unreachable")
	x.Type("\r\t\x1b[A")
	sees(t, x, "tab: layers", "User Datagram Protocol")
	x.Look(func(s *testpty.Screen) {
		file := filepath.Join("..", "..", "docs", "images", "watch.svg")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(svg(s)), 0o644); err != nil {
			t.Fatal(err)
		}
	})
	x.Type("\x1b\x1bq")
	exitsWith(t, watch, 0)
}

// How a cell is drawn: its size, and the colours of an everyday dark terminal.
const (
	cellWidth, cellHeight = 8.4, 18
	dark, light           = "#1e1e2e", "#cdd6f4"
)

var inks = map[string]string{"30": "#11111b", "31": "#f38ba8", "32": "#a6e3a1", "33": "#f9e2af", "34": "#89b4fa", "35": "#cba6f7", "36": "#94e2d5", "37": light}

// svg draws a screen: for each run of cells of one style a box, where it has a background, and its text.
func svg(s *testpty.Screen) string {
	var b strings.Builder
	cells := s.Cells()
	width, height := float64(len(cells[0]))*cellWidth+20, len(cells)*cellHeight+20
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14">`+"\n", width, height)
	fmt.Fprintf(&b, `<title>dgram watch</title><rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", dark)
	for r, row := range cells {
		for from := 0; from < len(row); {
			to := from + 1
			for to < len(row) && row[to].Style == row[from].Style {
				to++
			}
			drawRun(&b, row[from:to], 10+float64(from)*cellWidth, 10+r*cellHeight)
			from = to
		}
	}
	return b.String() + "</svg>\n"
}

func drawRun(b *strings.Builder, run []testpty.Cell, x float64, y int) {
	var text strings.Builder
	for _, c := range run {
		text.WriteString(c.Text)
	}
	ink, paper, extra := light, "", ""
	for p := range strings.SplitSeq(run[0].Style, ";") {
		switch {
		case p == "1":
			extra += ` font-weight="bold"`
		case p == "2":
			extra += ` fill-opacity="0.6"`
		case p == "7":
			paper = light
		case inks[p] != "":
			ink = inks[p]
		}
	}
	if paper != "" {
		ink, paper = dark, ink
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", x, y, float64(len(run))*cellWidth, cellHeight, paper)
	}
	if strings.TrimSpace(text.String()) == "" {
		return
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%d" fill="%s"%s textLength="%.1f" xml:space="preserve">`, x, y+13, ink, extra, float64(len(run))*cellWidth)
	_ = xml.EscapeText(b, []byte(text.String())) // a Builder never fails
	b.WriteString("</text>\n")
}
