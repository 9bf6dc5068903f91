package pcapfile

import (
	"errors"
	"io"
)

// firstBuffer is what a Reader begins with. It grows only while bytes really arrive, never because a file announces them.
const firstBuffer = 256 << 10

// input is the file as a window of bytes that lie next to one another.
type input struct {
	from    io.Reader
	buf     []byte
	at, end int   // what was read and not yet taken is buf[at:end]
	offset  int64 // of buf[at] in the file
	failed  error // what reading ended with
}

func newInput(r io.Reader) *input { return &input{from: r, buf: make([]byte, firstBuffer)} }

// peek returns the next n bytes and leaves them there. They are valid until the next peek or skip. Where the file ends before, it
// returns those that there are, and io.EOF if there are none, else io.ErrUnexpectedEOF.
func (in *input) peek(n int) ([]byte, error) {
	if in.end-in.at >= n {
		return in.buf[in.at : in.at+n], nil
	}
	return in.fetch(n)
}

func (in *input) fetch(n int) ([]byte, error) {
	copy(in.buf, in.buf[in.at:in.end])
	in.at, in.end = 0, in.end-in.at
	for in.end < n {
		if in.end == len(in.buf) {
			in.buf = append(in.buf, make([]byte, len(in.buf))...)
		}
		if err := in.read(); err != nil {
			if errors.Is(err, io.EOF) && in.end > 0 {
				err = io.ErrUnexpectedEOF
			}
			return in.buf[:in.end], err
		}
	}
	return in.buf[:n], nil
}

// read takes what one call of Read brings.
func (in *input) read() error {
	for range 100 { // as bufio: a Reader that brings nothing so often brings nothing at all
		if in.failed != nil {
			return in.failed
		}
		n, err := in.from.Read(in.buf[in.end:])
		in.end += n
		in.failed = err
		if n > 0 {
			return nil
		}
	}
	if in.failed == nil {
		in.failed = io.ErrNoProgress
	}
	return in.failed
}

// take moves on past n bytes that were peeked.
func (in *input) take(n int) {
	in.at += n
	in.offset += int64(n)
}

// skip moves on past n bytes, however many they are.
func (in *input) skip(n int) error {
	for n > 0 {
		b, err := in.peek(min(n, firstBuffer))
		in.take(len(b))
		n -= len(b)
		if err != nil {
			return err
		}
	}
	return nil
}

// Read implements io.Reader, for what unpacks the file.
func (in *input) Read(p []byte) (int, error) {
	if _, err := in.peek(1); err != nil {
		return 0, err
	}
	n := copy(p, in.buf[in.at:in.end])
	in.take(n)
	return n, nil
}
