package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
)

// request is one datagram to be sent.
type request struct {
	line int    // of stdin, from 1; 0 where it came from elsewhere
	data []byte // its bytes, or where there are more than maxRequest their beginning
	size int    // how many there are
	err  error  // why there is nothing to send
}

const (
	maxRequest = 65535          // bytes, more than any datagram holds: what is longer need not be kept
	maxTyped   = 4 * maxRequest // bytes that are read for it: as hex it has two digits a byte, and space between them
)

// newRequest is a datagram of bytes that stand for themselves, of which there were size; they may be too many.
func newRequest(data []byte, size int, err error) request {
	return request{data: data[:min(len(data), maxRequest)], size: size, err: err}
}

// requests are the datagrams that the command line, or stdin, asks for.
func (c *call) requests() iter.Seq[request] {
	switch c.mode {
	case fromWords:
		return repeat(c.fromWords(), c.count)
	case fromWhole:
		return repeat([]request{c.whole()}, 1)
	}
	return c.lines
}

// repeat gives the requests so many times; 0 is without end, unless none of them can be sent at all.
func repeat(requests []request, count int) iter.Seq[request] {
	return func(yield func(request) bool) {
		for i := 0; i < count || count == 0; i++ {
			for _, r := range requests {
				if !yield(r) {
					return
				}
			}
			if count == 0 && !slices.ContainsFunc(requests, func(r request) bool { return r.err == nil }) {
				return
			}
		}
	}
}

// fromWords makes one datagram of all words; with --input file, one of each file.
func (c *call) fromWords() (requests []request) {
	if c.input.value != "file" {
		return []request{c.decode([]byte(strings.Join(c.words, " ")))}
	}
	for _, name := range c.words {
		requests = append(requests, c.file(name))
	}
	return requests
}

// whole makes one datagram of all of stdin.
func (c *call) whole() request {
	text, size, err := readWhole(c.stdin, "stdin")
	if err != nil {
		return request{err: err}
	}
	return c.typed(text, size)
}

// typed makes a datagram of the text that was read, of which size bytes were there.
func (c *call) typed(text []byte, size int) request {
	if size == len(text) {
		return c.decode(text)
	}
	if c.input.value == "hex" {
		size /= 2
	}
	return request{data: text[:maxRequest], size: size}
}

// decode makes a datagram of what was typed, as --input says.
func (c *call) decode(text []byte) request {
	switch c.input.value {
	case "hex":
		data, err := fromHex(text)
		return newRequest(data, len(data), err)
	case "file":
		return c.file(string(text))
	}
	return newRequest(text, len(text), nil)
}

func fromHex(text []byte) ([]byte, error) {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n:", r) {
			return -1
		}
		return r
	}, string(text))
	data, err := hex.DecodeString(digits)
	var wrong hex.InvalidByteError
	switch {
	case errors.As(err, &wrong):
		return nil, fmt.Errorf("%q is no hex digit: give pairs of 0-9 and a-f, as in 68 65 6c 6c 6f", rune(wrong))
	case err != nil:
		return nil, fmt.Errorf("%d hex digits are no whole bytes: give pairs, as in 68 65 6c 6c 6f", len(digits))
	}
	return data, nil
}

// file makes a datagram of a file's content.
func (c *call) file(name string) request {
	if name == "-" && c.mode == fromWords {
		return newRequest(readWhole(c.stdin, "stdin"))
	}
	f, err := os.Open(name)
	if err != nil {
		return request{err: err}
	}
	defer f.Close()
	return newRequest(readWhole(f, name))
}

// manyBytes is where the counting of what is too long anyway ends.
const manyBytes = 1 << 30

// readWhole reads to the end. It keeps maxTyped bytes, and counts the rest.
func readWhole(from io.Reader, name string) (data []byte, size int, err error) {
	data, err = io.ReadAll(io.LimitReader(from, maxTyped))
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", name, plainPath(err))
	}
	rest, err := io.CopyN(io.Discard, from, manyBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fmt.Errorf("read %s: %w", name, plainPath(err))
	}
	return data, len(data) + int(rest), nil
}

// plainPath leaves out of an error the name that has been said.
func plainPath(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// lines yields a datagram for each line of stdin. What stands after the last line feed is a line too, unless it is nothing.
func (c *call) lines(yield func(request) bool) {
	in := bufio.NewReaderSize(c.stdin, 64<<10)
	for number := 1; ; number++ {
		text, size, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			yield(request{line: number, err: fmt.Errorf("read stdin: %w", plainPath(err))})
			return
		}
		if err != nil && size == 0 {
			return
		}
		r := c.typed(text, size)
		r.line = number
		if !yield(r) || err != nil {
			return
		}
	}
}

// readLine reads a line and takes one LF or CRLF off its end. It keeps maxTyped bytes, and counts the rest. At the end of the input err
// is io.EOF, beside what there still was.
func readLine(in *bufio.Reader) (text []byte, size int, err error) {
	returned := false // the last byte was a CR
	for {
		piece, err := in.ReadSlice('\n')
		size += len(piece)
		text = append(text, piece[:min(len(piece), maxTyped-len(text))]...)
		line, ended := bytes.CutSuffix(piece, []byte("\n"))
		if len(line) > 0 {
			returned = line[len(line)-1] == '\r'
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case ended && returned:
			size -= 2
		case ended:
			size--
		}
		return text[:min(len(text), size)], size, err
	}
}
