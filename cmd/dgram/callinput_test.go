package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"dgram"
)

// slowLines is what readLine does, written down plainly.
func slowLines(in []byte) (lines [][]byte) {
	for len(in) > 0 {
		line, rest, ended := bytes.Cut(in, []byte("\n"))
		if ended {
			line = bytes.TrimSuffix(line, []byte("\r"))
		}
		lines = append(lines, line)
		in = rest
	}
	return lines
}

func FuzzReadLine(f *testing.F) {
	f.Add([]byte("a\r\nb\n\nc"), 0)
	f.Add([]byte("a\r\n"), maxTyped-2)
	f.Add([]byte("\n"), maxTyped+1)
	f.Fuzz(func(t *testing.T, text []byte, filler int) {
		in := append(bytes.Repeat([]byte("x"), min(max(filler, 0), 2*maxTyped)), text...)
		reader := bufio.NewReaderSize(bytes.NewReader(in), 16) // a line comes in many pieces
		for i, want := range slowLines(in) {
			got, size, err := readLine(reader)
			if size != len(want) || !bytes.Equal(got, want[:min(len(want), maxTyped)]) || err != nil && !errors.Is(err, io.EOF) {
				t.Fatalf("line %d of %q is %q (%d bytes), want %q (%d): %v", i+1, text, got, size, want, len(want), err)
			}
		}
		if got, size, err := readLine(reader); size != 0 || !errors.Is(err, io.EOF) {
			t.Fatalf("behind the last line is %q: %v", got, err)
		}
	})
}

func FuzzFromHex(f *testing.F) {
	f.Add([]byte("00:ff 1a\t2b\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		data, err := fromHex(text)
		if err == nil && len(data) > len(text)/2 {
			t.Fatalf("%q became %d bytes", text, len(data))
		}
	})
}

// As hex the longest datagram takes three characters a byte, in a line as in all of stdin.
func TestHexReachesTheLongestDatagram(t *testing.T) {
	for _, n := range []int{dgram.MaxPayload, dgram.MaxPayload + 1, 300_000} {
		text := strings.Repeat("61 ", n)
		for _, mode := range []callMode{fromLines, fromWhole} {
			c := &call{callFlags: &callFlags{}, mode: mode, stdin: strings.NewReader(text)}
			c.input.value = "hex"
			for r := range c.requests() {
				if whole := len(r.data) == n; r.err != nil || whole != (n <= maxRequest) || r.size < n {
					t.Errorf("mode %d, %d bytes: %d of %d, %v", mode, n, len(r.data), r.size, r.err)
				}
			}
		}
	}
}
