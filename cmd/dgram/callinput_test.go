package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
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
	f.Add([]byte("a\r\n"), maxRequest-2)
	f.Add([]byte("\n"), maxRequest+1)
	f.Fuzz(func(t *testing.T, text []byte, filler int) {
		in := append(bytes.Repeat([]byte("x"), min(max(filler, 0), 2*maxRequest)), text...)
		reader := bufio.NewReaderSize(bytes.NewReader(in), 16) // a line comes in many pieces
		for i, want := range slowLines(in) {
			got, size, err := readLine(reader)
			if size != len(want) || !bytes.Equal(got, want[:min(len(want), maxRequest)]) || err != nil && !errors.Is(err, io.EOF) {
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
